"""Whether a live space still is what a version recorded: same, drifted, or not to be told."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import (
    NotSignedInError,
    PermissionDeniedError,
    RateLimitedError,
    SpaceNotEditableError,
    SpaceNotFoundError,
    UnreadableFileError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.snapshot.capture import config_of
from mlflow_genie_plugin.space.diff import SpaceDiff, diff_spaces

if TYPE_CHECKING:
    from mlflow_genie_plugin.flavor.load import Snapshot
    from mlflow_genie_plugin.workspace.port import SpaceReader

SAME, DRIFTED, UNKNOWN = "same", "drifted", "unknown"


@dataclass(frozen=True)
class DriftReport:
    """The comparison of a live space with a version.

    Attributes:
        state: ``same`` (content hashes are equal), ``drifted``, or ``unknown``, which is a problem and never "same".
        changes_behaviour: Whether the drift can change an answer; None when unknown.
        difference: From the version to the live space; None when unknown.
        reason: Why it is unknown.
    """

    state: str
    space_id: str
    model_id: str
    changes_behaviour: bool | None = None
    live_content_sha256: str | None = None
    live_behaviour_sha256: str | None = None
    difference: SpaceDiff | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "space_id": self.space_id,
            "model_id": self.model_id,
            "changes_behaviour": self.changes_behaviour,
            "live_content_sha256": self.live_content_sha256,
            "live_behaviour_sha256": self.live_behaviour_sha256,
            "reason": self.reason,
            "difference": self.difference.to_json() if self.difference else None,
        }

    def render(self) -> str:
        """Return the report for a person."""
        if self.state == UNKNOWN:
            return f"UNKNOWN  space {self.space_id} against model {self.model_id}\n  {self.reason}"
        word = "same" if self.state == SAME else "DRIFTED"
        lines = [f"{word}  space {self.space_id} against model {self.model_id}"]
        if self.difference:
            lines += [f"  {line}" for line in self.difference.render().splitlines()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.render())}</pre>"


def compare_with_live(snapshot: Snapshot, spaces: SpaceReader, space_id: str | None = None) -> DriftReport:
    """Read the live space and compare it with the version; whatever prevents the reading makes it unknown.

    Args:
        snapshot: The version.
        spaces: Where to read.
        space_id: Default: the version's space.
    """
    wanted = space_id or snapshot.space_id
    try:
        now = config_of(spaces.get_space(wanted))
    except (
        NotSignedInError,
        PermissionDeniedError,
        RateLimitedError,
        SpaceNotEditableError,
        SpaceNotFoundError,
        UnreadableFileError,
        WorkspaceUnavailableError,
    ) as error:
        return DriftReport(UNKNOWN, wanted, snapshot.model_id, reason=str(error))
    return DriftReport(
        SAME if now.content_sha256 == snapshot.content_sha256 else DRIFTED,
        wanted,
        snapshot.model_id,
        now.behaviour_sha256 != snapshot.behaviour_sha256,
        now.content_sha256,
        now.behaviour_sha256,
        diff_spaces(snapshot.config, now),
    )
