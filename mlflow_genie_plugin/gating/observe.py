"""From an evaluation result to what the gates look at: pure, and the same for every size of evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.gating.evaluation_run import (
    BEHAVIOUR_PARAM,
    BENCHMARKS_PARAM,
    CONTENT_PARAM,
    DIGEST_PARAM,
    MODEL_PARAM,
    STATUS_TAG,
)
from mlflow_genie_plugin.gating.observed import EvaluationObserved, Hashes
from mlflow_genie_plugin.gating.question_observed import FindingObserved, QuestionObserved
from mlflow_genie_plugin.gating.questions_observed import Questions
from mlflow_genie_plugin.gating.stored_benchmarks import StoredBenchmarks

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.finding import Finding
    from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult
    from mlflow_genie_plugin.registry import RunRecord


def observed_finding(finding: Finding) -> FindingObserved:
    """Return what the gates need of a finding."""
    return FindingObserved(
        finding.outcome.value,
        finding.score,
        finding.rationale,
        finding.settled,
        finding.not_asked,
        finding.blame,
        finding.fix,
    )


def observe(
    result: EvaluationResult,
    sha256: str,
    run: RunRecord | None,
    attempts: int,
    benchmarks: StoredBenchmarks | None,
    questions: Questions,
) -> EvaluationObserved:
    params: Mapping[str, str] = run.params if run is not None else {}
    entries = benchmarks.entries if benchmarks is not None else None
    return EvaluationObserved(
        run_id=run.run_id if run is not None else "",
        sha256=sha256,
        recorded_sha256=params.get(DIGEST_PARAM),
        problem=_contradiction(result, params),
        state=run.tags.get(STATUS_TAG) if run is not None else result.status,
        status=result.status,
        invalid_reason=result.invalid_reason or "",
        scope=str(result.benchmarks.get("scope", "")),
        model_id=result.model_id,
        recorded_model_id=params.get(MODEL_PARAM),
        hashes=Hashes(*(result.config.get(f"{name}_sha256") for name in ("content", "behaviour", "snapshot"))),
        live_before=result.live.get("behaviour_sha256_before"),
        live_after=result.live.get("behaviour_sha256_after"),
        benchmarks_sha256=str(result.benchmarks.get("sha256", "")),
        recorded_benchmarks_sha256=params.get(BENCHMARKS_PARAM),
        stored_benchmarks_sha256=benchmarks.sha256 if benchmarks is not None else None,
        planned_count=result.planned,
        planned=_planned(result, entries, questions),
        p0=None if entries is None else _p0(entries),
        questions=questions,
        attempts=attempts,
        benchmarks_name=str(result.benchmarks.get("name", "")),
        runner=str(result.runner.get("kind", "")),
        started_at=str(result.runner.get("started_at") or ""),
        finished_at=str(result.runner.get("finished_at") or ""),
        judges=result.judges,
    )


def _contradiction(result: EvaluationResult, params: Mapping[str, str]) -> str:
    pairs = (
        ("content hash", result.config.get("content_sha256"), params.get(CONTENT_PARAM)),
        ("behaviour hash", result.config.get("behaviour_sha256"), params.get(BEHAVIOUR_PARAM)),
    )
    for name, seen, recorded in pairs:
        if recorded is not None and seen != recorded:
            return f"the result file names another {name} than the run recorded"
    return ""


def _planned(
    result: EvaluationResult,
    benchmarks: Mapping[str, Mapping[str, Any]] | None,
    questions: Questions,
) -> tuple[str, ...] | None:
    if benchmarks is None:
        return None
    match result.benchmarks.get("scope"):
        case "full":
            return tuple(benchmarks)
        case "p0":
            return _p0(benchmarks)
        case "held_out":
            return tuple(name for name, entry in benchmarks.items() if entry.get("split") == "held_out")
        case "slice":
            # Which questions a change touches was worked out when they were asked; their number is on record.
            return tuple(name for name in dict.fromkeys(questions.ids) if name in benchmarks)
        case _:
            return None


def _p0(benchmarks: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(name for name, entry in benchmarks.items() if entry.get("priority") == "P0")


def observed_question(question: QuestionResult, entry: Mapping[str, Any]) -> QuestionObserved:
    differs = [
        name.replace("_", " ")
        for name in ("question", "expected_sql", "expected_asset", "priority", "split")
        if entry and getattr(question, name) != entry.get(name)
    ]
    return QuestionObserved(
        question_id=question.question_id,
        question=question.question,
        priority=str(entry.get("priority", question.priority)),
        answered=question.answer.status == "COMPLETED",
        findings={name: observed_finding(finding) for name, finding in question.findings.items()},
        differs=", ".join(differs),
        expected_sql=question.expected_sql,
        latency_seconds=question.answer.latency_seconds,
        entry=entry,
        ruling=question.arbitration,
    )
