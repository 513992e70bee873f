from __future__ import annotations

import copy
import json

import pytest
import yaml
from click.testing import CliRunner

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

JUDGES = ["--judge", "syntax_validity", "--judge", "result_correctness", "--judge", "repeatability"]


@pytest.fixture
def model_id(local_workspace, tracking):
    return snapshot()


def snapshot(document=None):
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version
    from mlflow_genie_plugin.workspace.auth import connect

    live = connect().spaces.get_space(SAMPLE_SPACE_ID).serialized_space
    return create_genie_model_version(SAMPLE_SPACE_ID, document or live, 0, "sample")


@pytest.fixture
def questions(tmp_path):
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks

    document = yaml.safe_load(sample_benchmarks())
    document["benchmarks"] = document["benchmarks"][:5]
    path = tmp_path / "questions.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def native_questions(tmp_path):
    """The questions that the sample space holds itself, as its export has them."""
    from mlflow_genie_plugin.emulator.sample import sample_document

    path = tmp_path / "space.json"
    path.write_text(json.dumps(sample_document()))
    return path


def run(*arguments):
    from mlflow_genie_plugin.cli.evaluate import evaluate

    return CliRunner().invoke(evaluate, list(map(str, arguments)))


def evaluate(model_id, questions, *arguments):
    return run("--model-id", model_id, "--benchmarks", questions, "--no-traces", *JUDGES, *arguments)


def asked(workspace):
    return workspace.control.requests("genie.start_conversation")


def texts_of(path):
    return [item["question"] for item in yaml.safe_load(path.read_text())["benchmarks"]]


def test_asked_once_the_judge_of_repetition_spoils_nothing(model_id, questions):
    result = evaluate(model_id, questions)
    assert result.exit_code == 0, result.stderr
    assert "every answer passes every judge" in result.stdout
    assert "repeatability       not asked (--repeats 3 asks each question three times)" in result.stdout
    document = json.loads(evaluate(model_id, questions, "--json").stdout)
    assert document["questions"]["p0_wrong"] == []
    assert document["not_passed"] == []
    assert document["repeatability"] is None
    assert document["scores"]["repeatability"]["abstained"] == 5


def test_asked_three_times_shares_of_bands_and_the_flip_rate_are_shown(model_id, questions, local_workspace):
    local_workspace.control.script_answer(question=texts_of(questions)[0], sql="SELECT 1 AS wrong")
    result = evaluate(model_id, questions, "--repeats", "3")
    assert result.exit_code == 0, result.stderr
    assert "asked 3 times each: identical 4 (80 %), significant 1 (20 %)" in result.stdout
    assert "flip rate 6.7 %" in result.stdout
    assert "only 2 of 3 answers are the same (significant); they read 2 different sets of assets" in result.stdout
    assert "Asking 5 questions 3 times each, without a quota." in result.stderr
    assert len(asked(local_workspace)) == 15


def test_an_earlier_evaluation_is_compared_with(model_id, questions, local_workspace):
    texts = texts_of(questions)
    before = json.loads(evaluate(model_id, questions, "--json").stdout)
    assert before["changes"] is None
    local_workspace.control.script_answer(question=texts[3], sql="SELECT 7 AS n")
    result = evaluate(model_id, questions, "--compare", before["run_id"])
    assert result.exit_code == 0, result.stderr
    assert f"compared with {before['run_id']} (right: result_correctness):" in result.stdout
    assert "  newly wrong: 1\n    tpch_004 P0  How many orders were placed in 1997?" in result.stdout
    assert "  unchanged: 4" in result.stdout
    wrong = json.loads(evaluate(model_id, questions, "--json", "--compare", before["run_id"]).stdout)["changes"]
    assert (wrong["newly_wrong"], wrong["unchanged"]) == ([], 5)


def test_an_evaluation_to_compare_with_that_is_not_there_stops_it_before_anything_is_asked(
    model_id, questions, local_workspace
):
    result = evaluate(model_id, questions, "--compare", "f" * 32)
    assert result.exit_code == 2
    assert "MG401" in result.stderr
    assert asked(local_workspace) == []


