"""Moments as the files write them: ISO 8601 with a time zone, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(text: str) -> datetime | None:
    """Return the moment in UTC; None for text that is none, or that leaves the time zone open."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def minutes_between(start: str, end: str) -> float | None:
    """Return the minutes from one moment to another; None when one of them is none."""
    first, last = moment(start), moment(end)
    return (last - first).total_seconds() / 60 if first is not None and last is not None else None
