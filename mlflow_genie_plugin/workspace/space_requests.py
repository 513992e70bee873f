"""What all requests about a space share: their path, and what their errors say."""

from __future__ import annotations

import re

from mlflow_genie_plugin.errors import SpaceNotFoundError, UsageError
from mlflow_genie_plugin.workspace.calls import Doing

SPACES = "/api/2.0/genie/spaces"
_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")
ASK_OWNER = "ask someone who can manage the space (its Share dialog lists them)"


def space_path(space_id: str) -> str:
    """Return the API path of a space; the id goes into a URL, so nothing but an id is let through.

    Raises:
        UsageError: ``space_id`` cannot be the id of a space.
    """
    if not _ID.fullmatch(space_id):
        raise UsageError(
            f"{space_id!r} is not a space id", next_step="use the id from the space's address (32 hex digits)"
        )
    return f"{SPACES}/{space_id}"


def about_space(text: str, space_id: str, *, needs: str = "CAN VIEW") -> Doing:
    """Return what errors of a request about a space say."""
    return Doing(
        f"{text} {space_id}",
        missing=SpaceNotFoundError,
        missing_step="check the id; it may be in the trash or not shared with you (see: mlflow-genie space list)",
        denied_step=f"{ASK_OWNER} for {needs}",
        space_id=space_id,
    )
