from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.sql_dialect.data_type import DataType, parse_type, type_from_json, type_to_json

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True)
LEAVES = st.one_of(
    st.sampled_from(["int", "bigint", "string", "double", "date", "timestamp", "variant", "binary"]).map(DataType),
    st.tuples(st.integers(1, 38), st.integers(0, 9)).map(lambda numbers: DataType("decimal", numbers)),
    st.integers(1, 99).map(lambda length: DataType("varchar", (length,))),
)
TYPES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda item: DataType("array", items=(item,))),
        st.tuples(inner, inner).map(lambda items: DataType("map", items=items)),
        st.lists(st.tuples(NAMES, inner), min_size=1, max_size=3).map(
            lambda fields: DataType("struct", fields=tuple(fields))
        ),
    ),
    max_leaves=6,
)


@given(TYPES)
def test_a_type_survives_text_and_json(kind):
    assert parse_type(str(kind)) == kind
    assert type_from_json(type_to_json(kind)) == kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DECIMAL(10, 2)", "decimal(10,2)"),
        ("STRUCT<a: INT, `b c`: ARRAY<STRING>>", "struct<a:int,b c:array<string>>"),
        ("struct<a INT, d decimal(3,1)>", "struct<a:int,d:decimal(3,1)>"),
        ("interval day to second", "interval day to second"),
        ("", ""),
    ],
)
def test_types_are_read_as_catalogs_write_them(text, expected):
    assert str(parse_type(text)) == expected


def test_a_described_type_may_be_plain_text():
    assert type_from_json("BIGINT") == DataType("bigint")
    assert type_from_json({"name": "timestamp_ltz"}) == DataType("timestamp")
    assert type_from_json(None) == DataType("")
