"""Gates on the evidence itself: is this the right model, evaluation, config and question set, and is it whole?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.gating.observed import EvaluationObserved, Evidence, Hashes
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, short, some
from mlflow_genie_plugin.gating.rules.outcomes import each_planned_once
from mlflow_genie_plugin.gating.rules.rule import Rule, ScopeCriteria, StageCriteria, Subject


@dataclass(frozen=True)
class Integrity(Rule):
    """What every evaluation is asked, whatever the criteria say: there is no line that could switch it off."""

    STEMS: ClassVar[tuple[str, ...]] = (
        "model_intact",
        "evaluation_intact",
        "evaluation_complete",
        "accepted_scope",
        "same_model",
        "same_config",
        "same_questions",
    )
    WITHOUT_EVALUATION: ClassVar[frozenset[str]] = frozenset({"model_intact"})
    WAIVABLE: ClassVar[bool] = False

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        return cls()

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return self.STEMS

    def decide(self, gate: str, subject: Subject) -> GateResult:
        decisions: dict[str, Callable[[], GateResult]] = {
            "model_intact": lambda: model_intact(subject.evidence),
            "evaluation_intact": lambda: evaluation_intact(subject.evaluation),
            "evaluation_complete": lambda: evaluation_complete(subject.evaluation),
            "accepted_scope": lambda: accepted_scope(subject.criteria, subject.evaluation),
            "same_model": lambda: same_model(subject.evidence, subject.evaluation),
            "same_config": lambda: same_config(subject.evidence, subject.evaluation),
            "same_questions": lambda: same_questions(subject.evaluation),
        }
        return decisions[gate]()


def model_intact(evidence: Evidence) -> GateResult:
    gate = "model_intact"
    if evidence.model_problem:
        return GateResult(gate, Outcome.FAILED, evidence.model_problem)
    if evidence.hashes is None or not _all_known(evidence.hashes):
        return GateResult(gate, Outcome.UNDECIDED, "the model's hashes are not known")
    return GateResult(gate, Outcome.PASSED, "every file of the model has the hash recorded when it was created")


def evaluation_intact(evaluation: EvaluationObserved) -> GateResult:
    gate = "evaluation_intact"
    if evaluation.problem:
        return GateResult(gate, Outcome.FAILED, evaluation.problem)
    if evaluation.recorded_sha256 is None:
        reason = "the run has no digest of its result, so the file cannot be held against anything"
        return GateResult(gate, Outcome.UNDECIDED, reason)
    if evaluation.sha256 != evaluation.recorded_sha256:
        reason = (
            f"the result file has sha256 {short(evaluation.sha256)}, the run recorded "
            f"{short(evaluation.recorded_sha256)}: it was changed after the evaluation"
        )
        return GateResult(gate, Outcome.FAILED, reason)
    return GateResult(gate, Outcome.PASSED, "the result file has the digest that the run recorded")


def evaluation_complete(evaluation: EvaluationObserved) -> GateResult:
    gate = "evaluation_complete"
    for source, state in (("run", evaluation.state), ("result file", evaluation.status)):
        if state != "complete":
            why = f": {evaluation.invalid_reason}" if evaluation.invalid_reason else ""
            return GateResult(gate, Outcome.UNDECIDED, f"the {source} says {state or 'nothing about its state'}{why}")
    return GateResult(gate, Outcome.PASSED, f"run and result file say complete (attempt {evaluation.attempts})")


def accepted_scope(criteria: StageCriteria, evaluation: EvaluationObserved) -> GateResult:
    gate = "accepted_scope"
    accepted = ", ".join(criteria.scopes)
    if evaluation.scope not in criteria.scopes:
        reason = f"stage {criteria.stage} accepts {accepted}; this evaluation has scope {evaluation.scope}"
        return GateResult(gate, Outcome.UNDECIDED, reason, measured=evaluation.scope, required=accepted)
    reason = f"stage {criteria.stage} accepts an evaluation of scope {evaluation.scope}"
    return GateResult(gate, Outcome.PASSED, reason, measured=evaluation.scope, required=accepted)


def same_model(evidence: Evidence, evaluation: EvaluationObserved) -> GateResult:
    gate = "same_model"
    for source, model_id in (("result file", evaluation.model_id), ("run", evaluation.recorded_model_id)):
        if not model_id:
            return GateResult(gate, Outcome.UNDECIDED, f"the {source} does not say which model was evaluated")
        if model_id != evidence.model_id:
            return GateResult(gate, Outcome.FAILED, f"the {source} is of {model_id}, not of {evidence.model_id}")
    return GateResult(gate, Outcome.PASSED, "the evaluation is of this model")


def same_config(evidence: Evidence, evaluation: EvaluationObserved) -> GateResult:
    gate = "same_config"
    model = evidence.hashes
    if model is None or not _all_known(model) or not _all_known(evaluation.hashes):
        return GateResult(gate, Outcome.UNDECIDED, "a hash of the config is not known")
    pairs = (
        ("content hash", model.content, evaluation.hashes.content),
        ("behaviour hash", model.behaviour, evaluation.hashes.behaviour),
        ("snapshot hash", model.snapshot, evaluation.hashes.snapshot),
        ("behaviour hash of the live space before asking", model.behaviour, evaluation.live_before),
        ("behaviour hash of the live space after asking", model.behaviour, evaluation.live_after),
    )
    for name, wanted, seen in pairs:
        if seen is None:
            return GateResult(gate, Outcome.UNDECIDED, f"the {name} was not recorded")
        if seen != wanted:
            reason = f"the {name} is {short(seen)}, the model's is {short(wanted)}: another config was asked"
            return GateResult(gate, Outcome.FAILED, reason)
    return GateResult(gate, Outcome.PASSED, "the space held the model's config before and after the questions")


def same_questions(evaluation: EvaluationObserved) -> GateResult:
    gate = "same_questions"
    digests = (evaluation.benchmarks_sha256, evaluation.recorded_benchmarks_sha256, evaluation.stored_benchmarks_sha256)
    if evaluation.planned is None or evaluation.p0 is None or None in digests or not all(digests):
        return GateResult(gate, Outcome.UNDECIDED, "the run does not hold the benchmark set it was asked from")
    if len(set(digests)) != 1:
        reason = "result file, run and stored benchmark set name different sets: " + ", ".join(map(short, digests))
        return GateResult(gate, Outcome.FAILED, reason)
    for what, ids in _wrong_rows(evaluation, evaluation.planned):
        if ids:
            return GateResult(gate, Outcome.FAILED, f"{what}: {some(ids)}", questions=ids)
    if evaluation.planned_count != len(evaluation.planned):
        reason = (
            f"the result says {evaluation.planned_count} questions were planned, the set has {len(evaluation.planned)}"
        )
        return GateResult(gate, Outcome.FAILED, reason)
    return GateResult(
        gate, Outcome.PASSED, f"each of the {len(evaluation.planned)} planned questions has exactly one row"
    )


def _wrong_rows(evaluation: EvaluationObserved, planned: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each thing that can be wrong with rows, and the ids of those with which it is."""
    if not each_planned_once(evaluation):
        times, wanted = evaluation.rows.times, set(planned)
        yield "questions without a row", tuple(sorted(wanted - times.keys()))
        yield "rows of no question in the benchmark set", tuple(sorted(times.keys() - wanted))
        yield "questions with more than one row", tuple(sorted(name for name, count in times.items() if count > 1))
    yield "questions that are not those of the benchmark set", evaluation.rows.differing


def _all_known(hashes: Hashes) -> bool:
    return bool(hashes.content and hashes.behaviour and hashes.snapshot)
