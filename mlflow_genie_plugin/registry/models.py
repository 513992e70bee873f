"""LoggedModels: finding one from any reference, its files, its tags."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import ModelNotFoundError, TamperedModelError, UsageError
from mlflow_genie_plugin.registry.artifact_download import download_artifact
from mlflow_genie_plugin.registry.connection import client, translate_errors

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A LoggedModel as the store has it now. ``params`` are write-once, ``tags`` are the mutable state.

    ``creation_timestamp`` is milliseconds since the epoch, UTC.
    """

    model_id: str
    name: str
    experiment_id: str
    params: dict[str, str] = field(hash=False)
    tags: dict[str, str] = field(hash=False)
    artifact_location: str
    source_run_id: str | None
    status: str
    creation_timestamp: int
    model_type: str | None = None

    @property
    def is_ready(self) -> bool:
        return self.status == "READY"


def get_model(model_id: str) -> ModelRecord:
    """Return the model with this id, whatever its status.

    Raises:
        ModelNotFoundError: There is none.
    """
    with translate_errors(ModelNotFoundError, f"model {model_id}"):
        return _record(client().get_logged_model(model_id))


def create_model(
    name: str,
    *,
    source_run_id: str,
    experiment_id: str,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    model_type: str,
) -> ModelRecord:
    """Create a model that is PENDING until :func:`finalize_model`; it inherits nothing from an active run."""
    with translate_errors():
        reached = client()
        from mlflow.tracking.context import registry as context

        return _record(
            reached.create_logged_model(
                experiment_id=experiment_id,
                name=name,
                source_run_id=source_run_id,
                params=dict(params),
                tags=context.resolve_tags(dict(tags)),
                model_type=model_type,
            )
        )


def finalize_model(model_id: str, status: str) -> None:
    """Set the status of a model to ``READY`` or ``FAILED``."""
    with translate_errors(ModelNotFoundError, f"model {model_id}"):
        client().finalize_logged_model(model_id, status)  # type: ignore[arg-type]


def download_model_file(record: ModelRecord, name: str) -> bytes:
    """Return the bytes of one file of the model.

    Raises:
        ModelNotFoundError: The model has no such file.
        TamperedModelError: A link or a folder stands in its place.
    """
    with translate_errors(), tempfile.TemporaryDirectory() as folder:
        # models:/m-…/file is not an address MLflow understands, so the artifact location is used.
        return download_artifact(
            record.artifact_location,
            name,
            f"file {name} of model {record.model_id}",
            missing=ModelNotFoundError,
            replaced=TamperedModelError,
            again="snapshot the space again",
            folder=folder,
        ).read_bytes()


def list_model_files(record: ModelRecord) -> list[str]:
    """Return the relative paths of all files of the model, sorted."""

    def walk(path: str | None) -> list[str]:
        found = []
        for info in client().list_logged_model_artifacts(record.model_id, path):
            found.extend(walk(info.path) if info.is_dir else [info.path])
        return found

    with translate_errors(ModelNotFoundError, f"model {record.model_id}"):
        return sorted(walk(None))


def set_model_tags(model_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags on a model in one request; values become strings."""
    with translate_errors(ModelNotFoundError, f"model {model_id}"):
        client().set_logged_model_tags(model_id, {key: str(value) for key, value in tags.items()})


def delete_model_tag(model_id: str, key: str) -> None:
    """Remove a tag from a model; a tag that is not there is fine."""
    if key not in get_model(model_id).tags:
        return
    with translate_errors(ModelNotFoundError, f"model {model_id}"):
        client().delete_logged_model_tag(model_id, key)


def search_models(
    *,
    experiment_ids: Sequence[str],
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    status: str | None = "READY",
    limit: int | None = None,
) -> list[ModelRecord]:
    """Return the models whose params and tags have exactly these values, newest first, across all pages.

    Args:
        experiment_ids: Where to look; must not be empty.
        params: Values of write-once params.
        tags: Values of tags.
        status: ``READY``, ``PENDING``, ``FAILED``, or None for any.
        limit: The most to return.
    """
    from mlflow.entities.logged_model_status import LoggedModelStatus

    wanted = [f"params.`{key}` = {quoted(value)}" for key, value in (params or {}).items()]
    wanted += [f"tags.`{key}` = {quoted(value)}" for key, value in (tags or {}).items()]
    if status is not None:
        # The text of a status silently matches nothing; the store compares the number.
        wanted.append(f"status = {LoggedModelStatus(status).to_int()}")
    found: list[ModelRecord] = []
    token: str | None = None
    with translate_errors():
        while True:
            page = client().search_logged_models(
                experiment_ids=list(experiment_ids),
                filter_string=" AND ".join(wanted) or None,
                order_by=[{"field_name": "creation_time", "ascending": False}],
                max_results=100 if limit is None else min(100, limit),
                page_token=token,
            )
            found.extend(_record(model) for model in page)
            token = page.token
            if not token or (limit is not None and len(found) >= limit):
                return found[:limit]


def _record(model: LoggedModel) -> ModelRecord:
    return ModelRecord(
        model_id=model.model_id,
        name=model.name,
        experiment_id=str(model.experiment_id),
        params=dict(model.params),
        tags=dict(model.tags),
        artifact_location=model.artifact_location,
        source_run_id=model.source_run_id or None,
        status=str(getattr(model.status, "value", model.status)),
        creation_timestamp=int(model.creation_timestamp),
        model_type=model.model_type,
    )


def quoted(value: str) -> str:
    """Return ``value`` as a literal of MLflow's search language."""
    if "'" in value:
        raise UsageError(f"{value!r} holds a quote, which MLflow's search cannot express")
    return f"'{value}'"
