"""SQL statements: running them on the engine, holding their results, and answering as the statement API does."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mlflow_genie_plugin.emulator.api_errors import ApiError, missing
from mlflow_genie_plugin.emulator.behaviour import Controls
from mlflow_genie_plugin.emulator.identifiers import IdSource
from mlflow_genie_plugin.emulator.wire_values import encoded_rows
from mlflow_genie_plugin.errors import GenieError

if TYPE_CHECKING:
    from mlflow_genie_plugin.emulator.warehouse import Warehouse
    from mlflow_genie_plugin.sql_engine.result import EngineColumn

CHUNK_ROWS: Final = 10_000
MOST_ROWS: Final = 200_000
_RESULTS_HELD: Final = 400
_SQL_STATE: Final = re.compile(r"SQLSTATE: ([0-9A-Z]{5})")
DONE: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "CLOSED"})


@dataclass(slots=True)
class Statement:
    """One statement and, once it has run, its result or error."""

    statement_id: str
    sql: str
    parameters: Mapping[str, Any] | None
    row_limit: int
    catalog: str | None = None
    schema: str | None = None
    state: str = "PENDING"
    columns: list[dict[str, Any]] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    truncated: bool = False
    error: str | None = None
    future: Future[None] | None = None
    stop: threading.Event = field(default_factory=threading.Event)


class Statements:
    """Runs statements on a pool of threads and holds the most recent results."""

    def __init__(self, warehouse: Warehouse, ids: IdSource, controls: Controls) -> None:
        self._warehouse = warehouse
        self._ids = ids
        self._controls = controls
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Statement] = OrderedDict()
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="statement")

    def submit(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        row_limit: int | None = None,
        statement_id: str | None = None,
        *,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> Statement:
        """Start a statement; ``statement_id`` runs an earlier one again under its id."""
        limit = min(row_limit or MOST_ROWS, MOST_ROWS)
        statement = Statement(statement_id or self._ids.uuid(), sql, parameters, limit, catalog, schema)
        with self._lock:
            self._held[statement.statement_id] = statement
            self._held.move_to_end(statement.statement_id)
            while len(self._held) > _RESULTS_HELD:
                self._held.popitem(last=False)
        statement.future = self._pool.submit(self._execute, statement)
        return statement

    def wait(self, statement: Statement, seconds: float | None) -> Statement:
        """Wait until the statement is done, at most ``seconds``."""
        if statement.future is not None:
            try:
                statement.future.result(seconds)
            except FutureTimeoutError:
                return statement
        return statement

    def held(self, statement_id: str) -> Statement | None:
        """Return the statement when its result is still here."""
        with self._lock:
            return self._held.get(statement_id)

    def get(self, statement_id: str) -> Statement:
        """Return the statement.

        Raises:
            ApiError: 404 when it never was, or its result is gone.
        """
        if found := self.held(statement_id):
            return found
        raise missing(f"The statement {statement_id} was not found.")

    def cancel(self, statement: Statement) -> None:
        """Cancel a statement that is not done: it is interrupted and its result dropped."""
        with self._lock:
            if statement.state not in DONE:
                statement.state = "CANCELED"
                statement.stop.set()

    def close(self) -> None:
        """Take no more statements, drop those that wait and interrupt those that run."""
        with self._lock:
            for statement in self._held.values():
                statement.stop.set()
        # Waiting is short now, and the engine cannot be closed while one of them uses it.
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _execute(self, statement: Statement) -> None:
        if not self._advance(statement, "RUNNING"):
            return
        behaviour = self._controls.behaviour
        statement.stop.wait(behaviour.statement_seconds)
        try:
            result = self._warehouse.execute(
                statement.sql,
                parameters=statement.parameters,
                row_limit=statement.row_limit,
                catalog=statement.catalog,
                schema=statement.schema,
                timeout_seconds=behaviour.statement_timeout_seconds,
                stop=statement.stop,
            )
            statement.columns, statement.rows = manifest_columns(result.columns), encoded_rows(result.rows)
            statement.truncated = result.truncated
        except GenieError as error:
            statement.error = error.what
            self._advance(statement, "FAILED")
        except Exception as error:  # noqa: BLE001 - an engine's own crash is a failed statement, not a lost one
            statement.error = f"[INTERNAL_ERROR] {type(error).__name__}: {error}"
            self._advance(statement, "FAILED")
        else:
            self._advance(statement, "SUCCEEDED")

    def _advance(self, statement: Statement, state: str) -> bool:
        with self._lock:
            if statement.state in DONE:
                return False
            statement.state = state
            return True


def manifest_columns(columns: Sequence[EngineColumn]) -> list[dict[str, Any]]:
    """Return result columns as the manifest lists them."""
    listed = []
    for position, column in enumerate(columns):
        entry: dict[str, Any] = {
            "name": column.name,
            "position": position,
            "type_name": column.type_name,
            "type_text": column.type_text or column.type_name,
        }
        if match := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", entry["type_text"], re.IGNORECASE):
            entry["type_precision"], entry["type_scale"] = int(match[1]), int(match[2])
        listed.append(entry)
    return listed


def statement_body(statement: Statement, *, row_cap: int | None = None, chunk: int = 0) -> dict[str, Any]:
    """Return the statement as the API answers it: status, and when it succeeded manifest and first chunk.

    ``row_cap`` is the query-result API's limit: fewer rows are shown and the manifest says truncated.
    """
    status: dict[str, Any] = {"state": statement.state}
    body: dict[str, Any] = {"statement_id": statement.statement_id, "status": status}
    if statement.state == "FAILED":
        message = statement.error or "unknown error"
        status["error"] = {"error_code": "BAD_REQUEST", "message": message}
        if match := _SQL_STATE.search(message):
            status["sql_state"] = match[1]
    if statement.state != "SUCCEEDED":
        return body
    rows = statement.rows if row_cap is None else statement.rows[:row_cap]
    body["manifest"] = {
        "format": "JSON_ARRAY",
        "schema": {"column_count": len(statement.columns), "columns": statement.columns},
        "total_row_count": len(statement.rows),
        "total_chunk_count": max(1, -(-len(rows) // CHUNK_ROWS)),
        "truncated": statement.truncated or len(rows) < len(statement.rows),
        "chunks": [
            {"chunk_index": index, "row_offset": start, "row_count": len(rows[start : start + CHUNK_ROWS])}
            for index, start in enumerate(range(0, len(rows), CHUNK_ROWS))
        ],
    }
    body["result"] = chunk_body(statement, rows, chunk)
    return body


def chunk_body(statement: Statement, rows: list[list[str | None]], index: int) -> dict[str, Any]:
    """Return one chunk of the rows.

    Raises:
        ApiError: 400 when there is no such chunk.
    """
    start = index * CHUNK_ROWS
    if index < 0 or (index > 0 and start >= len(rows)):
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Chunk index {index} is out of range.")
    part = rows[start : start + CHUNK_ROWS]
    body: dict[str, Any] = {"chunk_index": index, "row_offset": start, "row_count": len(part), "data_array": part}
    if start + CHUNK_ROWS < len(rows):
        body["next_chunk_index"] = index + 1
        body["next_chunk_internal_link"] = (
            f"/api/2.0/sql/statements/{statement.statement_id}/result/chunks/{index + 1}?row_offset={start + len(part)}"
        )
    return body
