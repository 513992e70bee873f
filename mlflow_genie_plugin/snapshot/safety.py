"""The version that holds what a space was before a restore: saved first, and put back when a later step fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import CompensatedError, ConflictError, GenieError, TamperedModelError
from mlflow_genie_plugin.flavor.load import Snapshot, read_snapshot
from mlflow_genie_plugin.settings import Settings
from mlflow_genie_plugin.snapshot.capture import config_of
from mlflow_genie_plugin.snapshot.create import create_snapshot
from mlflow_genie_plugin.snapshot.describe import NONE
from mlflow_genie_plugin.snapshot.lineage import versions_of_space
from mlflow_genie_plugin.snapshot.plan_restore import plan_restore
from mlflow_genie_plugin.snapshot.read_back import read_back_config
from mlflow_genie_plugin.snapshot.restore_plan import RestorePlan

if TYPE_CHECKING:
    from mlflow_genie_plugin.workspace.live_space import LiveSpace
    from mlflow_genie_plugin.workspace.port import Workspace


def compensated(
    plan: RestorePlan,
    safety_model_id: str,
    workspace: Workspace,
    clock: Clock,
    settings: Settings,
    cause: GenieError,
) -> CompensatedError:
    """Put the saved state back and return the error that tells of it; nothing is overwritten that is not ours."""
    what = f"restoring space {plan.space_id} failed after its configuration was written: {cause.what}"
    try:
        live = workspace.spaces.get_space(plan.space_id)
        if config_of(live).content_sha256 != plan.target_content_sha256:
            raise ConflictError("somebody else has changed the space meanwhile")
        saved = read_snapshot(safety_model_id)
        back = replace(plan_restore(saved, live, keep_benchmarks=False), live_content_sha256=plan.target_content_sha256)
        text = json.dumps(back.target, ensure_ascii=False)
        sent_etag = workspace.spaces.update_space(plan.space_id, etag=live.etag, serialized_space=text).etag
        read_back_config(back, live, workspace, clock, settings, safety_model_id, sent_etag)
    except GenieError as error:
        return CompensatedError(
            f"{what}; putting the saved state back failed too: {error.what}",
            next_step=f"put it back yourself: mlflow-genie restore {safety_model_id} --with-benchmarks",
            safety_model_id=safety_model_id,
            compensated=False,
        )
    return CompensatedError(
        f"{what}; the space was put back to what it was (model {safety_model_id}) and read back",
        next_step="solve the cause and run the command again",
        safety_model_id=safety_model_id,
        compensated=True,
    )


def safety_version(snapshot: Snapshot, live: LiveSpace, workspace: Workspace, clock: Clock) -> str:
    """Return a version that holds the live state: an earlier one that does, else a new one."""
    now = config_of(live)
    experiment = snapshot.model.experiment_id
    parent = NONE
    for record in versions_of_space(live.space_id, experiment):
        if parent != NONE and record.params.get("config_sha256") != now.content_sha256:
            continue
        try:
            saved = read_snapshot(record)
        except TamperedModelError:
            # Somebody's broken version must not stand in the way of putting a good one back.
            continue
        if saved.content_sha256 == now.content_sha256 and saved.config.envelope == now.envelope:
            return saved.model_id
        parent = saved.model_id if parent == NONE else parent
    return create_snapshot(
        live.space_id,
        snapshot.model.params.get("domain", "restore"),
        workspace=workspace,
        parent=parent,
        live=live,
        capture_uc=False,
        experiment_id=experiment,
        clock=clock,
    ).model_id
