"""Runs single read-only statements on a SQL warehouse through the statement execution API."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import GenieError, SqlFailedError, UsageError, WorkspaceUnavailableError
from mlflow_genie_plugin.sql_dialect import require_read_only, split_name
from mlflow_genie_plugin.workspace.answer import QueryResult
from mlflow_genie_plugin.workspace.calls import Calls, Doing
from mlflow_genie_plugin.workspace.results import RUNNING, failure_of, read_response, state_of

Json = Mapping[str, Any]

STATEMENTS = "/api/2.0/sql/statements"
# The API takes 0 or 5 to 50. Short, because until it answers there is no id to cancel by.
_WAIT_SECONDS = 5
_FIRST_POLL_SECONDS = 0.1
_SLOWEST_POLL_SECONDS = 5.0
_DOING = Doing(
    "use the warehouse",
    missing_step="check the warehouse id",
    denied_step="ask for CAN USE on the warehouse and SELECT on the tables",
)
# The statement's state says FAILED, but the statement is not at fault.
_NOT_THE_STATEMENT = frozenset({
    "TEMPORARILY_UNAVAILABLE", "WORKSPACE_TEMPORARILY_UNAVAILABLE", "SERVICE_UNDER_MAINTENANCE", "RESOURCE_EXHAUSTED",
    "DEADLINE_EXCEEDED", "UNAUTHENTICATED",
})  # fmt: skip
# Spark answers EXPLAIN of a statement that does not compile with a plan that begins like this.
_PLANNING_FAILED = "Error occurred during query planning:"


class Statements:
    """Runs statements on one workspace's warehouses.

    Args:
        calls: Sends the requests.
        clock: Time and sleeping.
        warehouse_id: The warehouse when a call names none (DATABRICKS_WAREHOUSE_ID or the profile's).
    """

    def __init__(self, calls: Calls, clock: Clock, *, warehouse_id: str | None = None) -> None:
        self._calls = calls
        self._clock = clock
        self._warehouse_id = warehouse_id

    def on_warehouse(self, warehouse_id: str | None) -> Statements:
        """Return the same port with another default warehouse, for example the one of a space."""
        return Statements(self._calls, self._clock, warehouse_id=warehouse_id or self._warehouse_id)

    def execute(
        self,
        sql: str,
        *,
        warehouse_id: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        row_limit: int = 5000,
        timeout_seconds: float = 120.0,
    ) -> QueryResult:
        """Run the statement as written and return at most ``row_limit`` rows.

        Raises:
            UnsafeSqlError: It is not one read-only statement; it was not sent.
            SqlFailedError: The warehouse could not run it, or it took longer than the timeout (it is cancelled).
            UsageError: No warehouse is known.
        """
        require_read_only(sql)
        response = self._run(sql, warehouse_id, parameters, row_limit, timeout_seconds)
        return read_response(response, self._chunk)

    def explain(
        self, sql: str, *, warehouse_id: str | None = None, parameters: Mapping[str, Any] | None = None
    ) -> str | None:
        """Return None when the statement compiles, else the engine's message.

        Raises:
            UnsafeSqlError: It is not one read-only statement; it was not sent.
        """
        require_read_only(sql)
        try:
            response = self._run(f"EXPLAIN {sql}", warehouse_id, parameters, 100, 120.0)
            plan = read_response(response, self._chunk)
        except SqlFailedError as error:
            return error.what
        text = "\n".join(str(value) for row in plan.rows for value in row)
        if _PLANNING_FAILED in text:
            return text.partition(_PLANNING_FAILED)[2].strip()
        return None

    def describe(self, identifier: str, *, warehouse_id: str | None = None) -> dict[str, Any]:
        """Return what the warehouse says about a table or view, as its JSON description.

        Only the name is put into the statement, as a quoted identifier, so nothing but a description can run.

        Raises:
            SqlFailedError: There is no such object, or the answer is no JSON object.
        """
        name = ".".join("`" + part.replace("`", "``") + "`" for part in split_name(identifier))
        response = self._run(f"DESCRIBE TABLE EXTENDED {name} AS JSON", warehouse_id, None, 10, 120.0)
        try:
            described = orjson.loads(str(read_response(response, self._chunk).rows[0][0]))
        except (IndexError, orjson.JSONDecodeError):
            described = None
        if not isinstance(described, dict):
            raise SqlFailedError(
                f"the warehouse described {identifier} in a form this package does not know",
                next_step="use a SQL warehouse; DESCRIBE … AS JSON needs a runtime of 16.2 or later",
            )
        return described

    def warehouse_state(self, warehouse_id: str) -> str:
        """Return the warehouse's state (RUNNING, STOPPED, STARTING, DELETED, …); starts nothing.

        Raises:
            WorkspaceRefusedError: There is no such warehouse.
        """
        return str(self._calls.read(_DOING, f"/api/2.0/sql/warehouses/{warehouse_id}").get("state") or "UNKNOWN")

    def _run(
        self,
        sql: str,
        warehouse_id: str | None,
        parameters: Mapping[str, Any] | None,
        row_limit: int,
        timeout_seconds: float,
    ) -> Json:
        warehouse = warehouse_id or self._warehouse_id
        if not warehouse:
            raise UsageError(
                "no SQL warehouse to run the statement on",
                next_step="choose one in the space's settings, or set DATABRICKS_WAREHOUSE_ID",
            )
        deadline = self._clock.monotonic() + timeout_seconds
        body = {
            "statement": sql,
            "warehouse_id": warehouse,
            "wait_timeout": f"{_WAIT_SECONDS if timeout_seconds >= _WAIT_SECONDS else 0}s",
            "on_wait_timeout": "CONTINUE",
            "disposition": "INLINE",
            "format": "JSON_ARRAY",
            "row_limit": row_limit,
            **({"parameters": [_parameter(*item) for item in parameters.items()]} if parameters else {}),
        }
        # Reading twice changes nothing, so unlike other POSTs this one may be repeated.
        response: Json = self._calls.harmless(_DOING, "POST", STATEMENTS, body)
        statement_id = str(response.get("statement_id") or "")
        pause = _FIRST_POLL_SECONDS
        finished = False
        try:
            while state_of(response) in RUNNING:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    raise SqlFailedError(
                        f"the statement took longer than {timeout_seconds:g} s and was cancelled",
                        next_step="simplify it, or give it more time",
                        statement_id=statement_id,
                    )
                self._clock.sleep(min(pause, left))
                pause = min(pause * 1.5, _SLOWEST_POLL_SECONDS)
                response = self._calls.read(_DOING, f"{STATEMENTS}/{statement_id}")
            finished = True
        finally:
            # Also on Ctrl-C: nobody will fetch the result, and the warehouse is paid by the second.
            if not finished and statement_id:
                with contextlib.suppress(GenieError):  # what ended the wait is the news, not that cancelling failed
                    self._calls.write_once(_DOING, "POST", f"{STATEMENTS}/{statement_id}/cancel")
        _require_success(response)
        return response

    def _chunk(self, statement_id: str, index: int) -> Json:
        return self._calls.read(_DOING, f"{STATEMENTS}/{statement_id}/result/chunks/{index}")


def _require_success(response: Json) -> None:
    state = state_of(response)
    if state == "SUCCEEDED":
        return
    code = str(((response.get("status") or {}).get("error") or {}).get("error_code") or "")
    if code in _NOT_THE_STATEMENT:
        raise WorkspaceUnavailableError(
            f"the warehouse could not run the statement: {failure_of(response)}",
            next_step="wait a little, then run the same command again",
        )
    raise SqlFailedError(
        failure_of(response) if state else "the warehouse answered without a state",
        next_step="correct the SQL, or look at the statement in the query history",
        statement_id=response.get("statement_id"),
    )


def _parameter(name: str, value: Any) -> dict[str, Any]:
    """Return a named parameter as the API takes it: text plus SQL type; no value means NULL."""
    match value:
        case None:
            return {"name": name}
        case bool():
            return {"name": name, "value": str(value).lower(), "type": "BOOLEAN"}
        case int():
            return {"name": name, "value": str(value), "type": "BIGINT"}
        case float():
            return {"name": name, "value": repr(value), "type": "DOUBLE"}
        case Decimal():
            return {"name": name, "value": f"{value:f}", "type": _decimal_type(value)}
        case datetime():
            return {
                "name": name,
                "value": value.isoformat(sep=" "),
                "type": "TIMESTAMP_NTZ" if value.tzinfo is None else "TIMESTAMP",
            }
        case date():
            return {"name": name, "value": value.isoformat(), "type": "DATE"}
        case str():
            return {"name": name, "value": value, "type": "STRING"}
    raise UsageError(f"parameter {name!r} is {type(value).__name__}, which SQL parameters cannot hold")


def _decimal_type(value: Decimal) -> str:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise UsageError(f"{value} cannot be a DECIMAL parameter")
    scale = max(-exponent, 0)
    return f"DECIMAL({max(len(digits) + max(exponent, 0), scale, 1)},{scale})"
