from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID


@pytest.fixture
def model_id(local_workspace, tracking):
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.workspace.auth import connect

    live = connect().spaces.get_space(SAMPLE_SPACE_ID)
    return create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")


@pytest.fixture
def questions(tmp_path):
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks

    document = yaml.safe_load(sample_benchmarks())
    document["benchmarks"] = document["benchmarks"][:5]
    path = tmp_path / "questions.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def run(*arguments):
    from mlflow_genie_plugin.cli.evaluate import evaluate

    return CliRunner().invoke(evaluate, list(map(str, arguments)))


def asked(workspace):
    return [item for item in workspace.control.requests() if item["path"].endswith("/start-conversation")]


def test_json_has_the_run_the_scores_and_the_counts(model_id, questions):
    result = run("--model-id", model_id, "--benchmarks", questions, "--no-traces", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["model_id"], document["status"], document["scope"]) == (model_id, "complete", "full")
    assert len(document["run_id"]) == 32
    assert document["questions"] == {"planned": 5, "answered": 5, "p0_wrong": []}
    assert document["scores"]["result_correctness"]["score"] == 1.0
    assert document["not_passed"] == []
    assert model_id in result.stderr


def test_people_see_scores_reasons_and_the_next_command(model_id, questions, local_workspace):
    document = yaml.safe_load(questions.read_text())
    document["benchmarks"][3]["expected_sql"] = "SELECT 7"
    del document["benchmarks"][3]["expected_asset"]
    questions.write_text(yaml.safe_dump(document))
    result = run("--model-id", model_id, "--benchmarks", questions, "--no-traces")
    assert result.exit_code == 0, result.stderr
    name = document["benchmarks"][3]["id"]
    assert f"{name} P0  How many orders were placed in 1997?" in result.stdout
    assert "expected 7, got " in result.stdout
    assert re.search(r"result_correctness +80\.0 %", result.stdout)
    assert f"pytest gates/ --model-id={model_id}" in result.stdout
    assert "Asking 5 questions, without a quota." in result.stderr


def test_an_evaluation_with_some_judges_only_says_that_a_gate_asks_for_more(model_id, questions):
    result = run("--model-id", model_id, "--benchmarks", questions, "--no-traces", "--judge", "syntax_validity")
    assert result.exit_code == 0, result.stderr
    assert "pytest gates/" not in result.output
    assert "A gate asks for all judges, here without schema_accuracy, " in result.output


def test_an_estimate_asks_nothing(model_id, questions, local_workspace, monkeypatch):
    monkeypatch.setenv("GENIE_QUESTIONS_PER_MINUTE", "2")
    result = run("--model-id", model_id, "--benchmarks", questions, "--estimate")
    assert result.exit_code == 0
    assert "5 questions, about 2 min (the quota is 2 per minute)." in result.stdout
    assert "bills" in result.stdout
    assert (
        json.loads(run("--model-id", model_id, "--benchmarks", questions, "--estimate", "--json").stdout)["minutes"]
        == 2
    )
    assert asked(local_workspace) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scope", "all"], "use one of full, slice, p0, held_out"),
        (["--scope", "slice"], "needs the names of the patched objects"),
        (["--judge", "sintax_validity"], "did you mean syntax_validity"),
        (["--variable", "catalog"], "is not NAME=VALUE"),
        (["--runner", "recorded"], "go together"),
        (["--answers", "x"], "go together"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
    model_id, questions, local_workspace, arguments, message
):
    result = run("--model-id", model_id, "--benchmarks", questions, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert asked(local_workspace) == []


def test_violations_of_the_file_are_all_printed(model_id, questions):
    text = questions.read_text().replace("priority: P0", "priority: P00")
    questions.write_text(text)
    result = run("--model-id", model_id, "--benchmarks", questions)
    assert result.exit_code == 2
    assert result.stderr.count("'P00' is not one of P0, P1, P2") == text.count("P00")


def test_a_space_that_changed_before_is_a_conflict_and_one_that_changes_meanwhile_is_undecided(
    model_id, questions, local_workspace
):
    from mlflow_genie_plugin.emulator.sample import bad_edit, sample_document

    local_workspace.control.latency(2.0)
    editing = subprocess.Popen(
        [
            sys.executable,
            "-c",
            _EDIT_SOON,
            local_workspace.url,
            local_workspace.token,
            json.dumps(bad_edit(sample_document())),
        ]
    )
    result = run("--model-id", model_id, "--benchmarks", questions, "--no-traces")
    assert editing.wait(timeout=30) == 0
    assert result.exit_code == 10, result.stderr
    assert "cannot be used by a gate" in result.stderr
    local_workspace.control.latency(0.0)
    result = run("--model-id", model_id, "--benchmarks", questions, "--no-traces")
    assert result.exit_code == 4
    assert "nothing was asked" in result.stderr


_EDIT_SOON = f"""
import json, sys, time
from mlflow_genie_plugin.emulator.control import LocalControl
control = LocalControl(sys.argv[1], sys.argv[2])
deadline = time.monotonic() + 120
while not any(r["path"].endswith("/start-conversation") for r in control.requests()) and time.monotonic() < deadline:
    time.sleep(0.1)
control.edit_space({SAMPLE_SPACE_ID!r}, json.loads(sys.argv[3]))
"""


def test_an_expired_token_is_exit_3(model_id, questions, local_workspace):
    local_workspace.control.expire_token()
    result = run("--model-id", model_id, "--benchmarks", questions)
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].startswith("error[MG101]")
