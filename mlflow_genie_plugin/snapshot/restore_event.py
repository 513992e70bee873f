"""The record of a restore: a run of its own, begun before the write, so that no write goes unrecorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import CompensatedError, ConflictError, GenieError, UnverifiedWriteError
from mlflow_genie_plugin.flavor.layout import json_bytes
from mlflow_genie_plugin.snapshot.lineage import LIVE_SINCE
from mlflow_genie_plugin.snapshot.restore_plan import RestorePlan


@contextmanager
def restore_event(
    plan: RestorePlan, experiment_id: str, safety_model_id: str, clock: Clock, break_glass_reason: str | None = None
) -> Iterator[str]:
    """Record what happens inside as one restore; yields the id of the run.

    The run's tag ``genie.outcome`` is started, then restored, unverified, conflict, compensated, not compensated,
    failed or interrupted; the plan is its artifact. On success the model is tagged with the time it became live.
    """
    document = plan.to_json()
    run = registry.create_run(
        f"restore_{plan.space_id[:12]}_{plan.target_content_sha256[:12]}",
        experiment_id=experiment_id,
        tags={
            "genie.kind": "restore",
            "genie.space_id": plan.space_id,
            "genie.model_id": plan.model_id,
            "genie.safety_model_id": safety_model_id,
            "genie.plan_sha256": document["digest"],
            "genie.outcome": "started",
            **(
                {"genie.break_glass": break_glass_reason.strip()}
                if break_glass_reason and break_glass_reason.strip()
                else {}
            ),
        },
    )
    registry.log_artifact(run.run_id, "restore_plan.json", json_bytes(document))
    try:
        yield run.run_id
    except BaseException as error:
        try:
            _end_event(run.run_id, _outcome(error), error)
        except GenieError as second:
            error.add_note(f"the event could not be recorded in run {run.run_id}: {second.what}")
        raise
    try:
        registry.set_model_tags(plan.model_id, {LIVE_SINCE: int(clock.now().timestamp() * 1000)})
        _end_event(run.run_id, "restored", None)
    except GenieError as error:
        # The space is proven to be right; undoing that because the record failed would help nobody.
        raise type(error)(
            f"space {plan.space_id} is restored and was read back, but that could not be recorded: {error.what}",
            next_step=f"run the same command again to see that nothing is left to do; the event is run {run.run_id}",
        ) from error


def _end_event(run_id: str, outcome: str, error: BaseException | None) -> None:
    tags = {"genie.outcome": outcome}
    if error is not None:
        tags["genie.reason"] = str(getattr(error, "what", type(error).__name__))[:2000]
    registry.set_run_tags(run_id, tags)
    registry.set_terminated(run_id, "FINISHED" if error is None else "FAILED")


def _outcome(error: BaseException) -> str:
    if isinstance(error, CompensatedError):
        return "compensated" if error.details.get("compensated") else "not compensated"
    if isinstance(error, UnverifiedWriteError):
        return "unverified"
    if isinstance(error, ConflictError):
        return "conflict"
    return "failed" if isinstance(error, Exception) else "interrupted"
