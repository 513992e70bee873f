from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.emulator.answering.time_phrases import Grain, Period, match_time
from mlflow_genie_plugin.emulator.answering.words import tokenize


def test_the_last_day_there_is_has_no_end_and_is_no_period():
    assert match_time(tokenize("9999-12-31"), 0) is None


def period(start, end):
    return tuple(f"DATE'{day}'" if day and day[0].isdigit() else day for day in (start, end))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1995", period("1995-01-01", "1996-01-01")),
        ("in 1995", period("1995-01-01", "1996-01-01")),
        ("in the year 1995", period("1995-01-01", "1996-01-01")),
        ("in March 1996", period("1996-03-01", "1996-04-01")),
        ("December of 1996", period("1996-12-01", "1997-01-01")),
        ("on March 5 1996", period("1996-03-05", "1996-03-06")),
        ("1996-02", period("1996-02-01", "1996-03-01")),
        ("on 1996-02-29", period("1996-02-29", "1996-03-01")),
        ("Q4 1996", period("1996-10-01", "1997-01-01")),
        ("1996 Q1", period("1996-01-01", "1996-04-01")),
        ("in the second quarter of 1996", period("1996-04-01", "1996-07-01")),
        ("second quarter of 1996", period("1996-04-01", "1996-07-01")),
        ("first half of 1996", period("1996-01-01", "1996-07-01")),
        ("between 1995-01-01 and 1995-03-31", period("1995-01-01", "1995-04-01")),
        ("between 1995 and 1996", period("1995-01-01", "1997-01-01")),
        ("from March 1995 to May 1995", period("1995-03-01", "1995-06-01")),
        ("since 1997", period("1997-01-01", None)),
        ("after 1997-05-01", period("1997-05-02", None)),
        ("before 1997", period(None, "1997-01-01")),
        ("until 1997-05-01", period(None, "1997-05-02")),
        ("last 30 days", ("date_sub(current_date(), 30)", None)),
        ("in the last 2 weeks", ("date_sub(current_date(), 14)", None)),
        ("past 3 months", ("add_months(current_date(), -3)", None)),
        (
            "last quarter",
            ("add_months(date_trunc('QUARTER', current_date()), -3)", "date_trunc('QUARTER', current_date())"),
        ),
        ("this year", ("date_trunc('YEAR', current_date())", None)),
        ("yesterday", ("date_sub(current_date(), 1)", "current_date()")),
        ("year to date", ("date_trunc('YEAR', current_date())", None)),
        ("1996-02-30", None),
        ("between 1996 and 1995", None),
        ("may", None),
        ("march of the penguins", None),
        ("350", None),
        ("12345", None),
        ("12,1995", None),
    ],
)
def test_a_period_is_read(text, expected):
    found = match_time(tokenize(text), 0)
    if expected is None:
        assert found is None or found[1] < len(tokenize(text))
    else:
        assert found is not None
        assert found[1] == len(tokenize(text))
        assert isinstance(found[0], Period)
        assert (found[0].start, found[0].end) == expected


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("by month", "MONTH"),
        ("per year", "YEAR"),
        ("for each quarter", "QUARTER"),
        ("monthly", "MONTH"),
        ("over time", "MONTH"),
        ("week by week", "WEEK"),
        ("which month", "MONTH"),
        ("years", "YEAR"),
        ("daily", "DAY"),
    ],
)
def test_a_grain_is_read(text, unit):
    assert match_time(tokenize(text), 0) == (Grain(unit), len(tokenize(text)))


@given(st.text(max_size=60), st.integers(0, 5))
def test_any_text_is_read_without_failing_and_never_beyond_its_end(text, at):
    tokens = tokenize(text)
    if at < len(tokens) and (found := match_time(tokens, at)) is not None:
        assert 0 < found[1] <= len(tokens) - at


@given(st.dates(max_value=dt.date(9998, 12, 31)))
def test_every_iso_date_is_one_day(day):
    found = match_time(tokenize(day.isoformat()), 0)
    assert found is not None
    assert found[0].start == f"DATE'{day.isoformat()}'"
