"""Collecting the evidence for one pinned model version from MLflow: the same for the gates, verify and promote.

What is wrong with the evidence becomes part of it (a gate then says so); what cannot be reached is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.canonical_json import sha256_of_bytes, sha256_of_file
from mlflow_genie_plugin.errors import (
    EvaluationNotFoundError,
    InvalidEvaluationError,
    TamperedModelError,
    UnreadableFileError,
    UnsupportedFormatError,
)
from mlflow_genie_plugin.gating.evaluation_run import (
    BENCHMARKS_ARTIFACT,
    BENCHMARKS_PARAM,
    DIGEST_PARAM,
    MODEL_TAG,
    RESULT_ARTIFACT,
    ROWS_ARTIFACT,
    SCORES_ARTIFACT,
    STATUS_TAG,
)
from mlflow_genie_plugin.gating.garbage import no_garbage
from mlflow_genie_plugin.gating.observe import observe, observed_question
from mlflow_genie_plugin.gating.observed import Evidence, Hashes
from mlflow_genie_plugin.gating.questions_observed import Questions
from mlflow_genie_plugin.gating.stored_benchmarks import StoredBenchmarks, many_stored_benchmarks, stored_benchmarks
from mlflow_genie_plugin.registry import (
    ArtifactFile,
    download_run_artifact,
    get_run,
    resolve_model,
    run_artifact_file,
    search_runs,
)

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import EvaluationResult
    from mlflow_genie_plugin.evaluation.rows_file import ReadRows
    from mlflow_genie_plugin.flavor.load import Snapshot
    from mlflow_genie_plugin.gating.explanation import Rows
    from mlflow_genie_plugin.registry import ModelRecord, RunRecord


@dataclass(frozen=True, slots=True)
class Collected:
    """The evidence, and where it came from.

    Attributes:
        snapshot: The verified config; None when the model's files are not what was recorded.
        run: The evaluation run; None when the evaluation is a file that no run holds, or there is none.
        result: The parsed evaluation; None when there is none that can be read, and when it is a large one that was
            decided from its scores.
        about: The evaluation without its questions; None when there is none that can be read.
        rows: Its questions, in full, by id.
        from_file: Why this can only be a dry run: the evaluation is a file that is not the run's artifact.
        baselines: What the versions to compare with have, by the criteria's name for them, where there are any.
    """

    model: ModelRecord
    evidence: Evidence
    snapshot: Snapshot | None = None
    run: RunRecord | None = None
    result: EvaluationResult | None = None
    about: EvaluationResult | None = None
    rows: Rows = field(default_factory=dict[str, Any], repr=False)
    from_file: str = ""
    baselines: Mapping[str, Collected] = field(default_factory=dict)


def collect(reference: str | ModelRecord, evaluation: str | None = None, *, whole: bool = False) -> Collected:
    """Return what there is to decide on for one model version.

    Args:
        reference: What names a model version (resolved once; its record is pinned from here on), or that record.
        evaluation: A run id, or the path of a result file. Default: the latest complete evaluation of the model.
        whole: Read every question of the result file, also where its scores stand beside it.

    Raises:
        ModelNotFoundError, NotAGenieModelError: There is no such model version.
        EvaluationNotFoundError: The run that was named does not exist.
        TrackingUnavailableError: MLflow cannot be reached.
    """
    model = resolve_model(reference) if isinstance(reference, str) else reference
    snapshot, evidence = _model_evidence(model)
    collected = Collected(model, evidence, snapshot)
    if evaluation is not None and _is_file(evaluation):
        return _with_file(collected, Path(evaluation))
    attempts = evaluation_runs(model)
    if evaluation is not None:
        run = next((run for run in attempts if run.run_id == evaluation), None)
        run = run or get_run(evaluation, EvaluationNotFoundError)
    else:
        run = next((run for run in attempts if run.tags.get(STATUS_TAG) == "complete"), None)
        if run is None:
            return _without(collected, _no_complete_run(model, attempts))
    try:
        file = run_artifact_file(run.run_id, RESULT_ARTIFACT, EvaluationNotFoundError)
    except EvaluationNotFoundError as error:
        return replace(_without(collected, error.what), run=run)
    return _with_run(collected, file, run, max(1, len(attempts)), whole=whole)


def evaluation_runs(model: ModelRecord) -> list[RunRecord]:
    """Return every evaluation run of the model in its experiment, newest first, finished or not."""
    return search_runs(experiment_ids=[model.experiment_id], tags={MODEL_TAG: model.model_id})


def current_digest(run_id: str) -> str:
    """Return the sha256 of the run's result file as it is stored now."""
    return sha256_of_file(run_artifact_file(run_id, RESULT_ARTIFACT, EvaluationNotFoundError).path)


def _model_evidence(model: ModelRecord) -> tuple[Snapshot | None, Evidence]:
    from mlflow_genie_plugin.flavor.load import read_snapshot

    evidence = Evidence(model.model_id, model.name, model.params.get("space_id", ""), None)
    try:
        snapshot = read_snapshot(model)
    except (TamperedModelError, UnreadableFileError, UnsupportedFormatError) as error:
        return None, replace(evidence, model_problem=error.what)
    hashes = Hashes(snapshot.content_sha256, snapshot.behaviour_sha256, snapshot.snapshot_sha256)
    return snapshot, replace(evidence, space_id=snapshot.space_id, hashes=hashes)


