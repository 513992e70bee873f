"""``pytest gates/`` beside other tools that decide on the same recorded results.

The results: 200 and 5,000 questions with their answer, the expected query and whether each judge passed; one answer of
25 is wrong, and 85 % must be right. No tool asks a language model. Every tool runs as one whole process, all in turns,
so that a busy machine slows all of them; measured are the clock, the processor time (child processes too) and the peak
memory of the largest process.

What each is asked to do, the least in its own terms that decides on the results:

- deepeval: `deepeval test run` on one parametrised test; `assert_test` with one metric of our own (result_correctness),
  not asynchronous, which is its faster way. It knows no threshold over all cases: wrong answers are failed tests and
  its exit code is 1.
- promptfoo: `eval --no-cache` with the `echo` provider and one javascript assertion a question (result_correctness);
  the threshold is its pass rate.
- inspect-ai: `eval()` of a task whose solver puts in the recorded answer, `mockllm` as the model that nobody asks, and
  a scorer that returns all judges; then the mean of result_correctness is held against the threshold.
- pytest-evals: one parametrised test that puts all judges into its bag, and one analysis that works out the share of
  each judge and holds the one of result_correctness against the threshold, in one session.
- ours: `pytest gates/ --model-id=…`. It does more: it finds the model and the evaluation in MLflow, proves the digests
  of the model, the evaluation and the benchmarks, decides every line of criteria.yaml with intervals, and
  writes the verdict, the report and the mark back to MLflow. The others read one JSON file, prove nothing about it, and
  write results to their own files.

The other tools get environments of their own in a temporary folder, which are removed at the end; their telemetry is
off. Ours runs in the environment of this script, with all pytest plugins that are there. A tool that cannot be
installed, does not end in time, or does not count the wrong answers right, is named with the reason.

    bench_peers.py [--rounds N] [--sizes 200,5000] [--limit SECONDS] [--environments DIR]

``--environments`` keeps the environments there and uses them again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench_gate import Spent, gate, measured, prepared, pytest_command

OURS = "mlflow-genie-plugin"

DEEPEVAL = """
import json
from pathlib import Path

import pytest
from deepeval import assert_test
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase

ROWS = json.loads(Path("rows.json").read_text())


class Recorded(BaseMetric):
    threshold = 0.5

    def __init__(self, passed):
        self.passed = passed

    def measure(self, test_case, *args, **kwargs):
        self.score = float(self.passed)
        self.success = self.score >= self.threshold
        self.reason = "recorded"
        return self.score

    async def a_measure(self, test_case, *args, **kwargs):
        return self.measure(test_case)

    def is_successful(self):
        return self.success

    @property
    def __name__(self):
        return "result_correctness"


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_answer(row):
    case = LLMTestCase(input=row["question"], actual_output=row["answer"], expected_output=row["expected"])
    assert_test(case, [Recorded(row["judges"]["result_correctness"])], run_async=False)
"""

INSPECT = """
import json
from pathlib import Path

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, mean, scorer
from inspect_ai.solver import solver

ROWS = json.loads(Path("rows.json").read_text())
JUDGES = list(ROWS[0]["judges"])


@solver
def recorded():
    async def solve(state, generate):
        state.output = ModelOutput.from_content("mockllm/model", state.metadata["answer"])
        return state

    return solve


@scorer(metrics={judge: [mean()] for judge in JUDGES})
def judged():
    async def score(state, target):
        return Score(value={judge: float(passed) for judge, passed in state.metadata["judges"].items()})

    return score


samples = [
    Sample(
        id=row["id"],
        input=row["question"],
        target=row["expected"],
        metadata={"answer": row["answer"], "judges": row["judges"]},
    )
    for row in ROWS
]
task = Task(dataset=MemoryDataset(samples), solver=recorded(), scorer=judged())
[log] = eval(task, model="mockllm/model", display="none", log_dir="logs")
assert log.status == "success", log.error
shares = {score.name: score.metrics["mean"].value for score in log.results.scores}
print(f"{log.results.completed_samples} samples, {shares['result_correctness']:.4f} right")
raise SystemExit(shares["result_correctness"] < 0.85)
"""

PYTEST_EVALS = """
import json
from pathlib import Path

