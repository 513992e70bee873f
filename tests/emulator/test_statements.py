from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound
from databricks.sdk.service.sql import ExecuteStatementRequestOnWaitTimeout, StatementParameterListItem, StatementState
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.emulator.server import WAREHOUSE_ID
from mlflow_genie_plugin.emulator.wire_values import encoded
from mlflow_genie_plugin.errors import UsageError


@pytest.fixture
def run(client):
    """Execute a statement and return the response."""

    def run_statement(sql, parameters=(), **options):
        items = [StatementParameterListItem(name=name, type=kind, value=value) for name, kind, value in parameters]
        return client.statement_execution.execute_statement(
            statement=sql, warehouse_id=WAREHOUSE_ID, parameters=items or None, **options
        )

    return run_statement


def rows(response):
    assert response.status.state == StatementState.SUCCEEDED, response.status.error
    return response.result.data_array


def test_a_query_returns_strings_and_a_typed_manifest(run):
    got = run("SELECT n_nationkey, n_name FROM samples.tpch.nation WHERE n_nationkey < 2 ORDER BY 1")
    assert rows(got) == [["0", "ALGERIA"], ["1", "ARGENTINA"]]
    assert [(c.name, c.position, c.type_name.value) for c in got.manifest.schema.columns] == [
        ("n_nationkey", 0, "LONG"),
        ("n_name", 1, "STRING"),
    ]
    assert (got.manifest.total_row_count, got.manifest.truncated) == (2, False)


def test_every_type_is_text_as_spark_writes_it(run):
    got = run(
        "SELECT CAST(1.50 AS DECIMAL(10,2)) AS dec, DATE'2024-02-29' AS d, TIMESTAMP'2024-02-29 12:00:00' AS t, "
        "true AS b, CAST(NULL AS INT) AS n, CAST(12345678.5 AS DOUBLE) AS f, array(1, 2) AS a"
    )
    assert rows(got) == [["1.50", "2024-02-29", "2024-02-29T12:00:00.000Z", "true", None, "1.23456785E7", "[1,2]"]]
    decimal = got.manifest.schema.columns[0]
    assert (decimal.type_name.value, decimal.type_precision, decimal.type_scale) == ("DECIMAL", 10, 2)


def test_parameters_are_typed(run):
    got = run(
        "SELECT :i + 1 AS i, :d AS d, :s AS s, :n AS n",
        [("i", "INT", "41"), ("d", "DATE", "2024-01-31"), ("s", None, "it's"), ("n", "STRING", None)],
    )
    assert rows(got) == [["42", "2024-01-31", "it's", None]]
    with pytest.raises(InvalidParameterValue, match="Parameter 'i': 'x' cannot be read as INT"):
        run("SELECT :i", [("i", "INT", "x")])


def test_a_row_limit_cuts_and_says_so(run):
    got = run("SELECT id FROM range(10)", row_limit=3)
    assert (len(rows(got)), got.manifest.truncated, got.manifest.total_row_count) == (3, True, 3)
    assert run("SELECT id FROM range(3)", row_limit=3).manifest.truncated is False


def test_a_long_result_comes_in_chunks(run, client):
    got = run("SELECT id FROM range(25000) ORDER BY id")
    assert (got.manifest.total_chunk_count, len(got.result.data_array)) == (3, 10_000)
    seen, chunk = list(got.result.data_array), got.result
    while chunk.next_chunk_index is not None:
        chunk = client.statement_execution.get_statement_result_chunk_n(got.statement_id, chunk.next_chunk_index)
        seen += chunk.data_array
    assert [row[0] for row in seen] == [str(number) for number in range(25_000)]
    with pytest.raises(InvalidParameterValue):
        client.statement_execution.get_statement_result_chunk_n(got.statement_id, 3)


