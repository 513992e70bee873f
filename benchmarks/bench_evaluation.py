"""Wall clock of an evaluation against the ideal schedule, and judging."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.benchmark import Benchmark
    from mlflow_genie_plugin.evaluation.result import EvaluationResult
    from mlflow_genie_plugin.space.config import SpaceConfig

QUESTIONS, QUOTA, LATENCY_SECONDS = 40, 20, 4.0


def bench_evaluation() -> None:
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID, LocalWorkspace
    from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet, parse_benchmarks
    from mlflow_genie_plugin.evaluation.plan import plan_evaluation
    from mlflow_genie_plugin.evaluation.progress import Silent
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
    bench_judging(plan.snapshot.config, questions.benchmarks, evaluation.result)


def bench_judging(config: SpaceConfig, benchmarks: Sequence[Benchmark], result: EvaluationResult) -> None:
    """Print what judging costs, everything that a question needs made anew: parsing, comparing, refuting."""
    from mlflow_genie_plugin.evaluation.judge import judge_case
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
    from mlflow_genie_plugin.evaluation.judges import JUDGES
    from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
    from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema

    schema = SpaceSchema.from_json(result.catalog or {"assets": [], "problem": None})
    judges, assets = JUDGES.choose(), SpaceAssets.of(config)
    wall, cpu = [], []
    for item, question in zip(benchmarks, result.questions, strict=True):
        case = JudgedCase(item, question.answer, question.expected, assets, schema=schema, config=config)
        started, used = time.perf_counter(), time.process_time()
        judge_case(case, judges)
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    print(
        f"  {len(judges)} judges: {1e3 * statistics.median(wall):.0f} ms a question (p50, {len(wall)} questions), "
        f"{len(cpu) / sum(cpu):.0f} questions a second and core"
    )


def main() -> None:
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
