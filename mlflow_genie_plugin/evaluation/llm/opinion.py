"""What a language model said about one question, and what that does to a finding: never overturn evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Protocol

from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES
from mlflow_genie_plugin.evaluation.finding import Finding, Outcome
from mlflow_genie_plugin.evaluation.llm.request import VOCABULARY, Asked, OpinionRequest, request_for

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

ERRORED = "errored"
UNDETERMINED = "undetermined"
VERDICTS = (
    "genie_correct",
    "ground_truth_correct",
    "both_correct",
    "neither_correct",
    UNDETERMINED,
)  # A scorer of your own has no vocabulary of ours: it may say no without naming a failure type.
JUDGED_WRONG = "JUDGED_WRONG"
# A model is never as sure as evidence is, whatever it says of itself.
MOST_CONFIDENT = 0.8

# Problems that the same request would meet again: they are the model's answer. Every other one is an outage.
_ANSWERED_BADLY = frozenset({"garbage", "empty", "refused", "cut_off", "too_long"})


@dataclass(frozen=True, slots=True)
class Opinion:
    """A model's word on one request.

    Attributes:
        outcome: passed, failed, undetermined or errored; of the arbiter one of ``VERDICTS`` or errored.
        failure_type: Of a failed one.
        rationale: The model's own words, at most 1,000 characters.
        confidence: The model's own, from 0 to 1.
        answer_sha256: Digest of the answer as it came; None when none came.
        problem: What went wrong: garbage, empty, refused, cut_off, too_long, rejected, timeout, unavailable,
            not_asked, not_recorded or defect; None when nothing did.
        problem_text: The same for people.
    """

    outcome: str
    failure_type: str | None = None
    rationale: str = ""
    confidence: float | None = None
    answer_sha256: str | None = None
    problem: str | None = None
    problem_text: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether asking the same again would be of no use: the model answered, well or badly."""
        return self.outcome != ERRORED or self.problem in _ANSWERED_BADLY

    def to_json(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], judge: str) -> Opinion | None:
        """Return the opinion in a record, or None when it holds none that this judge's model could have given."""
        said = {item.name: document.get(item.name) for item in fields(cls)}
        outcome, digest, problem = said["outcome"], said["answer_sha256"], said["problem"]
        if outcome == ERRORED:
            text = said["problem_text"]
            known = isinstance(problem, str) and isinstance(text, str)
            return errored_opinion(problem, text, digest) if known else None  # type: ignore[arg-type]
        confidence, rationale = said["confidence"], said["rationale"]
        is_fraction = confidence is None or (isinstance(confidence, int | float) and 0 <= confidence <= 1)
        whole = problem is None and isinstance(digest, str) and isinstance(rationale, str) and is_fraction
        is_scorers = judge != "arbiter" and outcome == "failed" and said["failure_type"] == JUDGED_WRONG
        if not (whole and (is_allowed(judge, said) or is_scorers)):
            return None
        return cls(str(outcome), said["failure_type"], str(rationale), confidence, digest)


class Opinionist(Protocol):
    """Whoever gives opinions: a model, or a record of what one said."""

    def asked(self, judge: str) -> Asked | None:
        """Return how the judge's model is asked; None when it is not."""

    def opinion(self, request: OpinionRequest) -> Opinion:
        """Return the opinion; an outage is an errored opinion, not an exception."""


def errored_opinion(problem: str, text: str, answer_sha256: str | None = None) -> Opinion:
    """Return the opinion of a model that gave no usable word."""
    return Opinion(ERRORED, answer_sha256=answer_sha256, problem=problem, problem_text=text)


def is_allowed(judge: str, answer: Mapping[str, Any]) -> bool:
    """Return whether outcome and failure type are ones that this judge's model may give."""
    if judge == "arbiter":
        return answer.get("outcome") in VERDICTS and answer.get("failure_type") is None
    failure_type = answer.get("failure_type")
    if answer.get("outcome") == "failed":
        return failure_type in allowed_types(judge)
    return answer.get("outcome") in ("passed", UNDETERMINED) and failure_type is None


def allowed_types(judge: str) -> tuple[str, ...]:
    """Return the failure types that the judge's model may name."""
    return tuple(name for name in VOCABULARY.get(judge, ()) if name in FAILURE_TYPES)


