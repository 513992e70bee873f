from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlflow_genie_plugin.cli.evaluate import evaluate

BUNDLE = Path(__file__).parents[2] / "examples" / "databricks_job"
TASK = BUNDLE / "src" / "evaluate.py"


@pytest.fixture(scope="module")
def job():
    document = yaml.safe_load((BUNDLE / "resources" / "evaluate_genie_space.job.yml").read_text(encoding="utf-8"))
    return document["resources"]["jobs"]["evaluate_genie_space"]


@pytest.fixture(scope="module")
def task():
    spec = importlib.util.spec_from_file_location("databricks_job_task", TASK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*parameters, **environment):
    return subprocess.run(
        [sys.executable, str(TASK), *parameters],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        env={**os.environ, **environment},
    )


def test_the_jobs_api_knows_every_field_of_the_job(job):
    from databricks.sdk.service.jobs import JobSettings

    assert JobSettings.from_dict(job).as_dict() == job


def test_the_task_gets_every_job_parameter_and_knows_it(job, task):
    passed = dict(text.split("=", 1) for text in job["tasks"][0]["spark_python_task"]["parameters"])
    declared = {item["name"] for item in job["parameters"]}
    assert {name for name, value in passed.items() if value == f"{{{{job.parameters.{name}}}}}"} == declared
    assert set(passed) == {*task.OPTIONS, *task.LISTS, *task.SETTINGS}


def test_the_command_has_every_option_that_the_task_passes(task):
    known = {option for parameter in evaluate.params for option in parameter.opts}
    assert {*task.OPTIONS.values(), *task.LISTS.values()} <= known


def test_the_files_that_the_bundle_names_exist(job):
    assert (BUNDLE / "resources" / job["tasks"][0]["spark_python_task"]["python_file"]).resolve() == TASK
    bundle = yaml.safe_load((BUNDLE / "databricks.yml").read_text(encoding="utf-8"))
    assert [path for pattern in bundle["include"] for path in BUNDLE.glob(pattern)]
    assert set(bundle["variables"]) >= {"package", "benchmarks", "state_dir", "questions_per_minute"}


@pytest.mark.parametrize("model_id", ["", "  ", "None", "null"])
def test_without_a_model_version_nothing_starts(model_id):
    done = run(f"model_id={model_id}", "benchmarks=b.yaml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "the job parameter model_id is empty" in done.stderr


def test_unknown_and_repeated_parameters_are_refused(task):
    for texts in (["model=m-1"], ["model_id"], ["model_id=a", "model_id=b"]):
        with pytest.raises(task.ParameterError):
            task.parameters_of(texts)


def test_lists_become_repeated_options_and_empty_values_none(task):
    values = task.parameters_of(["model_id=m-1", "benchmarks=b.yaml", "judges=a, b,", "space_id=", "scope=p0"])
    assert task.arguments_of(values) == [
        *("evaluate", "--json", "--model-id", "m-1", "--benchmarks", "b.yaml", "--scope", "p0"),
        *("--judge", "a", "--judge", "b"),
    ]


@pytest.mark.e2e
def test_the_job_evaluates_a_model_version_and_prints_the_result(local_workspace, tracking, tmp_path, job):
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
    from mlflow_genie_plugin.evaluation.mlflow_logging import latest_complete, load_evaluation
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.workspace.auth import connect

    live = connect().spaces.get_space(SAMPLE_SPACE_ID)
    model_id = create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")
    benchmarks = tmp_path / "benchmarks.yaml"
    benchmarks.write_bytes(sample_benchmarks())
    given = {item["name"]: item["default"] for item in job["parameters"]}
    given |= {"model_id": model_id, "benchmarks": str(benchmarks), "scope": "p0"}
    given |= {"state_dir": str(tmp_path / "state"), "questions_per_minute": "0"}
    done = run(*(f"{name}={value}" for name, value in given.items()))
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["status"] == "complete"
    assert printed["model_id"] == model_id
    assert printed["scores"]["result_correctness"]["planned"] == printed["questions"]["planned"] > 0
    _, stored = load_evaluation(printed["run_id"])
    assert stored.model_id == model_id
    latest, _ = latest_complete(model_id)
    assert latest is not None
    assert latest.run_id == printed["run_id"]
