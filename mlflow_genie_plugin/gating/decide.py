"""The decision: criteria and evidence in, one result per gate out. No pytest, no MLflow, no assert, no clock.

Three-valued: passed, failed (even the best reading of what is missing would not pass) and undecided (what is missing
could change the answer). Only passed is a pass.
"""

from __future__ import annotations

from dataclasses import replace

from mlflow_genie_plugin.gating.observed import Evidence
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome
from mlflow_genie_plugin.gating.rules.rule import Rule, StageCriteria, Subject, stem_and_part
from mlflow_genie_plugin.gating.waiving import waived_or_not


def decide(criteria: StageCriteria, evidence: Evidence) -> tuple[GateResult, ...]:
    """Return one result for every gate that the criteria ask, in the order of the register.

    Custom gates are not among them: what they check is known only to the tests that report them.
    """
    section = criteria.section(evidence.evaluation.scope if evidence.evaluation else None)
    subject = Subject(criteria, section, evidence)
    results: tuple[GateResult, ...] = ()
    for rule in section.rules:
        for gate in rule.asked(section):
            result = _decided(rule, gate, replace(subject, earlier=results))
            results = (*results, waived_or_not(result, section, criteria.stage, evidence))
    return results


def gates_asked(criteria: StageCriteria, scope: str | None) -> tuple[str, ...]:
    """Return the ids of the gates that have to be reported for an evaluation of ``scope``, custom ones last."""
    section = criteria.section(scope)
    return (*section.gates, *section.custom_gates)


def _decided(rule: Rule, gate: str, subject: Subject) -> GateResult:
    if subject.evidence.evaluation is None and stem_and_part(gate)[0] not in rule.WITHOUT_EVALUATION:
        why = subject.evidence.evaluation_problem or "none was found"
        return GateResult(gate, Outcome.UNDECIDED, f"there is no evaluation to look at: {why}")
    return rule.decide(gate, subject)