def with_opinion(finding: Finding, case: JudgedCase, opinionist: Opinionist) -> Finding:
    """Return the finding with a model's opinion beside it, or settled by it where evidence left it open.

    A passed, failed or errored finding never changes its outcome. An abstained one does where the model was asked to
    settle: passed or failed by its word, with a confidence of at most 0.8, or errored when it gave no usable word.
    """
    asked = opinionist.asked(finding.judge)
    if asked is None:
        return finding
    try:
        request = request_for(finding, case, asked)
        if request is None:
            return finding
        opinion = opinionist.opinion(request)
        digest = request.sha256
    except Exception as error:  # noqa: BLE001 - a defect here must not take a proof away; it is recorded
        opinion, digest = errored_opinion("defect", f"{type(error).__name__} while asking"), ""
    return merged(finding, opinion, asked, digest)


def merged(finding: Finding, opinion: Opinion, asked: Asked, request_sha256: str) -> Finding:
    """Return what finding and opinion make together; pure."""
    settles = asked.mode == "settle" and finding.outcome is Outcome.ABSTAINED
    settled = settles and opinion.outcome in ("passed", "failed")
    record = {
        **opinion.to_json(),
        "mode": asked.mode,
        "model": asked.model,
        "prompt": asked.prompt,
        "prompt_version": asked.prompt_version,
        "request_sha256": request_sha256,
        "settled": settled,
        "deterministic": word_of(finding),
    }
    if settled:
        passed = opinion.outcome == "passed"
        return replace(
            finding,
            outcome=Outcome.PASSED if passed else Outcome.FAILED,
            score=1.0 if passed else 0.0,
            failure_type=opinion.failure_type,
            severity=None if passed else FAILURE_TYPES[opinion.failure_type or ""].severity,
            rationale=f"settled by {asked.model}, not by evidence: {opinion.rationale}",
            evidence={**finding.evidence, "settled_by": f"{asked.model} with {asked.label}"},
            confidence=min(MOST_CONFIDENT, 0.5 if opinion.confidence is None else opinion.confidence),
            opinion=record,
        )
    if settles and opinion.outcome == ERRORED:
        return replace(
            finding,
            outcome=Outcome.ERRORED,
            failure_type="JUDGE_UNAVAILABLE",
            severity=None,
            rationale=f"{asked.model} was to settle what evidence left open, but {opinion.problem_text}",
            opinion=record,
        )
    return replace(finding, opinion=record)


def word_of(finding: Finding) -> dict[str, Any]:
    """Return what the deterministic judge itself said."""
    return {
        "outcome": finding.outcome.value,
        "failure_type": finding.failure_type,
        "score": finding.score,
        "confidence": finding.confidence,
        "rationale": finding.rationale,
    }


def arbiter_finding(arbitration: Mapping[str, Any]) -> Finding:
    """Return an arbitration as the finding about which a model is asked: open where no rule decided."""
    return Finding(
        "arbiter",
        Outcome.ABSTAINED if arbitration["verdict"] == UNDETERMINED else Outcome.FAILED,
        rationale=f"{arbitration['verdict']} by {arbitration['rule']}: {arbitration['rationale']}",
    )


def with_arbiter_opinion(
    arbitration: Mapping[str, Any] | None, case: JudgedCase, opinionist: Opinionist
) -> Mapping[str, Any] | None:
    """Return the arbiter's verdict with a model's opinion beside it, or in place of ``undetermined``.

    A verdict that a rule reached stays. A settled one has low confidence and never carries a proposal: no benchmark is
    corrected on a model's word.
    """
    asked = opinionist.asked("arbiter")
    if arbitration is None or asked is None:
        return arbitration
    finding = with_opinion(arbiter_finding(arbitration), case, opinionist)
    if finding.opinion is None:
        return arbitration
    said = finding.opinion
    settled = (
        arbitration["verdict"] == UNDETERMINED
        and asked.mode == "settle"
        and said["outcome"] not in (ERRORED, UNDETERMINED)
    )
    record = {
        **said,
        "settled": settled,
        "deterministic": {
            name: arbitration[name] for name in ("verdict", "rule", "rationale", "confidence") if name in arbitration
        },
    }
    if not settled:
        return {**arbitration, "opinion": record}
    return {
        **arbitration,
        "verdict": said["outcome"],
        "rule": "language_model",
        "rationale": f"settled by {asked.model}, not by evidence: {said['rationale']}",
        "confidence": "low",
        "proposal": None,
        "opinion": record,
    }
