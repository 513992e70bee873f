"""Days for what a query says of a date: a part of it, the period it begins, how it is written."""

from __future__ import annotations

import datetime as dt
import random
import re
from typing import Any

from mlflow_genie_plugin.evaluation.refuter.constants import coerce

# Years to place a month or a day in, when no constant of the queries names one.
_YEARS = (2023, 2024)
_PATTERNS = (
    ("yyyy", r"(\d{4})"),
    ("YYYY", r"(\d{4})"),
    ("MM", r"(\d{2})"),
    ("dd", r"(\d{2})"),
    ("DD", r"(\d{2})"),
)
# How many days after the first one a period surely still has.
_LAST_OF_PERIOD = {"year": 364, "yyyy": 364, "yy": 364, "quarter": 88, "q": 88, "month": 27, "mm": 27, "mon": 27,
                   "week": 6}  # fmt: skip


class Days:
    """Finds days; what is left open is drawn from ``rng``, the year from those that the queries name."""

    def __init__(self, rng: random.Random, years: tuple[int, ...] = ()) -> None:
        self._rng = rng
        self._years = years or _YEARS

    def with_part(self, part: str, wanted: int) -> dt.date | dt.datetime | None:
        """Return a day or moment whose part (year, month, dayofweek, hour, …) is ``wanted``; None when none has it."""
        rng, year = self._rng, self._year()
        try:
            if part == "year":
                return dt.date(wanted, *rng.choice(((1, 1), (12, 31), (6, 15), (2, 3))))
            if part in ("month", "quarter"):
                month = wanted if part == "month" else wanted * 3 - rng.randrange(3)
                return dt.date(year, month, rng.choice((1, 15, 28)))
            if part in ("day", "dayofmonth"):
                return dt.date(year, rng.choice((1, 3, 7)), wanted)
            if part in ("dayofweek", "weekday"):
                # 2023-01-01 is a Sunday: 1 of dayofweek, 6 of weekday.
                offset = wanted - 1 if part == "dayofweek" else wanted + 1
                return dt.date(2023, 1, 1) + dt.timedelta(days=offset + 7 * rng.randrange(60))
            if part in ("dayofyear", "week", "weekofyear"):
                days = wanted - 1 if part == "dayofyear" else wanted * 7 - 4
                return dt.date(year, 1, 1) + dt.timedelta(days=days)
            if part in ("hour", "minute", "second"):
                return _moment(year, rng.choice((1, 6)), 15, **{part: wanted})
        except (ValueError, OverflowError):
            return None
        return None

    def inside(self, unit: Any, value: Any) -> Any:
        """Return the first or the last day of the period that begins on a day; what is no day stays as it is."""
        day = coerce(value, "date")
        if day is None:
            return value
        try:
            return day + dt.timedelta(days=self._rng.choice((0, _LAST_OF_PERIOD.get(str(unit).lower(), 0))))
        except OverflowError:
            return day

    def written(self, pattern: Any, value: Any) -> Any:
        """Return a date that is written as ``value`` in a date pattern."""
        if not isinstance(pattern, str):
            return None
        expression = re.escape(pattern)
        groups = []
        for name, digits in _PATTERNS:
            if name in pattern and (name.lower() not in groups):
                expression = expression.replace(
                    name, f"(?P<{name.lower() if name != 'MM' else 'month'}>{digits[1:-1]})"
                )
                groups.append(name.lower())
        match = re.fullmatch(expression, str(value))
        if match is None:
            return None
        found = match.groupdict()
        try:
            year = int(found.get("yyyy") or self._year())
            return dt.date(year, int(found.get("month") or self._rng.choice((1, 12, 6))), int(found.get("dd") or 15))
        except ValueError:
            return None

    def completed(self, value: str, start: int) -> str:
        """Return text that has ``value`` at a place; what looks like part of a date becomes a whole date."""
        year = f"{self._year():04}"
        if start == 1 and re.fullmatch(r"\d{4}", value):
            return value + self._rng.choice(("-01-01", "-12-31", "-06-15"))
        if start == 1 and re.fullmatch(r"\d{4}-\d{2}", value):
            return value + self._rng.choice(("-01", "-28", "-15"))
        if start == 6 and re.fullmatch(r"\d{2}", value):
            return f"{year}-{value}-15"
        if start == 9 and re.fullmatch(r"\d{2}", value):
            return f"{year}-03-{value}"
        if start == 5 and re.fullmatch(r"\d{2}", value):
            return f"{year}{value}"
        return "a" * (start - 1) + value + self._rng.choice(("", "z"))

    def _year(self) -> int:
        """Return a year to place a month or a day in: one that the queries name, at times one beside it."""
        year = self._rng.choice(self._years)
        return year + self._rng.choice((0, 0, 0, 1, -1))


def _moment(year: int, month: int, day: int, *, hour: int = 10, minute: int = 20, second: int = 30) -> dt.datetime:
    return dt.datetime.combine(dt.date(year, month, day), dt.time(hour, minute, second))
