"""One row of a table of stored answers, as a case to judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.engines.case_json import Surroundings
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.stored_result import expected_from_json, stored_from_json

REQUIRED = ("question_id", "expected_sql", "answer_sql")
_SIDE = ("columns", "rows", "row_count", "truncated", "error")
_BENCHMARK = ("question", "priority", "split", "category", "expected_asset", "ordered")
_KNOWN = (
    *REQUIRED, *_BENCHMARK, "status", "answer_text", "compiles",
    *(f"{side}_{name}" for side in ("answer", "expected") for name in _SIDE),
)  # fmt: skip


def chosen_columns(names: Sequence[str]) -> list[str]:
    """Return which of a table's columns are read.

    Raises:
        UsageError: A required one is missing.
    """
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise UsageError(
            f"the table of answers has no column {', '.join(missing)}",
            next_step=f"name the columns as documented: {', '.join(_KNOWN)}",
        )
    return [name for name in _KNOWN if name in names]


def case_of_row(answer: Mapping[str, Any], around: Surroundings) -> JudgedCase:
    """Return a row as a case.

    Raises:
        TypeError, ValueError, KeyError: The row cannot be read.
    """
    given = {name: answer[name] for name in _BENCHMARK if answer.get(name) is not None}
    result = _result(answer, "answer")
    compiles = answer.get("compiles")
    record = {
        **result,
        "sql": answer["answer_sql"],
        "text": answer.get("answer_text"),
        "status": answer.get("status") or "COMPLETED",
        "compiles": True if compiles is None and result["columns"] is not None else compiles,
    }
    if answer["expected_sql"] is None:
        raise ValueError("expected_sql is NULL")
    benchmark = Benchmark(
        str(answer["question_id"]), given.pop("question", ""), expected_sql=answer["expected_sql"], **given
    )
    expected = expected_from_json(_result(answer, "expected"))
    case = JudgedCase(benchmark, stored_from_json(record), expected, around.assets, around.schema, around.config)
    _ = case.answer_result, case.expected_result  # a cell that cannot be read is this row's fault, not a judge's
    return case


def _result(answer: Mapping[str, Any], side: str) -> dict[str, Any]:
    columns, rows = (_parsed(answer.get(f"{side}_{name}"), f"{side}_{name}") for name in ("columns", "rows"))
    count = answer.get(f"{side}_row_count")
    return {
        "columns": None if columns is None else [{"type_text": "", **column} for column in columns],
        "rows": rows,
        "row_count": len(rows) if count is None and rows is not None else count,
        "truncated": bool(answer.get(f"{side}_truncated")),
        "error": answer.get(f"{side}_error"),
    }


def _parsed(text: str | None, name: str) -> list[Any] | None:
    if text is None:
        return None
    value = orjson.loads(text)
    if not isinstance(value, list):
        raise TypeError(f"{name} is no JSON list")
    return value
