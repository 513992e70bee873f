"""Runs: creating, describing, ending and finding them, and their artifacts as bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import GenieError, ModelNotFoundError, UsageError
from mlflow_genie_plugin.registry.artifact_download import download_artifact
from mlflow_genie_plugin.registry.connection import client, current_experiment_id, translate_errors
from mlflow_genie_plugin.registry.models import quoted

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the store has it now; times are milliseconds since the epoch, UTC."""

    run_id: str
    name: str
    experiment_id: str
    status: str
    params: dict[str, str] = field(hash=False)
    tags: dict[str, str] = field(hash=False)
    metrics: dict[str, float] = field(hash=False)
    artifact_uri: str
    start_time: int | None = None
    end_time: int | None = None
    deleted: bool = False


def create_run(
    name: str,
    *,
    experiment_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str = "",
    find_commit: bool = True,
) -> RunRecord:
    """Create a run of its own: not nested in the active run, nothing inherited from it, and not made active.

    Args:
        name: The run's name.
        experiment_id: Default: the current experiment.
        tags: More tags; values become strings.
        description: Markdown that MLflow shows on the run's page.
        find_commit: Let MLflow look for the commit of the calling script, as its fluent functions do; a caller that
            knows it says False and saves the search.
    """
    with translate_errors():
        reached = client()
        own = {key: str(value) for key, value in (tags or {}).items()}
        if description:
            own["mlflow.note.content"] = description
        if find_commit:
            from mlflow.tracking.context.registry import resolve_tags

            own = resolve_tags(own)
        else:
            from mlflow.tracking.context.default_context import DefaultRunContext

            context: Any = DefaultRunContext()
            own = {**context.tags(), **own}
        run = reached.create_run(experiment_id=experiment_id or current_experiment_id(), run_name=name, tags=own)
        return _record(run)


def get_run(run_id: str, missing: type[GenieError] = ModelNotFoundError) -> RunRecord:
    """Return the run; ``missing`` is raised when there is none."""
    with translate_errors(missing, f"run {run_id}"):
        return _record(client().get_run(run_id))


def search_runs(
    *,
    experiment_ids: Sequence[str],
    tags: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    limit: int | None = None,
    deleted: bool = False,
) -> list[RunRecord]:
    """Return the runs whose tags and params have exactly these values, newest first, across all pages.

    With ``deleted``, also the runs that were deleted (until the store removes them for good).
    """
    from mlflow.entities import ViewType

    wanted = [f"tags.`{key}` = {quoted(value)}" for key, value in (tags or {}).items()]
    wanted += [f"params.`{key}` = {quoted(value)}" for key, value in (params or {}).items()]
    found: list[RunRecord] = []
    token: str | None = None
    with translate_errors():
        while True:
            page = client().search_runs(
                experiment_ids=list(experiment_ids),
                filter_string=" AND ".join(wanted),
                run_view_type=ViewType.ALL if deleted else ViewType.ACTIVE_ONLY,
                order_by=["attributes.start_time DESC"],
                max_results=1000 if limit is None else min(1000, limit),
                page_token=token,
            )
            found.extend(_record(run) for run in page)
            token = page.token
            if not token or (limit is not None and len(found) >= limit):
                return found[:limit]


def log_params(run_id: str, params: Mapping[str, Any]) -> None:
    """Write params (write-once) in one request."""
    from mlflow.entities import Param

    with translate_errors(ModelNotFoundError, f"run {run_id}"):
        client().log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])


def log_metrics(run_id: str, metrics: Mapping[str, float], model_id: str | None = None) -> None:
    """Write metrics in one request; with ``model_id`` they also appear on that model."""
    import time

    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    values = [Metric(key, float(value), now, 0, model_id=model_id) for key, value in metrics.items()]
    with translate_errors(ModelNotFoundError, f"run {run_id}"):
        client().log_batch(run_id, metrics=values)


def set_run_tags(run_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags of a run in one request; values become strings."""
    from mlflow.entities import RunTag

    with translate_errors(ModelNotFoundError, f"run {run_id}"):
        client().log_batch(run_id, tags=[RunTag(key, str(value)) for key, value in tags.items()])


def delete_run_tag(run_id: str, key: str) -> None:
    """Remove a tag of a run; one that is not there is fine."""
    if key not in get_run(run_id).tags:
        return
    with translate_errors(ModelNotFoundError, f"run {run_id}"):
        client().delete_tag(run_id, key)


def set_terminated(run_id: str, status: str = "FINISHED") -> None:
    """End a run as ``FINISHED``, ``FAILED`` or ``KILLED``."""
    with translate_errors(ModelNotFoundError, f"run {run_id}"):
        client().set_terminated(run_id, status=status)


def log_artifact(run_id: str, path: str, data: bytes) -> None:
    """Store ``data`` as the artifact ``path`` (with folders, for example ``evaluation/result.json``) of the run."""
    log_artifacts(run_id, {path: data})


def log_artifacts(run_id: str, files: Mapping[str, bytes]) -> None:
    """Store several artifacts of a run in one upload; keys are relative paths."""
    with translate_errors(ModelNotFoundError, f"run {run_id}"), tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), files)
        client().log_artifacts(run_id, folder)


def download_run_artifact(run_id: str, path: str, missing: type[GenieError] = ModelNotFoundError) -> bytes:
    """Return the bytes of an artifact of the run.

    Raises:
        missing: Run or artifact do not exist, or a link or a folder stands in the artifact's place.
        TrackingUnavailableError: MLflow or its store of artifacts cannot be reached.
    """
    with translate_errors(), tempfile.TemporaryDirectory() as folder:
        return run_artifact_path(get_run(run_id, missing), path, missing, folder).read_bytes()


def run_artifact_path(run: RunRecord, path: str, missing: type[GenieError], folder: str | None) -> Path:
    """Return where an artifact of the run is, as :func:`download_run_artifact` finds it."""
    return download_artifact(
        run.artifact_uri,
        path,
        f"artifact {path} of run {run.run_id}",
        missing=missing,
        replaced=missing,
        again="make the run again",
        folder=folder,
    )


def list_run_artifacts(run_id: str) -> list[str]:
    """Return the relative paths of all artifacts of the run, sorted."""

    def walk(path: str | None) -> list[str]:
        found = []
        for info in client().list_artifacts(run_id, path):
            found.extend(walk(info.path) if info.is_dir else [info.path])
        return found

    with translate_errors(ModelNotFoundError, f"run {run_id}"):
        return sorted(walk(None))


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` (relative path → bytes) under ``folder``."""
    for name, data in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise UsageError(f"{name!r} is not a path inside the artifacts")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _record(run: Run) -> RunRecord:
    return RunRecord(
        run_id=run.info.run_id,
        name=run.info.run_name or "",
        experiment_id=str(run.info.experiment_id),
        status=str(run.info.status),
        params=dict(run.data.params),
        tags=dict(run.data.tags),
        metrics=dict(run.data.metrics),
        artifact_uri=run.info.artifact_uri or "",
        start_time=run.info.start_time,
        end_time=run.info.end_time,
        deleted=run.info.lifecycle_stage == "deleted",
    )
