import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mlflow_genie_plugin.errors import SqlFailedError, UnsafeSqlError, UsageError
from mlflow_genie_plugin.space.parse import parse_space
from mlflow_genie_plugin.sql_dialect import normalise_name
from mlflow_genie_plugin.sql_dialect.data_type import type_from_json


@pytest.fixture
def sql(held):
    return held.workspace.sql.on_warehouse(held.workspace.spaces.get_space(held.space_id).warehouse_id)


@pytest.mark.parametrize(
    ("expression", "type_name", "expected"),
    [
        ("CAST(7 AS TINYINT)", "BYTE", 7),
        ("CAST(7 AS SMALLINT)", "SHORT", 7),
        ("CAST(7 AS INT)", "INT", 7),
        ("CAST(9223372036854775807 AS BIGINT)", "LONG", 9223372036854775807),
        ("CAST(1.5 AS FLOAT)", "FLOAT", 1.5),
        ("CAST(0.1 AS DOUBLE)", "DOUBLE", 0.1),
        ("CAST('Infinity' AS DOUBLE)", "DOUBLE", math.inf),
        ("CAST('12.30' AS DECIMAL(10, 2))", "DECIMAL", Decimal("12.30")),
        ("true", "BOOLEAN", True),
        ("'text'", "STRING", "text"),
        ("DATE'2026-02-28'", "DATE", date(2026, 2, 28)),
        (
            "CAST('2026-02-28T01:02:03.5Z' AS TIMESTAMP)",
            "TIMESTAMP",
            datetime(2026, 2, 28, 1, 2, 3, 500000, tzinfo=UTC),
        ),
        ("CAST('abc' AS BINARY)", "BINARY", b"abc"),
        ("array(1, 2)", "ARRAY", [1, 2]),
    ],
)
def test_each_type_arrives_as_its_python_value(sql, expression, type_name, expected):
    result = sql.execute(f"SELECT {expression} AS value, CAST(NULL AS STRING) AS nothing")
    assert result.columns[0].type_name == type_name
    assert result.rows == ((expected, None),)
    assert type(result.rows[0][0]) is type(expected)


def test_not_a_number_arrives(sql):
    assert math.isnan(sql.execute("SELECT CAST('NaN' AS DOUBLE) AS value").rows[0][0])


def test_a_limit_truncates_and_says_so(sql, held):
    result = sql.execute(f"SELECT * FROM {held.table}", row_limit=3)
    assert len(result.rows) == 3
    assert result.truncated


def test_a_whole_result_is_not_truncated(sql, held):
    result = sql.execute(f"SELECT * FROM {held.table} LIMIT 3", row_limit=10)
    assert (len(result.rows), result.row_count, result.truncated) == (3, 3, False)


def test_no_rows_still_have_columns(sql, held):
    result = sql.execute(f"SELECT * FROM {held.table} WHERE 1 = 0")
    assert (result.rows, result.row_count, result.truncated) == ((), 0, False)
    assert result.columns


def test_parameters_are_values_with_types(sql):
    result = sql.execute(
        "SELECT :i + 1 AS i, :s AS s, :d AS d", parameters={"i": 41, "s": "it's", "d": date(2026, 1, 2)}
    )
    assert result.rows == ((42, "it's", date(2026, 1, 2)),)


def test_what_does_not_exist_fails_with_the_engines_words(sql):
    with pytest.raises(SqlFailedError, match="TABLE_OR_VIEW_NOT_FOUND"):
        sql.execute("SELECT * FROM samples.tpch.no_such_table_here")


def test_what_writes_is_not_sent(sql, held):
    with pytest.raises(UnsafeSqlError):
        sql.execute(f"DELETE FROM {held.table}")


def test_explain_tells_whether_it_compiles(sql, held):
    assert sql.explain(f"SELECT count(*) FROM {held.table}") is None
    assert "no_such_column" in sql.explain(f"SELECT no_such_column FROM {held.table}")


def test_columns_come_in_order_with_types(held):
    warehouse = held.workspace.spaces.get_space(held.space_id).warehouse_id
    rows = held.workspace.catalog.columns([held.table.upper()], warehouse_id=warehouse)
    names = [row["column_name"] for row in rows]
    described = held.workspace.sql.execute(f"SELECT * FROM {held.table} LIMIT 1", warehouse_id=warehouse)
    assert names == [column.name for column in described.columns]
    assert all(row["data_type"] and row["table_name"] == held.table.split(".")[-1] for row in rows)


def test_an_unknown_table_has_no_columns(held):
    warehouse = held.workspace.spaces.get_space(held.space_id).warehouse_id
    assert held.workspace.catalog.columns(["samples.tpch.no_such_table"], warehouse_id=warehouse) == []


def test_a_name_without_three_parts_is_refused(held):
    with pytest.raises(UsageError):
        held.workspace.catalog.columns(["orders"])


def test_a_table_is_described_as_json_with_its_types(held):
    warehouse = held.workspace.spaces.get_space(held.space_id).warehouse_id
    described = held.workspace.sql.describe(held.table, warehouse_id=warehouse)
    assert described["table_name"] == held.table.split(".")[-1]
    rows = held.workspace.catalog.columns([held.table], warehouse_id=warehouse)
    types = {row["column_name"]: row["data_type"] for row in rows}
    assert {item["name"]: str(type_from_json(item["type"])) for item in described["columns"]} == types


def test_describing_what_is_not_there_fails_with_the_engines_words(held):
    warehouse = held.workspace.spaces.get_space(held.space_id).warehouse_id
    with pytest.raises(SqlFailedError, match="TABLE_OR_VIEW_NOT_FOUND"):
        held.workspace.sql.describe("samples.tpch.no_such_table", warehouse_id=warehouse)


def test_the_catalog_tells_kinds_and_keys(held):
    warehouse = held.workspace.spaces.get_space(held.space_id).warehouse_id
    (row,) = held.workspace.catalog.table_types([held.table], warehouse_id=warehouse)
    assert row["table_type"]
    columns = {row["column_name"] for row in held.workspace.catalog.columns([held.table], warehouse_id=warehouse)}
    for key in held.workspace.catalog.unique_keys([held.table], warehouse_id=warehouse):
        assert set(key["columns"]) <= columns


def test_every_metric_view_of_the_space_says_what_is_a_measure(held):
    live = held.workspace.spaces.get_space(held.space_id)
    for name in parse_space(live.serialized_space).metric_views():
        view = held.workspace.catalog.metric_view(name, warehouse_id=live.warehouse_id)
        assert view["columns"]
        assert view["definition"] or all(column["is_measure"] is not None for column in view["columns"])


def test_every_function_of_the_space_has_a_signature(held):
    live = held.workspace.spaces.get_space(held.space_id)
    functions = parse_space(live.serialized_space).functions()
    found = held.workspace.catalog.signatures(functions, warehouse_id=live.warehouse_id)
    assert {f"{row['routine_catalog']}.{row['routine_schema']}.{row['routine_name']}".lower() for row in found} == {
        normalise_name(name) for name in functions
    }
    assert all(item["name"] and item["data_type"] for row in found for item in row["parameters"])
