"""Evaluations as MLflow runs: begun first, complete last, found again by the model they are of.

That an evaluation is complete is a tag of its own, written after everything else was stored and read back; the run's
status says nothing. Metrics are for looking at: scores are computed from the result file's findings.
"""

from __future__ import annotations

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import EvaluationLoggingError, EvaluationNotFoundError, InvalidEvaluationError
from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet
from mlflow_genie_plugin.evaluation.large_result import large_files
from mlflow_genie_plugin.evaluation.result import OVERALL_JUDGE, EvaluationResult
from mlflow_genie_plugin.evaluation.result_file import evaluation_sha256, parse_result, result_files
from mlflow_genie_plugin.evaluation.rows_file import ROWS_FILE
from mlflow_genie_plugin.evaluation.scores_file import SCORES_FILE
from mlflow_genie_plugin.evaluation.traces import log_traces
from mlflow_genie_plugin.flavor.load import Snapshot
from mlflow_genie_plugin.registry import ModelRecord, RunRecord
from mlflow_genie_plugin.settings import resolve_settings

RESULT_ARTIFACT = "evaluation/evaluation_result.json"
ROWS_ARTIFACT = f"evaluation/{ROWS_FILE}"
SCORES_ARTIFACT = f"evaluation/{SCORES_FILE}"
BENCHMARKS_ARTIFACT = "evaluation/benchmarks.json"
STATUS_TAG = "genie.evaluation.status"
MODEL_TAG = "genie.evaluation.model_id"
SCOPE_TAG = "genie.evaluation.scope"
RUNNER_TAG = "genie.evaluation.runner"
DIGEST_PARAM = "genie.evaluation_sha256"

_AGAIN = "run the same command again: no question is asked again, only the storing is repeated"


def begin_run(snapshot: Snapshot, benchmark_set: BenchmarkSet, *, scope: str, runner: str, space_id: str) -> str:
    """Create the evaluation's run in the model's experiment, with status ``running``, and return its id."""
    model = snapshot.model
    run = registry.create_run(
        f"evaluate_{model.name}",
        experiment_id=model.experiment_id,
        tags={
            STATUS_TAG: "running",
            MODEL_TAG: model.model_id,
            SCOPE_TAG: scope,
            RUNNER_TAG: runner,
            "genie.kind": "evaluation",
        },
        description=f"Evaluation of {model.name} on {benchmark_set.name} ({scope})",
    )
    registry.log_params(
        run.run_id,
        {
            "genie.model_id": model.model_id,
            "genie.space_id": space_id,
            "genie.config_sha256": snapshot.content_sha256,
            "genie.behaviour_sha256": snapshot.behaviour_sha256,
            "genie.benchmarks_sha256": benchmark_set.sha256,
        },
    )
    registry.log_artifact(run.run_id, BENCHMARKS_ARTIFACT, benchmark_set.to_bytes())
    return run.run_id


def set_status(run_id: str, status: str) -> None:
    """Set the evaluation's status: running, interrupted, invalid or complete."""
    registry.set_run_tags(run_id, {STATUS_TAG: status})


def run_still_exists(run_id: str) -> bool:
    """Whether a run that was begun earlier can be continued."""
    try:
        registry.get_run(run_id, EvaluationNotFoundError)
    except EvaluationNotFoundError:
        return False
    return True


def store_evaluation(run_id: str, model: ModelRecord, result: EvaluationResult, *, traces: bool = True) -> bytes:
    """Store the result in its run and return the bytes of the result file; safe to run again after a failure.

    Order: result file, traces and assessments, metrics, digest param, and last the status. An ``invalid`` result gets
    neither traces nor metrics.

    Raises:
        EvaluationLoggingError: What is stored is not what was logged; the evaluation is not marked complete.
        TrackingUnavailableError: The store cannot be reached.
    """
    files = _files(result)
    data = files[RESULT_ARTIFACT]
    digest = evaluation_sha256(data)
    run = registry.get_run(run_id, EvaluationNotFoundError)
    if run.params.get(DIGEST_PARAM, digest) != digest:
        raise EvaluationLoggingError(
            f"run {run_id} already holds another evaluation result", next_step="evaluate again with --restart"
        )
    registry.log_artifacts(run_id, files)
    for path, logged in files.items():
        if registry.download_run_artifact(run_id, path, EvaluationLoggingError) != logged:
            raise EvaluationLoggingError(f"{path} stored in run {run_id} is not what was logged", next_step=_AGAIN)
    if result.status == "complete":
        if traces:
            log_traces(run_id, run.experiment_id, model.model_id, result)
        registry.log_metrics(run_id, metrics_of(result), model_id=model.model_id)
    if DIGEST_PARAM not in run.params:
        registry.log_params(run_id, {DIGEST_PARAM: digest})
    registry.set_terminated(run_id, "FINISHED" if result.status == "complete" else "FAILED")
    set_status(run_id, result.status)
    return data


def _files(result: EvaluationResult) -> dict[str, bytes]:
    settings = resolve_settings()
    if len(result.questions) > settings.whole_questions:
        large = large_files(result, settings.inline_cells)
        data, found = large.result, {ROWS_ARTIFACT: large.rows, SCORES_ARTIFACT: large.scores}
    else:
        data, rows = result_files(result, settings.inline_cells)
        found = {ROWS_ARTIFACT: rows}
    return {**{path: content for path, content in found.items() if content is not None}, RESULT_ARTIFACT: data}


def attempts(model: ModelRecord) -> list[RunRecord]:
    """Return every evaluation run of the model, newest first, whatever became of it."""
    return registry.search_runs(experiment_ids=[model.experiment_id], tags={MODEL_TAG: model.model_id})


def latest_complete(model_id: str) -> tuple[RunRecord | None, int]:
    """Return the newest complete evaluation run of a model (or None), and how many evaluations were begun."""
    runs = attempts(registry.get_model(model_id))
    return next((run for run in runs if run.tags.get(STATUS_TAG) == "complete"), None), len(runs)


def load_evaluation(run_id: str) -> tuple[bytes, EvaluationResult]:
    """Return the result file of an evaluation run, held against the digest that the run recorded.

    Raises:
        EvaluationNotFoundError: There is no such run, or it has no result.
        InvalidEvaluationError: The file is not the one that was recorded, or breaks its format.
    """
    run = registry.get_run(run_id, EvaluationNotFoundError)
    data = registry.download_run_artifact(run_id, RESULT_ARTIFACT, EvaluationNotFoundError)
    recorded = run.params.get(DIGEST_PARAM)
    if recorded is None:
        raise InvalidEvaluationError(
            f"run {run_id} has a result file, but the evaluation was never finished", next_step="evaluate again"
        )
    if evaluation_sha256(data) != recorded:
        raise InvalidEvaluationError(
            f"the result file of run {run_id} has sha256 {evaluation_sha256(data)[:12]}, recorded was {recorded[:12]}: "
            "it was changed after the evaluation",
            next_step="find out who can write to the run's artifacts, then evaluate again",
        )
    return data, parse_result(
        data, lambda: registry.download_run_artifact(run_id, ROWS_ARTIFACT, InvalidEvaluationError)
    )


def metrics_of(result: EvaluationResult) -> dict[str, float]:
    metrics = {f"{judge}/mean": result.score_of(judge) for judge in result.judges_asked}
    if OVERALL_JUDGE in result.judges:
        metrics["overall_accuracy"] = result.score_of(OVERALL_JUDGE)
    return metrics
