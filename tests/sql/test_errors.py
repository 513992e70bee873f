# ruff: noqa: DTZ001  (the engine's times are UTC without a zone; a case is read best on one line)

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.sql_engine.errors import translate_failure

FAILURES = [
    ("SELECT from_json('{}', 'STRUCT<a: INT, STRUCT<b: INT>>')", "PARSE_SYNTAX_ERROR", "STRUCT<b: INT>"),
    ("SELECT transform('a')", "WRONG_NUM_ARGS", "transform"),
    ("SELECT coalesce() OVER ()", "PARSE_SYNTAX_ERROR", "syntax error"),
    ("SELECT * FROM shop.sales.nope", "TABLE_OR_VIEW_NOT_FOUND", "`shop`.`sales`.`nope`"),
    ("SELECT * FROM nope.sales.items", "TABLE_OR_VIEW_NOT_FOUND", "`nope`.`sales`.`items`"),
    ("SELECT * FROM items", "TABLE_OR_VIEW_NOT_FOUND", "`items`"),
    ("SELECT nope FROM shop.sales.items", "UNRESOLVED_COLUMN", "`nope`"),
    ("SELECT i.nope FROM shop.sales.items i", "UNRESOLVED_COLUMN", "nope"),
    ("SELECT z.id FROM shop.sales.items i", "UNRESOLVED_COLUMN", "`z`"),
    ("SELECT kind FROM shop.sales.items JOIN shop.sales.kinds ON 1 = 1", "AMBIGUOUS_REFERENCE", "`kind`"),
    ("SELECT kind, count(*) FROM shop.sales.items", "MISSING_AGGREGATION", "`kind`"),
    ("SELECT sum(sum(id)) FROM shop.sales.items", "NESTED_AGGREGATE_FUNCTION", "aggregate"),
    ("SELECT id FROM shop.sales.items WHERE sum(id) > 1", "INVALID_WHERE_CONDITION", "aggregates"),
    ("SELECT 1 / 0", "DIVIDE_BY_ZERO", "try_divide"),
    ("SELECT id % 0 FROM shop.sales.items", "DIVIDE_BY_ZERO", "Division by zero"),
    ("SELECT CAST('x' AS INT)", "CAST_INVALID_INPUT", "'x'"),
    ("SELECT CAST('3.7' AS INT)", "CAST_INVALID_INPUT", "'3.7'"),
    ("SELECT CAST('2024-13-01' AS DATE)", "CAST_INVALID_INPUT", "2024-13-01"),
    ("SELECT to_date('x', 'yyyy')", "CANNOT_PARSE_TIMESTAMP", "x"),
    ("SELECT CAST(3000000000 AS INT)", "CAST_OVERFLOW", "3000000000"),
    ("SELECT 9223372036854775807 + 1", "ARITHMETIC_OVERFLOW", "Overflow"),
    ("SELECT (SELECT id FROM shop.sales.items)", "SCALAR_SUBQUERY_TOO_MANY_ROWS", "one row"),
    ("SELECT 1 UNION SELECT 1, 2", "NUM_COLUMNS_MISMATCH", "same number"),
    ("SELECT nosuch(1)", "UNRESOLVED_ROUTINE", "`nosuch`"),
    ("SELECT strftime(DATE '2024-01-01', '%Y')", "UNRESOLVED_ROUTINE", "`strftime`"),
    ("SELECT a.b.nosuch(1)", "UNRESOLVED_ROUTINE", "`a`.`b`.`nosuch`"),
    ("SELECT * FROM a.b.nosuch(1)", "UNRESOLVABLE_TABLE_VALUED_FUNCTION", "a.b.nosuch"),
    ("SELECT upper()", "DATATYPE_MISMATCH", "upper"),
    ("SELECT months_between('2024-01-01')", "WRONG_NUM_ARGS", "`months_between`"),
    ("SELECT schema_of_json('{}')", "UNSUPPORTED_FEATURE", "schema_of_json"),
    ("SELECT * FROM shop.sales.items VERSION AS OF 1", "UNSUPPORTED_FEATURE", "time travel"),
    ("SELECT * FROM shop.sales.items@v1", "UNSUPPORTED_FEATURE", "time travel"),
    ("SELECT date_format(DATE '2024-01-01', 'YYYY')", "INCONSISTENT_BEHAVIOR_CROSS_VERSION", "Week-based"),
    ("SELECT :p", "UNBOUND_SQL_PARAMETER", "p"),
    ("SELECT $1", "PARSE_SYNTAX_ERROR", ":name"),
    ("SELECT DISTINCT ON (kind) kind FROM shop.sales.items", "PARSE_SYNTAX_ERROR", "DISTINCT ON"),
    ("SELECT split('a,b,c', ',', 2)", "UNSUPPORTED_FEATURE", "split"),
    ("SELECT ?", "UNBOUND_SQL_PARAMETER", "?"),
    ("SELECT regexp_extract('a', '(?=x)', 0)", "INVALID_REGULAR_EXPRESSION", "look-around"),
    ("SELECT raise_error('because')", "USER_RAISED_EXCEPTION", "because"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "condition", "word"), FAILURES, ids=[sql for sql, _, _ in FAILURES])
