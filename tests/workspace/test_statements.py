from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mlflow_genie_plugin.errors import SqlFailedError, UnsafeSqlError, UsageError, WorkspaceUnavailableError

PATH = "/api/2.0/sql/statements"


def response(state="SUCCEEDED", rows=(("7",),), *, error=None, manifest=None):
    return 200, {
        "statement_id": "s1",
        "status": {"state": state, **({"error": error} if error else {})},
        "manifest": {
            "schema": {"columns": [{"name": "n", "type_name": "INT"}]}, "total_row_count": len(rows), **(manifest or {})
        },
        "result": {"data_array": [list(row) for row in rows]},
    }  # fmt: skip


def test_the_original_text_is_sent_with_limit_and_typed_parameters(workspace, script):
    script.on("POST", PATH, response())
    sql = "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x)  -- as written\nFROM t WHERE a = :a"
    parameters = {
        "a": "x",
        "b": 3,
        "c": True,
        "d": Decimal("-12.30"),
        "e": 1.5,
        "f": date(2026, 1, 2),
        "g": datetime(2026, 1, 2, 3, tzinfo=UTC),
        "h": datetime(2026, 1, 2, 3),  # noqa: DTZ001 - a timestamp without zone
        "i": None,
    }
    assert workspace.sql.execute(sql, warehouse_id="w", parameters=parameters, row_limit=10).rows == ((7,),)
    body = script.sent("POST")[0][3]
    assert (body["statement"], body["warehouse_id"], body["row_limit"]) == (sql, "w", 10)
    assert body["parameters"] == [
        {"name": "a", "value": "x", "type": "STRING"},
        {"name": "b", "value": "3", "type": "BIGINT"},
        {"name": "c", "value": "true", "type": "BOOLEAN"},
        {"name": "d", "value": "-12.30", "type": "DECIMAL(4,2)"},
        {"name": "e", "value": "1.5", "type": "DOUBLE"},
        {"name": "f", "value": "2026-01-02", "type": "DATE"},
        {"name": "g", "value": "2026-01-02 03:00:00+00:00", "type": "TIMESTAMP"},
        {"name": "h", "value": "2026-01-02 03:00:00", "type": "TIMESTAMP_NTZ"},
        {"name": "i"},
    ]


@pytest.mark.parametrize(
    "sql", ["DROP TABLE t", "SELECT 1; DELETE FROM t", "", "/* SELECT 1 */ INSERT INTO t VALUES (1)"]
)
def test_what_is_not_one_read_only_query_is_never_sent(workspace, script, sql):
    for run in (workspace.sql.execute, workspace.sql.explain):
        with pytest.raises(UnsafeSqlError):
            run(sql, warehouse_id="w")
    assert script.requests == []


def test_without_a_warehouse_nothing_is_sent(workspace, script):
    with pytest.raises(UsageError, match="DATABRICKS_WAREHOUSE_ID"):
        workspace.sql.execute("SELECT 1")
    assert script.requests == []


def test_a_default_warehouse_is_used_unless_one_is_given(workspace, script):
    script.on("POST", PATH, response())
    bound = workspace.sql.on_warehouse("w1")
    bound.execute("SELECT 1")
    bound.execute("SELECT 1", warehouse_id="w2")
    assert [item[3]["warehouse_id"] for item in script.sent("POST")] == ["w1", "w2"]


def test_a_running_statement_is_polled(workspace, script, clock):
    script.on("POST", PATH, response("PENDING", ()))
    script.on("GET", f"{PATH}/s1", response("RUNNING", ()), response("RUNNING", ()), response())
    assert workspace.sql.execute("SELECT 1", warehouse_id="w").rows == ((7,),)
    assert clock.slept == pytest.approx([0.1, 0.15, 0.225])


def test_a_statement_that_takes_too_long_is_cancelled(workspace, script, clock):
    script.on("POST", PATH, response("RUNNING", ()))
    script.on("GET", f"{PATH}/s1", response("RUNNING", ()))
    script.on("POST", f"{PATH}/s1/cancel", (200, {}))
    with pytest.raises(SqlFailedError, match="longer than 20 s and was cancelled"):
        workspace.sql.execute("SELECT 1", warehouse_id="w", timeout_seconds=20)
    assert len(script.sent("POST", f"{PATH}/s1/cancel")) == 1
    assert sum(clock.slept) == pytest.approx(20)


def test_ctrl_c_cancels_the_statement(workspace, script, clock, monkeypatch):
    script.on("POST", PATH, response("RUNNING", ()))
    script.on("POST", f"{PATH}/s1/cancel", (500, {"message": "cannot"}))

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(clock, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        workspace.sql.execute("SELECT 1", warehouse_id="w")
    assert len(script.sent("POST", f"{PATH}/s1/cancel")) == 1


@pytest.mark.parametrize("state", ["FAILED", "CANCELED", "CLOSED"])
def test_a_statement_that_fails_says_why(workspace, script, state):
    script.on(
        "POST", PATH, response(state, (), error={"error_code": "BAD_REQUEST", "message": "[UNRESOLVED_COLUMN] x"})
    )
    with pytest.raises(SqlFailedError, match="UNRESOLVED_COLUMN"):
        workspace.sql.execute("SELECT x", warehouse_id="w")


def test_a_warehouse_that_is_down_is_not_the_statements_fault(workspace, script):
    script.on("POST", PATH, response("FAILED", (), error={"error_code": "TEMPORARILY_UNAVAILABLE", "message": "later"}))
    with pytest.raises(WorkspaceUnavailableError, match="later"):
        workspace.sql.execute("SELECT 1", warehouse_id="w")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (response(rows=(("1",),)), None),
        (response("FAILED", (), error={"message": "[TABLE_OR_VIEW_NOT_FOUND] t"}), "[TABLE_OR_VIEW_NOT_FOUND] t"),
    ],
)
def test_explain_tells_whether_a_statement_compiles(workspace, script, answer, expected):
    script.on("POST", PATH, answer)
    assert workspace.sql.explain("SELECT * FROM t", warehouse_id="w") == expected
    assert script.sent("POST")[0][3]["statement"] == "EXPLAIN SELECT * FROM t"


def test_a_plan_that_reports_an_error_is_an_error(workspace, script):
    plan = "== Physical Plan ==\nError occurred during query planning: \n[TABLE_OR_VIEW_NOT_FOUND] t"
    status, body = response(rows=((plan,),))
    body["manifest"]["schema"]["columns"][0]["type_name"] = "STRING"
    script.on("POST", PATH, (status, body))
    assert workspace.sql.explain("SELECT * FROM t", warehouse_id="w") == "[TABLE_OR_VIEW_NOT_FOUND] t"


def test_truncation_by_the_limit_is_known(workspace, script):
    script.on("POST", PATH, response(manifest={"truncated": True}))
    assert workspace.sql.execute("SELECT 1", warehouse_id="w").truncated


@pytest.mark.parametrize("value", [object(), [1], Decimal("NaN")])
def test_a_parameter_that_sql_cannot_hold_is_refused(workspace, value):
    with pytest.raises(UsageError):
        workspace.sql.execute("SELECT :p", warehouse_id="w", parameters={"p": value})
