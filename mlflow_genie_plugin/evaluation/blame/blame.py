"""What in a space's configuration is to blame for one difference between two queries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Blame:
    """What is to blame, in words people recognise, and one sentence on what to change; None when nothing is known."""

    items: tuple[str, ...] = ()
    fix: str | None = None