def test_failures_speak_the_warehouse_language(engine, sql, condition, word):
    with pytest.raises(SqlFailedError) as caught:
        engine.execute(sql)
    message = str(caught.value)
    assert message.startswith(f"[{condition}")
    assert word in message
    assert "SQLSTATE: " in message
    assert "duckdb" not in message.lower()
    assert len(message.splitlines()) == 1


def test_an_unknown_failure_keeps_the_engine_text():
    error = translate_failure("Strange Error: something new\n\nLINE 1: SELECT")
    assert str(error).startswith("[INTERNAL_ERROR] something new SQLSTATE: XX000")


def test_explain_finds_what_would_fail_and_runs_nothing(engine):
    assert engine.explain("SELECT id FROM shop.sales.items") is None
    assert engine.explain("SELECT nope FROM shop.sales.items").startswith("[UNRESOLVED_COLUMN")
    assert engine.explain("SELECT id FROM shop.sales.items WHERE kind = :k") == (
        "[UNBOUND_SQL_PARAMETER] Found the unbound parameter: k. Give it a value in the statement's parameters."
        " SQLSTATE: 42P02"
    )
    assert engine.explain("SELECT id FROM shop.sales.items WHERE kind = :k", {"k": "a"}) is None
    assert "DROP is not a query" in engine.explain("DROP TABLE shop.sales.items")
    assert engine.explain("SELECT a FROM t SELEC") is not None
    assert engine.explain("SELECT count(*) FROM range(1000000000000)") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (-5, -5),
        (1.5, 1.5),
        (Decimal("-2.50"), Decimal("-2.50")),
        ("it's; DROP TABLE x --", "it's; DROP TABLE x --"),
        ("back\\slash", "back\\slash"),
        (True, True),
        (None, None),
        (dt.date(2024, 2, 29), dt.date(2024, 2, 29)),
        (dt.datetime(2024, 2, 29, 1, 2, 3), dt.datetime(2024, 2, 29, 1, 2, 3)),
    ],
)
def test_parameters_arrive_as_values_never_as_sql(engine, value, expected):
    assert engine.execute("SELECT :v AS v", parameters={"v": value}).rows == ((expected,),)


def test_parameters_work_in_every_place(engine):
    sql = "SELECT id FROM IDENTIFIER(:t) WHERE kind = :K AND sold >= :since ORDER BY id LIMIT :n"
    parameters = {"t": "shop.sales.items", "k": "a", "since": "2024-01-01", "n": 5}
    assert engine.execute(sql, parameters=parameters).rows == ((1,),)


def test_a_parameter_of_a_foreign_kind_is_refused(engine):
    with pytest.raises(SqlFailedError, match="INVALID_PARAMETER_VALUE"):
        engine.execute("SELECT :v", parameters={"v": {"a": 1}})


def test_names_are_completed_with_the_session_catalog_and_schema(engine):
    assert engine.execute("SELECT count(*) FROM items", catalog="shop", schema="sales").rows == ((3,),)
    assert engine.execute("SELECT count(*) FROM sales.items", catalog="shop").rows == ((3,),)
    assert engine.execute("SELECT items.id FROM sales.items WHERE sales.items.id = 1", catalog="shop").rows == ((1,),)
    with pytest.raises(SqlFailedError, match="TABLE_OR_VIEW_NOT_FOUND"):
        engine.execute("SELECT count(*) FROM items", schema="sales")