def test_genies_own_runs_are_judged_and_their_assessments_shown(model_id, native_questions, local_workspace):
    result = evaluate(model_id, native_questions, "--runner", "native", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["scores"]["native_assessment"]["planned"] == document["questions"]["planned"] == 5
    assert document["scores"]["result_correctness"]["passed"] == 5
    assert "Asking 5 questions through Genie's own evaluation runs, whose pace is Genie's." in result.stderr
    assert asked(local_workspace) == []
    again = evaluate(model_id, native_questions, "--runner", "recorded", "--answers", document["run_id"], "--json")
    assert again.exit_code == 0, again.stderr


def test_questions_the_space_does_not_hold_are_listed_and_nothing_is_run(model_id, questions, local_workspace):
    result = evaluate(model_id, questions, "--runner", "native")
    assert result.exit_code == 2
    lacking = [text for text in texts_of(questions) if f"the space does not have '{text}'" in result.stderr]
    assert lacking
    assert f"{len(lacking)} questions are not among the 5 benchmark questions of the space" in result.stderr
    assert local_workspace.control.requests("genie.genie_create_eval_run") == []
    assert "Asking" not in result.stderr


def test_an_estimate_counts_the_repeats_and_names_the_costs(model_id, questions, local_workspace, monkeypatch):
    monkeypatch.setenv("GENIE_QUESTIONS_PER_MINUTE", "5")
    result = evaluate(model_id, questions, "--estimate", "--repeats", "4")
    assert "5 questions 4 times each, about 3 min (the quota is 5 per minute)." in result.stdout
    assert "20 Genie questions with at least one query each" in result.stdout
    assert "The warehouse is billed while it runs" in result.stdout
    document = json.loads(evaluate(model_id, questions, "--estimate", "--repeats", "4", "--json").stdout)
    assert (document["askings"], document["least_queries"], document["minutes"]) == (20, 25, 3)
    native = json.loads(evaluate(model_id, questions, "--estimate", "--runner", "native", "--json").stdout)
    assert native["minutes"] is None
    assert asked(local_workspace) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--repeats", "0"], "0 is not in the range"),
        (["--needs-review", "abstain"], "use it with --runner native"),
        (["--runner", "recorded", "--answers", "x", "--repeats", "2"], "recorded answers are not asked again"),
        (["--patched-from", "m-" + "0" * 32, "--patched", "orders", "--scope", "slice"], "given twice"),
    ],
)
def test_options_that_contradict_each_other_are_refused(model_id, questions, arguments, message):
    result = evaluate(model_id, questions, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_a_slice_is_what_differs_from_an_earlier_version(local_workspace, tracking, questions):
    from mlflow_genie_plugin.emulator.sample import sample_document

    before = snapshot()
    document = sample_document()
    table = next(item for item in document["data_sources"]["tables"] if item["identifier"].endswith(".region"))
    table["description"] = ["Parts of the world.\n"]
    local_workspace.control.edit_space(SAMPLE_SPACE_ID, document)
    after = snapshot()
    result = evaluate(after, questions, "--scope", "slice", "--patched-from", before, "--json")
    assert result.exit_code == 0, result.stderr
    about = [item for item in yaml.safe_load(questions.read_text())["benchmarks"] if "region" in item["expected_sql"]]
    assert json.loads(result.stdout)["questions"]["planned"] == len(about) == 1
    same = evaluate(after, questions, "--scope", "slice", "--patched-from", after)
    assert same.exit_code == 2
    assert "nothing that can change an answer differs" in same.stderr


def test_a_change_of_the_instructions_concerns_every_question(local_workspace, tracking, questions):
    from mlflow_genie_plugin.emulator.sample import sample_document

    before = snapshot()
    document = copy.deepcopy(sample_document())
    document["instructions"]["text_instructions"][0]["content"].append("Be brief.\n")
    local_workspace.control.edit_space(SAMPLE_SPACE_ID, document)
    result = evaluate(snapshot(), questions, "--scope", "slice", "--patched-from", before)
    assert result.exit_code == 2
    assert "may concern every question: instruction" in result.stderr
    assert "--scope full" in result.stderr


def test_drift_is_said_instead_of_asking(model_id, questions, local_workspace):
    from mlflow_genie_plugin.emulator.sample import bad_edit, sample_document

    local_workspace.control.edit_space(SAMPLE_SPACE_ID, bad_edit(sample_document()))
    result = evaluate(model_id, questions)
    assert result.exit_code == 4
    assert "Asking" not in result.stderr
    assert "running the expected SQL" not in result.stderr
