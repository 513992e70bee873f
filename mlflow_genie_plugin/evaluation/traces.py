"""Per-question traces with one assessment per judge in MLflow: stored whole, or reported missing.

Each trace is written once, with its tags and assessments already on it. ``mlflow.genai.evaluate`` would write every
assessment and tag in a request of its own, which takes several times as long, and loses rows on SQLite without an
error when its workers wait for each other. What it would leave behind (the run's type, the model as the run's input) is
set here too, so the evaluation looks the same in MLflow.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import EvaluationLoggingError
from mlflow_genie_plugin.evaluation.assessments import assessments_of, expectations_of
from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult
from mlflow_genie_plugin.registry import translate_errors

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Trace

QUESTION_TAG = "genie.question_id"

_READ_BACK_SECONDS = 30.0


def log_traces(run_id: str, experiment_id: str, model_id: str, result: EvaluationResult) -> None:
    """Store a trace with one assessment per judge for every question, linked to the run and the model; read back.

    Traces of an earlier, interrupted attempt for the same run are replaced. What is stored are our findings. An
    abstained or errored finding becomes an assessment with an error, never a value.

    Raises:
        EvaluationLoggingError: MLflow did not store every trace with every assessment.
        TrackingUnavailableError: The store cannot be reached.
    """
    judges = result.judges_asked
    if not _problems(_stored(run_id, experiment_id), result, judges):
        return
    _delete(run_id, experiment_id)
    with translate_errors(what=f"run {run_id}"):
        _link_run(run_id, model_id)
        for question in result.questions:
            _log(question, judges, run_id, experiment_id, model_id)
    _complete(run_id, experiment_id, result, judges)
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


def _link_run(run_id: str, model_id: str) -> None:
    import mlflow
    from mlflow.entities import LoggedModelInput
    from mlflow.utils.mlflow_tags import MLFLOW_RUN_TYPE, MLFLOW_RUN_TYPE_GENAI_EVALUATE

    client = mlflow.MlflowClient()
    client.set_tag(run_id, MLFLOW_RUN_TYPE, MLFLOW_RUN_TYPE_GENAI_EVALUATE)
    client.log_inputs(run_id, models=[LoggedModelInput(model_id=model_id)])


def _log(question: QuestionResult, judges: Iterable[str], run_id: str, experiment_id: str, model_id: str) -> None:
    import mlflow
    from mlflow.entities.trace_location import MlflowExperimentLocation
    from mlflow.pyfunc.context import Context, set_prediction_context
    from mlflow.tracing.constant import TraceMetadataKey

    where = MlflowExperimentLocation(experiment_id)
    # MLflow writes traces in the background unless it believes that they belong to an evaluation.
    with (
        set_prediction_context(Context(request_id=uuid.uuid4().hex, is_evaluate=True)),
        mlflow.start_span(question.question_id, span_type="CHAIN", trace_destination=where) as span,
    ):
        # MLflow's list of traces has room for the beginning of each: what a person looks for comes first.
        span.set_inputs({"question": question.question, "question_id": question.question_id})
        span.set_outputs(_outputs(question))
        mlflow.update_current_trace(
            tags={QUESTION_TAG: question.question_id, "priority": question.priority, "split": question.split},
            metadata={TraceMetadataKey.SOURCE_RUN: run_id, TraceMetadataKey.MODEL_ID: model_id},
        )
        for assessment in _all_assessments(question, judges, run_id):
            assessment.span_id = span.span_id
            mlflow.log_assessment(span.trace_id, assessment)


def _all_assessments(question: QuestionResult, judges: Iterable[str], run_id: str) -> Iterator[Assessment]:
    from mlflow.tracing.constant import AssessmentMetadataKey

    for assessment in (*assessments_of(question, judges), *expectations_of(question)):
        assessment.metadata = {**(assessment.metadata or {}), AssessmentMetadataKey.SOURCE_RUN_ID: run_id}
        yield assessment


def _key(assessment: Assessment) -> tuple[str, str]:
    # A judge and a language model may both speak under the judge's name.
    return assessment.name, str(assessment.source.source_type)


def _complete(run_id: str, experiment_id: str, result: EvaluationResult, judges: tuple[str, ...]) -> None:
    """Add one by one the assessments that the store did not take over with their trace."""
    import mlflow

    by_id = {question.question_id: question for question in result.questions}
    for trace in _stored(run_id, experiment_id):
        question = by_id.get(trace.info.tags.get(QUESTION_TAG, ""))
        if question is None:
            continue
        there = set(map(_key, trace.info.assessments or []))
        with translate_errors(what=f"run {run_id}"):
            for assessment in _all_assessments(question, judges, run_id):
                if _key(assessment) not in there:
                    mlflow.log_assessment(trace.info.trace_id, assessment)


def _outputs(question: QuestionResult) -> dict[str, Any]:
    answer = question.answer
    return {
        "sql": answer.sql,
        "text": answer.text,
        "status": answer.status,
        "row_count": answer.row_count,
        "error": answer.error,
    }


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
    there = {trace.info.tags.get(QUESTION_TAG): set(map(_key, trace.info.assessments or [])) for trace in traces}
    lacking = Counter(
        key[0]
        for question in result.questions
        for key in set(map(_key, _all_assessments(question, judges, ""))) - there.get(question.question_id, set())
    )
    found += [f"{name} is missing on {count} of {len(wanted)} traces" for name, count in lacking.items()]
    return found


def _delete(run_id: str, experiment_id: str) -> None:
    import mlflow

    ids = [trace.info.trace_id for trace in _stored(run_id, experiment_id)]
    with translate_errors(what=f"run {run_id}"):
        for start in range(0, len(ids), 100):
            mlflow.MlflowClient().delete_traces(experiment_id, trace_ids=ids[start : start + 100])
