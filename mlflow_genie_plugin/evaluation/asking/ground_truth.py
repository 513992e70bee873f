"""Runs the expected SQL of every planned question before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from mlflow_genie_plugin.errors import InvalidBenchmarksError, SqlFailedError, UnsafeSqlError, Violation
from mlflow_genie_plugin.evaluation.asking.journal import Journal
from mlflow_genie_plugin.evaluation.asset_use import assets_of_query
from mlflow_genie_plugin.evaluation.progress import Progress
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import StoredResult, stored_result
from mlflow_genie_plugin.workspace.data_port import SqlPort

# What the query-result API returns at most; the answers cannot be longer, so the expected results need not be.
ROW_LIMIT = 5000
_AT_ONCE = 4


def check_ground_truth(
    benchmarks: Sequence[Benchmark],
    assets: SpaceAssets,
    sql: SqlPort,
    warehouse_id: str | None,
    journal: Journal,
    progress: Progress,
    timeout_seconds: float = 120.0,
) -> None:
    """Put the expected result of every question into the journal; each expected SQL is run once per evaluation.

    Raises:
        InvalidBenchmarksError: Expected SQL fails, or uses no asset of the kind the benchmark names; lists all.
        GenieError: The warehouse cannot be reached.
    """

    def run(item: Benchmark) -> tuple[Benchmark, StoredResult]:
        return item, _expected(item, sql, warehouse_id, timeout_seconds)

    missing = [item for item in benchmarks if item.id not in journal.state.expected]
    violations = [
        found for item in benchmarks if (found := _wrong_kind(item, assets, journal.state.schema)) is not None
    ]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="genie-expected") as pool:
        for item, result in pool.map(run, missing):
            if result.error is not None:
                violations.append(
                    Violation(f"question {item.id}", "expected-sql-fails", f"the expected SQL fails: {result.error}")
                )
            else:
                journal.add_expected(item.id, result)
    if violations:
        raise InvalidBenchmarksError(
            f"the ground truth of {len({item.path for item in violations})} questions is broken; nothing was asked",
            sorted(violations, key=lambda item: item.path),
            next_step="correct these questions in the benchmarks file, then run the same command again",
        )
    for item in benchmarks:
        if (doubt := _doubt(journal.state.expected[item.id])) is not None:
            progress.note(f"{item.id}: {doubt}")


def _expected(item: Benchmark, sql: SqlPort, warehouse_id: str | None, timeout_seconds: float) -> StoredResult:
    try:
        found = sql.execute(
            item.expected_sql, warehouse_id=warehouse_id, row_limit=ROW_LIMIT, timeout_seconds=timeout_seconds
        )
        return stored_result(found, None)
    except (SqlFailedError, UnsafeSqlError) as error:
        return StoredResult(error=error.what)


def _wrong_kind(item: Benchmark, assets: SpaceAssets, schema: SpaceSchema | None) -> Violation | None:
    if item.expected_asset is None:
        return None
    used = assets_of_query(item.expected_sql, assets, schema)
    if any(asset.kind == item.expected_asset for asset in used):
        return None
    listed = ", ".join(map(str, sorted(used))) or "no asset"
    return Violation(
        f"question {item.id}",
        "expected-asset",
        f"expected_asset is {item.expected_asset}, but the expected SQL uses {listed}",
    )


def _doubt(result: StoredResult) -> str | None:
    if result.truncated:
        return (
            f"the expected SQL returns more than {ROW_LIMIT:,} rows, which cannot be compared; limit or aggregate them"
        )
    if not result.rows:
        return "the expected SQL returns no rows; only the same query can pass"
    if all(cell is None for row in result.rows for cell in row):
        return "the expected SQL returns nothing but NULL; only the same query can pass"
    return None
