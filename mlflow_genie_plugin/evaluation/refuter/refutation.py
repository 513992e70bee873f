"""What an attempt to refute "these two queries mean the same" found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EQUIVALENT = "equivalent"
DIFFERENT = "different"
UNKNOWN = "unknown"

# Agreement is no proof: however many databases agree, a rare difference may be missed.
MOST_CONFIDENT = 0.97


@dataclass(frozen=True, slots=True)
class Refutation:
    """The outcome and what it rests on.

    Attributes:
        outcome: ``equivalent``, ``different`` or ``unknown``.
        confidence: 0 to 1; 1 for a proof, 0 for ``unknown``.
        reason: One sentence for people.
        proof: ``canonical`` (same canonical form), ``witness`` (a database on which they differ), ``databases``
            (agreement on generated databases), or None.
        witness: A small database on which the results differ, with both results; ``replay`` runs it again.
        databases: How many generated databases both queries ran on.
        informative: How many of them gave results that say something (rows, not only NULL and 0).
        extra_columns: The queries agree wherever they ran, except that the answer has this many columns more.
    """

    outcome: str
    confidence: float
    reason: str
    proof: str | None = None
    witness: Mapping[str, Any] | None = None
    databases: int = 0
    informative: int = 0
    extra_columns: int = 0


def unknown(reason: str, databases: int = 0, informative: int = 0) -> Refutation:
    """Return the outcome that proves nothing, with its reason."""
    return Refutation(UNKNOWN, 0.0, reason, databases=databases, informative=informative)


def confidence_of(informative: int) -> float:
    """Return ``1 - 2^-n``, capped: each informative database is taken to find a difference in one of two cases."""
    return min(1 - 0.5**informative, MOST_CONFIDENT)
