"""Comparing results: from Python rows, from Arrow tables, and a million stored answers in bounded memory.

python benchmarks/bench_compare.py                 rows and tables
python benchmarks/bench_compare.py --stored 1000000    judge as many stored answers, and print the peak of memory
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mlflow_genie_plugin.evaluation.compare import compare, compare_tables
from mlflow_genie_plugin.workspace.answer import Column, QueryResult

REPEATS = 5
LARGE = 1_000_000
BATCH = 5_000
Rows = list[tuple[Any, ...]]


def result_of(rows: Rows) -> QueryResult:
    return QueryResult(tuple(Column(f"c{i}", "STRING") for i in range(len(rows[0]))), tuple(rows), len(rows))


def make_rows(height: int, rng: random.Random) -> Rows:
    start = date(2020, 1, 1)
    return [
        (i, f"customer {i % 997}", rng.random() * 1e4, rng.randint(0, 9), start + timedelta(days=i % 700), None,
         rng.random() < 0.5, rng.gauss(0, 1), rng.randint(0, 3), f"region {i % 5}")
        for i in range(height)
    ]  # fmt: skip


def paired(function: Callable[[], object], reference: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of ``function`` and the ratio to ``reference``, medians of paired runs."""
    function()
    reference()
    times, ratios = [], []
    for _ in range(REPEATS):
        moments = [time.perf_counter()]
        for run in (function, reference):
            run()
            moments.append(time.perf_counter())
        times.append(moments[1] - moments[0])
        ratios.append((moments[1] - moments[0]) / (moments[2] - moments[1]))
    return statistics.median(times), statistics.median(ratios)


def same_by_permutation_search(left: Rows, right: Rows) -> bool:
    """What Spider's test suite does to find the permutation, written anew: reject by rows as sets of cells, prune the
    candidates of each column by looking up 20 rows' cells in the other side's sets, then try what is left."""
    if len(left) != len(right) or len(left[0]) != len(right[0]):
        return False

    def unordered(rows: Rows) -> set[tuple[Any, ...]]:
        return {tuple(sorted(row, key=lambda cell: str(cell) + str(type(cell)))) for row in rows}

    if unordered(left) != unordered(right):
        return False
    width = len(left[0])
    values = [{row[i] for row in left} for i in range(width)]
    options = [set(range(width)) for _ in range(width)]
    for _ in range(20):
        row = random.choice(right)
        for i in range(width):
            options[i] = {j for j in options[i] if row[j] in values[i]}
    for order in itertools.product(*options):
        if len(set(order)) == width:
            permuted = [tuple(row[j] for j in order) for row in right]
            if set(left) == set(permuted) and Counter(left) == Counter(permuted):
                return True
    return False


def bench_rows() -> None:
    rng = random.Random(1)
    rows = make_rows(5_000, rng)
    shuffled, order = rng.sample(rows, len(rows)), rng.sample(range(10), 10)
    permuted = [tuple(row[j] for j in order) for row in shuffled]

    def with_cell(place: int, value: Any) -> Rows:
        changed = [list(row) for row in permuted]
        changed[17][order.index(place)] = value
        return list(map(tuple, changed))

    four_digits = [tuple(float(f"{cell:.4g}") if isinstance(cell, float) else cell for cell in row) for row in permuted]
    twins = [row[:5] * 2 for row in rows]
    twins_permuted = [tuple(row[j] for j in (3, 1, 8, 0, 2, 9, 4, 7, 5, 6)) for row in rng.sample(twins, len(twins))]
    print("compare(), 5,000 x 10 Python rows: ms, and ratio to a permutation search as Spider's (columns permuted)")
    for name, left, right in (
        ("equal", rows, permuted),
        ("equal, columns in place", rows, shuffled),
        ("one text differs", rows, with_cell(9, "elsewhere")),
        ("one integer differs", rows, with_cell(0, -1)),
        ("one double differs", rows, with_cell(2, 0.5)),
        ("one row missing", rows, permuted[1:]),
        ("one row twice, one missing", rows, [permuted[1], *permuted[1:]]),
        ("rounded to four digits", rows, four_digits),
        ("every column twice", twins, twins_permuted),
    ):
        expected, actual = result_of(left), result_of(right)
        seconds, ratio = paired(
            lambda expected=expected, actual=actual: compare(expected, actual),
            lambda: same_by_permutation_search(rows, permuted),
        )
        print(f"  {name:28} {1e3 * seconds:8.1f} ms  {ratio:5.2f} x  {compare(expected, actual).outcome}")


def make_table(height: int) -> pa.Table:
    import numpy as np

    rng = np.random.default_rng(1)
    places = np.arange(height)
    days = pa.array((18_262 + places % 700).astype(np.int32)).cast(pa.date32())
    return pa.table(
        {
            "id": rng.permutation(height),
            "customer": pa.array([f"customer {place % 997}" for place in range(height)]),
            "amount": rng.random(height) * 1e4,
            "count": rng.integers(0, 9, height),
            "day": days,
            "nothing": pa.nulls(height, pa.int64()),
            "flag": pa.array(rng.random(height) < 0.5),
            "change": rng.normal(0, 1, height),
            "level": rng.integers(0, 3, height),
            "region": pa.array([f"region {place % 5}" for place in range(height)]),
        }
    )


