"""Periods and grains in a question: ``in 1995``, ``from 1995-01-01 to 1995-03-31``, ``last 30 days``, ``by month``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from mlflow_genie_plugin.emulator.answering.words import Token, whole_number

_MONTHS = {
    name: number
    for number, names in enumerate(
        [
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ],
        start=1,
    )
    for name in names.split()
}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
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


def calendar_period(tokens: Sequence[Token], at: int) -> tuple[dt.date, dt.date, int] | None:
    """Return start (inclusive), end (exclusive) and length of the calendar period that starts at token ``at``."""
    if at >= len(tokens):
        return None
    token, following = tokens[at], tokens[at + 1 :]
    if token.kind == "date":
        day = _date(token.text)
        return (day, day + dt.timedelta(days=1), 1) if day else None
    if token.kind == "month":
        first = _date(f"{token.text}-01")
        return (first, _add_months(first, 1), 1) if first else None
    if (year := _year(token)) is not None:
        if following and (quarter := _quarter_word(following[0])):
            return (*_quarter(year, quarter), 2)
        return dt.date(year, 1, 1), dt.date(year + 1, 1, 1), 1
    if token.word in _MONTHS:
        return _month_name(tokens, at)
    if quarter := _quarter_word(token):
        skip = 1 if following and following[0].word in {"of", "in"} else 0
        if len(following) > skip and (year := _year(following[skip])) is not None:
            return (*_quarter(year, quarter), 2 + skip)
    if token.word in _ORDINALS and following and following[0].stem in {"quarter", "half"}:
        skip = 1 if len(following) > 1 and following[1].word in {"of", "in"} else 0
        if len(following) > 1 + skip and (year := _year(following[1 + skip])) is not None:
            number, length = _ORDINALS[token.word], 3 + skip
            if following[0].stem == "quarter":
                return (*_quarter(year, number), length)
            if number <= 2:
                first = dt.date(year, 1 if number == 1 else 7, 1)
                return first, _add_months(first, 6), length
    return None


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


def _month_name(tokens: Sequence[Token], at: int) -> tuple[dt.date, dt.date, int] | None:
    # "may" and "march" are also verbs: a month counts only with its year, and perhaps a day before that.
    month = _MONTHS[tokens[at].word]
    position = at + 1
    day = whole_number(tokens[position]) if position < len(tokens) else None
    if (
        day is not None
        and 1 <= day <= 31
        and position + 1 < len(tokens)
        and (year := _year(tokens[position + 1])) is not None
    ):
        date = _date(f"{year:04d}-{month:02d}-{day:02d}")
        return (date, date + dt.timedelta(days=1), 3) if date else None
    if position < len(tokens) and tokens[position].word == "of":
        position += 1
    if position < len(tokens) and (year := _year(tokens[position])) is not None:
        first = dt.date(year, month, 1)
        return first, _add_months(first, 1), position + 1 - at
    return None


def _quarter_word(token: Token) -> int | None:
    return int(token.word[1]) if len(token.word) == 2 and token.word[0] == "q" and token.word[1] in "1234" else None


def _quarter(year: int, number: int) -> tuple[dt.date, dt.date]:
    first = dt.date(year, 3 * number - 2, 1)
    return first, _add_months(first, 3)


def _year(token: Token) -> int | None:
    number = whole_number(token) if token.kind == "number" and len(token.text) == 4 else None
    return number if number is not None and 1900 <= number <= 2099 else None


def _add_months(day: dt.date, months: int) -> dt.date:
    month = day.year * 12 + day.month - 1 + months
    return dt.date(month // 12, month % 12 + 1, 1)


def _months(unit: str, count: int) -> int:
    return {"MONTH": 1, "QUARTER": 3, "YEAR": 12, "WEEK": 0}[unit] * count


def _one_before(unit: str) -> str:
    if unit == "DAY":
        return "date_sub(current_date(), 1)"
    if unit == "WEEK":
        return "date_sub(date_trunc('WEEK', current_date()), 7)"
    return f"add_months(date_trunc('{unit}', current_date()), -{_months(unit, 1)})"


def _date(text: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year < dt.MAXYEAR else None  # the end of a period must be a date too


def _literal(day: dt.date) -> str:
    return f"DATE'{day.isoformat()}'"


def _skip(tokens: Sequence[Token], at: int, words: set[str]) -> int:
    count = 0
    while at + count < len(tokens) and tokens[at + count].word in words:
        count += 1
    return count
