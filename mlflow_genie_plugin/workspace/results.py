"""Reads a statement response of the API into a typed result: all chunks, both truncation flags, no row lost quietly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.workspace.answer import Column, QueryResult
from mlflow_genie_plugin.workspace.values import UnreadableValueError, convert, type_of

Json = Mapping[str, Any]

RUNNING = frozenset({"PENDING", "RUNNING"})


def state_of(response: Json) -> str:
    """Return the statement's state (PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED, CLOSED); empty when it has none."""
    return str((response.get("status") or {}).get("state") or "")


def failure_of(response: Json) -> str:
    """Return why the statement failed, in the engine's words."""
    status = response.get("status") or {}
    error = status.get("error") or {}
    return str(error.get("message") or error.get("error_code") or f"the statement ended as {status.get('state')}")


def read_response(
    response: Json,
    fetch_chunk: Callable[[str, int], Json],
    *,
    truncated: bool | None = None,
    row_count: int | None = None,
) -> QueryResult:
    """Return the rows of a finished statement.

    Args:
        response: ``{statement_id, status, manifest, result}`` with inline JSON_ARRAY data.
        fetch_chunk: Gets a further chunk by statement id and index.
        truncated: What the message said about truncation, besides the manifest.
        row_count: What the message said about the number of rows.

    Raises:
        SqlFailedError: The statement failed, a chunk is missing, or a value does not fit its type.
    """
    state = state_of(response)
    if state and state != "SUCCEEDED":
        raise SqlFailedError(failure_of(response), next_step="see the statement in the workspace's query history")
    statement_id = response.get("statement_id")
    manifest = response.get("manifest") or {}
    schema = (manifest.get("schema") or {}).get("columns") or []
    raw = sorted(schema, key=lambda column: int(column.get("position") or 0))
    columns = tuple(
        Column(
            name=str(item.get("name", "")),
            type_name=type_of(item.get("type_name"), item.get("type_text")),
            type_text=str(item.get("type_text") or ""),
        )
        for item in raw
    )
    scales = [item.get("type_scale") for item in raw]
    rows = [_typed(values, columns, scales) for values in _all_values(response, manifest, statement_id, fetch_chunk)]
    total = max(len(rows), int(manifest.get("total_row_count") or 0), row_count or 0)
    return QueryResult(
        columns=columns,
        rows=tuple(rows),
        row_count=total,
        # Fewer rows than announced is a truncated result even when no flag says so.
        truncated=bool(manifest.get("truncated")) or bool(truncated) or total > len(rows),
        statement_id=str(statement_id) if statement_id else None,
    )


def _all_values(
    response: Json, manifest: Json, statement_id: Any, fetch_chunk: Callable[[str, int], Json]
) -> list[list[Any]]:
    chunk: Json = response.get("result") or {}
    values: list[list[Any]] = []
    seen: set[int] = set()
    while True:
        if chunk.get("external_links"):
            raise SqlFailedError("the result came as download links, not inline", next_step="ask for fewer rows")
        values.extend(chunk.get("data_array") or [])
        following = chunk.get("next_chunk_index")
        if following is None:
            break
        index = int(following)
        if not statement_id or index in seen:
            raise SqlFailedError(
                f"chunk {index} of the result cannot be fetched", next_step="run the same command again"
            )
        seen.add(index)
        chunk = fetch_chunk(str(statement_id), index)
        if isinstance(chunk.get("result"), Mapping):
            chunk = chunk["result"]
    expected = int(manifest.get("total_row_count") or 0)
    if len(values) < expected and int(manifest.get("total_chunk_count") or 1) > len(seen) + 1:
        raise SqlFailedError(
            f"the result has {expected} rows, but only {len(values)} arrived", next_step="run the same command again"
        )
    return values


def _typed(values: list[Any], columns: tuple[Column, ...], scales: list[Any]) -> tuple[Any, ...]:
    if len(values) != len(columns):
        raise SqlFailedError(
            f"a row has {len(values)} values, but the result has {len(columns)} columns",
            next_step="run the same command again",
        )
    typed = []
    for value, column, scale in zip(values, columns, scales, strict=True):
        try:
            typed.append(convert(value, column.type_name, scale=scale))
        except UnreadableValueError as error:
            raise SqlFailedError(
                f"column {column.name!r} of the result: {error}", next_step="cast the column in the SQL to a plain type"
            ) from error
    return tuple(typed)
