from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

# The first has a wrong year, the second is P0 and wrong as well.
QUESTIONS = """\
# kept
format_version: 1
name: few
benchmarks:
  # asked often
  - id: year
    question: How many orders were placed in 1997?
    split: train
    expected_sql: SELECT COUNT(*) FROM samples.tpch.orders WHERE YEAR(o_orderdate) = 1996  # wrong
  - id: vital
    question: How many orders were placed in 1996?
    priority: P0
    split: train
    expected_sql: SELECT COUNT(*) FROM samples.tpch.orders WHERE YEAR(o_orderdate) = 1995
  - id: fine
    question: How many customers are there?
    split: train
    expected_sql: SELECT COUNT(*) FROM samples.tpch.customer
"""


@pytest.fixture
def run():
    def invoke(*arguments):
        from mlflow_genie_plugin.cli.main import main

        return CliRunner().invoke(main, ["evaluate", *map(str, arguments)])

    return invoke


@pytest.fixture
def evaluated(run, local_workspace, tracking, tmp_path):
    """A file with wrong ground truth, evaluated; gives the file, the run id and how to evaluate again."""
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.workspace.auth import connect

    live = connect().spaces.get_space(SAMPLE_SPACE_ID)
    model_id = create_genie_model_version(SAMPLE_SPACE_ID, live.serialized_space, 0, "sample")
    path = tmp_path / "few.yaml"
    path.write_text(QUESTIONS)

    def evaluate():
        done = run("--model-id", model_id, "--benchmarks", path, "--no-traces", "--json")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    return path, evaluate


def test_evaluate_rules_and_review_lists_accepts_and_keeps_the_rest(run, evaluated):
    path, evaluate = evaluated
    first = evaluate()
    rulings = {item["question_id"]: item for item in first["arbitration"]}
    assert {name: item["verdict"] for name, item in rulings.items()} == {
        "year": "genie_correct",
        "vital": "genie_correct",
    }
    assert rulings["vital"]["proposal"] is None
    assert path.read_text() == QUESTIONS

    listed = run("review", first["run_id"], "--benchmarks", path)
    assert listed.exit_code == 0, listed.stderr
    assert "1 proposed, 0 decided" in listed.stdout
    assert "seen in 1 answer" in listed.stdout
    assert path.read_text() == QUESTIONS

    second = evaluate()
    listed = run("review", second["run_id"], "--benchmarks", path)
    assert "confirmed: seen in 2 independent answers" in listed.stdout

    dry = run("review", "--benchmarks", path, "--accept", "year", "--by", "ana", "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert "+    source: arbiter_corrected" in dry.stdout
    assert path.read_text() == QUESTIONS

    done = run("review", "--benchmarks", path, "--accept", "year", "--by", "ana", "--json")
    assert done.exit_code == 0, done.stderr
    assert [item["state"] for item in json.loads(done.stdout)["corrections"]] == ["accepted"]
    before, after = QUESTIONS.splitlines(), path.read_text().splitlines()
    assert [line for line in before if line not in after] == [before[8]]
    assert "1997" in "".join(line for line in after if line not in before)

    third = evaluate()
    assert [item["question_id"] for item in third["arbitration"]] == ["vital"]
    listed = run("review", third["run_id"], "--benchmarks", path)
    assert "nothing to correct is proposed (decided before: 1)" in listed.stdout


def test_evaluate_brings_a_dataset_in_step_first(run, evaluated):
    path, evaluate = evaluated
    model_id = evaluate()["model_id"]
    done = run("--model-id", model_id, "--benchmarks", path, "--no-traces", "--sync-dataset", "few")
    assert done.exit_code == 0, done.stderr
    assert "brought in step" in done.stderr
    from mlflow_genie_plugin.evaluation.benchmark import read_benchmarks
    from mlflow_genie_plugin.evaluation.dataset_sync import plan_sync

    assert not plan_sync(read_benchmarks(path), "few").changes


def test_people_read_the_ruling_and_what_to_do_about_it(run, evaluated):
    _, evaluate = evaluated
    from mlflow_genie_plugin.cli.evaluation_text import summary
    from mlflow_genie_plugin.evaluation.mlflow_logging import load_evaluation

    run_id = evaluate()["run_id"]
    text = summary(load_evaluation(run_id)[1], run_id)
    assert "arbiter: genie correct (rule d, low confidence)" in text
    assert f"mlflow-genie evaluate review {run_id} --benchmarks FILE" in text


def test_rejecting_is_remembered(run, evaluated):
    path, evaluate = evaluated
    run_id = evaluate()["run_id"]
    assert run("review", run_id, "--benchmarks", path, "--reject", "year", "--by", "li").exit_code == 0
    assert path.read_text() == QUESTIONS
    listed = run("review", run_id, "--benchmarks", path)
    assert "nothing to correct is proposed" in listed.stdout
    again = run("review", "--benchmarks", path, "--accept", "year", "--by", "li")
    assert again.exit_code == 2
    assert "was rejected by li" in again.stderr


def test_a_decision_needs_a_name_and_a_proposal(run, tmp_path):
    path = tmp_path / "few.yaml"
    path.write_text(QUESTIONS)
    nameless = run("review", "--benchmarks", path, "--accept", "year")
    assert (nameless.exit_code, "--by NAME" in nameless.stderr) == (2, True)
    unknown = run("review", "--benchmarks", path, "--accept", "year", "--by", "ana")
    assert (unknown.exit_code, "there is no proposal" in unknown.stderr) == (2, True)
    assert not (tmp_path / "few.corrections.yaml").exists()


def test_a_question_that_was_edited_meanwhile_is_a_conflict(run, evaluated):
    path, evaluate = evaluated
    run_id = evaluate()["run_id"]
    edited = QUESTIONS.replace("= 1996  # wrong", "= 1998")
    path.write_text(edited)
    done = run("review", run_id, "--benchmarks", path, "--accept", "year", "--by", "ana")
    assert done.exit_code == 4
    assert "not the one that was judged" in done.stderr
    assert path.read_text() == edited


def test_evaluate_keeps_its_help_and_names_the_other_command(run):
    text = run("--help").stdout
    assert "--model-id" in text
    assert "evaluate review" in text
    assert "--accept" in run("review", "--help").stdout
