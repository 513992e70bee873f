import base64
import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.workspace.values import UnreadableValueError, convert, type_of


@pytest.mark.parametrize(
    ("text", "type_name", "expected"),
    [
        ("-128", "BYTE", -128),
        ("32767", "SHORT", 32767),
        ("42", "INT", 42),
        ("9223372036854775807", "LONG", 9223372036854775807),
        ("1.5", "FLOAT", 1.5),
        ("1.0E10", "DOUBLE", 1e10),
        ("Infinity", "DOUBLE", math.inf),
        ("-Infinity", "DOUBLE", -math.inf),
        ("true", "BOOLEAN", True),
        ("False", "BOOLEAN", False),
        ("2026-02-28", "DATE", date(2026, 2, 28)),
        ("2026-02-28T01:02:03.004Z", "TIMESTAMP", datetime(2026, 2, 28, 1, 2, 3, 4000, tzinfo=UTC)),
        ("2026-02-28T01:02:03.004+02:00", "TIMESTAMP", datetime(2026, 2, 27, 23, 2, 3, 4000, tzinfo=UTC)),
        ("2026-02-28 01:02:03", "TIMESTAMP", datetime(2026, 2, 28, 1, 2, 3, tzinfo=UTC)),
        ("2026-02-28T01:02:03.123456789Z", "TIMESTAMP", datetime(2026, 2, 28, 1, 2, 3, 123456, tzinfo=UTC)),
        ("2026-02-28T01:02:03.5", "TIMESTAMP_NTZ", datetime(2026, 2, 28, 1, 2, 3, 500000)),  # noqa: DTZ001 - that is the type
        (base64.b64encode(b"\x00\xff").decode(), "BINARY", b"\x00\xff"),
        ('["a",null,"b"]', "ARRAY", ["a", None, "b"]),
        ('{"k":1}', "MAP", {"k": 1}),
        ('{"a":{"b":[1]}}', "STRUCT", {"a": {"b": [1]}}),
        ("1-2", "INTERVAL", "1-2"),
        ("", "STRING", ""),
        ("text", "STRING", "text"),
        ('{"any":1}', "VARIANT", '{"any":1}'),
    ],
)
def test_each_type_becomes_its_python_value(text, type_name, expected):
    value = convert(text, type_name)
    assert value == expected
    assert type(value) is type(expected)


def test_not_a_number_stays_not_a_number():
    assert math.isnan(convert("NaN", "DOUBLE"))


@pytest.mark.parametrize("type_name", ["INT", "DECIMAL", "STRING", "DATE", "TIMESTAMP", "BINARY", "ARRAY", "NULL", "X"])
def test_null_is_none_for_every_type(type_name):
    assert convert(None, type_name) is None


@pytest.mark.parametrize(
    ("text", "scale", "shown"),
    [("12.3", 2, "12.30"), ("12.345", 2, "12.345"), ("7", 3, "7.000"), ("-0.10", 2, "-0.10")],
)
def test_decimal_keeps_its_scale_and_is_never_rounded(text, scale, shown):
    value = convert(text, "DECIMAL", scale=scale)
    assert isinstance(value, Decimal)
    assert str(value) == shown


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6), st.integers(0, 12))
def test_scaling_never_changes_a_decimal(number, scale):
    assert convert(str(number), "DECIMAL", scale=scale) == number


@given(st.integers())
def test_integers_survive(number):
    assert convert(str(number), "LONG") == number


@given(st.datetimes(timezones=st.just(UTC)))
def test_timestamps_survive(moment):
    assert convert(moment.isoformat(), "TIMESTAMP") == moment


@given(st.floats(allow_nan=False))
def test_doubles_survive(number):
    assert convert(repr(number), "DOUBLE") == number


@pytest.mark.parametrize(
    ("text", "type_name"),
    [
        ("abc", "INT"),
        ("1.5", "INT"),
        ("1_000", "LONG"),
        ("yes", "BOOLEAN"),
        ("2026-13-01", "DATE"),
        ("2026-01-01T25:00:00Z", "TIMESTAMP"),
        ("%%%", "BINARY"),
        ("{", "STRUCT"),
        ("1,5", "DECIMAL"),
        ("tomorrow", "DATE"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused(text, type_name):
    with pytest.raises(UnreadableValueError, match=type_name):
        convert(text, type_name)


@pytest.mark.parametrize("text", ["+12026-01-01", "0000-01-01", "-0044-03-15"])
def test_dates_that_python_does_not_have_stay_text(text):
    assert convert(text, "DATE") == text


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("LONG", "BIGINT", "LONG"),
        ("BIGINT", "", "LONG"),
        ("TIMESTAMP", "TIMESTAMP_NTZ", "TIMESTAMP_NTZ"),
        ("TIMESTAMP", "TIMESTAMP", "TIMESTAMP"),
        (None, "decimal(10,2)", "DECIMAL"),
        (None, "ARRAY<INT>", "ARRAY"),
        (None, "timestamp_ntz", "TIMESTAMP_NTZ"),
        ("INTERVAL", "INTERVAL DAY TO SECOND", "INTERVAL"),
        ("CHAR", "CHAR(3)", "STRING"),
        (None, None, "STRING"),
    ],
)
def test_the_manifest_names_the_type(name, text, expected):
    assert type_of(name, text) == expected
