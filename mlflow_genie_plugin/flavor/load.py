"""Loading a saved space: as verified data (``read_snapshot``), as an MLflow model, as a pyfunc."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import ModelNotFoundError, NotAGenieModelError, TamperedModelError, UsageError
from mlflow_genie_plugin.flavor.layout import (
    DEFAULT_MODEL_CONFIG,
    FLAVOR_NAME,
    MLMODEL,
    PROOF_PARAMS,
    SPACE_FILE,
    SpaceFile,
)
from mlflow_genie_plugin.flavor.local_folder import local_bytes, local_folder, read_folder
from mlflow_genie_plugin.flavor.mlmodel import read_mlmodel
from mlflow_genie_plugin.flavor.proof import DO_NOT_USE, proven_file, require_recorded
from mlflow_genie_plugin.registry import ModelRecord, download_model_file, resolve_model
from mlflow_genie_plugin.space.config import SpaceConfig

if TYPE_CHECKING:
    from mlflow_genie_plugin.flavor.pyfunc import GenieSpaceModel


@dataclass(frozen=True)
class Snapshot:
    """A model version whose files are proven to be what its write-once params recorded at creation."""

    model: ModelRecord
    space_id: str
    config: SpaceConfig
    content_sha256: str
    behaviour_sha256: str
    snapshot_sha256: str
    file: SpaceFile = field(repr=False, compare=False)

    @property
    def model_id(self) -> str:
        return self.model.model_id

    @property
    def parent_model_id(self) -> str | None:
        parent = self.model.params.get("parent_model_id", "none")
        return None if parent == "none" else parent


def read_snapshot(reference: str | ModelRecord) -> Snapshot:
    """Return the space config of a model version, verified; nothing in the model is executed.

    Two files are read. ``MLmodel`` must be what this package writes and name this model; ``genie_space.json`` must have
    the digest, and its content the hashes, that stand in the model's params since creation.

    Args:
        reference: Anything :func:`~mlflow_genie_plugin.registry.resolve_model` takes, or its record.

    Raises:
        ModelNotFoundError: There is no such model.
        NotAGenieModelError: The model has another flavor.
        TamperedModelError: A file or a hash differs; the message says which.
        UnsupportedFormatError: It was written by a later version of this package.
    """
    record = resolve_model(reference) if isinstance(reference, str) else reference
    what = f"model {record.model_id}"
    claimed = "snapshot_sha256" in record.params
    entry, mlmodel = _flavor_entry(record, what, claimed=claimed)
    if mlmodel.get("model_id") != record.model_id:
        raise TamperedModelError(
            f"the MLmodel file of {what} is that of model {mlmodel.get('model_id')}", next_step=DO_NOT_USE
        )
    missing = [name for name in PROOF_PARAMS if name not in record.params]
    if missing:
        raise TamperedModelError(
            f"{what} has no recorded {', '.join(missing)}: it was not logged by this package, or not completely",
            next_step="log it with mlflow_genie_plugin.log_model or mlflow-genie snapshot",
        )
    for name in PROOF_PARAMS:
        if str(entry.get(name)) != record.params[name]:
            raise TamperedModelError(
                f"{name} in the MLmodel file of {what} is {entry.get(name)}, "
                f"recorded at creation: {record.params[name]}",
                next_step=DO_NOT_USE,
                model_id=record.model_id,
            )
    data = _file(record, SPACE_FILE, what)
    file = proven_file(data, record.params, what)
    return Snapshot(
        model=record,
        space_id=file.space_id,
        config=file.config,
        content_sha256=record.params["config_sha256"],
        behaviour_sha256=record.params["behaviour_sha256"],
        snapshot_sha256=record.params["snapshot_sha256"],
        file=file,
    )


def load_model(model_uri: str, dst_path: str | None = None) -> SpaceConfig:
    """Return the space config of a saved model, verified; nothing in the model is executed.

    Args:
        model_uri: ``models:/m-…``, ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, ``runs:/RUN_ID/NAME``, a model id,
            or the path of a folder written by :func:`~mlflow_genie_plugin.save_model`.
        dst_path: An existing folder that also receives the two files that were read.

    Returns:
        The space config: the ``serialized_space`` document, deployment fields, space id and etag.

    Raises:
        ModelNotFoundError: There is no such model.
        NotAGenieModelError: The model has another flavor.
        TamperedModelError: A file or a hash differs from what was recorded. A plain folder is held against its own
            MLmodel file only: that finds accidents, not someone who changed both.
    """
    folder = local_folder(model_uri)
    if folder is not None:
        entry, data = read_folder(folder)
        file = proven_file(data, {name: str(entry.get(name)) for name in PROOF_PARAMS}, f"the model in {folder}")
        mlmodel = (folder / MLMODEL).read_bytes()
    else:
        snapshot = read_snapshot(model_uri)
        file, data = snapshot.file, snapshot.file.data
        mlmodel = download_model_file(snapshot.model, MLMODEL) if dst_path is not None else b""
    if dst_path is not None:
        (Path(dst_path) / SPACE_FILE).write_bytes(data)
        (Path(dst_path) / MLMODEL).write_bytes(mlmodel)
    return file.config


def _load_pyfunc(path: str, model_config: dict[str, Any] | None = None) -> GenieSpaceModel:
    """Return what ``mlflow.pyfunc.load_model`` wraps: a model that asks the live space.

    Args:
        path: ``genie_space.json`` inside the model's folder.
        model_config: The MLmodel's ``config`` with the caller's overrides.

    The files are held against each other here, and against the model's params before the first use of the model: one
    more request to the store here would cost more than all the rest of loading.

    Raises:
        TamperedModelError: The files differ from each other.
    """
    from mlflow_genie_plugin.flavor.pyfunc import GenieSpaceModel

    folder = Path(path).parent if Path(path).name == SPACE_FILE else Path(path)
    what = f"the model in {folder}"
    mlmodel = read_mlmodel(local_bytes(folder / MLMODEL), what)
    entry = mlmodel["flavors"][FLAVOR_NAME]
    recorded = {name: str(entry.get(name)) for name in PROOF_PARAMS}
    file = proven_file(local_bytes(folder / SPACE_FILE), recorded, what)
    config = {**DEFAULT_MODEL_CONFIG, "space_id": file.space_id, **(model_config or {})}
    if unknown := sorted(set(config) - set(DEFAULT_MODEL_CONFIG)):
        raise UsageError(
            f"model_config has unknown entries: {', '.join(unknown)}",
            next_step=f"known: {', '.join(DEFAULT_MODEL_CONFIG)}",
        )
    if config["verify"] not in ("tracking", "file"):
        raise UsageError(f"model_config verify is {config['verify']!r}", next_step="use tracking or file")
    model_id = mlmodel.get("model_id")
    if not isinstance(model_id, str):
        return GenieSpaceModel(file.config, None, config)
    if config["verify"] == "file":
        return GenieSpaceModel(file.config, model_id, config)
    return GenieSpaceModel(file.config, model_id, config, verify=lambda: require_recorded(model_id, recorded))


def _flavor_entry(record: ModelRecord, what: str, *, claimed: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        mlmodel = read_mlmodel(download_model_file(record, MLMODEL), what)
    except ModelNotFoundError as error:
        if claimed:
            raise TamperedModelError(f"the MLmodel file of {what} is gone", next_step=DO_NOT_USE) from error
        raise NotAGenieModelError(
            f"{what} has no MLmodel file", next_step="give a model made by: mlflow-genie snapshot SPACE_ID"
        ) from error
    except NotAGenieModelError as error:
        if claimed:
            raise TamperedModelError(
                f"the MLmodel file of {what} was changed: it no longer names the flavor {FLAVOR_NAME}",
                next_step=DO_NOT_USE,
            ) from error
        raise
    entry: dict[str, Any] = mlmodel["flavors"][FLAVOR_NAME]
    return entry, mlmodel


def _file(record: ModelRecord, name: str, what: str) -> bytes:
    try:
        return download_model_file(record, name)
    except ModelNotFoundError as error:
        raise TamperedModelError(f"{name} of {what} is gone", next_step=DO_NOT_USE) from error
