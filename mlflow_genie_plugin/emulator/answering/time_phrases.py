"""Periods and grains in a question: ``in 1995``, ``from 1995-01-01 to 1995-03-31``, ``last 30 days``, ``by month``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from mlflow_genie_plugin.emulator.answering.calendar_words import calendar_period
from mlflow_genie_plugin.emulator.answering.words import Token, whole_number

_UNITS = {"day": "DAY", "week": "WEEK", "month": "MONTH", "quarter": "QUARTER", "year": "YEAR"}
_GRAIN_WORDS = {
    "daily": "DAY",
    "weekly": "WEEK",
    "monthly": "MONTH",
    "quarterly": "QUARTER",
    "yearly": "YEAR",
    "annual": "YEAR",
    "annually": "YEAR",
}
_GROUPING = {"by", "per", "each", "every"}
_RELATIVE = {"last", "past", "previous", "prior"}


@dataclass(frozen=True)
class Period:
    """A stretch of time as SQL: from ``start`` (inclusive) to ``end`` (exclusive); None leaves that side open.

    ``negated`` turns it into everything outside. ``year`` is set when the period is exactly one calendar year.
    """

    start: str | None
    end: str | None
    year: int | None = None


@dataclass(frozen=True)
class Grain:
    """A calendar unit to group by: DAY, WEEK, MONTH, QUARTER or YEAR."""

    unit: str


def match_time(tokens: Sequence[Token], at: int) -> tuple[Period | Grain, int] | None:
    """Return the period or grain that starts at token ``at`` and how many tokens it takes; None when there is none."""
    return _relative(tokens, at) or _grain(tokens, at) or _range(tokens, at) or _open_or_plain(tokens, at)


def _grain(tokens: Sequence[Token], at: int) -> tuple[Grain, int] | None:
    words = [token.word for token in tokens[at : at + 3]]
    if words[0] in _GRAIN_WORDS:
        return Grain(_GRAIN_WORDS[words[0]]), 1
    if words[:2] == ["over", "time"]:
        return Grain("MONTH"), 2
    if words[0] in _GROUPING or words[0] in {"for", "in"}:
        skip = 2 if len(words) > 2 and words[1] in {"each", "every"} else 1
        if (skip == 2 or words[0] in _GROUPING) and len(words) > skip and words[skip] in _UNITS:
            return Grain(_UNITS[words[skip]]), skip + 1
    if len(words) == 3 and words[0] == words[2] and words[1] in {"by", "over", "on"} and words[0] in _UNITS:
        return Grain(_UNITS[words[0]]), 3
    if words[0] in {"which", "what"} and len(words) > 1 and words[1] in _UNITS:
        return Grain(_UNITS[words[1]]), 2
    if words[0] in {"year", "years", "month", "months", "quarter", "quarters", "week", "weeks"}:
        return Grain(_UNITS[words[0].removesuffix("s")]), 1
    return None


def _relative(tokens: Sequence[Token], at: int) -> tuple[Period, int] | None:
    skip = _skip(tokens, at, {"in", "over", "during", "for", "within", "the", "since"})
    words = tokens[at + skip : at + skip + 3]
    if not words:
        return None
    first = words[0].word
    if first == "today":
        return Period("current_date()", "date_add(current_date(), 1)"), skip + 1
    if first == "yesterday":
        return Period("date_sub(current_date(), 1)", "current_date()"), skip + 1
    if first in _RELATIVE and len(words) > 2 and (count := whole_number(words[1])) and words[2].stem in _UNITS:
        unit = _UNITS[words[2].stem]
        back = (
            f"date_sub(current_date(), {count})"
            if unit == "DAY"
            else f"add_months(current_date(), -{_months(unit, count)})"
        )
        if unit == "WEEK":
            back = f"date_sub(current_date(), {7 * count})"
        return Period(back, None), skip + 3
    if len(words) > 1 and words[1].word in _UNITS and first in _RELATIVE | {"this", "current"}:
        unit = _UNITS[words[1].word]
        start = "current_date()" if unit == "DAY" else f"date_trunc('{unit}', current_date())"
        if first in {"this", "current"}:
            return Period(start, None), skip + 2
        return Period(_one_before(unit), start), skip + 2
    if [word.word for word in words] == ["year", "to", "date"] or first == "ytd":
        return Period("date_trunc('YEAR', current_date())", None), skip + (1 if first == "ytd" else 3)
    return None


def _range(tokens: Sequence[Token], at: int) -> tuple[Period, int] | None:
    closing = {"between": {"and"}, "from": {"to", "until", "through", "till"}}.get(tokens[at].word)
    if closing is None:
        return None
    first = calendar_period(tokens, at + 1)
    if first is None:
        return None
    middle = at + 1 + first[2]
    if middle >= len(tokens) or tokens[middle].word not in closing:
        return None
    second = calendar_period(tokens, middle + 1)
    if second is None or second[1] <= first[0]:
        return None
    return Period(_literal(first[0]), _literal(second[1])), middle + 1 + second[2] - at


def _open_or_plain(tokens: Sequence[Token], at: int) -> tuple[Period, int] | None:
    word = tokens[at].word
    preposition = (
        1
        if word in {"in", "on", "during", "for", "of", "after", "before", "since", "until", "till", "from", "by"}
        else 0
    )
    if preposition:
        preposition += _skip(tokens, at + 1, {"the", "year"})
    found = calendar_period(tokens, at + preposition)
    if found is None:
        return None
    start, end, length = found
    length += preposition
    first, last = _literal(start), _literal(end)
    if word in {"since", "from"}:
        return Period(first, None), length
    if word == "after":
        return Period(last, None), length
    if word == "before":
        return Period(None, first), length
    if word in {"until", "till"}:
        return Period(None, last), length
    whole_year = start.year if (start.month, start.day) == (1, 1) and end == dt.date(start.year + 1, 1, 1) else None
    return Period(first, last, whole_year), length


def _months(unit: str, count: int) -> int:
    return {"MONTH": 1, "QUARTER": 3, "YEAR": 12, "WEEK": 0}[unit] * count


def _one_before(unit: str) -> str:
    if unit == "DAY":
        return "date_sub(current_date(), 1)"
    if unit == "WEEK":
        return "date_sub(date_trunc('WEEK', current_date()), 7)"
    return f"add_months(date_trunc('{unit}', current_date()), -{_months(unit, 1)})"


def _literal(day: dt.date) -> str:
    return f"DATE'{day.isoformat()}'"


def _skip(tokens: Sequence[Token], at: int, words: set[str]) -> int:
    count = 0
    while at + count < len(tokens) and tokens[at + count].word in words:
        count += 1
    return count
