"""Findings as MLflow assessments: what people see beside a trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from mlflow_genie_plugin.evaluation.finding import Finding, Outcome
from mlflow_genie_plugin.evaluation.result import QuestionResult

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Expectation, Feedback

ARBITER = "arbiter"


def assessments_of(question: QuestionResult, judges: Iterable[str]) -> Iterator[Assessment]:
    """Yield an assessment per judge, one per language model's opinion, and the arbiter's verdict where there is one."""
    for name in judges:
        finding = question.findings.get(name)
        yield feedback_of(name, finding)
        if finding is not None and finding.opinion is not None:
            yield opinion_of(name, finding.opinion)
    if question.arbitration is not None:
        yield arbitration_of(question.arbitration)


def expectations_of(question: QuestionResult) -> Iterator[Expectation]:
    """Yield the ground truth as expectations."""
    from mlflow.entities import AssessmentSource, Expectation

    source = AssessmentSource(source_type="HUMAN", source_id="benchmarks")
    yield Expectation(name="expected_sql", value=question.expected_sql, source=source)
    if question.expected_asset:
        yield Expectation(name="expected_asset", value=question.expected_asset, source=source)


def feedback_of(name: str, finding: Finding | None, *, undecided: bool | None = None) -> Feedback:
    """Return a finding as feedback: True or False where the judge decided, else an error and ``undecided``."""
    from mlflow.entities import AssessmentError, AssessmentSource, Feedback

    source = AssessmentSource(source_type="CODE", source_id=f"mlflow-genie/{name}")
    if finding is None:
        error = AssessmentError("MISSING", "the judge gave no finding")
        return Feedback(name=name, value=undecided, source=source, error=error)
    metadata = _metadata(finding)
    if finding.outcome in (Outcome.PASSED, Outcome.FAILED):
        return Feedback(name=name, value=finding.passed, rationale=finding.rationale, source=source, metadata=metadata)
    error = AssessmentError(finding.failure_type or finding.outcome.value.upper(), finding.rationale)
    return Feedback(
        name=name, value=undecided, error=error, rationale=finding.rationale, source=source, metadata=metadata
    )


def opinion_of(name: str, opinion: Mapping[str, Any]) -> Feedback:
    """Return what a language model said about the same question, under the judge's name with a source of its own."""
    from mlflow.entities import AssessmentError, AssessmentSource, Feedback

    source = AssessmentSource(source_type="LLM_JUDGE", source_id=str(opinion.get("model") or "language model"))
    rationale = str(opinion.get("rationale") or "")
    outcome = opinion.get("outcome")
    if outcome in ("passed", "failed"):
        return Feedback(name=name, value=outcome == "passed", rationale=rationale, source=source)
    problem = str(opinion.get("problem") or "undecided").upper()
    said = rationale or str(opinion.get("problem_text") or "")
    return Feedback(name=name, error=AssessmentError(problem, said), rationale=said, source=source)


def arbitration_of(arbitration: Mapping[str, Any]) -> Feedback:
    """Return the arbiter's verdict on who is right, as a word; it is no score."""
    from mlflow.entities import AssessmentSource, Feedback

    return Feedback(
        name=ARBITER,
        value=str(arbitration["verdict"]),
        rationale=str(arbitration["rationale"]),
        source=AssessmentSource(source_type="CODE", source_id=f"mlflow-genie/{ARBITER}"),
        metadata={"rule": str(arbitration["rule"]), "confidence": str(arbitration["confidence"])},
    )


def _metadata(finding: Finding) -> dict[str, str]:
    metadata = {"outcome": finding.outcome.value, "failure_type": finding.failure_type or ""}
    if finding.severity is not None:
        metadata["severity"] = finding.severity
    if finding.blame:
        metadata["blame"] = orjson.dumps(list(finding.blame)).decode()
    if finding.fix:
        metadata["fix"] = finding.fix
    if finding.confidence is not None:
        metadata["confidence"] = f"{finding.confidence:.3f}"
    return metadata
