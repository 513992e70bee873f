"""Creating a model version: one run of its own, one LoggedModel, everything recorded or nothing READY."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import mlflow_genie_plugin
from mlflow_genie_plugin import registry
from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock, iso_utc
from mlflow_genie_plugin.errors import GenieError, UsageError
from mlflow_genie_plugin.flavor.layout import MODEL_TYPE, SpaceFile, json_bytes, make_space_file
from mlflow_genie_plugin.flavor.log import log_prepared
from mlflow_genie_plugin.snapshot import describe
from mlflow_genie_plugin.snapshot.capture import capture_metadata, capture_space
from mlflow_genie_plugin.snapshot.lineage import LATEST, Parent, choose_parent, next_iteration
from mlflow_genie_plugin.snapshot.record import SnapshotRecord
from mlflow_genie_plugin.snapshot.stored_metadata import comparable_metadata
from mlflow_genie_plugin.snapshot.unfinished import discard, mark_abandoned
from mlflow_genie_plugin.space.catalog import UcMetadata, diff_metadata
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.diff import diff_spaces
from mlflow_genie_plugin.space.parse import parse_space
from mlflow_genie_plugin.space.validate import validate_space

if TYPE_CHECKING:
    from mlflow_genie_plugin.flavor.load import Snapshot
    from mlflow_genie_plugin.workspace.live_space import LiveSpace
    from mlflow_genie_plugin.workspace.port import Workspace

_KIND = "genie.kind"


def create_genie_model_version(
    space_id: str,
    config: SpaceConfig | Mapping[str, Any] | str,
    iteration: int,
    domain: str,
    patch_set: Any = None,
    parent_model_id: str | None = None,
    prompt_versions: Mapping[str, Any] | None = None,
    uc_schema: str | None = None,
    *,
    workspace: Workspace | None = None,
    experiment_id: str | None = None,
    allow_other_space: bool = False,
    register: str | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> str:
    """Save a space config that is at hand as a model version and return its id.

    Args:
        space_id: The space it is of.
        config: The config: a :class:`~mlflow_genie_plugin.SpaceConfig`, an API answer, the document, or its JSON.
        iteration: Number of the version, from 0 up.
        domain: Name of what the space is about; part of the model's name.
        patch_set: The patches that led here from the parent: a list of objects, or an object with ``patches``.
        parent_model_id: The version this one comes from; None is the first.
        prompt_versions: Judge prompt name → version, as used for this iteration.
        uc_schema: ``catalog.schema`` that Unity Catalog metadata is limited to.
        workspace: Where to read Unity Catalog metadata; without one it is recorded as not requested.
        experiment_id: Default: the current experiment.
        allow_other_space: Accept a parent that is a version of another space.
        register: Also register the model under this name.
        clock: For the time of capture.

    Raises:
        InvalidSpaceError: ``config`` is no space config.
        UsageError: An argument cannot be used, or the parent is of another space.
        ModelNotFoundError: The parent does not exist.
        TrackingUnavailableError: The tracking server cannot be reached; nothing was left READY.
    """
    parsed = config if isinstance(config, SpaceConfig) else parse_space(config)
    if parsed.space_id not in (None, space_id):
        raise UsageError(f"the config is of space {parsed.space_id}, but space_id is {space_id}")
    experiment = experiment_id or registry.current_experiment_id()
    parent = choose_parent(parent_model_id or describe.NONE, space_id, experiment, allow_other_space=allow_other_space)
    metadata = capture_metadata(workspace.catalog, parsed, uc_schema) if workspace is not None else UcMetadata()
    file = make_space_file(parsed, space_id, iso_utc(clock.now()), permissions_error="not captured")
    return _save(
        file, metadata, parent, iteration=iteration, domain=domain, patch_set=patch_set,
        prompt_versions=prompt_versions, uc_schema=uc_schema, experiment_id=experiment, register=register, clock=clock,
    ).model_id  # fmt: skip


def create_snapshot(
    space_id: str,
    domain: str | None = None,
    *,
    workspace: Workspace,
    iteration: int | None = None,
    parent: str | None = LATEST,
    patch_set: Any = None,
    prompt_versions: Mapping[str, Any] | None = None,
    uc_schema: str | None = None,
    capture_uc: bool = True,
    allow_other_space: bool = False,
    register: str | None = None,
    experiment_id: str | None = None,
    live: LiveSpace | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> SnapshotRecord:
    """Read a space and save it as a model version.

    Args:
        space_id: The space to read.
        domain: Name of what the space is about; part of the model's name. Default: the parent's.
        workspace: Where to read.
        iteration: Number of the version; default: the parent's + 1, or the next of the domain.
        parent: A model reference, ``none``, or ``latest``: the version that last was what the space holds.
        patch_set: As for :func:`create_genie_model_version`.
        prompt_versions: As for :func:`create_genie_model_version`.
        uc_schema: As for :func:`create_genie_model_version`.
        capture_uc: Whether to read Unity Catalog metadata; it costs warehouse time.
        allow_other_space: Accept a parent that is a version of another space.
        register: Also register the model under this name.
        experiment_id: Default: the current experiment.
        live: The space as just read, to be saved instead of reading it again.
        clock: For the time of capture.

    Raises:
        UsageError: There is no parent to take the domain from, or an argument cannot be used.
        SpaceNotFoundError: No such space.
        SpaceNotEditableError: Its configuration is not shown to this identity.
        TrackingUnavailableError: The tracking server cannot be reached; nothing was left READY.
    """
    experiment = experiment_id or registry.current_experiment_id()
    file = capture_space(workspace.spaces, space_id, clock, live)
    chosen = choose_parent(parent, file.space_id, experiment, allow_other_space=allow_other_space)
    domain = domain or _domain_of(chosen.snapshot)
    number = iteration
    if number is None:
        number = next_iteration(chosen.snapshot, domain, file.space_id, experiment)
    metadata = capture_metadata(workspace.catalog, file.config, uc_schema) if capture_uc else UcMetadata()
    return _save(
        file, metadata, chosen, iteration=number, domain=domain, patch_set=patch_set, prompt_versions=prompt_versions,
        uc_schema=uc_schema, experiment_id=experiment, register=register, clock=clock,
    )  # fmt: skip


def _domain_of(parent: Snapshot | None) -> str:
    if parent is None or not parent.model.params.get("domain"):
        raise UsageError(
            "the space has no earlier version to take the domain from", next_step="name it: --domain sales, for example"
        )
    return parent.model.params["domain"]


def _save(
    file: SpaceFile,
    metadata: UcMetadata,
    parent: Parent,
    *,
    iteration: int,
    domain: str,
    patch_set: Any,
    prompt_versions: Mapping[str, Any] | None,
    uc_schema: str | None,
    experiment_id: str,
    register: str | None,
    clock: Clock,
) -> SnapshotRecord:
    if isinstance(iteration, bool) or not isinstance(iteration, int) or iteration < 0:
        raise UsageError(f"iteration is {iteration!r}", next_step="give a whole number from 0 up")
    patches = describe.as_patch_set(patch_set)
    ancestor = parent.snapshot
    metadata_diff = diff_metadata(comparable_metadata(ancestor, uc_schema), metadata) if ancestor is not None else None
    params = describe.params_of(
        file, iteration=iteration, domain=domain, parent_model_id=ancestor.model_id if ancestor else None,
        patches=patches, prompt_versions=prompt_versions, metadata=metadata, metadata_diff=metadata_diff,
        uc_schema=uc_schema, plugin_version=mlflow_genie_plugin.__version__,
    )  # fmt: skip
    name = describe.model_name(domain, iteration, file.config.content_sha256)
    tags = {key: params[key] for key in ("domain", "space_id", "iteration", "parent_model_id")}
    further = {**describe.metadata_files(metadata, metadata_diff), **describe.patch_files(patches)}
    mark_abandoned(experiment_id, file.space_id, clock)

    run = registry.create_run(
        describe.run_name(iteration, file.config.content_sha256),
        experiment_id=experiment_id,
        tags={_KIND: "snapshot", **tags},
    )
    model_id: str | None = None
    try:
        model_id = registry.create_model(
            name, source_run_id=run.run_id, experiment_id=experiment_id, params=params, tags=tags, model_type=MODEL_TYPE
        ).model_id
        # The model's own files are the source of truth; the run's copy is where the MLflow UI and other tools look.
        copy = {"model_state/genie_config.json": json_bytes(file.config.document), **further}
        registry.log_artifacts(run.run_id, copy)
        log_prepared(file, model_id, run.run_id, further)
        registry.set_terminated(run.run_id, "FINISHED")
    except BaseException as error:
        discard(run.run_id, model_id, error)
        raise
    version = _registered(model_id, register) if register else None
    return SnapshotRecord(
        model_id=model_id,
        name=name,
        run_id=run.run_id,
        space_id=file.space_id,
        title=file.config.envelope.title,
        domain=domain,
        iteration=iteration,
        config_sha256=file.config.content_sha256,
        behaviour_sha256=file.config.behaviour_sha256,
        snapshot_sha256=sha256_of_bytes(file.data),
        parent_model_id=ancestor.model_id if ancestor else None,
        parent_reason=parent.reason,
        registered=f"{version.name}/{version.version}" if version else None,
        violations=tuple(validate_space(file.config.document)),
        captures={
            kind: capture.status + (f": {capture.error}" if capture.error else "")
            for kind in ("columns", "tags", "routines")
            for capture in [getattr(metadata, kind)]
        },
        changes=diff_spaces(ancestor.config, file.config) if ancestor is not None else None,
    )


def _registered(model_id: str, name: str) -> registry.VersionRecord:
    try:
        return registry.register_model(model_id, name)
    except GenieError as error:
        raise type(error)(
            f"model {model_id} is saved, but not registered as {name}: {error.what}", next_step=error.next_step
        ) from error
