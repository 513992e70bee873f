"""Result cells as JSON and back without loss, and the digest of a result."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mlflow_genie_plugin.canonical_json import sha256_of_json
from mlflow_genie_plugin.workspace.answer import QueryResult

_INT64 = range(-(2**63), 2**63)


def encode_cell(value: Any) -> Any:
    """Return ``value`` as JSON that keeps its type: what JSON lacks becomes an object with one ``$`` key.

    Raises:
        TypeError: The value is of no type that a query result can hold.
    """
    kind = type(value)
    if value is None or kind is str or kind is bool:
        return value
    if kind is int:
        return value if value in _INT64 else {"$integer": str(value)}
    if kind is float:
        return value if math.isfinite(value) else {"$double": repr(value)}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, datetime):
        return {"$timestamp": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, bytes | bytearray):
        return {"$binary": base64.b64encode(value).decode("ascii")}
    if isinstance(value, list | tuple):
        return [encode_cell(item) for item in value]
    if isinstance(value, dict):
        # Pairs, because the keys of a map need not be text.
        return {"$map": [[encode_cell(key), encode_cell(item)] for key, item in value.items()]}
    raise TypeError(f"a query result cannot hold a {kind.__name__}")


def decode_cell(value: Any) -> Any:
    """Return the Python value of an encoded cell.

    Raises:
        ValueError: It is not an encoded cell.
    """
    if isinstance(value, list):
        return [decode_cell(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise ValueError("an encoded cell has exactly one key")
    [(tag, content)] = value.items()
    try:
        return _DECODERS[tag](content)
    except (KeyError, TypeError, ArithmeticError, ValueError) as error:
        raise ValueError(f"{tag!r} with {content!r} is not an encoded cell") from error


def _decode_map(pairs: Any) -> dict[Any, Any]:
    return {decode_cell(key): decode_cell(item) for key, item in pairs}


_DECODERS: dict[str, Any] = {
    "$integer": int,
    "$double": float,
    "$decimal": Decimal,
    "$timestamp": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$binary": lambda text: base64.b64decode(text, validate=True),
    "$map": _decode_map,
}


def encode_rows(rows: Iterable[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    """Return rows with every cell encoded."""
    return tuple(tuple(encode_cell(cell) for cell in row) for row in rows)


def decode_rows(rows: Iterable[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    """Return rows with every cell decoded.

    Raises:
        ValueError: A cell is not an encoded cell.
    """
    return tuple(tuple(decode_cell(cell) for cell in row) for row in rows)


def result_sha256(result: QueryResult) -> str:
    """Return the digest of the types, rows (in their order) and length of a result; column names do not count."""
    return sha256_of_json(
        {
            "types": [column.type_name for column in result.columns],
            "rows": encode_rows(result.rows),
            "row_count": result.row_count,
            "truncated": result.truncated,
        }
    )
