"""Per-question traces and assessments in MLflow (``mlflow.genai.evaluate``): stored whole, or reported missing."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import EvaluationLoggingError
from mlflow_genie_plugin.evaluation.result import EvaluationResult, Finding, Outcome, QuestionResult
from mlflow_genie_plugin.registry import translate_errors

if TYPE_CHECKING:
    from mlflow.entities import Trace

QUESTION_TAG = "genie.question_id"

# With more workers, MLflow's threads on a SQLite store wait for each other's connections until they time out, and rows
# are lost without an error.
_SQLITE_WORKERS = 4
_READ_BACK_SECONDS = 30.0
_SETTINGS = {
    "MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION": "true",  # it would call a predict function once more
    "MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT": "0",
    "MLFLOW_GENAI_EVAL_SCORER_RATE_LIMIT": "0",
}


def log_traces(run_id: str, experiment_id: str, model_id: str, result: EvaluationResult) -> None:
    """Store a trace with one assessment per judge for every question, linked to the run and the model; read back.

    Traces of an earlier, interrupted attempt for the same run are replaced. What is stored are our findings: the
    scorers look them up. An abstained or errored finding becomes an assessment with an error, never a value.

    Raises:
        EvaluationLoggingError: MLflow did not store every trace with every assessment.
        TrackingUnavailableError: The store cannot be reached.
    """
    judges = tuple(result.judges)
    if not _problems(_stored(run_id, experiment_id), result, judges):
        return
    _delete(run_id, experiment_id)
    with translate_errors(what=f"run {run_id}"), _quietly():
        _evaluate(run_id, model_id, result, judges)
    deadline = time.monotonic() + _READ_BACK_SECONDS
    while problems := _problems(_stored(run_id, experiment_id), result, judges):
        if time.monotonic() > deadline:
            raise EvaluationLoggingError(
                f"MLflow did not store the whole evaluation in run {run_id}: {'; '.join(problems[:3])}",
                next_step="run the same command again: no question is asked again, only the storing is repeated; "
                "or add --no-traces",
                run_id=run_id,
            )
        time.sleep(0.5)


def _evaluate(run_id: str, model_id: str, result: EvaluationResult, judges: tuple[str, ...]) -> None:
    import mlflow
    from mlflow.genai import evaluate

    by_id = {question.question_id: question for question in result.questions}
    data = [
        {
            "inputs": {"question_id": question.question_id, "question": question.question},
            "outputs": _outputs(question),
            "expectations": _expectations(question),
            "tags": {QUESTION_TAG: question.question_id, "priority": question.priority, "split": question.split},
        }
        for question in result.questions
    ]
    with _no_active_run(), mlflow.start_run(run_id=run_id):
        evaluate(data=data, scorers=[_scorer(name, by_id) for name in judges], model_id=model_id)


def _scorer(name: str, by_id: Mapping[str, QuestionResult]) -> Any:
    from mlflow.genai import scorer

    # No aggregations: MLflow leaves errors out of its means, and ours count them.
    @scorer(name=name, aggregations=[])
    def stored_finding(inputs: dict[str, Any]) -> Any:
        return _feedback(name, by_id[inputs["question_id"]].findings.get(name))

    return stored_finding


def _feedback(name: str, finding: Finding | None) -> Any:
    from mlflow.entities import AssessmentError, AssessmentSource, Feedback

    source = AssessmentSource(source_type="CODE", source_id=f"mlflow-genie/{name}")
    if finding is None:
        return Feedback(name=name, source=source, error=AssessmentError("MISSING", "the judge gave no finding"))
    metadata = {"outcome": finding.outcome.value, "failure_type": finding.failure_type or ""}
    if finding.outcome in (Outcome.PASSED, Outcome.FAILED):
        return Feedback(name=name, value=finding.passed, rationale=finding.rationale, source=source, metadata=metadata)
    error = AssessmentError(finding.failure_type or finding.outcome.value.upper(), finding.rationale)
    return Feedback(name=name, error=error, rationale=finding.rationale, source=source, metadata=metadata)


def _outputs(question: QuestionResult) -> dict[str, Any]:
    answer = question.answer
    return {
        "status": answer.status,
        "sql": answer.sql,
        "text": answer.text,
        "row_count": answer.row_count,
        "error": answer.error,
    }


def _expectations(question: QuestionResult) -> dict[str, Any]:
    wanted = {"expected_sql": question.expected_sql}
    return {**wanted, "expected_asset": question.expected_asset} if question.expected_asset else wanted


def _stored(run_id: str, experiment_id: str) -> list[Trace]:
    import mlflow

    with translate_errors(what=f"run {run_id}"):
        traces = mlflow.search_traces(
            locations=[experiment_id], run_id=run_id, include_spans=False, return_type="list", max_results=1_000_000
        )
        return list(traces)


def _problems(traces: list[Trace], result: EvaluationResult, judges: tuple[str, ...]) -> list[str]:
    """Return how the stored traces differ from what the result needs; empty when they are all there."""
    seen = Counter(trace.info.tags.get(QUESTION_TAG, "") for trace in traces)
    wanted = {question.question_id for question in result.questions}
    found = []
    if missing := wanted - set(seen):
        found.append(f"{len(missing)} of {len(wanted)} questions have no trace")
    if sum(seen.values()) > len(wanted):
        found.append(f"{sum(seen.values())} traces for {len(wanted)} questions")
    for judge in judges:
        with_it = {
            trace.info.tags.get(QUESTION_TAG)
            for trace in traces
            if any(item.name == judge for item in trace.info.assessments or [])
        }
        if lacking := wanted - with_it:
            found.append(f"{judge} is missing on {len(lacking)} of {len(wanted)} traces")
    return found


def _delete(run_id: str, experiment_id: str) -> None:
    import mlflow

    ids = [trace.info.trace_id for trace in _stored(run_id, experiment_id)]
    with translate_errors(what=f"run {run_id}"):
        for start in range(0, len(ids), 100):
            mlflow.MlflowClient().delete_traces(experiment_id, trace_ids=ids[start : start + 100])


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Set what makes evaluate safe, and keep its banners and progress bar off our streams."""
    import mlflow

    wanted = dict(_SETTINGS)
    if mlflow.get_tracking_uri().startswith("sqlite"):
        wanted["MLFLOW_GENAI_EVAL_MAX_WORKERS"] = str(_SQLITE_WORKERS)
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _no_active_run() -> Iterator[None]:
    """Put a run that the caller has open aside: evaluate would log into it."""
    import mlflow

    active = mlflow.active_run()
    if active is None:
        yield
        return
    mlflow.end_run(status="RUNNING")
    try:
        yield
    finally:
        mlflow.start_run(run_id=active.info.run_id)
