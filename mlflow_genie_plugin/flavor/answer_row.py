"""The row that a prediction gives for an answer, with cells that JSON can carry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow_genie_plugin.workspace.answer import Answer

COLUMNS = (
    "question",
    "status",
    "sql",
    "text",
    "columns",
    "rows",
    "row_count",
    "truncated",
    "latency_seconds",
    "conversation_id",
    "message_id",
    "error",
)


def answer_row(answer: Answer) -> dict[str, Any]:
    """Return an answer as a row with the names of :data:`COLUMNS`."""
    result = answer.result
    return {
        "question": answer.question,
        "status": str(answer.status),
        "sql": answer.sql,
        "text": answer.text,
        "columns": [column.name for column in result.columns] if result else None,
        "rows": [[_sendable(value) for value in row] for row in result.rows] if result else None,
        "row_count": result.row_count if result else None,
        "truncated": result.truncated if result else None,
        "latency_seconds": answer.latency_seconds,
        "conversation_id": answer.conversation_id,
        "message_id": answer.message_id,
        "error": answer.error,
    }


def _sendable(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_sendable(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _sendable(item) for key, item in value.items()}
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    return str(value)
