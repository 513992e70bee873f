"""Values of a kind that no constant of a query suggests."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any


def numbered(kind: str, number: int) -> Any:
    """Return a value that only this number gives, for keys."""
    if kind in ("date", "timestamp"):
        return dt.date(2023, 1, 1) + dt.timedelta(days=number)
    return f"k{number}" if kind == "text" else number


_WORDS = ("a", "b", "A", "c", "north", "south", "x y", "", "Z9", "b-1")
_START = dt.date(2023, 1, 1)


def generic_values(kind: str, width: int, rng: random.Random, years: Sequence[int]) -> list[Any]:
    """Return values of a kind that no constant suggests."""
    if kind == "bool":
        return [True, False]
    if kind == "int":
        return (
            list(range(1, min(width, 5) + 1))
            + ([0, -1] if width > 4 else [])
            + rng.sample(range(5, 500), max(width - 7, 0))
        )
    if kind in ("float", "decimal"):
        return [Decimal(rng.randrange(-200, 4000)) / 4 for _ in range(width)] + [Decimal(1), Decimal(2)]
    if kind == "text":
        return list(_WORDS[: min(width, len(_WORDS))]) + [f"w{rng.randrange(1000)}" for _ in range(width - len(_WORDS))]
    known = [year for year in years if 2 < year < 9997]
    # A year beside those of the queries as well: a period that one of them leaves open at an end shows only there.
    starts = [dt.date(year + step, 1, 1) for year in known for step in (0, 0, 0, -1, 1)] or [_START]
    days = [
        rng.choice(starts) + dt.timedelta(days=rng.choice((0, 14, 30, 58, 59, rng.randrange(366), 365)))
        for _ in range(width)
    ]
    if kind == "timestamp":
        return [dt.datetime.combine(day, dt.time(rng.choice((0, 0, 9, 23)), rng.choice((0, 59)))) for day in days]
    return days
