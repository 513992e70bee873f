"""What there is to decide on for one version: which evaluation, whose, and whether it can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import EvaluationNotFoundError, UnreadableFileError
from mlflow_genie_plugin.gating.evidence import collect, current_digest, evaluation_runs
from mlflow_genie_plugin.gating.observed import Hashes

RESULT = "evaluation/evaluation_result.json"


@pytest.fixture
def model(tracking, versions):
    return versions.make()


@pytest.fixture
def evaluated(model, versions):
    """A function that evaluates the version, on three questions unless told otherwise, and returns the run."""
    return lambda **changes: versions.evaluate(model, **{"count": 3, "p0": 1, **changes})


def artifact(run_id, name=RESULT):
    return Path(registry.get_run(run_id).artifact_uri.removeprefix("file://")) / name


def nothing(collected):
    """The problem, where there is no evaluation to look at."""
    evidence = collected.evidence
    assert (evidence.evaluation, collected.result, collected.about, dict(collected.rows)) == (None, None, None, {})
    return evidence.evaluation_problem


def test_the_latest_complete_evaluation_is_looked_at(model, evaluated):
    evaluated()
    latest = evaluated()
    part = evaluated(state="interrupted")
    found = collect(model)
    assert found.run.run_id == found.evidence.evaluation.run_id == latest
    assert found.evidence.evaluation.attempts == 3
    assert (found.evidence.evaluation_problem, found.evidence.model_problem, found.from_file) == ("", "", "")
    assert {run.run_id for run in evaluation_runs(found.model)} >= {latest, part}
    assert collect(found.model).run.run_id == latest


def test_everything_about_the_version_and_its_evaluation_is_there(model, evaluated):
    evaluated()
    found = collect(model)
    evidence, snapshot = found.evidence, found.snapshot
    assert (evidence.model_id, evidence.model_name, evidence.space_id) == (model, found.model.name, snapshot.space_id)
    assert evidence.hashes == Hashes(snapshot.content_sha256, snapshot.behaviour_sha256, snapshot.snapshot_sha256)
    assert evidence.evaluation.hashes == evidence.hashes
    assert (evidence.evaluation.p0, evidence.evaluation.planned) == (("q000",), ("q000", "q001", "q002"))
    assert [question.entry["id"] for question in evidence.evaluation.questions] == ["q000", "q001", "q002"]
    assert list(found.rows) == [question.question_id for question in found.result.questions]
    assert (found.about.questions, found.about.evaluation_id) == ((), found.result.evaluation_id)
    assert found.rows["q001"].question == found.result.questions[1].question


def test_a_run_can_be_named_whatever_its_state_and_whosever_it_is(model, evaluated, versions):
    part = evaluated(state="interrupted")
    evaluated()
    assert collect(model, part).run.run_id == part
    assert collect(model, part).evidence.evaluation.state == "interrupted"
    never = versions.make("never evaluated")
    foreign = collect(never, part).evidence
    # That it is of another version is for a gate to say.
    assert (foreign.model_id, foreign.evaluation.model_id, foreign.evaluation.attempts) == (never, model, 1)
    with pytest.raises(EvaluationNotFoundError):
        collect(model, "0" * 32)


def test_a_version_that_was_never_evaluated_to_the_end_says_what_there_is(model, evaluated):
    said = f"model {model} was never evaluated; run mlflow-genie evaluate --model-id {model}"
    assert nothing(collect(model)) == said
    runs = [evaluated(state="interrupted") for _ in range(4)]
    registry.delete_run_tag(runs[-1], "genie.evaluation.status")
    newest = f"{runs[3]} unknown, {runs[2]} interrupted, {runs[1]} interrupted"
    assert nothing(collect(model)) == f"none of the 4 evaluations of this model is complete ({newest})"


def test_an_evaluation_without_its_file_is_none(model, evaluated):
    run = evaluated()
    artifact(run).unlink()
    found = collect(model)
    assert run in nothing(found)
    assert found.run.run_id == run


@pytest.mark.parametrize("data", [b"{", b"{}", b'{"format_version": 99}'])
def test_an_evaluation_that_cannot_be_read_is_none(model, evaluated, data):
    run = evaluated()
    artifact(run).write_bytes(data)
    found = collect(model)
    assert nothing(found)
    assert found.run.run_id == run


def test_a_version_whose_files_were_changed_has_no_hashes(model, evaluated):
    evaluated()
    record = registry.get_model(model)
    path = Path(record.artifact_location.removeprefix("file://")) / "genie_space.json"
    path.write_bytes(path.read_bytes().replace(b"orders", b"no orders", 1))
    found = collect(model)
    assert (found.snapshot, found.evidence.hashes) == (None, None)
    assert "was changed" in found.evidence.model_problem
    assert found.evidence.space_id == record.params["space_id"]
    assert found.evidence.evaluation is not None


def test_the_questions_of_a_run_without_benchmarks_are_held_against_nothing(model, evaluated):
    run = evaluated()
    artifact(run, "evaluation/benchmarks.json").unlink()
    evaluation = collect(model).evidence.evaluation
    assert (evaluation.p0, evaluation.planned, evaluation.stored_benchmarks_sha256) == (None, None, None)
    assert {question.differs for question in evaluation.questions} == {""}


def test_a_row_that_is_not_its_benchmarks_question_says_so(model, evaluated):
    run = evaluated()
    path = artifact(run, "evaluation/benchmarks.json")
    path.write_bytes(path.read_bytes().replace(b"a key above 1?", b"a key above 7?"))
    assert [question.differs for question in collect(model).evidence.evaluation.questions] == ["", "question", ""]


def test_a_file_that_is_a_runs_result_stands_for_the_run(model, evaluated, tmp_path):
    evaluated()
    run = evaluated(wrong=("q002",))
    evaluated()
    file = tmp_path / "result.json"
    file.write_bytes(artifact(run).read_bytes())
    found = collect(model, str(file))
    assert (found.run.run_id, found.from_file, found.evidence.evaluation.attempts) == (run, "", 3)
    assert current_digest(run) == sha256_of_bytes(file.read_bytes()) == found.evidence.evaluation.sha256


def test_any_other_file_decides_nothing_for_good(model, evaluated, tmp_path):
    run = evaluated()
    file = tmp_path / "result.json"
    data = artifact(run).read_bytes()
    file.write_bytes(data + b"\n")
    found = collect(model, str(file))
    assert (found.run, found.from_file) == (None, f"{file} is not the result of any evaluation run of this model")
    assert (found.evidence.evaluation.run_id, found.evidence.evaluation.attempts) == ("", 1)
    # Nor does the file that a run once had, when it has another one now.
    file.write_bytes(data)
    artifact(run).write_bytes(data + b" ")
    assert collect(model, str(file)).run is None
    assert current_digest(run) == sha256_of_bytes(data + b" ")


@pytest.mark.parametrize("name", ["nowhere.json", "./nowhere", "folder\\nowhere"])
def test_what_looks_like_a_file_is_never_taken_for_a_run(model, name):
    with pytest.raises(UnreadableFileError, match=r"cannot read .*nowhere.*: No such file"):
        collect(model, name)


def test_a_large_evaluation_is_decided_from_its_scores_unless_all_of_it_is_asked_for(model, evaluated):
    run = evaluated(large=True, wrong=("q001",))
    scored, whole = collect(model), collect(model, whole=True)
    assert (scored.result, scored.about.evaluation_id) == (None, whole.result.evaluation_id)
    assert scored.run.run_id == whole.run.run_id == run
    for found in (scored, whole):
        evaluation = found.evidence.evaluation
        outcomes = [question.findings["result_correctness"].outcome for question in evaluation.questions]
        assert (outcomes, evaluation.problem, evaluation.p0) == (["passed", "failed", "passed"], "", ("q000",))
        assert evaluation.sha256 == evaluation.recorded_sha256 == current_digest(run)
        assert found.rows.get("q001").question_id == "q001"


def test_scores_that_are_not_those_of_the_file_are_not_believed(model, evaluated):
    good, run = evaluated(large=True), evaluated(large=True, wrong=("q001",))
    forged = artifact(good, "evaluation/scores.parquet").read_bytes()
    artifact(run, "evaluation/scores.parquet").write_bytes(forged)
    assert nothing(collect(model, run))
    assert collect(model, run, whole=True).evidence.evaluation.problem
    artifact(run, "evaluation/scores.parquet").unlink()
    assert nothing(collect(model, run))
    assert collect(model, run, whole=True).evidence.evaluation.problem


def test_a_file_that_names_another_config_than_its_run_is_not_believed(model, evaluated):
    run = evaluated(params={"genie.behaviour_sha256": "0" * 64})
    said = "the result file names another behaviour hash than the run recorded"
    assert collect(model, run).evidence.evaluation.problem == said
    document = json.loads(artifact(run).read_bytes())
    assert document["config"]["behaviour_sha256"] == collect(model).evidence.hashes.behaviour
