"""A finished evaluation: judged, stored, and what a notebook or a machine sees of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import InvalidEvaluationError
from mlflow_genie_plugin.evaluation.engines.engine import engine_named
from mlflow_genie_plugin.evaluation.judge import judge_versions
from mlflow_genie_plugin.evaluation.llm.results import opinion_tally
from mlflow_genie_plugin.evaluation.percent import percent
from mlflow_genie_plugin.evaluation.plan import EvaluationPlan
from mlflow_genie_plugin.evaluation.repeatability import summarise
from mlflow_genie_plugin.evaluation.result import EvaluationResult
from mlflow_genie_plugin.evaluation.result_file import evaluation_sha256
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase


@dataclass(frozen=True)
class Evaluation:
    """A stored evaluation."""

    run_id: str
    result: EvaluationResult
    data: bytes = field(repr=False)
    continued: bool = False

    @property
    def sha256(self) -> str:
        return evaluation_sha256(self.data)

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation for machines: ids, scores, counts and the questions that are not right."""
        result = self.result
        repeated = summarise(result)
        return {
            "run_id": self.run_id,
            "evaluation_id": result.evaluation_id,
            "evaluation_sha256": self.sha256,
            "model_id": result.model_id,
            "space_id": result.space_id,
            "status": result.status,
            "invalid_reason": result.invalid_reason,
            "scope": result.benchmarks["scope"],
            "benchmarks_sha256": result.benchmarks["sha256"],
            "questions": {
                "planned": result.planned,
                "answered": sum(question.answer.status == "COMPLETED" for question in result.questions),
                "p0_wrong": [
                    question.question_id
                    for question in result.questions
                    if question.priority == "P0" and not question.is_right(result.judges)
                ],
            },
            "judges_asked": list(result.judges_asked),
            "scores": {judge: counts.to_json() for judge, counts in result.scores.items()},
            "not_passed": [
                {"question_id": question.question_id, "judge": judge, "outcome": finding.outcome.value,
                 "failure_type": finding.failure_type, "severity": finding.severity,
                 "confidence": finding.confidence, "rationale": finding.rationale,
                 "blame": list(finding.blame), "fix": finding.fix}
                for question in result.questions
                for judge, finding in question.findings.items()
                if not (finding.passed or finding.not_asked)
            ],
            "arbitration": [
                {"question_id": question.question_id, **question.arbitration}
                for question in result.questions
                if question.arbitration is not None
            ],
            "repeatability": None if repeated is None else repeated.to_json(),
            "opinions": opinion_tally(result),
        }  # fmt: skip

    def raise_if_failed(self) -> None:
        """Raise when the result may not be used as evidence.

        Raises:
            InvalidEvaluationError: The live space changed while it was asked.
        """
        if self.result.status != "complete":
            raise InvalidEvaluationError(
                self.result.invalid_reason or "the evaluation is not complete",
                next_step="see what changed with mlflow-genie drift, then evaluate again",
            )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(judge)}</th><td>{percent(counts.score)}</td>"
            f"<td>{counts.passed} of {counts.planned}</td></tr>"
            for judge, counts in self.result.scores.items()
            if judge in self.result.judges_asked
        )
        return f"<table><caption>{escape(self.result.status)} {escape(self.result.model_id)}</caption>{rows}</table>"


def make_result(
    plan: EvaluationPlan,
    cases: Iterable[JudgedCase],
    *,
    schema: SpaceSchema | None,
    evaluation_id: str,
    live: dict[str, str | None],
    invalid_reason: str | None,
    runner: dict[str, Any],
) -> EvaluationResult:
    """Judge the cases of a plan and return the evaluation result, with the schema that the cases carry."""
    snapshot = plan.snapshot
    return EvaluationResult(
        evaluation_id=evaluation_id,
        model_id=snapshot.model_id,
        space_id=plan.space_id,
        status="complete" if invalid_reason is None else "invalid",
        invalid_reason=invalid_reason,
        config={
            "content_sha256": snapshot.content_sha256,
            "behaviour_sha256": snapshot.behaviour_sha256,
            "snapshot_sha256": snapshot.snapshot_sha256,
        },
        live=live,
        benchmarks={
            "name": plan.benchmark_set.name,
            "sha256": plan.benchmark_set.sha256,
            "total": len(plan.benchmark_set.benchmarks),
            "planned": len(plan.benchmarks),
            "scope": plan.scope,
            "patched": list(plan.patched),
            "variables": dict(plan.benchmark_set.variables),
        },
        runner={**runner, "store_rows": plan.store_rows, "traces": plan.traces},
        catalog=None if schema is None else schema.to_json(),
        judges=judge_versions(plan.judges),
        questions=engine_named(plan.engine).judge(cases, plan.judges, plan.store_rows),
    )
