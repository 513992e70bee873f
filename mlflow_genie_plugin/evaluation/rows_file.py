"""Result rows beside the result file: in Parquet, when there are too many of them to stand in the JSON.

The JSON then holds the digest of the Parquet file, so that the digest of the JSON covers both. Columns: question_id,
side (``expected``, ``answer``, ``repeat 1``, …), row (from 0), cells (JSON, encoded as in the result file).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import InvalidEvaluationError, UnreadableFileError

ROWS_FILE = "evaluation_result.parquet"
POINTER = "rows_file"

# Returns the Parquet file that belongs to a result file.
ReadRows = Callable[[], bytes]

_AGAIN = f"use {ROWS_FILE} as mlflow-genie evaluate stored it beside the result file, or evaluate again"


def detach_rows(document: dict[str, Any], inline_cells: int) -> bytes | None:
    """Take the rows out of a result document, in place, when it holds more than ``inline_cells`` cells.

    Returns:
        The Parquet file, whose digest the document now names; None when the rows stay where they are.
    """
    records = [(question["question_id"], side, record) for question, side, record in _records(document)]
    if sum(len(record["rows"]) * len(record["columns"]) for *_, record in records if record["rows"]) <= inline_cells:
        return None
    columns: dict[str, list[Any]] = {"question_id": [], "side": [], "row": [], "cells": []}
    for question_id, side, record in records:
        for place, row in enumerate(record["rows"] or ()):
            for name, value in zip(columns, (question_id, side, place, orjson.dumps(row).decode()), strict=True):
                columns[name].append(value)
        # No rows at all are not many: they stay, so that an empty result differs from rows that were not kept.
        record["rows"] = None if record["rows"] else record["rows"]
    data = _to_parquet(columns)
    document[POINTER] = {"sha256": sha256_of_bytes(data), "rows": len(columns["row"])}
    return data


def attach_rows(document: dict[str, Any], read_rows: ReadRows | None) -> None:
    """Put the rows back into a result document, in place; without a pointer to a Parquet file, do nothing.

    Raises:
        InvalidEvaluationError: The file is missing, is not the one that the document names, or does not fit it.
    """
    pointer = document.pop(POINTER, None)
    if pointer is None:
        return
    if read_rows is None:
        raise InvalidEvaluationError(f"the rows of the evaluation result are in {ROWS_FILE}", next_step=_AGAIN)
    data = read_rows()
    if (digest := sha256_of_bytes(data)) != pointer["sha256"]:
        raise InvalidEvaluationError(
            f"{ROWS_FILE} has sha256 {digest[:12]}, the result file names {pointer['sha256'][:12]}: it was changed",
            next_step="find out who can write to the run's artifacts, then evaluate again",
        )
    records = {(question["question_id"], side): record for question, side, record in _records(document)}
    seen = 0
    for question_id, side, place, cells in _from_parquet(data):
        record = records.get((question_id, side))
        rows = None if record is None else record["rows"]
        if record is None or place != len(rows or ()):
            raise _misfit(f"row {place} of the {side} result of question {question_id} has no place in the result file")
        row = _row(cells)
        if len(row) != len(record["columns"] or ()):
            raise _misfit(f"row {place} of the {side} result of question {question_id} has {len(row)} cells")
        if rows is None:
            record["rows"] = rows = []
        rows.append(row)
        seen += 1
    if seen != pointer["rows"]:
        raise _misfit(f"it holds {seen} rows, the result file names {pointer['rows']}")


def beside(path: Path) -> ReadRows:
    """Return what reads the Parquet file beside a result file on disk."""

    def read() -> bytes:
        try:
            return (path.parent / ROWS_FILE).read_bytes()
        except OSError as error:
            raise UnreadableFileError(
                f"cannot read {path.parent / ROWS_FILE}, which holds the rows of {path}: {error.strerror or error}",
                next_step=f"put {ROWS_FILE} of the same evaluation beside it, or give the run id instead",
            ) from error

    return read


def _records(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    for question in document["questions"]:
        yield question, "expected", question["expected"]
        yield question, "answer", question["answer"]
        for number, record in enumerate(question.get("repeats", ()), 1):
            yield question, f"repeat {number}", record


def _to_parquet(columns: dict[str, list[Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "question_id": pa.array(columns["question_id"], pa.string()),
            "side": pa.array(columns["side"], pa.string()),
            "row": pa.array(columns["row"], pa.int64()),
            "cells": pa.array(columns["cells"], pa.string()),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _from_parquet(data: bytes) -> Iterator[tuple[str, str, int, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(io.BytesIO(data)).iter_batches(columns=["question_id", "side", "row", "cells"]):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
    except (pa.ArrowException, OSError) as error:
        raise InvalidEvaluationError(f"{ROWS_FILE} cannot be read: {error}", next_step=_AGAIN) from error


def _row(cells: str) -> list[Any]:
    try:
        row = orjson.loads(cells)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise _misfit(f"a row is not JSON: {error}") from error
    if not isinstance(row, list):
        raise _misfit("a row is not a list of cells")
    return row


def _misfit(why: str) -> InvalidEvaluationError:
    return InvalidEvaluationError(f"{ROWS_FILE} does not fit the result file: {why}", next_step=_AGAIN)