def test_a_failing_query_is_a_failed_statement_with_the_error_class(run):
    got = run("SELECT x FROM samples.tpch.nothing")
    assert (got.status.state, got.result) == (StatementState.FAILED, None)
    assert got.status.error.message.startswith("[TABLE_OR_VIEW_NOT_FOUND]")
    assert got.status.sql_state == "42P01"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELEC 1", "PARSE_SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", "expected one statement"),
        ("DROP TABLE samples.tpch.nation", "DROP"),
        ("/* SELECT */ DELETE FROM samples.tpch.nation", "DELETE"),
        ("EXPLAIN DELETE FROM samples.tpch.nation", "DELETE"),
    ],
)
def test_what_is_not_one_query_fails_and_changes_nothing(run, sql, words):
    got = run(sql)
    assert got.status.state == StatementState.FAILED
    assert words in got.status.error.message
    assert rows(run("SELECT COUNT(*) FROM samples.tpch.nation")) == [["25"]]


def test_explain_succeeds_and_tells_an_error_of_analysis_as_text(run):
    fine = run("EXPLAIN SELECT n_name FROM samples.tpch.nation")
    assert rows(fine)[0][0].startswith("== Physical Plan ==")
    wrong = run("EXPLAIN SELECT nothing FROM samples.tpch.nation")
    text = rows(wrong)[0][0]
    assert text.startswith("Error occurred during query planning")
    assert "UNRESOLVED_COLUMN" in text
    assert run("EXPLAIN SELEC 1").status.state == StatementState.FAILED


def test_names_are_completed_with_the_catalog_and_schema_given(run):
    assert rows(run("SELECT COUNT(*) FROM nation", catalog="samples", schema="tpch")) == [["25"]]
    assert run("SELECT COUNT(*) FROM nation").status.state == StatementState.FAILED


def test_a_statement_that_takes_long_is_polled(run, client, control):
    control.configure(statement_seconds=0.3)
    got = run("SELECT 1", wait_timeout="0s")
    assert got.status.state in {StatementState.PENDING, StatementState.RUNNING}
    for _ in range(200):
        got = client.statement_execution.get_statement(got.statement_id)
        if got.status.state == StatementState.SUCCEEDED:
            break
        import time

        time.sleep(0.01)
    assert rows(got) == [["1"]]


def test_a_statement_can_be_cancelled_by_hand_and_by_its_timeout(run, client, control):
    control.configure(statement_seconds=60)
    got = run("SELECT 1", wait_timeout="0s")
    client.statement_execution.cancel_execution(got.statement_id)
    assert client.statement_execution.get_statement(got.statement_id).status.state == StatementState.CANCELED
    control.configure(statement_seconds=60)
    cut = run("SELECT 1", wait_timeout="5s", on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CANCEL)
    assert (cut.status.state, cut.result) == (StatementState.CANCELED, None)


def test_bad_requests_are_refused(run, client):
    with pytest.raises(InvalidParameterValue, match="wait_timeout"):
        run("SELECT 1", wait_timeout="3s")
    with pytest.raises(BadRequest, match="is not a valid endpoint id"):
        client.statement_execution.execute_statement(statement="SELECT 1", warehouse_id="other")
    with pytest.raises(NotFound):
        client.statement_execution.get_statement("01f00000-0000-0000-0000-000000000000")


def test_the_warehouse_is_listed(client):
    assert [item.id for item in client.warehouses.list()] == [WAREHOUSE_ID]
    assert client.warehouses.get(WAREHOUSE_ID).state.value == "RUNNING"
    with pytest.raises(NotFound):
        client.warehouses.get("other")


def test_unity_catalog_describes_the_sample(client):
    assert "samples" in [item.name for item in client.catalogs.list()]
    assert [item.full_name for item in client.schemas.list("samples")] == ["samples.tpch"]
    tables = {item.name: item for item in client.tables.list("samples", "tpch")}
    assert tables["orders"].table_type.value == "MANAGED"
    assert tables["order_metrics"].table_type.value == "METRIC_VIEW"
    assert "measures" in client.tables.get("samples.tpch.order_metrics").view_definition
    orders = client.tables.get("SAMPLES.tpch.Orders")
    price = next(column for column in orders.columns if column.name == "o_totalprice")
    assert (price.type_name.value, price.type_scale, bool(price.comment)) == ("DECIMAL", 2, True)
    assert client.tables.exists("samples.tpch.orders").table_exists
    assert not client.tables.exists("samples.tpch.none").table_exists
    functions = {item.name: item for item in client.functions.list("samples", "tpch")}
    top = client.functions.get("samples.tpch.top_customers")
    assert set(functions) == {"top_customers", "late_deliveries"}
    assert [p.name for p in top.input_params.parameters] == ["how_many", "segment"]
    assert top.routine_definition.startswith("SELECT customer_name")
    for call in (
        lambda: client.tables.get("samples.tpch.none"),
        lambda: client.functions.get("samples.tpch.none"),
        lambda: client.catalogs.get("none"),
        lambda: client.schemas.get("samples.none"),
    ):
        with pytest.raises(NotFound):
            call()