import pytest

ROWS = json.loads(Path("rows.json").read_text())


@pytest.mark.eval(name="answers")
@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_answer(row, eval_bag):
    eval_bag.question, eval_bag.answer, eval_bag.expected = row["question"], row["answer"], row["expected"]
    eval_bag.judges = row["judges"]


@pytest.mark.eval_analysis(name="answers")
def test_shares(eval_results):
    judged = [result.result.judges for result in eval_results]
    shares = {judge: sum(row[judge] for row in judged) / len(judged) for judge in judged[0]}
    print(f"{len(judged)} results, {shares['result_correctness']:.4f} right")
    assert shares["result_correctness"] >= 0.85
"""

QUIET = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_PASS_RATE_THRESHOLD": "85",
    "DO_NOT_TRACK": "1",
    "NO_COLOR": "1",
    "COLUMNS": "120",
}


@dataclass(frozen=True)
class Peer:
    """A tool: its package, the command made of environment and folder, and how a right run ends."""

    package: str
    write: Callable[[Path, list[dict[str, object]]], None]
    command: Callable[[Path], list[str]]
    code: int
    says: Callable[[int, int], list[str]]
    npm: bool = False


def in_file(name: str, text: str) -> Callable[[Path, list[dict[str, object]]], None]:
    def write(folder: Path, rows: list[dict[str, object]]) -> None:
        (folder / "rows.json").write_text(json.dumps(rows))
        (folder / name).write_text(text)

    return write


def write_promptfoo(folder: Path, rows: list[dict[str, object]]) -> None:
    tests = [
        {
            "vars": {name: row[name] for name in ("question", "answer", "expected")}
            | {"judges": json.dumps(row["judges"])}
        }
        for row in rows
    ]
    check = "JSON.parse(context.vars.judges).result_correctness"
    config = {
        "description": "recorded",
        "prompts": ["{{answer}}"],
        "providers": ["echo"],
        "defaultTest": {"assert": [{"type": "javascript", "value": check}]},
        "tests": tests,
    }
    (folder / "promptfooconfig.json").write_text(json.dumps(config))


PEERS = (
    Peer(
        "deepeval",
        in_file("test_answers.py", DEEPEVAL),
        lambda home: [str(home / "bin" / "deepeval"), "test", "run", "test_answers.py", "--display", "failing"],
        1,
        lambda right, wrong: [f"{wrong} failed", f"{right} passed"],
    ),
    Peer(
        "promptfoo",
        write_promptfoo,
        lambda home: [
            *("node", str(home / "node_modules" / "promptfoo" / "dist" / "src" / "entrypoint.js"), "eval"),
            *("--no-cache", "--no-table", "--no-progress-bar", "--no-share", "-c", "promptfooconfig.json"),
        ],
        0,
        lambda right, wrong: [f"{right:,} passed", f"{wrong:,} failed"],
        npm=True,
    ),
    Peer(
        "inspect-ai",
        in_file("gate.py", INSPECT),
        lambda home: [str(home / "bin" / "python"), "gate.py"],
        0,
        lambda right, wrong: [f"{right + wrong} samples, {right / (right + wrong):.4f} right"],
    ),
    Peer(
        "pytest-evals",
        in_file("test_answers.py", PYTEST_EVALS),
        lambda home: [
            *(str(home / "bin" / "python"), "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"),
            *("--run-eval", "--run-eval-analysis", "test_answers.py"),
        ],
        0,
        lambda right, wrong: [
            f"{right + wrong} results, {right / (right + wrong):.4f} right",
            f"{right + wrong + 1} passed",
        ],
    ),
)


def installed(peer: Peer, home: Path) -> str:
    """Make the tool's own environment unless it is there; return the version, or raise with the reason."""
    if not home.exists():
        commands = (
            [["npm", "install", "--prefix", str(home), "--no-audit", "--no-fund", "--loglevel=error", peer.package]]
            if peer.npm
            else [
                [sys.executable, "-m", "venv", str(home)],
                [str(home / "bin" / "python"), "-m", "pip", "install", "-q", peer.package],
            ]
        )
        try:
            for command in commands:
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise
    if peer.npm:
        return str(json.loads((home / "node_modules" / peer.package / "package.json").read_text())["version"])
    command = [
        str(home / "bin" / "python"),
        "-c",
        f"import importlib.metadata as m; print(m.version({peer.package!r}))",
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def environments(homes: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the versions of the tools that are there, and the reasons why others are not."""
    versions, missing = {}, {}
    for peer in PEERS:
        try:
            versions[peer.package] = installed(peer, homes / peer.package)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            missing[peer.package] = f"not installed: {said[-1] if said else type(error).__name__}"
    return versions, missing


def measure(count: int, rounds: int, limit: float, folder: Path, homes: Path, missing: dict[str, str]) -> None:
    """Run every tool in turns on ``count`` results and print a line for each; the first round only warms up."""
    environment = prepared(folder / "ours", count)
    rows = json.loads((folder / "ours" / "rows.json").read_text())
    right = sum(row["judges"]["result_correctness"] for row in rows)
    runs: dict[str, list[Spent]] = {OURS: []}
    problems = dict(missing)
    for peer in PEERS:
        if peer.package not in problems:
            runs[peer.package] = []
            (folder / peer.package).mkdir()
            peer.write(folder / peer.package, rows)
    for number in range(rounds + 1):
        for name in runs:
            if name in problems:
                continue
            if name == OURS:
                place, codes, says = folder / "ours", 0, ["genie gate: PASS", "Marked m-"]
                command, used = pytest_command(place, gate(environment)), environment
            else:
                peer = next(peer for peer in PEERS if peer.package == name)
                place, codes, says = folder / name, peer.code, peer.says(right, count - right)
                command = peer.command(homes / name)
                used = {**os.environ, **QUIET, "HOME": str(place), "PROMPTFOO_CONFIG_DIR": str(place / ".promptfoo")}
            took, code, output = measured(command, place, used, limit)
            if code < 0:
                problems[name] = f"not done in {limit:.0f} s"
            elif code != codes or not all(part in output for part in says):
                problems[name] = f"exit code {code}, not counted right"
                print(f"--- {name}: exit code {code}, looked for {says}\n{output[-3000:]}\n---", file=sys.stderr)
            elif number:
                runs[name].append(took)
    if OURS in problems:
        raise SystemExit(f"nothing to compare with: {OURS}: {problems[OURS]}")
    ours = runs[OURS]
    print(f"\n{count:,} results, {right:,} right; medians of {rounds} rounds, ratios in pairs\n")
    print("| tool | wall s | processor s | peak MiB | wall / ours | processor / ours |\n|---|---|---|---|---|---|")
    for name in (OURS, *(peer.package for peer in PEERS)):
        if name in problems:
            print(f"| {name} | {problems[name]} | | | | |")
            continue
        found = runs[name]
        seconds, cpu = (statistics.median(getattr(one, what) for one in found) for what in ("seconds", "cpu"))
        slower = statistics.median(one.seconds / our.seconds for one, our in zip(found, ours, strict=False))
        dearer = statistics.median(one.cpu / our.cpu for one, our in zip(found, ours, strict=False))
        memory = max(one.memory for one in found)
        print(f"| {name} | {seconds:.2f} | {cpu:.2f} | {memory:.0f} | {slower:.2f} x | {dearer:.2f} x |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=lambda text: [int(part) for part in text.split(",")], default=[200, 5_000])
    parser.add_argument("--limit", type=float, default=300, help="seconds that one run may take")
    parser.add_argument("--environments", type=Path, help="folder to keep the environments in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        homes = (asked.environments or Path(name) / "environments").resolve()
        homes.mkdir(parents=True, exist_ok=True)
        versions, missing = environments(homes)
        node = shutil.which("node")
        said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip() if node else "none"
        print(
            f"Python {platform.python_version()}, node {said}, mlflow {version('mlflow')}, pytest {version('pytest')}"
        )
        for package in (*versions, *missing):
            print(f"{package} {versions.get(package) or missing[package]}")
        for count in asked.sizes:
            folder = Path(name) / str(count)
            folder.mkdir()
            measure(count, asked.rounds, asked.limit, folder, homes, missing)


if __name__ == "__main__":
    main()
