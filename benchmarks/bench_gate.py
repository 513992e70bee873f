"""``pytest gates/`` on 200 questions against the least a gate could do: one test that reads and tags the same model.

The baseline imports mlflow, gets the model, downloads the evaluation artifact, counts the passes and sets the tags.
Both run as whole processes in turns, so that a busy machine slows both; the ratio of each pair is printed.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
QUESTIONS = 200

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


def builders() -> Any:
    """Return the module that makes versions and evaluations for the tests of the gates."""
    spec = importlib.util.spec_from_file_location("gate_builders", REPOSITORY / "tests" / "gating" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def prepare(folder: Path) -> dict[str, str]:
    """Make a store with one version and its evaluation; return the environment both sides run in."""
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'mlflow.db'}"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["GENIE_STATE_DIR"] = str(folder / "state")
    os.chdir(folder)
    make = builders()
    model = make.make_version()
    run = make.make_evaluation(model, count=QUESTIONS)
    (folder / "test_baseline.py").write_text(BASELINE)
    return {**os.environ, "BENCH_MODEL": model, "BENCH_RUN": run, "BENCH_DIR": str(folder / "download")}


def seconds(arguments: list[str], folder: Path, environment: dict[str, str]) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - started


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = prepare(folder)
        (folder / "download").mkdir()
        gate = [str(REPOSITORY / "gates"), f"--rootdir={folder}", f"--model-id={environment['BENCH_MODEL']}"]
        ratios = []
        for number in range(pairs + 1):
            baseline = seconds(["test_baseline.py", f"--rootdir={folder}"], folder, environment)
            measured = seconds(gate, folder, environment)
            if number == 0:
                continue  # warm-up: bytecode and file cache
            ratios.append(measured / baseline)
            print(f"baseline {baseline:5.2f} s   gate {measured:5.2f} s   ratio {ratios[-1]:.2f}")
        print(
            f"gate on {QUESTIONS} questions: {statistics.median(ratios):.2f} x the baseline (median of {pairs} pairs)"
        )


if __name__ == "__main__":
    main()
