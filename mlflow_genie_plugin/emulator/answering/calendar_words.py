"""Words for days, months, quarters and years."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

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


def _date(text: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year < dt.MAXYEAR else None  # the end of a period must be a date too