@pytest.mark.parametrize("catalog", ["samples", "system"])
def test_information_schema_is_queried_through_statements(run, catalog):
    columns = rows(
        run(
            f"SELECT column_name, data_type, comment FROM {catalog}.information_schema.columns "
            "WHERE table_schema = 'tpch' AND table_name = 'region' ORDER BY ordinal_position"
        )
    )
    assert [column[0] for column in columns] == ["r_regionkey", "r_name", "r_comment"]
    assert columns[1][1:] == ["STRING", "Name of the region in capitals, for example EUROPE"]
    routines = rows(run(f"SELECT routine_name FROM {catalog}.information_schema.routines ORDER BY 1"))
    assert routines == [["late_deliveries"], ["top_customers"]]
    assert rows(run(f"SELECT * FROM {catalog}.information_schema.table_tags")) == []
    assert rows(run(f"SELECT * FROM {catalog}.information_schema.column_tags")) == []


def test_tags_of_tables_and_columns_are_set_and_queried(run, control):
    control.set_tags("samples.tpch.customer", {"owner": "crm"})
    control.set_tags("samples.tpch.customer", {"pii": "true", "kind": "name"}, column="c_name")
    try:
        table = rows(run("SELECT table_name, tag_name, tag_value FROM samples.information_schema.table_tags"))
        columns = rows(
            run("SELECT column_name, tag_name, tag_value FROM system.information_schema.column_tags ORDER BY tag_name")
        )
    finally:
        control.set_tags("samples.tpch.customer", {})
        control.set_tags("samples.tpch.customer", {}, column="c_name")
    assert table == [["customer", "owner", "crm"]]
    assert columns == [["c_name", "kind", "name"], ["c_name", "pii", "true"]]
    assert rows(run("SELECT * FROM samples.information_schema.column_tags")) == []
    with pytest.raises(UsageError, match="no column none in"):
        control.set_tags("samples.tpch.customer", {}, column="none")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_survives_its_text(value):
    assert float(encoded(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e7, "1.0E7"),
        (9999999.0, "9999999.0"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (-1.5e300, "-1.5E300"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
        (0.0, "0.0"),
        (Decimal("1E+3"), "1000"),
        (b"\x00\xff", "AP8="),
        (date(1, 1, 1), "0001-01-01"),
        (datetime(2024, 1, 2, 3, 4, 5, 600, UTC), "2024-01-02T03:04:05.000600Z"),
        (datetime.fromisoformat("2024-01-02T03:04:05"), "2024-01-02T03:04:05.000Z"),
        (datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02T00:00:00.000Z"),
        ({"a": [1, None, Decimal("2.50")]}, '{"a":[1,null,"2.50"]}'),
        (True, "true"),
        (None, None),
    ],
)
def test_values_are_written_as_the_api_writes_them(value, text):
    assert encoded(value) == text


def test_a_cancelled_statement_no_longer_uses_the_engine(client, control):
    endless = "SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c WHERE a.id + b.id + c.id < 0"
    for _ in range(4):  # as many as run at once
        statement = client.statement_execution.execute_statement(endless, WAREHOUSE_ID, wait_timeout="0s")
        client.statement_execution.cancel_execution(statement.statement_id)
    control.configure(statement_timeout_seconds=0.3)
    ended = client.statement_execution.execute_statement(endless, WAREHOUSE_ID, wait_timeout="10s")
    assert ended.status.state.value == "FAILED"
    assert "STATEMENT_TIMEOUT" in ended.status.error.message
