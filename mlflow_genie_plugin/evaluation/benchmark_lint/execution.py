"""What the expected SQL gives when it is run: read-only, on a warehouse that the caller chose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from mlflow_genie_plugin.errors import SqlFailedError, UnsafeSqlError, Violation
from mlflow_genie_plugin.evaluation.benchmark_lint.subject import Question
from mlflow_genie_plugin.workspace.answer import QueryResult
from mlflow_genie_plugin.workspace.data_port import SqlPort

_ROW_LIMIT = 5000
_AT_ONCE = 4


def check_execution(questions: Sequence[Question], sql: SqlPort, warehouse_id: str | None) -> Iterator[Violation]:
    """Run every expected SQL once and yield those that fail, or return what nothing can be compared with.

    Raises:
        GenieError: The warehouse cannot be reached; a statement that it refuses or cannot run is a finding instead.
    """

    def run(question: Question) -> QueryResult | str:
        try:
            return sql.execute(question.benchmark.expected_sql, warehouse_id=warehouse_id, row_limit=_ROW_LIMIT)
        except (SqlFailedError, UnsafeSqlError) as error:
            return error.what

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="genie-lint") as pool:
        for question, result in zip(questions, pool.map(run, questions), strict=True):
            if isinstance(result, str):
                yield question.finding(
                    "sql-fails", f"the expected SQL fails: {result}", part="expected_sql", severity="error",
                    fix="correct it; an evaluation refuses the file as it is",
                )  # fmt: skip
            elif (found := _doubt(result)) is not None:
                rule, message, fix = found
                yield question.finding(rule, message, part="expected_sql", fix=fix)


def _doubt(result: QueryResult) -> tuple[str, str, str] | None:
    if result.truncated:
        return (
            "sql-truncated",
            f"the expected SQL returns more than {_ROW_LIMIT:,} rows, which cannot be compared",
            "limit or aggregate them",
        )
    if not result.rows:
        return (
            "sql-empty",
            "the expected SQL returns no rows, so only the same query can pass",
            "ask for data that is there",
        )
    if all(cell is None for row in result.rows for cell in row):
        return (
            "sql-null",
            "the expected SQL returns nothing but NULL, so only the same query can pass",
            "ask for data that is there",
        )
    return None