def _with_file(collected: Collected, path: Path) -> Collected:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error
    attempts = evaluation_runs(collected.model)
    digest = sha256_of_bytes(data)
    for run in attempts:
        if run.params.get(DIGEST_PARAM) == digest and current_digest(run.run_id) == digest:
            return _with_result(collected, data, run, len(attempts))
    from mlflow_genie_plugin.evaluation.rows_file import beside

    why = f"{path} is not the result of any evaluation run of this model"
    return replace(_with_result(collected, data, None, len(attempts), beside(path)), from_file=why)


def _with_run(collected: Collected, file: ArtifactFile, run: RunRecord, attempts: int, *, whole: bool) -> Collected:
    from mlflow_genie_plugin.evaluation.large_result import is_large

    if not is_large(file.path):
        return _with_result(collected, file.path.read_bytes(), run, attempts)
    return (_with_questions if whole else _with_scores)(collected, file, run, attempts)


def _with_scores(collected: Collected, file: ArtifactFile, run: RunRecord, attempts: int) -> Collected:
    """Take the questions from the scores of a large evaluation; its result file is hashed, not read."""
    from mlflow_genie_plugin.evaluation.large_result import glance, read_head
    from mlflow_genie_plugin.evaluation.scores_file import read_scores, require_same_counts
    from mlflow_genie_plugin.gating.scored_questions import StoredRows, scored_questions

    try:
        with no_garbage(), ThreadPoolExecutor(1) as pool:
            # Hashing waits for no lock of Python's, so both are done in the time of one.
            reading = pool.submit(read_head, file.path)
            recorded = run.params.get(BENCHMARKS_PARAM)
            benchmarks = _stored_benchmarks(run, partial(many_stored_benchmarks, recorded_sha256=recorded))
            try:
                first = glance(file.path)
                data = download_run_artifact(run.run_id, SCORES_ARTIFACT, InvalidEvaluationError)
                scores = read_scores(data, first.scores_file, first.head.judges, first.size)
                require_same_counts(scores, first.counts)
                questions = scored_questions(scores, benchmarks)
            except InvalidEvaluationError:
                reading.result()  # what is wrong with the result file itself comes first
                raise
            large = reading.result()
            first.require_same(large)
    except (InvalidEvaluationError, UnsupportedFormatError) as error:
        return replace(_without(collected, error.what), run=run)
    observed = observe(large.head, large.sha256, run, attempts, benchmarks, questions)
    rows = StoredRows(large, file, scores, questions.ids)
    evidence = replace(collected.evidence, evaluation=observed)
    return replace(collected, evidence=evidence, run=run, about=large.head, rows=rows)


def _with_questions(collected: Collected, file: ArtifactFile, run: RunRecord, attempts: int) -> Collected:
    """Take the questions from the result file of a large evaluation, and hold its scores against them."""
    from mlflow_genie_plugin.evaluation.large_result import require_same_scores

    data = file.path.read_bytes()
    found = _with_result(collected, data, run, attempts)
    if found.result is None or found.evidence.evaluation is None:
        return found
    try:
        scores = download_run_artifact(run.run_id, SCORES_ARTIFACT, InvalidEvaluationError)
        require_same_scores(data, scores, found.result)
    except InvalidEvaluationError as error:
        observed = replace(found.evidence.evaluation, problem=found.evidence.evaluation.problem or error.what)
        return replace(found, evidence=replace(found.evidence, evaluation=observed))
    return found


def _with_result(
    collected: Collected, data: bytes, run: RunRecord | None, attempts: int, read_rows: ReadRows | None = None
) -> Collected:
    from mlflow_genie_plugin.evaluation.result_file import parse_result

    if run is not None:
        read_rows = partial(download_run_artifact, run.run_id, ROWS_ARTIFACT, InvalidEvaluationError)
    try:
        result = parse_result(data, read_rows)
    except (InvalidEvaluationError, UnsupportedFormatError) as error:
        return replace(_without(collected, error.what), run=run)
    benchmarks = _stored_benchmarks(run)
    entries: Mapping[str, Mapping[str, Any]] = benchmarks.entries if benchmarks is not None else {}
    questions = Questions(
        observed_question(question, entries.get(question.question_id, {})) for question in result.questions
    )
    observed = observe(result, sha256_of_bytes(data), run, attempts, benchmarks, questions)
    return replace(
        collected,
        evidence=replace(collected.evidence, evaluation=observed),
        run=run,
        result=result,
        about=replace(result, questions=()),
        rows={question.question_id: question for question in result.questions},
    )


def _stored_benchmarks(
    run: RunRecord | None, read: Callable[[bytes], StoredBenchmarks | None] = stored_benchmarks
) -> StoredBenchmarks | None:
    """Return the run's benchmark set; None when it has none."""
    if run is None:
        return None
    try:
        return read(download_run_artifact(run.run_id, BENCHMARKS_ARTIFACT, EvaluationNotFoundError))
    except EvaluationNotFoundError:
        return None


def _without(collected: Collected, problem: str) -> Collected:
    return replace(collected, evidence=replace(collected.evidence, evaluation_problem=problem))


def _no_complete_run(model: ModelRecord, attempts: Sequence[RunRecord]) -> str:
    if not attempts:
        return f"model {model.model_id} was never evaluated; run mlflow-genie evaluate --model-id {model.model_id}"
    states = ", ".join(f"{run.run_id} {run.tags.get(STATUS_TAG, 'unknown')}" for run in attempts[:3])
    return f"none of the {len(attempts)} evaluations of this model is complete ({states})"


def _is_file(text: str) -> bool:
    # A run id is 32 hex digits; whatever looks like a path is one, so that a missing file is not taken for a run.
    return Path(text).is_file() or "/" in text or "\\" in text or text.endswith(".json")
