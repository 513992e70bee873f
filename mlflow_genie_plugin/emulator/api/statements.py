"""Routes of SQL: statements and warehouses."""

from __future__ import annotations

import re
from typing import Any

from mlflow_genie_plugin.emulator.api.routing import ApiRequest, Route
from mlflow_genie_plugin.emulator.api_errors import invalid, missing
from mlflow_genie_plugin.emulator.statements import DONE, chunk_body, statement_body
from mlflow_genie_plugin.emulator.wire_values import typed_parameter
from mlflow_genie_plugin.emulator.world import WAREHOUSE_ID


def execute_statement(request: ApiRequest) -> Any:
    world = request.world
    warehouse_id = request.text("warehouse_id", required=True) or ""
    if not world.has_warehouse(warehouse_id):
        raise invalid(f"{warehouse_id} is not a valid endpoint id.")
    sql = request.text("statement", required=True) or ""
    if not sql.strip():
        raise invalid("Missing required field: statement")
    disposition, form = request.text("disposition") or "INLINE", request.text("format") or "JSON_ARRAY"
    if (disposition, form) != ("INLINE", "JSON_ARRAY"):
        raise invalid(f"the local workspace answers INLINE JSON_ARRAY only, not {disposition} {form}")
    seconds = _wait_seconds(request.text("wait_timeout") or "10s")
    on_timeout = request.text("on_wait_timeout") or "CONTINUE"
    if on_timeout not in {"CONTINUE", "CANCEL"}:
        raise invalid(f"Invalid on_wait_timeout: {on_timeout}")
    statement = world.statements.submit(
        sql, _parameters(request), _row_limit(request), catalog=request.text("catalog"), schema=request.text("schema")
    )
    if seconds:
        world.statements.wait(statement, seconds)
        if statement.state not in DONE and on_timeout == "CANCEL":
            world.statements.cancel(statement)
    return statement_body(statement)


def get_statement(request: ApiRequest) -> Any:
    return statement_body(request.world.statements.get(request.path["statement_id"]))


def get_chunk(request: ApiRequest) -> Any:
    statement = request.world.statements.get(request.path["statement_id"])
    index = request.path["chunk_index"]
    if not index.isdigit():
        raise invalid(f"Invalid chunk_index: {index}")
    if statement.state != "SUCCEEDED":
        raise invalid(f"The statement {statement.statement_id} is {statement.state}; it has no result.")
    return chunk_body(statement, statement.rows, int(index))


def cancel_statement(request: ApiRequest) -> Any:
    request.world.statements.cancel(request.world.statements.get(request.path["statement_id"]))
    return {}


def list_warehouses(_: ApiRequest) -> Any:
    return {"warehouses": [_warehouse()]}


def get_warehouse(request: ApiRequest) -> Any:
    if not request.world.has_warehouse(request.path["warehouse_id"]):
        raise missing(f"SQL warehouse {request.path['warehouse_id']} does not exist.")
    return _warehouse()


def _warehouse() -> dict[str, Any]:
    return {
        "id": WAREHOUSE_ID,
        "name": "Local warehouse",
        "cluster_size": "2X-Small",
        "state": "RUNNING",
        "warehouse_type": "PRO",
        "enable_serverless_compute": True,
        "num_clusters": 1,
        "health": {"status": "HEALTHY"},
    }


def _wait_seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)s", text)
    seconds = int(match[1]) if match else -1
    if seconds != 0 and not 5 <= seconds <= 50:
        raise invalid(f"Invalid wait_timeout '{text}': must be 0s or between 5s and 50s")
    return float(seconds)


def _row_limit(request: ApiRequest) -> int | None:
    value = request.fields().get("row_limit")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise invalid(f"Invalid row_limit: {value}")
    return value


def _parameters(request: ApiRequest) -> dict[str, Any] | None:
    items = request.fields().get("parameters") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) and item.get("name") for item in items):
        raise invalid("parameters must be a list of objects with a name")
    return {item["name"]: typed_parameter(item["name"], item.get("type"), item.get("value")) for item in items} or None


_STATEMENT = "/api/2.0/sql/statements/{statement_id}"
ROUTES = [
    Route(
        "statement_execution.execute_statement",
        "POST",
        "/api/2.0/sql/statements",
        execute_statement,
        blocking=True,
    ),
    Route("statement_execution.get_statement", "GET", _STATEMENT, get_statement),
    Route(
        "statement_execution.get_statement_result_chunk_n",
        "GET",
        _STATEMENT + "/result/chunks/{chunk_index}",
        get_chunk,
    ),
    Route("statement_execution.cancel_execution", "POST", _STATEMENT + "/cancel", cancel_statement),
    Route("warehouses.list", "GET", "/api/2.0/sql/warehouses", list_warehouses),
    Route("warehouses.get", "GET", "/api/2.0/sql/warehouses/{warehouse_id}", get_warehouse),
]
