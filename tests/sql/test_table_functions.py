from __future__ import annotations

import pytest

from mlflow_genie_plugin.errors import SqlFailedError, UnsafeSqlError, UsageError
from mlflow_genie_plugin.sql_engine.engine import RoutineColumn, RoutineParameter, SqlEngine

BODY = "SELECT id, kind FROM shop.sales.items WHERE id >= lowest AND kind = items_of.wanted ORDER BY id"


@pytest.fixture(scope="module")
def engine(filled):
    with SqlEngine() as opened:
        filled(opened)
        opened.register_table_function(
            "shop.sales.items_of",
            [RoutineParameter("wanted", "STRING"), RoutineParameter("lowest", "INT", default="1")],
            BODY,
            returns=[RoutineColumn("number", "BIGINT"), RoutineColumn("what", "STRING")],
        )
        opened.register_table_function("shop.sales.plain", [], "SELECT count(*) AS n FROM shop.sales.items")
        opened.register_table_function(
            "shop.sales.hidden", [RoutineParameter("id", "INT")], "SELECT id FROM shop.sales.items WHERE id = hidden.id"
        )
        opened.register_table_function(
            "shop.sales.nested",
            [RoutineParameter("k", "STRING")],
            "SELECT number FROM shop.sales.items_of(k, lowest => 2)",
        )
        yield opened


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM shop.sales.items_of('a')", [(1, "a"), (3, "a")]),
        ("SELECT * FROM SHOP.sales.Items_Of('a', 2)", [(3, "a")]),
        ("SELECT * FROM shop.sales.items_of(lowest => 2, wanted => 'a')", [(3, "a")]),
        ("SELECT * FROM shop.sales.items_of('a', lowest => 1 + 1)", [(3, "a")]),
        ("SELECT t.what FROM shop.sales.items_of('b') AS t WHERE t.number > 0", [("b",)]),
        ("SELECT items_of.number FROM shop.sales.items_of('b')", [(2,)]),
        ("SELECT * FROM TABLE(shop.sales.items_of('b'))", [(2, "b")]),
        ("SELECT * FROM shop.sales.items_of(:k)", [(2, "b")]),
        ("SELECT n FROM shop.sales.plain()", [(3,)]),
        ("SELECT * FROM shop.sales.items_of('a', '3')", [(3, "a")]),
        # inside a body a column hides the parameter of its name
        ("SELECT * FROM shop.sales.hidden(2)", [(2,)]),
        ("SELECT * FROM shop.sales.nested('a')", [(3,)]),
        ("SELECT k.label, f.number FROM shop.sales.kinds k, LATERAL shop.sales.items_of(k.kind) f ORDER BY 2",
         [("Alpha", 1), ("Beta", 2), ("Alpha", 3)]),
        # names inside a body never mean a CTE of the caller
        ("WITH items AS (SELECT 99 AS id, 'a' AS kind) SELECT * FROM items, shop.sales.plain()", [(99, "a", 3)]),
    ],
)  # fmt: skip
def test_call(engine, sql, expected):
    assert list(engine.execute(sql, parameters={"k": "b"}).rows) == expected


def test_returned_columns_have_the_declared_types(engine):
    result = engine.execute("SELECT * FROM shop.sales.items_of('a')")
    assert [(column.name, column.type_text) for column in result.columns] == [("number", "BIGINT"), ("what", "STRING")]


@pytest.mark.parametrize(
    ("call", "condition"),
    [
        ("items_of()", "REQUIRED_PARAMETER_NOT_FOUND"),
        ("items_of(lowest => 1)", "REQUIRED_PARAMETER_NOT_FOUND"),
        ("items_of('a', 1, 2)", "WRONG_NUM_ARGS"),
        ("items_of('a', other => 1)", "UNRECOGNIZED_PARAMETER_NAME"),
        ("items_of('a', wanted => 'b')", "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT"),
        ("items_of(wanted => 'a', 1)", "UNEXPECTED_POSITIONAL_ARGUMENT"),
        ("items_of('a', 'x')", "CAST_INVALID_INPUT"),
        ("nope(1)", "UNRESOLVABLE_TABLE_VALUED_FUNCTION"),
    ],
)
def test_wrong_calls_say_what_is_wrong(engine, call, condition):
    with pytest.raises(SqlFailedError, match=rf"^\[{condition}"):
        engine.execute(f"SELECT * FROM shop.sales.{call}")


def test_an_argument_is_a_value_whatever_it_contains(engine):
    sql = "SELECT * FROM shop.sales.items_of(:k)"
    assert engine.execute(sql, parameters={"k": "a' OR '1' = '1"}).rows == ()


def test_a_body_must_be_one_reading_query_and_the_name_full(fresh_engine):
    with pytest.raises(UnsafeSqlError):
        fresh_engine.register_table_function("shop.sales.f", [], "DELETE FROM shop.sales.items")
    with pytest.raises(UsageError, match="full name"):
        fresh_engine.register_table_function("f", [], "SELECT 1")


def test_a_function_that_calls_itself_is_refused(fresh_engine):
    fresh_engine.register_table_function("shop.sales.f", [], "SELECT * FROM shop.sales.f()")
    with pytest.raises(SqlFailedError, match="RECURSIVE_VIEW"):
        fresh_engine.execute("SELECT * FROM shop.sales.f()")


def test_an_argument_from_the_caller_is_never_taken_for_a_column_of_the_body(engine):
    sql = "SELECT kind, f.number FROM shop.sales.kinds, LATERAL shop.sales.items_of(kind) AS f ORDER BY 2"
    assert list(engine.execute(sql).rows) == [("a", 1), ("b", 2), ("a", 3)]
