"""Rows of an evaluation dataset as cases to judge, each judged once however many scorers ask for it."""

from __future__ import annotations

import reprlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import GenieError, UsageError
from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.judge import Judge, judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult, stored_result
from mlflow_genie_plugin.sql_dialect import read_only_reason
from mlflow_genie_plugin.workspace.answer import Column, QueryResult

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
    from mlflow_genie_plugin.space.config import SpaceConfig


# Runs a query and returns its result.
Execute = Callable[[str], QueryResult]


class CaseRows:
    """Turns evaluation rows into findings, each row once, however many scorers ask for it."""

    def __init__(
        self,
        judges: Sequence[Judge],
        *,
        config: SpaceConfig | None = None,
        execute: Execute | None = None,
        schema: SpaceSchema | None = None,
    ) -> None:
        self._judges = tuple(judges)
        self._config = config
        self._assets = SpaceAssets.of(config) if config is not None else SpaceAssets()
        self._execute = execute
        self._schema = schema
        self._lock = threading.Lock()
        self._findings: dict[str, Future[dict[str, Finding]]] = {}

    def findings(
        self, inputs: Mapping[str, Any] | None, outputs: Any, expectations: Mapping[str, Any] | None
    ) -> dict[str, Finding]:
        """Return the findings of every judge on one row.

        Raises:
            UsageError: The row has no question or no expected SQL.
        """
        key = repr((inputs, outputs, expectations))
        with self._lock:
            mine = key not in self._findings
            if mine:
                self._findings[key] = Future()
            found = self._findings[key]
        if mine:
            try:
                found.set_result(judge_case(self.case(inputs or {}, outputs, expectations or {}), self._judges))
            except BaseException as error:
                found.set_exception(error)
                raise
        return found.result()

    def case(self, inputs: Mapping[str, Any], outputs: Any, expectations: Mapping[str, Any]) -> JudgedCase:
        """Return the row as a case to judge; both queries are run where there is something to run them on."""
        question = inputs.get("question") or inputs.get("query")
        expected_sql = (
            expectations.get("expected_sql") or expectations.get("expected_response") or inputs.get("expected_sql")
        )
        if not isinstance(question, str) or not isinstance(expected_sql, str):
            raise UsageError(
                "the row has no question or no expected SQL",
                next_step='give inputs={"question": …} and expectations={"expected_sql": …}',
            )
        benchmark = Benchmark(
            id=str(inputs.get("question_id") or question),
            question=question,
            expected_sql=expected_sql,
            expected_asset=expectations.get("expected_asset"),
            ordered=bool(expectations.get("ordered", False)),
        )
        first, *more = outputs if isinstance(outputs, list) and outputs else [outputs]
        return JudgedCase(
            benchmark,
            self._answer(first),
            self._expected(benchmark, expectations),
            self._assets,
            schema=self._schema,
            config=self._config,
            repeats=tuple(self._answer(item) for item in more),
        )

    def _answer(self, output: Any) -> AnswerRecord:
        given = {"sql": output} if isinstance(output, str) or output is None else output
        if not isinstance(given, Mapping) or not isinstance(given.get("sql"), str | None):
            raise UsageError(
                f"the row's outputs are no SQL: {reprlib.repr(output)}",
                next_step='give the SQL as text, {"sql": …}, or the row that predict returns',
            )
        sql = given.get("sql")
        record = AnswerRecord(
            status=str(given.get("status") or "COMPLETED"),
            sql=sql,
            text=given.get("text"),
            is_clarification=bool(given.get("is_clarification", False)),
            error=given.get("error"),
        )
        if self._execute is None:
            return _with_result(record, _rows_given(given.get("columns"), given.get("rows"), given.get("truncated")))
        if record.status != "COMPLETED" or not sql or read_only_reason(sql) is not None:
            return record
        try:
            return _with_result(record, self._execute(sql))
        except GenieError as error:
            return replace(record, error=error.what, compiles=False, compile_error=error.what)

    def _expected(self, benchmark: Benchmark, expectations: Mapping[str, Any]) -> StoredResult:
        if self._execute is None:
            given = _rows_given(expectations.get("expected_columns"), expectations.get("expected_rows"), None)
            return stored_result(given, None if given else "no expected rows were given")
        try:
            return stored_result(self._execute(benchmark.expected_sql), None)
        except GenieError as error:
            return StoredResult(error=error.what)


def _rows_given(columns: Any, rows: Any, truncated: Any) -> QueryResult | None:
    if columns is None or rows is None:
        return None
    typed = tuple(Column(str(name), "") for name in columns)
    kept = tuple(tuple(row) for row in rows)
    return QueryResult(typed, kept, len(kept), bool(truncated))


def _with_result(record: AnswerRecord, result: QueryResult | None) -> AnswerRecord:
    if result is None:
        return record
    stored = stored_result(result, None)
    return replace(
        record,
        columns=stored.columns,
        rows=stored.rows,
        row_count=stored.row_count,
        truncated=stored.truncated,
        result_sha256=stored.result_sha256,
        compiles=True,
    )
