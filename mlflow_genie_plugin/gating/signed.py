"""What people sign: attestations that a row of the checklist holds, and waivers of a gate that did not pass.

Plain values; where they are read from, see ``signoffs.py``. Both end on a day, in UTC, that still counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

ANY_MODEL = "any"
LONGEST_WAIVER_DAYS = 90


@dataclass(frozen=True, slots=True)
class Attestation:
    """A person's word that a row of the checklist holds, for one version or one content of the space.

    Attributes:
        row: The row of the checklist.
        by: Who says so.
        attested_on: The day it was said; it counts from then on.
        evidence: Where others can see it.
        expires: The last day it counts.
        model_id: The version it is about; None when it is about a content.
        content_sha256: The content hash it is about; None when it is about a version.
    """

    row: str
    by: str
    attested_on: date
    evidence: str
    expires: date
    model_id: str | None = None
    content_sha256: str | None = None

    def is_about(self, model_id: str, content_sha256: str | None) -> bool:
        """Return whether this very version, or the content it holds, is named."""
        if self.model_id is not None:
            return self.model_id == model_id
        return self.content_sha256 is not None and self.content_sha256 == content_sha256

    def why_not(self, today: date) -> str:
        """Return why it does not count on ``today``; empty when it does."""
        return _out_of_force(self.attested_on, self.expires, today)


@dataclass(frozen=True, slots=True)
class Waiver:
    """A person's word that a gate may fail for a while.

    Attributes:
        gate: The gate's full id, ``threshold[asset_routing]``.
        model: The version's id, or ``any``.
        owner: Who answers for it.
        reason: Why.
        granted: The day it begins.
        expires: The last day it counts.
        stage: The one stage it counts for; None for every stage.
    """

    gate: str
    model: str
    owner: str
    reason: str
    granted: date
    expires: date
    stage: str | None = None

    @property
    def days(self) -> int:
        """How many days it runs from the day it was granted."""
        return (self.expires - self.granted).days

    def is_about(self, gate: str, model_id: str, stage: str) -> bool:
        """Return whether it names this gate of this version for this stage."""
        return self.gate == gate and self.model in (ANY_MODEL, model_id) and self.stage in (None, stage)

    def why_not(self, today: date, longest_days: int) -> str:
        """Return why it does nothing on ``today``; empty when it is in force."""
        if self.days > longest_days:
            return f"runs for {self.days} days, the criteria allow {longest_days}"
        return _out_of_force(self.granted, self.expires, today)


@dataclass(frozen=True, slots=True)
class SignOffs:
    """Everything signed that was found beside the criteria; ``files`` are the digests of those that are there."""

    attestations: tuple[Attestation, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict, hash=False)


def _out_of_force(first: date, last: date, today: date) -> str:
    if today < first:
        return f"counts only from {first.isoformat()}"
    return f"expired on {last.isoformat()}" if today > last else ""
