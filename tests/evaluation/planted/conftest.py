from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

PLAN = yaml.safe_load((Path(__file__).parent / "faults.yaml").read_text(encoding="utf-8"))
BENCHMARK_FIELDS = ("id", "question", "expected_sql", "expected_asset", "ordered")
TIMES = 3


@dataclass(frozen=True)
class Evaluated:
    """One run of the command: what it printed as JSON, and the questions of the stored result by id."""

    printed: dict[str, Any]
    questions: dict[str, Any]

    @property
    def findings(self) -> bytes:
        """Every finding and ruling, as bytes."""
        return orjson.dumps([[item["findings"], item["arbitration"]] for item in self.questions.values()])

    @property
    def run_id(self) -> str:
        return str(self.printed["run_id"])


class Bench:
    """A local workspace and a tracking store of this module's own, with a model version of the sample space."""

    def __init__(self, workspace: Any, folder: Path) -> None:
        from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
        from mlflow_genie_plugin.snapshot.create import create_genie_model_version
        from mlflow_genie_plugin.workspace.auth import connect

        self.control = workspace.control
        self.folder = folder
        live = connect().spaces.get_space(SAMPLE_SPACE_ID)
        self.model_id = create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")

    def script(self, questions: list[dict[str, Any]]) -> None:
        """Let the workspace answer each question as planned, and forget what it was asked."""
        self.control.clear_answers()
        self.control.clear_requests()
        for item in questions:
            single = len(item["answers"]) == 1
            for answer in item["answers"]:
                self.control.script_answer(question=item["question"], times=0 if single else 1, **answer)

    def evaluate(self, questions: list[dict[str, Any]], *options: str, seed: str | None = None) -> Evaluated:
        """Run the command, in a process of its own where a hash seed is given; it must end well."""
        code, stdout, stderr = self.run(questions, *options, seed=seed)
        assert code == 0, stderr[-4000:] + stdout[-2000:]
        printed = json.loads(stdout)
        stored = orjson.loads(self.artifact(printed["run_id"]))
        return Evaluated(printed, {item["question_id"]: item for item in stored["questions"]})

    def run(self, questions: list[dict[str, Any]], *options: str, seed: str | None = None) -> tuple[int, str, str]:
        """Return exit code, stdout and stderr of ``mlflow-genie evaluate --json``."""
        from click.testing import CliRunner

        from mlflow_genie_plugin.cli.main import main

        path = self.folder / "questions.yaml"
        entries = [{key: item[key] for key in BENCHMARK_FIELDS if key in item} for item in questions]
        path.write_text(yaml.safe_dump({"format_version": 1, "name": "planted", "benchmarks": entries}))
        command = ["evaluate", "--model-id", self.model_id, "--benchmarks", str(path), "--json", *options]
        if seed is None:
            result = CliRunner().invoke(main, command)
            return result.exit_code, result.stdout, result.stderr
        done = subprocess.run(
            [sys.executable, "-m", "mlflow_genie_plugin.cli.main", *command],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def artifact(self, run_id: str) -> bytes:
        from mlflow_genie_plugin.evaluation.mlflow_logging import load_evaluation

        return load_evaluation(run_id)[0]


@pytest.fixture(scope="module")
def bench(local_workspace_server, tracking_template, tmp_path_factory):
    import contextlib
    import shutil
    import sqlite3

    folder = tmp_path_factory.mktemp("planted")
    database = folder / "mlflow.db"
    shutil.copyfile(tracking_template, database)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        artifacts = (folder / "artifacts").as_uri()
        connection.execute("UPDATE experiments SET artifact_location = ? || '/' || experiment_id", (artifacts,))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_REGISTRY_URI", "DATABRICKS_CONFIG_PROFILE"):
            patch.delenv(name, raising=False)
        values = {
            **local_workspace_server.environment(),
            "MLFLOW_TRACKING_URI": f"sqlite:///{database}",
            "MLFLOW_EXPERIMENT_ID": "0",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "GENIE_STATE_DIR": str(folder / "state"),
            "DATABRICKS_CONFIG_FILE": str(folder / "no.databrickscfg"),
        }
        for name, value in values.items():
            patch.setenv(name, value)
        local_workspace_server.control.reset()
        yield Bench(local_workspace_server, folder)
        local_workspace_server.control.reset()


@pytest.fixture(scope="module")
def live(bench):
    """The evaluation with the planted answers, with traces."""
    bench.script(PLAN["questions"])
    return bench.evaluate(PLAN["questions"], "--repeats", str(TIMES), seed="0")


@pytest.fixture(scope="module")
def recorded(bench, live):
    """The same answers judged again, under another hash seed; and how many requests that took."""
    before = len(bench.control.requests())
    again = bench.evaluate(PLAN["questions"], "--runner", "recorded", "--answers", live.run_id, "--no-traces", seed="7")
    return again, len(bench.control.requests()) - before


@pytest.fixture(scope="module")
def asked_again(bench, live):
    """The same questions asked again, under another hash seed."""
    bench.script(PLAN["questions"])
    return bench.evaluate(PLAN["questions"], "--repeats", str(TIMES), "--no-traces", seed="11")
