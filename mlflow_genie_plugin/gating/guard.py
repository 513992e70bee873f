"""The one guard before every write to a production space: only a verified version passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow_genie_plugin.errors import ProtectedSpaceError
from mlflow_genie_plugin.gating.mark import read_mark
from mlflow_genie_plugin.gating.outcome import Outcome

if TYPE_CHECKING:
    from mlflow_genie_plugin.flavor.load import Snapshot
    from mlflow_genie_plugin.settings import Settings

PRODUCTION = "production"
STAGE_TAG = "stage"
DEPLOYED_TAG = "genie.deployed_space_id"


def require_verified(
    snapshot: Snapshot, space_id: str, *, settings: Settings, break_glass_reason: str | None = None
) -> None:
    """Let a version into a space: any version into an ordinary one, only a verified one into a production space.

    A version passes when its mark for production is positive and verified now; that a tag calls it production is not
    enough, because whoever may write to the model can set one. ``break_glass_reason`` lets it pass unverified; the
    caller records that as an event.

    Raises:
        ProtectedSpaceError: The space is production and the version is not verified for it.
        TrackingUnavailableError: That cannot be found out now; nothing may be written then.
    """
    if break_glass_reason and break_glass_reason.strip():
        return
    if not is_production(space_id, settings=settings, experiment_id=snapshot.model.experiment_id):
        return
    mark = read_mark(snapshot.model.tags, PRODUCTION)
    if mark is None or not mark.is_positive:
        said = "has no mark" if mark is None else f"has the mark {mark.verdict}"
        raise _refusal(snapshot, space_id, f"{said} for production")
    from mlflow_genie_plugin.gating.verify import verify

    found = verify(snapshot.model, PRODUCTION)
    if found.outcome is not Outcome.PASSED:
        wrong = next(check for check in found.checks if check.outcome is not Outcome.PASSED)
        raise _refusal(snapshot, space_id, f"is marked, but that is not confirmed ({wrong.name}: {wrong.found})")


def is_production(space_id: str, *, settings: Settings, experiment_id: str) -> bool:
    """Return whether a space is production: the settings name it, or a version in stage production is recorded for it.

    Args:
        space_id: The space.
        settings: ``GENIE_PRODUCTION_SPACES`` is the sure way: it holds whatever experiment a version stands in.
        experiment_id: Where recorded versions are looked for.

    Raises:
        TrackingUnavailableError: That cannot be found out now.
    """
    if space_id in settings.production_spaces:
        return True
    from mlflow_genie_plugin.registry import search_models

    experiments = [experiment_id]
    if search_models(experiment_ids=experiments, tags={STAGE_TAG: PRODUCTION, DEPLOYED_TAG: space_id}, limit=1):
        return True
    # A version that was promoted into another space is production there, not where it was read from.
    own = search_models(experiment_ids=experiments, params={"space_id": space_id}, tags={STAGE_TAG: PRODUCTION})
    return any(record.tags.get(DEPLOYED_TAG, space_id) == space_id for record in own)


def _refusal(snapshot: Snapshot, space_id: str, why: str) -> ProtectedSpaceError:
    return ProtectedSpaceError(
        f"space {space_id} is production, and version {snapshot.model_id} {why}",
        next_step=f"pytest gates/ --model-id={snapshot.model_id} --genie-stage=production, or --break-glass REASON",
        model_id=snapshot.model_id,
        space_id=space_id,
    )
