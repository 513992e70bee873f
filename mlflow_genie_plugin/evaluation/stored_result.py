"""What one query returned, and what Genie answered, as files hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mlflow_genie_plugin.evaluation.cells import decode_rows, encode_rows, result_sha256
from mlflow_genie_plugin.workspace.answer import Column, QueryResult

SAMPLE_ROWS = 20
# What Genie calls a query of its own that the warehouse could not run.
QUERY_FAILED = "SQL_EXECUTION_EXCEPTION"


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A query result as a result file holds it.

    Attributes:
        columns: Name and type of each column; None when there is no result.
        rows: Encoded rows (see ``cells``); None when there is no result or rows were not to be stored.
        row_count: Rows the query produced; more than ``len(rows)`` when truncated or only sampled.
        truncated: Whether the workspace cut the result off.
        result_sha256: Digest of the result before anything was left out for storage.
        error: Why there is no result; None when there is one, or none was due.
    """

    columns: tuple[Column, ...] | None = None
    rows: tuple[tuple[Any, ...], ...] | None = None
    row_count: int | None = None
    truncated: bool = False
    result_sha256: str | None = None
    error: str | None = None

    @property
    def has_result(self) -> bool:
        return self.columns is not None

    @property
    def has_all_rows(self) -> bool:
        """Whether the rows here are the rows that the workspace returned, not a sample of them."""
        return self.rows is not None and (self.truncated or len(self.rows) == self.row_count)

    def query_result(self) -> QueryResult | None:
        """Return the result with typed cells, or None when not all of its rows are stored.

        Raises:
            ValueError: A cell is not an encoded cell.
        """
        if self.columns is None or self.rows is None or self.row_count is None or not self.has_all_rows:
            return None
        return QueryResult(self.columns, decode_rows(self.rows), self.row_count, self.truncated)


@dataclass(frozen=True, slots=True)
class AnswerRecord(StoredResult):
    """What Genie answered to one question, with its result.

    ``compiles`` is known (True, False) when the answer's SQL produced rows or was explained; ``compile_error`` is the
    engine's message then. ``status`` is one of :class:`~mlflow_genie_plugin.workspace.answer.AnswerStatus`.
    ``native`` is what Genie's own evaluation run says of the answer, None when it came from a conversation.
    """

    status: str = "COMPLETED"
    sql: str | None = None
    text: str | None = None
    is_clarification: bool = False
    latency_seconds: float = 0.0
    conversation_id: str | None = None
    message_id: str | None = None
    error_type: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    compiles: bool | None = None
    compile_error: str | None = None
    native: Mapping[str, Any] | None = None

    @property
    def query_failed(self) -> bool:
        """Whether Genie wrote a query and failed only because the warehouse could not run it."""
        return self.status == "FAILED" and self.error_type == QUERY_FAILED and bool(self.sql and self.sql.strip())


def stored_result(result: QueryResult | None, error: str | None, store_rows: str = "all") -> StoredResult:
    """Return a query result as it is to be stored: ``all`` rows, a ``sample`` of the first 20, or ``none``."""
    if result is None:
        return StoredResult(error=error)
    kept = {"all": result.rows, "sample": result.rows[:SAMPLE_ROWS], "none": None}[store_rows]
    return StoredResult(
        columns=result.columns,
        rows=None if kept is None else encode_rows(kept),
        row_count=result.row_count,
        truncated=result.truncated,
        result_sha256=result_sha256(result),
        error=error,
    )


def stored_json(record: StoredResult) -> dict[str, Any]:
    """Return an answer or a stored result as JSON, fields in their order."""
    document = {item.name: getattr(record, item.name) for item in fields(record)}
    if record.columns is not None:
        document["columns"] = [
            {"name": column.name, "type_name": column.type_name, "type_text": column.type_text}
            for column in record.columns
        ]
    if isinstance(record, AnswerRecord):
        document["parameters"] = dict(record.parameters)
    return document


def stored_from_json(document: Mapping[str, Any]) -> AnswerRecord:
    """Return the answer that :func:`stored_json` wrote."""
    return AnswerRecord(**_stored_fields(document))


def expected_from_json(document: Mapping[str, Any]) -> StoredResult:
    """Return the expected result that :func:`stored_json` wrote."""
    return StoredResult(**_stored_fields(document))


def _stored_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    columns, rows = document.get("columns"), document.get("rows")
    return {
        **document,
        "columns": None if columns is None else tuple(Column(**column) for column in columns),
        "rows": None if rows is None else tuple(tuple(row) for row in rows),
    }
