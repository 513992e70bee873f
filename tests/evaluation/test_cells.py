from __future__ import annotations

import json
import math
from datetime import UTC
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation.cells import decode_cell, encode_cell

cells = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(cells)
def test_a_cell_survives_json_with_its_type(value):
    decoded = decode_cell(json.loads(json.dumps(encode_cell(value))))
    assert decoded == value
    assert type(decoded) is type(value)


def test_a_decimal_keeps_its_scale_and_nan_stays_nan():
    assert str(decode_cell(encode_cell(Decimal("1.50")))) == "1.50"
    assert math.isnan(decode_cell(encode_cell(math.nan)))


@pytest.mark.parametrize("bad", [{"$decimal": "x"}, {"$date": 5}, {"$other": 1}, {}, {"$date": "2024-01-01", "b": 1}])
def test_what_is_no_encoded_cell_is_refused(bad):
    with pytest.raises(ValueError, match="encoded cell"):
        decode_cell(bad)


def test_an_unknown_type_is_refused_not_turned_into_text():
    with pytest.raises(TypeError, match="cannot hold a complex"):
        encode_cell(1j)
