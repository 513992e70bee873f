"""The decision: criteria and evidence in, one result per gate out. No pytest, no MLflow, no assert, no clock.

Three-valued: passed, failed (even the best reading of what is missing would not pass) and undecided (what is missing
could change the answer). Only passed is a pass.
"""

from __future__ import annotations

from collections.abc import Callable

from mlflow_genie_plugin.gating import integrity, manifest, quality
from mlflow_genie_plugin.gating.criteria import ScopeCriteria, StageCriteria
from mlflow_genie_plugin.gating.observed import EvaluationObserved, Evidence
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome

Rule = Callable[[EvaluationObserved], GateResult]


def decide(criteria: StageCriteria, evidence: Evidence) -> tuple[GateResult, ...]:
    """Return one result for every gate that the criteria ask, in the manifest's order.

    Custom gates are not among them: what they check is known only to the tests that report them.
    """
    evaluation = evidence.evaluation
    section = criteria.section(evaluation.scope if evaluation else None)
    results = [integrity.model_intact(evidence)]
    for gate, rule in _evaluation_rules(criteria, evidence, section):
        if evaluation is None:
            reason = f"there is no evaluation to look at: {evidence.evaluation_problem or 'none was found'}"
            results.append(GateResult(gate, Outcome.UNDECIDED, reason))
        else:
            results.append(rule(evaluation))
    return tuple(results)


def gates_asked(criteria: StageCriteria, scope: str | None) -> tuple[str, ...]:
    """Return the ids of the gates that have to be reported for an evaluation of ``scope``, custom ones last."""
    section = criteria.section(scope)
    return (*_packaged_gates_asked(section), *section.custom_gates)


def _packaged_gates_asked(section: ScopeCriteria) -> tuple[str, ...]:
    asks_p0 = section.p0 is not None and section.p0.off is None
    return (
        *manifest.INTEGRITY_GATES,
        *((manifest.P0_GATE,) if asks_p0 else ()),
        *(manifest.judge_gate("judged", judge) for judge in _judges_needed(section)),
        *(manifest.judge_gate("threshold", judge) for judge in section.judges_asked),
    )


def _judges_needed(section: ScopeCriteria) -> tuple[str, ...]:
    p0 = section.p0.judges if section.p0 is not None and section.p0.off is None else ()
    return tuple(judge for judge in manifest.JUDGES if judge in section.judges_asked or judge in p0)


def _evaluation_rules(criteria: StageCriteria, evidence: Evidence, section: ScopeCriteria) -> list[tuple[str, Rule]]:
    rules: dict[str, Rule] = {
        "evaluation_intact": integrity.evaluation_intact,
        "evaluation_complete": integrity.evaluation_complete,
        "accepted_scope": lambda evaluation: integrity.accepted_scope(criteria, evaluation),
        "same_model": lambda evaluation: integrity.same_model(evidence, evaluation),
        "same_config": lambda evaluation: integrity.same_config(evidence, evaluation),
        "same_questions": integrity.same_questions,
        "enough_questions": lambda evaluation: quality.enough_questions(section, evaluation),
        "error_budget": lambda evaluation: quality.error_budget(section, evaluation),
        "p0": lambda evaluation: quality.p0(section, evaluation),
    }
    for judge in manifest.JUDGES:
        rules[manifest.judge_gate("judged", judge)] = _bound(quality.judged, judge, section)
        rules[manifest.judge_gate("threshold", judge)] = _bound(quality.threshold, judge, section)
    return [(gate, rules[gate]) for gate in _packaged_gates_asked(section) if gate != "model_intact"]


def _bound(
    rule: Callable[[str, ScopeCriteria, EvaluationObserved], GateResult], judge: str, section: ScopeCriteria
) -> Rule:
    return lambda evaluation: rule(judge, section, evaluation)
