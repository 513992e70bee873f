from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import UnsafeSqlError
from mlflow_genie_plugin.sql_dialect import SqlParseError, parse_query, read_only_reason, require_read_only

READING = [
    "SELECT 1",
    "SELECT 1;",
    "select 1 -- last; DROP TABLE t\n;",
    "(SELECT 1)",
    "VALUES (1, 2)",
    "WITH a AS (SELECT 1) SELECT * FROM a",
    "FROM t |> WHERE x > 1",
    "SELECT a FROM t UNION ALL SELECT b FROM u",
    "SELECT ';', 'DELETE FROM t', \"DROP TABLE t\"",
    "SELECT /* DELETE FROM t; */ 1",
    "SELECT `delete`, update FROM t",
    "SELECT insert(a, 1, 2, 'z'), replace(a, 'x', 'y') FROM t",
    "SELECT * FROM t VERSION AS OF 3",
    "SELECT * FROM t@v3",
    "SELECT * FROM a.b.f(1, n => 2)",
    "SELECT MEASURE(x) FROM a.b.mv GROUP BY ALL",
    "SELECT count(*) FROM t GROUP BY window(ts, '1 hour')",
]

REFUSED = [
    "",
    " ; ;",
    "-- only a comment",
    "DELETE FROM t",
    "INSERT INTO t SELECT 1",
    "FROM t INSERT INTO u SELECT *",
    "UPDATE t SET a = 1",
    "MERGE INTO t USING s ON 1 = 1 WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE t",
    "DROP TABLE t",
    "CREATE TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW v WITH METRICS LANGUAGE YAML AS $$ x $$",
    "ALTER TABLE t ADD COLUMN x INT",
    "COPY INTO t FROM 's3://x'",
    "GRANT SELECT ON t TO x",
    "SET x = 1",
    "USE CATALOG x",
    "CALL p()",
    "EXPLAIN SELECT 1",
    "DESCRIBE t",
    "SHOW TABLES",
    "CACHE TABLE t",
    "REFRESH TABLE t",
    "OPTIMIZE t",
    "VACUUM t",
    "EXECUTE IMMEDIATE 'drop table x'",
    "BEGIN SELECT 1; END",
    "ATTACH 'x.db'",
    "PRAGMA version",
    "INSTALL httpfs",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE t",
    "SELECT 1 /* ; */; DROP TABLE t --",
    "SELECT 1 -- \n; DELETE FROM t",
    "/* SELECT 1 */ DELETE FROM t",
    "WITH x AS (DELETE FROM t) SELECT 1",
    "SELECT * FROM (DELETE FROM t RETURNING *)",
    "SELECT * INTO u FROM t",
    "SELECT * FROM t FOR UPDATE",
    "SELECT reflect('java.lang.Runtime', 'getRuntime')",
    "SELECT java_method('a', 'b')",
    "SELECT http_request(conn => 'c', method => 'POST')",
    "SELECT 'unclosed",
    "SELECT /* unclosed",
    "SELECT FROM WHERE",
    "SELECT a, FROM t",
    "SELECT f(a,) FROM t",
    "SELECT a FROM t ORDER BY a,",
    "not sql at all, only words",
]


@pytest.mark.parametrize("sql", READING)
def test_one_query_is_read_only(sql):
    assert read_only_reason(sql) is None
    require_read_only(sql)


@pytest.mark.parametrize("sql", REFUSED)
def test_everything_else_is_refused_with_a_reason(sql):
    assert read_only_reason(sql)
    with pytest.raises(UnsafeSqlError, match="was not executed") as caught:
        require_read_only(sql)
    assert caught.value.next_step


def test_reasons_are_plain_and_point_at_the_place():
    assert read_only_reason("SELECT 1; SELECT 2") == "it holds 2 statements, only one is allowed"
    assert read_only_reason("drop table t") == "DROP is not a query"
    reason = read_only_reason("SELECT a\nFROM WHERE x")
    assert reason is not None
    assert reason.startswith("syntax error at line 2, column 6 near 'WHERE'")
    assert "Token" not in reason
    assert "\x1b" not in reason


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text):
    assert read_only_reason(text) is None or read_only_reason(text)


@given(st.text(alphabet="abc;'- \n", max_size=20))
def test_a_statement_after_a_query_is_never_overlooked(literal):
    quoted = "'" + literal.replace("'", "''") + "'"
    assert read_only_reason(f"SELECT {quoted}") is None
    assert read_only_reason(f"SELECT {quoted}; DROP TABLE t")
    assert read_only_reason(f"SELECT 1 /*{literal.replace('*/', '')}*/; DROP TABLE t")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT l_shipmode FROM lineitem GROUP BY date_trunc(",
        "SELECT * FROM samples . map( tpch top_customers ( 3 , 'MACHINERY' )",
        "SELECT s_name FROM supplier ORDER BY s_acctbal DESC |> LIMIT 3",
        "SELECT AND ( * ) ) orders WHERE o = '1' COUNT DATE_TRUNC ( 'MONTH' , d FROM = DATE '1996-03-01'",
    ],
)
def test_text_that_breaks_the_parser_itself_is_a_syntax_error(sql):
    with pytest.raises(SqlParseError, match=r"^(syntax error|the SQL text cannot be parsed)"):
        parse_query(sql)
    with pytest.raises(UnsafeSqlError):
        require_read_only(sql)


@pytest.mark.parametrize("name", ["samples..top_customers(3, 'MACHINERY')", "samples . . orders", "a..b.c"])
def test_a_schema_without_a_name_is_a_syntax_error(name):
    with pytest.raises(SqlParseError, match="a name is missing between two dots"):
        parse_query(f"SELECT * FROM {name}")


def test_a_call_that_breaks_the_parser_is_left_to_the_warehouse():
    assert parse_query("SELECT date_trunc()").sql("databricks") == "SELECT DATE_TRUNC()"
