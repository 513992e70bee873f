from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import orjson
import pytest
import yaml
from click.testing import CliRunner

pytestmark = pytest.mark.e2e

QUESTIONS = 200
KILLED_AFTER = 90
RUN_FACTS = {"conversation_id", "message_id", "latency_seconds"}


@pytest.fixture
def questions(tmp_path, local_workspace):
    """200 questions that the space answers right, wrong, empty, or with a text."""
    entries = []
    for number in range(QUESTIONS):
        question = f"How many orders cost more than {number * 1000}?"
        sql = f"SELECT count(*) AS n FROM samples.tpch.orders WHERE o_totalprice > {number * 1000}"
        entries.append({"id": f"q{number:03}", "question": question, "expected_sql": sql})
        given = {0: {"sql": sql.replace(">", "<")}, 1: {"text": "Which orders?", "is_clarification": True}}
        local_workspace.control.script_answer(question=question, times=0, **given.get(number % 10, {"sql": sql}))
    path = tmp_path / "questions.yaml"
    path.write_text(yaml.safe_dump({"format_version": 1, "name": "many", "benchmarks": entries}))
    return path


@pytest.fixture
def command(tracking, local_workspace, questions):
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.workspace.auth import connect

    live = connect().spaces.get_space(SAMPLE_SPACE_ID)
    model_id = create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")
    judges = [part for name in ("syntax_validity", "result_correctness", "asset_routing") for part in ("--judge", name)]
    return ["--model-id", model_id, "--benchmarks", str(questions), "--no-traces", "--json", *judges]


def run(command):
    from mlflow_genie_plugin.cli.evaluate import evaluate

    result = CliRunner().invoke(evaluate, command)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def asked(workspace):
    found = workspace.control.requests("genie.start_conversation")
    return Counter(json.loads(item["body"])["content"] for item in found)


def kill_after(command, workspace, answers):
    """Start the command and kill it with no warning once so many questions were asked."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow_genie_plugin.cli.main", "evaluate", *command],
        env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while asked(workspace).total() < answers:
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def questions_of(run_id):
    """The stored questions without what differs between any two askings."""
    from mlflow_genie_plugin.evaluation.mlflow_logging import load_evaluation

    found = orjson.loads(load_evaluation(run_id)[0])["questions"]
    for question in found:
        question["answer"] = {name: value for name, value in question["answer"].items() if name not in RUN_FACTS}
    return orjson.dumps(found)


def test_killed_among_200_questions_none_is_asked_twice_and_the_result_is_that_of_an_unbroken_run(
    command, local_workspace
):
    local_workspace.control.latency(0.05)  # so that some questions are on their way at any moment
    kill_after(command, local_workspace, KILLED_AFTER)
    local_workspace.control.latency(0.0)
    broken = run(command)
    once = asked(local_workspace)
    assert (len(once), set(once.values())) == (QUESTIONS, {1})
    assert broken["questions"]["planned"] == broken["questions"]["answered"] == QUESTIONS
    assert broken["scores"]["result_correctness"]["passed"] == QUESTIONS * 8 // 10
    whole = run(command)
    assert broken["run_id"] != whole["run_id"]
    assert questions_of(broken["run_id"]) == questions_of(whole["run_id"])
    assert broken["scores"] == whole["scores"]
    assert broken["not_passed"] == whole["not_passed"]
