"""Creating a model version: one run of its own, one LoggedModel, everything recorded or nothing READY."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import mlflow_genie_plugin
from mlflow_genie_plugin import registry
from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock, iso_utc
from mlflow_genie_plugin.errors import GenieError, ModelNotFoundError, TamperedModelError, UsageError, Violation
from mlflow_genie_plugin.flavor.layout import MODEL_TYPE, SpaceFile, json_bytes, make_space_file
from mlflow_genie_plugin.flavor.log import log_prepared
from mlflow_genie_plugin.snapshot import describe
from mlflow_genie_plugin.snapshot.capture import capture_metadata, capture_space
from mlflow_genie_plugin.snapshot.lineage import LATEST, Parent, choose_parent, next_iteration
from mlflow_genie_plugin.space.catalog import Capture, UcMetadata, diff_metadata, uc_sha256
from mlflow_genie_plugin.space.config import SpaceConfig, parse_space
from mlflow_genie_plugin.space.diff import SpaceDiff, diff_spaces
from mlflow_genie_plugin.space.validate import validate_space

if TYPE_CHECKING:
    from mlflow_genie_plugin.flavor.load import Snapshot
    from mlflow_genie_plugin.workspace.live_space import LiveSpace
    from mlflow_genie_plugin.workspace.port import Workspace

# A creation that is still PENDING after this long was killed; it is marked FAILED by the next one.
ABANDONED_AFTER_SECONDS = 3600.0
_KIND = "genie.kind"


@dataclass(frozen=True)
class SnapshotRecord:
    """A model version just created.

    Attributes:
        parent_reason: How the parent was chosen.
        registered: ``NAME/VERSION`` when it was registered.
        violations: What the validator says about the config; the version exists regardless.
        captures: Status of columns, tags and routines: ok, failed or not_requested, with the reason of a failure.
        changes: The difference to the parent; None without one.
    """

    model_id: str
    name: str
    run_id: str
    space_id: str
    domain: str
    iteration: int
    config_sha256: str
    behaviour_sha256: str
    snapshot_sha256: str
    parent_model_id: str | None
    parent_reason: str
    title: str | None = None
    registered: str | None = None
    violations: tuple[Violation, ...] = ()
    captures: dict[str, str] = field(default_factory=dict)
    changes: SpaceDiff | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the record for machines."""
        return {
            **{key: getattr(self, key) for key in _RECORD_KEYS},
            "change_count": len(self.changes.changes) if self.changes is not None else None,
            "violations": [
                {"path": v.path, "rule": v.rule, "severity": v.severity, "message": v.message} for v in self.violations
            ],
        }

    def _repr_html_(self) -> str:
        rows = {"model": self.model_id, "name": self.name, "config": self.config_sha256[:12], "run": self.run_id}
        cells = "".join(f"<tr><th>{key}</th><td>{escape(value)}</td></tr>" for key, value in rows.items())
        return f"<table>{cells}</table>"


_RECORD_KEYS = (
    "model_id", "name", "run_id", "space_id", "title", "domain", "iteration", "config_sha256", "behaviour_sha256",
    "snapshot_sha256", "parent_model_id", "parent_reason", "registered", "captures",
)  # fmt: skip


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


def read_metadata(snapshot: Snapshot) -> UcMetadata:
    """Return the Unity Catalog metadata of a version, proven; not requested when the version has none.

    Raises:
        TamperedModelError: It is not what was recorded.
    """
    recorded = snapshot.model.params.get("uc_sha256")
    if recorded is None:
        return UcMetadata()
    found = {}
    for kind in ("columns", "tags", "routines"):
        name = f"model_state/uc_{kind}.json"
        try:
            document = _parsed(registry.download_model_file(snapshot.model, name))
            found[kind] = Capture(document["status"], tuple(document["rows"]), document["error"])
        except (ModelNotFoundError, ValueError, KeyError, TypeError) as error:
            raise TamperedModelError(
                f"{name} of model {snapshot.model_id} is gone or not what was stored",
                next_step="snapshot the space again",
            ) from error
    metadata = UcMetadata(**found)
    if uc_sha256(metadata) != recorded:
        raise TamperedModelError(
            f"the Unity Catalog metadata of model {snapshot.model_id} is not what was recorded (uc_sha256)",
            next_step="snapshot the space again",
        )
    return metadata


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
    metadata_diff = diff_metadata(_comparable(ancestor, uc_schema), metadata) if ancestor is not None else None
    params = describe.params_of(
        file, iteration=iteration, domain=domain, parent_model_id=ancestor.model_id if ancestor else None,
        patches=patches, prompt_versions=prompt_versions, metadata=metadata, metadata_diff=metadata_diff,
        uc_schema=uc_schema, plugin_version=mlflow_genie_plugin.__version__,
    )  # fmt: skip
    name = describe.model_name(domain, iteration, file.config.content_sha256)
    tags = {key: params[key] for key in ("domain", "space_id", "iteration", "parent_model_id")}
    further = {**describe.metadata_files(metadata, metadata_diff), **describe.patch_files(patches)}
    _mark_abandoned(experiment_id, file.space_id, clock)

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
        _discard(run.run_id, model_id, error)
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


def _comparable(parent: Snapshot, uc_schema: str | None) -> UcMetadata:
    """Return the parent's metadata; of another schema it is none, or everything would look removed or added."""
    metadata = read_metadata(parent)
    limit = parent.model.params.get("uc_schema", describe.NONE)
    if limit == (uc_schema or describe.NONE):
        return metadata
    other = Capture("not_requested", (), f"the parent's metadata is limited to schema {limit}, this one's is not")
    if uc_schema is not None:
        other = Capture("not_requested", (), f"this metadata is limited to schema {uc_schema}, the parent's to {limit}")
    return UcMetadata(other, other, other)


def _registered(model_id: str, name: str) -> registry.VersionRecord:
    try:
        return registry.register_model(model_id, name)
    except GenieError as error:
        raise type(error)(
            f"model {model_id} is saved, but not registered as {name}: {error.what}", next_step=error.next_step
        ) from error


def _discard(run_id: str, model_id: str | None, cause: BaseException) -> None:
    """Mark a creation that did not finish; when even that fails, the cause says so and the model stays PENDING."""
    try:
        if model_id is not None:
            registry.finalize_model(model_id, "FAILED")
        registry.set_terminated(run_id, "FAILED" if isinstance(cause, Exception) else "KILLED")
    except GenieError as error:
        cause.add_note(f"the unfinished model {model_id} could not be marked FAILED: {error.what}")


def _mark_abandoned(experiment_id: str, space_id: str, clock: Clock) -> None:
    oldest = clock.now().timestamp() - ABANDONED_AFTER_SECONDS
    for record in registry.search_models(
        experiment_ids=[experiment_id], params={"space_id": space_id}, status="PENDING", limit=100
    ):
        if record.model_type == MODEL_TYPE and record.creation_timestamp / 1000 < oldest:
            registry.finalize_model(record.model_id, "FAILED")
            if record.source_run_id and registry.get_run(record.source_run_id).status == "RUNNING":
                registry.set_terminated(record.source_run_id, "KILLED")


def _parsed(data: bytes) -> dict[str, Any]:
    document = json.loads(data)
    if not isinstance(document, dict):
        raise TypeError("not an object")
    return document
