"""Putting a version back into a space: checked, saved first, written once, read back, recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock
from mlflow_genie_plugin.errors import (
    ConflictError,
    GenieError,
    ProtectedSpaceError,
    UnconfirmedRequestError,
    UnverifiedWriteError,
    WorkspaceRefusedError,
)
from mlflow_genie_plugin.flavor.load import Snapshot, read_snapshot
from mlflow_genie_plugin.settings import Settings, resolve_settings
from mlflow_genie_plugin.snapshot.capture import config_of
from mlflow_genie_plugin.snapshot.plan_restore import plan_restore
from mlflow_genie_plugin.snapshot.read_back import read_back_config, read_back_fields
from mlflow_genie_plugin.snapshot.restore_event import restore_event
from mlflow_genie_plugin.snapshot.restore_plan import DEPLOYMENT_FIELDS, RestorePlan, differences
from mlflow_genie_plugin.snapshot.safety import compensated, safety_version
from mlflow_genie_plugin.space.validate import require_valid

if TYPE_CHECKING:
    from mlflow_genie_plugin.workspace.live_space import LiveSpace
    from mlflow_genie_plugin.workspace.port import Workspace

Guard = Callable[[Snapshot, str], None]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class RestoreResult:
    """What a restore did.

    Attributes:
        outcome: ``restored`` or ``unchanged`` (the space already held the version).
        safety_model_id: The version that holds what the space was before; None when nothing was written.
        live_content_sha256: Content hash that was read back.
        live_behaviour_sha256: Behaviour hash that was read back.
        run_id: The run that records the event; None when nothing was written.
        fields_written: Deployment fields that were written.
    """

    outcome: str
    space_id: str
    model_id: str
    live_content_sha256: str
    live_behaviour_sha256: str
    safety_model_id: str | None = None
    run_id: str | None = None
    fields_written: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "space_id": self.space_id,
            "model_id": self.model_id,
            "live_content_sha256": self.live_content_sha256,
            "live_behaviour_sha256": self.live_behaviour_sha256,
            "safety_model_id": self.safety_model_id,
            "run_id": self.run_id,
            "fields_written": list(self.fields_written),
        }


def restore_config(
    model_uri: str,
    space_id: str | None = None,
    *,
    keep_benchmarks: bool = True,
    include: Sequence[str] = (),
    workspace: Workspace | None = None,
    profile: str | None = None,
    guard: Guard | None = None,
    settings: Settings | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> RestoreResult:
    """Put a model version back into its space and prove it by reading the space again.

    The live configuration is saved as a model version first, so that the restore itself can be undone.

    Args:
        model_uri: The version: ``m-…``, ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, ``runs:/…``.
        space_id: The space to write; default: the one the version is of.
        keep_benchmarks: Keep the live benchmark questions.
        include: Deployment fields to write too: ``title``, ``description``, ``warehouse``, ``folder``.
        workspace: Default: signed in by the environment or ``profile``.
        profile: Databricks profile.
        guard: Called with the version and the space id before anything is written; raises to refuse. Without one, a
            space named in ``GENIE_PRODUCTION_SPACES`` is refused.
        settings: Default: from the environment.
        clock: Time and sleeping.

    Raises:
        ConflictError: The space was changed by someone else meanwhile.
        UnverifiedWriteError: The write was accepted, but did not show in time; nothing was undone.
        CompensatedError: A later step failed and the space was put back, or could not be.
        ProtectedSpaceError: The guard refused.
        InvalidSpaceError: The server would refuse the configuration.
    """
    settings = settings or resolve_settings()
    snapshot = read_snapshot(model_uri)
    if workspace is None:
        from mlflow_genie_plugin.workspace.auth import connect

        workspace = connect(profile=profile, settings=settings)
    live = workspace.spaces.get_space(space_id or snapshot.space_id)
    plan = plan_restore(snapshot, live, keep_benchmarks=keep_benchmarks, include=include)
    return apply_restore(plan, workspace, guard=guard, clock=clock, settings=settings, snapshot=snapshot)


def rollback_to_model(model_id: str, space_id: str | None = None) -> RestoreResult:
    """Put a version back into its space, verified: :func:`restore_config` under the name optimization scripts call.

    It writes the space, and returns what became of it instead of a config for the caller to write.
    """
    return restore_config(model_id, space_id)


def refuse_production(settings: Settings) -> Guard:
    """Return the guard for callers that bring none: it lets nothing into a production space."""

    def guard(snapshot: Snapshot, space_id: str) -> None:
        if space_id in settings.production_spaces:
            raise ProtectedSpaceError(
                f"space {space_id} is a production space and model {snapshot.model_id} was not verified for it",
                next_step="use the command line, which verifies first: mlflow-genie restore",
            )

    return guard


def apply_restore(
    plan: RestorePlan,
    workspace: Workspace,
    *,
    guard: Guard | None,
    clock: Clock = SYSTEM_CLOCK,
    settings: Settings,
    snapshot: Snapshot | None = None,
    validate: bool = True,
    break_glass_reason: str | None = None,
    progress: Progress = lambda _: None,
) -> RestoreResult:
    """Carry out a plan, if everything it depends on is still as it was.

    In order: the guard; read the version and the space again and hold them against the plan; save the live state as a
    version; PATCH the configuration with the etag just read; read back until the target's hashes show; PATCH the
    deployment fields asked for; read back; record the event. Nothing is undone on a time-out, because reads lag writes.
    When a step after the first write fails, the saved state is put back with a fresh etag.

    Args:
        plan: From :func:`~mlflow_genie_plugin.snapshot.plan_restore.plan_restore` or a plan file.
        workspace: Where the space is.
        guard: Called with the version and the space id before anything is written; None refuses production spaces.
        clock: Time and sleeping.
        settings: ``read_back_seconds`` bounds each read-back.
        snapshot: The version, when the caller has just read it.
        validate: Refuse a configuration that the validator says the server would refuse, before writing.
        break_glass_reason: Why the guard was told to let the version pass unverified; recorded with the event.
        progress: Told of each step, in words.

    Raises:
        As :func:`restore_config`.
    """
    snapshot = snapshot or read_snapshot(plan.model_id)
    live = workspace.spaces.get_space(plan.space_id)
    fresh = plan_again(plan, snapshot, live)
    if fresh.nothing_to_do:
        return RestoreResult(
            "unchanged", plan.space_id, plan.model_id, fresh.live_content_sha256, fresh.live_behaviour_sha256
        )
    (guard or refuse_production(settings))(snapshot, plan.space_id)
    if fresh.target is not None and validate and fresh.changes_config:
        require_valid(fresh.target, what=f"the configuration of model {plan.model_id}")
    if fresh.changes_config and not live.etag:
        raise WorkspaceRefusedError(
            f"the workspace returned no etag for space {plan.space_id}, so a concurrent edit could not be noticed",
            next_step="nothing was written; make sure that this identity has CAN EDIT",
        )
    safety_model_id = safety_version(snapshot, live, workspace, clock)
    progress(f"saved the live state as {safety_model_id}")
    with restore_event(fresh, snapshot.model.experiment_id, safety_model_id, clock, break_glass_reason) as run_id:
        seen = _write(fresh, live, safety_model_id, workspace, clock, settings, progress)
    now = config_of(seen)
    return RestoreResult(
        "restored", plan.space_id, plan.model_id, now.content_sha256, now.behaviour_sha256, safety_model_id, run_id,
        tuple(fresh.field_changes),
    )  # fmt: skip


def plan_again(plan: RestorePlan, snapshot: Snapshot, live: LiveSpace) -> RestorePlan:
    """Return the same plan made for the space as it is now.

    Raises:
        ConflictError: It is another one: the space or the model changed since.
    """
    fresh = plan_restore(snapshot, live, keep_benchmarks=plan.keep_benchmarks, include=plan.include)
    if changed := differences(plan, fresh):
        raise ConflictError(
            f"this plan no longer fits: {'; '.join(changed)}; nothing was written",
            next_step=f"make the plan again: mlflow-genie restore {plan.model_id} --plan FILE",
            planned_etag=plan.live_etag,
            live_etag=live.etag,
        )
    return fresh


def _write(
    plan: RestorePlan,
    live: LiveSpace,
    safety_model_id: str,
    workspace: Workspace,
    clock: Clock,
    settings: Settings,
    progress: Progress,
) -> LiveSpace:
    spaces = workspace.spaces
    seen = live
    if plan.changes_config:
        text = json.dumps(plan.target, ensure_ascii=False)
        sent_etag: str | None = None
        confirmed = True
        try:
            sent_etag = spaces.update_space(plan.space_id, etag=live.etag, serialized_space=text).etag
        except ConflictError as error:
            raise ConflictError(
                f"space {plan.space_id} was changed while this ran; nothing was written to it",
                next_step=f"look at it and run the command again: mlflow-genie restore {plan.model_id}",
                safety_model_id=safety_model_id,
            ) from error
        except UnconfirmedRequestError:
            # It may have been written: the read-back below decides, and says "unverified" when it cannot.
            confirmed = False
            progress("the workspace did not confirm the write; reading back")
        else:
            progress(f"wrote model {plan.model_id}")
        seen = read_back_config(plan, live, workspace, clock, settings, safety_model_id, sent_etag, confirmed=confirmed)
        progress("read back and compared: identical")
    if plan.field_changes:
        try:
            values = {DEPLOYMENT_FIELDS[name]: after for name, (_, after) in plan.field_changes.items()}
            try:
                spaces.update_space(plan.space_id, **values)
            except UnconfirmedRequestError:
                # Undoing the configuration could leave it beside a title that was written after all.
                progress("the workspace did not confirm the write; reading back")
            seen = read_back_fields(plan, workspace, clock, settings)
        except UnverifiedWriteError:
            raise
        except GenieError as error:
            if not plan.changes_config:
                raise
            raise compensated(plan, safety_model_id, workspace, clock, settings, error) from error
        progress(f"wrote {', '.join(plan.field_changes)}")
    return seen
