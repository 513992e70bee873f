"""Wall clock of an evaluation against the ideal schedule, result comparison against plain references, judging."""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from mlflow_genie_plugin.evaluation.compare import compare
from mlflow_genie_plugin.workspace.port import Column, QueryResult

QUESTIONS, QUOTA, LATENCY_SECONDS = 40, 20, 4.0
REPEATS = 5
Rows = list[tuple[Any, ...]]


def table(rows: Rows) -> QueryResult:
    return QueryResult(tuple(Column(f"c{i}", "STRING") for i in range(len(rows[0]))), tuple(rows), len(rows))


def make_rows(height: int, rng: random.Random) -> Rows:
    start = date(2020, 1, 1)
    return [
        (i, f"customer {i % 997}", rng.random() * 1e4, rng.randint(0, 9), start + timedelta(days=i % 700), None,
         rng.random() < 0.5, rng.gauss(0, 1), rng.randint(0, 3), f"region {i % 5}")
        for i in range(height)
    ]  # fmt: skip


def median(function: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def same_by_sorting(left: Rows, right: Rows) -> bool:
    """Sort the rows as text and compare: knows neither permutations nor tolerances."""
    return sorted(map(repr, left)) == sorted(map(repr, right))


def same_by_counting(left: Rows, right: Rows) -> bool:
    return Counter(left) == Counter(right)


def bench_compare() -> None:
    print("compare(): ms, and ratio to sorting rows as text / counting rows (both are told the column order)")
    rng = random.Random(1)
    for height in (100, 5_000, 50_000):
        rows = make_rows(height, rng)
        shuffled = rng.sample(rows, height)
        order = rng.sample(range(10), 10)
        permuted = [tuple(row[j] for j in order) for row in shuffled]
        rounded = [(*row[:2], float(f"{row[2]:.4g}"), *row[3:7], float(f"{row[7]:.4g}"), *row[8:]) for row in shuffled]
        one_cell = [*shuffled[:-1], (*shuffled[-1][:9], "elsewhere")]
        other = make_rows(height, rng)
        sorting = median(lambda: same_by_sorting(rows, shuffled))  # noqa: B023 - called at once
        counting = median(lambda: same_by_counting(rows, shuffled))  # noqa: B023
        for name, answer in (
            ("rows shuffled", shuffled),
            ("and columns permuted", permuted),
            ("and rounded to 4 digits", rounded),
            ("one cell differs", one_cell),
            ("all rows differ", other),
        ):
            expected, actual = table(rows), table(answer)
            taken = median(lambda: compare(expected, actual))  # noqa: B023
            print(
                f"  {height:6} x 10  {name:24} {1e3 * taken:8.1f} ms  {taken / sorting:5.2f} x sorting  "
                f"{taken / counting:5.2f} x counting  {compare(expected, actual).outcome}"
            )


def bench_evaluation() -> None:
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID, LocalWorkspace
    from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet, parse_benchmarks
    from mlflow_genie_plugin.evaluation.judge import JudgedCase, SpaceAssets, judge_case
    from mlflow_genie_plugin.evaluation.judges import JUDGES
    from mlflow_genie_plugin.evaluation.progress import Silent
    from mlflow_genie_plugin.evaluation.plan import plan_evaluation
    from mlflow_genie_plugin.evaluation.runner import run_evaluation
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.workspace.auth import connect

    class Timing(Silent):
        asked = stored = 0.0

        def asking(self, planned: int, answered: int) -> None:  # noqa: ARG002 - the protocol's names
            self.asked = time.perf_counter()

        def storing(self) -> None:
            self.stored = time.perf_counter()

    with LocalWorkspace() as local:
        os.environ.update(local.environment())
        os.environ["GENIE_QUESTIONS_PER_MINUTE"] = str(QUOTA)
        local.control.latency(LATENCY_SECONDS)
        local.control.quota(QUOTA)
        workspace = connect()
        live = workspace.spaces.get_space(SAMPLE_SPACE_ID)
        model_id = create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")
        questions = BenchmarkSet("sample", parse_benchmarks(sample_benchmarks()).benchmarks[:QUESTIONS])
        plan = plan_evaluation(model_id, questions, traces=False)
        timing = Timing()
        evaluation = run_evaluation(plan, workspace, progress=timing)
        finished = time.perf_counter()
    # The first QUOTA questions at once, the next ones when a minute is over; then the last answer takes its time.
    ideal = (len(questions.benchmarks) - 1) // QUOTA * 60.0 + LATENCY_SECONDS
    taken = timing.stored - timing.asked
    print(f"evaluation: {QUESTIONS} questions, {QUOTA} a minute, {LATENCY_SECONDS:g} s each")
    print(f"  asking {taken:.1f} s, ideal schedule {ideal:.1f} s, ratio {taken / ideal:.3f}")
    print(f"  judging and storing without traces {finished - timing.stored:.2f} s")
    assets = SpaceAssets.of(plan.snapshot.config)
    cases = [
        JudgedCase(item, question.answer, question.expected, assets)
        for item, question in zip(questions.benchmarks, evaluation.result.questions, strict=True)
    ]
    seconds = median(lambda: [judge_case(case, JUDGES.choose()) for case in cases])
    print(f"  judging {len(cases) / seconds:.0f} questions a second with {len(JUDGES.names())} judges")


def main() -> None:
    bench_compare()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GENIE_STATE_DIR"] = str(Path(folder) / "state")
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ["DATABRICKS_CONFIG_FILE"] = str(Path(folder) / "none")
        os.chdir(folder)
        bench_evaluation()
        os.chdir("/")


if __name__ == "__main__":
    main()
