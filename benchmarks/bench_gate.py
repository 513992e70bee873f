"""``pytest gates/`` against the least a gate could do, and a gate on 100,000 questions against one on 200.

The least is one test that imports mlflow, gets the model, downloads the evaluation artifact, counts the passes and sets
the tags. All sides run as whole processes in turns, so that a busy machine slows all of them; the ratio of each pair is
printed, of the time on the clock and of the processor time of the process.

    bench_gate.py [PAIRS] [QUESTIONS]
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
QUESTIONS, MANY = 200, 100_000

BASELINE = """
import json, os

ARTIFACT = "evaluation/evaluation_result.json"

def test_model():
    import mlflow
    client = mlflow.MlflowClient()
    model = client.get_logged_model(os.environ["BENCH_MODEL"])
    path = mlflow.artifacts.download_artifacts(
        run_id=os.environ["BENCH_RUN"], artifact_path=ARTIFACT, dst_path=os.environ["BENCH_DIR"]
    )
    questions = json.loads(open(path, "rb").read())["questions"]
    right = sum(question["findings"]["result_correctness"]["outcome"] == "passed" for question in questions)
    assert right / len(questions) >= 0.85
    client.set_logged_model_tags(model.model_id, {"gate": "passed", "right": str(right)})
"""


@dataclass(frozen=True)
class Spent:
    """What one process took: seconds on the clock and of the processor, and the most memory it held (MiB)."""

    seconds: float
    cpu: float
    memory: float


def builders() -> Any:
    """Return the module that makes versions and evaluations for the tests of the gates."""
    spec = importlib.util.spec_from_file_location("gate_builders", REPOSITORY / "tests" / "gating" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def make_result(make: Any, model: str, benchmarks: Any) -> Any:
    """Return an evaluation in which one answer of 25 is wrong, each question asked once and judged by all judges.

    A few answers are judged; the others are the same answers to other questions.
    """
    from mlflow_genie_plugin.clock import SYSTEM_CLOCK, iso_utc
    from mlflow_genie_plugin.evaluation.judge import judge_case, judge_versions
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
    from mlflow_genie_plugin.evaluation.judges import JUDGES
    from mlflow_genie_plugin.evaluation.result import EvaluationResult
    from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
    from mlflow_genie_plugin.flavor.load import read_snapshot

    snapshot = read_snapshot(model)
    judges = JUDGES.choose(make.JUDGES)
    kinds = {}
    for right in (True, False):
        benchmark = benchmarks.benchmarks[0]
        question = make.question_result(benchmark, right=right)
        case = JudgedCase(
            benchmark, question.answer, question.expected, SpaceAssets.of(make.CONFIG), make.SCHEMA, make.CONFIG
        )
        kinds[right] = dataclasses.replace(question, findings=judge_case(case, judges), repeats=())
    questions = tuple(
        dataclasses.replace(
            kinds[number % 25 != 24 or benchmark.priority == "P0"],
            question_id=benchmark.id,
            question=benchmark.question,
            priority=benchmark.priority,
            split=benchmark.split,
            expected_sql=benchmark.expected_sql,
        )
        for number, benchmark in enumerate(benchmarks.benchmarks)
    )
    count, now = len(questions), iso_utc(SYSTEM_CLOCK.now())
    return EvaluationResult(
        evaluation_id="e" * 32,
        model_id=model,
        space_id=make.SPACE_ID,
        status="complete",
        config={
            "content_sha256": snapshot.content_sha256,
            "behaviour_sha256": snapshot.behaviour_sha256,
            "snapshot_sha256": snapshot.snapshot_sha256,
        },
        live={
            "behaviour_sha256_before": snapshot.behaviour_sha256,
            "behaviour_sha256_after": snapshot.behaviour_sha256,
        },
        benchmarks={
            "name": benchmarks.name,
            "sha256": benchmarks.sha256,
            "total": count,
            "planned": count,
            "scope": "full",
        },
        runner={"kind": "conversation", "version": "1", "started_at": now, "finished_at": now},
        judges=judge_versions(judges),
        catalog=make.SCHEMA.to_json(),
        questions=questions,
    )


def prepared(folder: Path, count: int) -> dict[str, str]:
    """Make a store with one version and its evaluation; return the environment all sides run in.

    In a process of its own: a process starts with the memory that its parent has, and that would be measured.
    """
    subprocess.run([sys.executable, __file__, "--prepare", str(folder), str(count)], check=True)
    return {**os.environ, **json.loads((folder / "environment.json").read_text())}


def prepare(folder: Path, count: int) -> None:
    from mlflow_genie_plugin.evaluation.mlflow_logging import begin_run, store_evaluation
    from mlflow_genie_plugin.flavor.load import read_snapshot

    folder.mkdir()
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'mlflow.db'}"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["GENIE_STATE_DIR"] = str(folder / "state")
    os.chdir(folder)
    make = builders()
    model = make.make_version()
    benchmarks = make.benchmark_set(count, max(8, count // 50))
    result = make_result(make, model, benchmarks)
    snapshot = read_snapshot(model)
    run = begin_run(snapshot, benchmarks, scope="full", runner="conversation", space_id=make.SPACE_ID)
    store_evaluation(run, snapshot.model, result, traces=False)
    rows = [
        {
            "id": question.question_id,
            "question": question.question,
            "answer": question.answer.sql,
            "expected": question.expected_sql,
            "judges": {judge: finding.outcome == "passed" for judge, finding in question.findings.items()},
        }
        for question in result.questions
    ]
    (folder / "rows.json").write_text(json.dumps(rows))
    (folder / "download").mkdir()
    (folder / "test_baseline.py").write_text(BASELINE)
    environment = {
        name: os.environ[name] for name in ("MLFLOW_TRACKING_URI", "MLFLOW_DISABLE_TELEMETRY", "GENIE_STATE_DIR")
    }
    environment |= {"BENCH_MODEL": model, "BENCH_RUN": run, "BENCH_DIR": str(folder / "download")}
    (folder / "environment.json").write_text(json.dumps(environment))


def measured(
    command: list[str], folder: Path, environment: dict[str, str], limit: float = 3600
) -> tuple[Spent, int, str]:
    """Run a command in a process of its own; return what it took, its exit code and what it printed.

    A command that takes longer than ``limit`` seconds is ended with all that it started; its exit code is negative.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    timer = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    spent = Spent(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    return spent, process.returncode, output


def pytest_command(folder: Path, arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", *arguments]


def spent(arguments: list[str], folder: Path, environment: dict[str, str]) -> Spent:
    """Run pytest once in a process of its own."""
    took, code, output = measured(pytest_command(folder, arguments), folder, environment)
    if code != 0:
        raise SystemExit(output)
    return took


def gate(environment: dict[str, str]) -> list[str]:
    return [str(REPOSITORY / "gates"), f"--model-id={environment['BENCH_MODEL']}"]


def compare(what: str, pairs: int, first: Any, second: Any) -> None:
    """Run both in turns and print the ratio of each pair and the medians; the first pair only warms up."""
    ratios, processor, memory = [], [], []
    for number in range(pairs + 1):
        one, other = first(), second()
        if number == 0:
            continue
        ratios.append(other.seconds / one.seconds)
        processor.append(other.cpu / one.cpu)
        memory.append(other.memory)
        print(
            f"{one.seconds:6.2f} s  {other.seconds:6.2f} s  {ratios[-1]:.2f} x   "
            f"processor {one.cpu:5.2f} s  {other.cpu:5.2f} s  {processor[-1]:.2f} x   "
            f"memory {one.memory:.0f}  {other.memory:.0f} MiB"
        )
    print(
        f"{what}: {statistics.median(ratios):.2f} x, processor {statistics.median(processor):.2f} x, "
        f"at most {max(memory):.0f} MiB (median of {pairs} pairs)\n"
    )


def main() -> None:
    if sys.argv[1:2] == ["--prepare"]:
        prepare(Path(sys.argv[2]), int(sys.argv[3]))
        return
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    many = int(sys.argv[2]) if len(sys.argv) > 2 else MANY
    with tempfile.TemporaryDirectory() as name:
        few_folder, many_folder = Path(name) / "few", Path(name) / "many"
        few_environment = prepared(few_folder, QUESTIONS)
        few = gate(few_environment)
        compare(
            f"gate on {QUESTIONS} questions / one test",
            pairs,
            lambda: spent(["test_baseline.py"], few_folder, few_environment),
            lambda: spent(few, few_folder, few_environment),
        )
        many_environment = prepared(many_folder, many)
        many_arguments = gate(many_environment)
        compare(
            f"gate on {many:,} questions / on {QUESTIONS}",
            pairs,
            lambda: spent(few, few_folder, few_environment),
            lambda: spent(many_arguments, many_folder, many_environment),
        )


if __name__ == "__main__":
    main()