def bench_tables() -> None:
    try:
        import polars as pl
    except ImportError:
        print("compare_tables(): polars, the reference, is not installed")
        return
    import numpy as np

    table = make_table(LARGE)
    order = [3, 1, 0, 2, 9, 8, 7, 6, 5, 4]
    shuffled = table.take(pa.array(np.random.default_rng(2).permutation(LARGE)))
    permuted = shuffled.select(order).combine_chunks()
    frames = [pl.from_arrow(side) for side in (table, shuffled)]

    def by_polars() -> bool:
        return bool((frames[0].hash_rows().sort() == frames[1].hash_rows().sort()).all())

    def with_column(name: str, change: Callable[[Any], Any]) -> pa.Table:
        values = permuted.column(name).to_numpy(zero_copy_only=False).copy()
        place = permuted.schema.get_field_index(name)
        return permuted.set_column(place, name, pa.array(change(values), permuted.schema.field(name).type))

    def one(value: Any) -> Callable[[Any], Any]:
        def change(values: Any) -> Any:
            values[777] = value
            return values

        return change

    def four_digits(values: Any) -> Any:
        unit = 10.0 ** (np.floor(np.log10(np.abs(values))) - 3)
        return np.rint(values / unit) * unit

    rounded = with_column("amount", four_digits)
    rounded = rounded.set_column(6, "change", pa.array(four_digits(permuted.column("change").to_numpy())))
    thrice = pa.table({f"c{k}": table.column(k % 3) for k in range(10)})
    thrice_permuted = pa.table({f"c{k}": permuted.column((2, 1, 3)[k % 3]) for k in range(10)})
    print(
        f"compare_tables(), {LARGE:,} x 10: ms, and ratio to polars hash_rows + sort (which is told the columns' order)"
    )
    for name, left, right in (
        ("equal", table, permuted),
        ("one text differs", table, with_column("region", one("elsewhere"))),
        ("one integer differs", table, with_column("level", one(55))),
        ("one double differs", table, with_column("amount", one(55_555.5))),
        ("one row missing", table, permuted.slice(1)),
        ("one row twice, one missing", table, pa.concat_tables([permuted.slice(1), permuted.slice(7, 1)])),
        ("rounded to four digits", table, rounded),
        ("columns several times", thrice, thrice_permuted),
    ):
        seconds, ratio = paired(lambda left=left, right=right: compare_tables(left, right), by_polars)
        print(f"  {name:28} {1e3 * seconds:8.1f} ms  {ratio:5.2f} x  {compare_tables(left, right).outcome}")


def stored_answers(count: int) -> Iterator[pa.RecordBatch]:
    """Small results of every sort: most right, some in another order or rounded, one in five wrong."""
    names = [{"name": "region", "type_name": "STRING"}, {"name": "total", "type_name": "DOUBLE"}]
    for begin in range(0, count, BATCH):
        rows: dict[str, list[Any]] = {name: [] for name in ("question_id", "expected_sql", "answer_sql", "columns",
                                                            "expected_rows", "answer_rows")}  # fmt: skip
        for place in range(begin, min(begin + BATCH, count)):
            expected = [[f"region {k}", (place % 1000) * 1.37 + k] for k in range(1 + place % 8)]
            answer = expected[::-1]
            if place % 5 == 0:
                answer = [[name, total + 9] for name, total in answer]
            elif place % 5 == 1:
                answer = [[name, round(total, 3)] for name, total in answer]
            rows["question_id"].append(f"q{place}")
            rows["expected_sql"].append("SELECT region, sum(x) AS total FROM c.s.t GROUP BY region")
            rows["answer_sql"].append("SELECT region, SUM(x) total FROM c.s.t GROUP BY 1")
            rows["columns"].append(json.dumps(names))
            rows["expected_rows"].append(json.dumps(expected))
            rows["answer_rows"].append(json.dumps(answer))
        columns = rows.pop("columns")
        yield pa.RecordBatch.from_pydict({**rows, "expected_columns": columns, "answer_columns": columns})


def bench_stored(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.parquet"
        batches = stored_answers(count)
        first = next(batches)
        with pq.ParquetWriter(path, first.schema) as writer:
            for batch in itertools.chain([first], batches):
                writer.write_batch(batch)
        # In a process of its own, so that making the answers does not count.
        subprocess.run([sys.executable, __file__, "--judge", str(path)], check=True)


def judge(path: Path) -> None:
    from mlflow_genie_plugin.evaluation.engines.table import judge_table

    file = pq.ParquetFile(path)
    reader = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(batch_size=BATCH))
    started, outcomes = time.perf_counter(), Counter[str]()
    for batch in judge_table(reader, judges=["result_correctness"]):
        outcomes.update(batch.column("outcome").to_pylist())
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"judged {outcomes.total():,} stored answers ({path.stat().st_size / 2**20:.0f} MiB) for result_correctness")
    print(f"  {seconds:.0f} s, {outcomes.total() / seconds:,.0f} a second, peak {peak:,.0f} MiB, {dict(outcomes)}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stored", type=int)
    parser.add_argument("--judge", type=Path)
    options = parser.parse_args()
    if options.judge:
        judge(options.judge)
    elif options.stored:
        bench_stored(options.stored)
    else:
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        bench_rows()
        bench_tables()


if __name__ == "__main__":
    main()
