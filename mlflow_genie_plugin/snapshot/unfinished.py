"""Creations that did not finish: one that fails is marked at once, one that was killed by the next creation."""

from __future__ import annotations

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import GenieError
from mlflow_genie_plugin.flavor.layout import MODEL_TYPE

# A creation that is still PENDING after this long was killed; it is marked FAILED by the next one.
ABANDONED_AFTER_SECONDS = 3600.0


def discard(run_id: str, model_id: str | None, cause: BaseException) -> None:
    """Mark a creation that did not finish; when even that fails, the cause says so and the model stays PENDING."""
    try:
        if model_id is not None:
            registry.finalize_model(model_id, "FAILED")
        registry.set_terminated(run_id, "FAILED" if isinstance(cause, Exception) else "KILLED")
    except GenieError as error:
        cause.add_note(f"the unfinished model {model_id} could not be marked FAILED: {error.what}")


def mark_abandoned(experiment_id: str, space_id: str, clock: Clock) -> None:
    """Mark the creations in this space that were killed long ago, so that nothing waits for them."""
    oldest = clock.now().timestamp() - ABANDONED_AFTER_SECONDS
    for record in registry.search_models(
        experiment_ids=[experiment_id], params={"space_id": space_id}, status="PENDING", limit=100
    ):
        if record.model_type == MODEL_TYPE and record.creation_timestamp / 1000 < oldest:
            registry.finalize_model(record.model_id, "FAILED")
            if record.source_run_id and registry.get_run(record.source_run_id).status == "RUNNING":
                registry.set_terminated(record.source_run_id, "KILLED")
