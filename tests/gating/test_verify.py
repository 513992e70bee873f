"""Verify finds what a green pytest, a tag or a file only claims."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.cli.main import main
from mlflow_genie_plugin.errors import ProtectedSpaceError
from mlflow_genie_plugin.flavor.load import read_snapshot
from mlflow_genie_plugin.gating.guard import require_verified
from mlflow_genie_plugin.gating.mark import read_mark
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.verify import verify
from mlflow_genie_plugin.settings import Settings


def artifact(run_id: str, name: str) -> Path:
    return Path(registry.get_run(run_id).artifact_uri.removeprefix("file://")) / name


def gate_run_of(store) -> str:
    return registry.get_model(store.good).tags["genie.gate.candidate.run_id"]


def wrong_checks(found) -> dict[str, str]:
    return {check.name: check.found for check in found.checks if check.outcome is not Outcome.PASSED}


def test_an_honest_mark_is_verified(marked):
    found = verify(marked.good)
    assert wrong_checks(found) == {}
    assert found.outcome is Outcome.PASSED


def test_an_unmarked_version_is_undecided(marked):
    marked.attest(marked.good, Path("gates"))
    found = verify(marked.good, "production")
    assert found.outcome is Outcome.UNDECIDED
    assert set(wrong_checks(found)) == {"mark", "verdict"}


def test_a_forged_tag_on_a_bad_version_is_not_believed(marked):
    registry.set_model_tags(marked.bad, {"genie.gate.candidate.verdict": "passed"})
    found = verify(marked.bad)
    assert found.outcome is Outcome.FAILED
    assert "q003" in wrong_checks(found)["decision"]


def test_a_mark_copied_from_another_version_is_not_believed(marked):
    tags = {k: v for k, v in registry.get_model(marked.good).tags.items() if k.startswith("genie.gate.")}
    registry.set_model_tags(marked.bad, tags)
    found = verify(marked.bad)
    assert found.outcome is Outcome.FAILED
    assert "model: the verdict says" in wrong_checks(found)["verdict's claims"]


def test_a_rewritten_verdict_is_not_the_one_the_mark_names(marked):
    path = artifact(gate_run_of(marked), "gate/verdict.json")
    path.write_bytes(path.read_bytes().replace(b'"dry_run": false', b'"dry_run":  false'))
    assert "the mark says" in wrong_checks(verify(marked.good))["verdict"]


def test_a_forged_verdict_with_its_digest_in_the_tag_is_still_not_believed(marked):
    from mlflow_genie_plugin.canonical_json import sha256_of_bytes

    path = artifact(gate_run_of(marked), "gate/verdict.json")
    document = json.loads(path.read_bytes())
    document["model"]["model_id"] = marked.bad
    document["evaluation"]["run_id"] = marked.runs["bad"]
    data = json.dumps(document).encode()
    path.write_bytes(data)
    tags = {k: v for k, v in registry.get_model(marked.good).tags.items() if k.startswith("genie.gate.")}
    registry.set_model_tags(marked.bad, {**tags, "genie.gate.candidate.verdict_sha256": sha256_of_bytes(data)})
    found = verify(marked.bad)
    assert found.outcome is Outcome.FAILED
    assert "q003" in wrong_checks(found)["decision"]


def test_a_missing_verdict_fails(marked):
    artifact(gate_run_of(marked), "gate/verdict.json").unlink()
    assert verify(marked.good).outcome is Outcome.FAILED


def test_an_edited_evaluation_artifact_is_found(marked):
    path = artifact(marked.runs["good"], "evaluation/evaluation_result.json")
    path.write_bytes(path.read_bytes().replace(b"TIMED", b"TIMES") + b"\n")
    found = verify(marked.good)
    assert found.outcome is Outcome.FAILED
    assert "was changed after the evaluation" in wrong_checks(found)["decision"]


def test_edited_benchmarks_are_found(marked):
    path = artifact(marked.runs["good"], "evaluation/benchmarks.json")
    path.write_bytes(path.read_bytes().replace(b'"P0"', b'"P1"'))
    assert "same_questions" in wrong_checks(verify(marked.good))["decision"]


def test_a_replaced_config_is_found(marked):
    model = registry.get_model(marked.good)
    path = Path(model.artifact_location.removeprefix("file://")) / "genie_space.json"
    path.write_bytes(path.read_bytes().replace(b"all orders", b"no orders"))
    found = verify(marked.good)
    assert found.outcome is Outcome.FAILED
    assert "was changed" in wrong_checks(found)["decision"]


def test_edited_criteria_are_found(marked):
    path = Path("gates/criteria.yaml")
    path.write_text(path.read_text().replace("target: 0.85", "target: 0.80"))
    assert "criteria" in wrong_checks(verify(marked.good))


@pytest.mark.parametrize("name", ["gates/test_p0.py", "gates/test_thresholds.py"])
def test_a_gate_file_that_differs_from_the_trusted_one_is_found(marked, name):
    Path(name).write_text(Path(name).read_text() + "\n")
    assert f"{name} is not the one of" in wrong_checks(verify(marked.good))["gate files"]


def test_a_later_complete_evaluation_that_was_not_gated_is_found(marked, versions):
    versions.evaluate(marked.good, wrong=("q001",))
    assert "later complete evaluation" in wrong_checks(verify(marked.good))["latest evaluation"]


def lying(result):
    """Give a wrong answer a passed finding, as someone would who writes the evaluation by hand."""
    first, *others = result.questions
    wrong = dataclasses.replace(first.answer, rows=((-1,),), result_sha256="0" * 64)
    return dataclasses.replace(result, questions=(dataclasses.replace(first, answer=wrong), *others))


def test_findings_that_the_answers_do_not_bear_out_are_found(marked, versions):
    run_id = versions.evaluate(marked.good, edit=lying)
    found = verify(marked.good, write_mark=True)
    assert run_id == found.collected.run.run_id
    assert "q000 result_correctness: recorded passed, judged again failed" in wrong_checks(found)["findings"]
    assert "p0" in wrong_checks(found)["decision on findings judged again"]
    assert found.published is None


def without_rows(result):
    questions = tuple(
        dataclasses.replace(
            question,
            answer=dataclasses.replace(question.answer, rows=None, result_sha256="0" * 64),
            expected=dataclasses.replace(question.expected, rows=None),
        )
        for question in result.questions
    )
    return dataclasses.replace(result, questions=questions)


def test_passes_that_cannot_be_judged_again_do_not_count(marked, versions):
    version = versions.make("another")
    versions.evaluate(version, edit=without_rows)
    found = verify(version, write_mark=True)
    assert found.outcome is not Outcome.PASSED
    assert "rows are not stored" in found.notes[0]


def test_rows_left_out_are_confirmed_by_equal_digests(marked, versions):
    def digests_only(result):
        questions = tuple(
            dataclasses.replace(
                question,
                answer=dataclasses.replace(question.answer, rows=None),
                expected=dataclasses.replace(question.expected, rows=None),
            )
            for question in result.questions
        )
        return dataclasses.replace(result, questions=questions)

    version = versions.make("a third")
    versions.evaluate(version, edit=digests_only)
    found = verify(version, write_mark=True)
    assert wrong_checks(found) == {}
    assert found.published.marked


def test_verify_can_mark_what_a_read_only_gate_run_could_not(marked, versions):
    version = versions.make("one more")
    versions.evaluate(version)
    found = verify(version, write_mark=True)
    assert found.published.marked
    assert registry.get_model(version).tags["genie.gate.candidate.verdict"] == "passed"
    again = verify(version)
    assert wrong_checks(again) == {}


def test_the_verdict_of_a_run_that_could_not_mark_is_enough_to_mark(marked, tmp_path):
    file = tmp_path / "verdict.json"
    shutil.copyfile(artifact(gate_run_of(marked), "gate/verdict.json"), file)
    for key in [key for key in registry.get_model(marked.good).tags if key.startswith("genie.gate.")]:
        registry.delete_model_tag(marked.good, key)
    done = run_command("--model-id", marked.good, "--verdict", str(file))
    assert done.exit_code == 0, done.output
    assert not read_mark(registry.get_model(marked.good).tags, "candidate")
    done = run_command("--model-id", marked.good, "--verdict", str(file), "--mark")
    assert done.exit_code == 0, done.output
    assert read_mark(registry.get_model(marked.good).tags, "candidate").is_positive


@pytest.mark.parametrize(
    ("field", "value"),
    [("dry_run", True), ("outcome", "undecided"), ("stage", "production"), ("problems", {"p0": "it did not run"})],
)
def test_a_verdict_that_does_not_say_passed_marks_nothing(marked, tmp_path, field, value):
    document = json.loads(artifact(gate_run_of(marked), "gate/verdict.json").read_bytes())
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps({**document, field: value}))
    found = verify(marked.good, "candidate", verdict_file=file, write_mark=True)
    assert found.outcome is Outcome.FAILED
    assert found.published is None


def test_an_evaluation_of_a_part_never_marks(marked, versions):
    version = versions.make("p0 only")
    versions.evaluate(version, scope="p0")
    found = verify(version, write_mark=True)
    assert found.outcome is Outcome.PASSED
    assert not found.published.marked
    assert read_mark(registry.get_model(version).tags, "candidate") is None


def test_marking_needs_the_verdict_of_custom_gates(marked, versions):
    path = Path("gates/criteria.yaml")
    path.write_text(path.read_text().replace("custom_gates: []", "custom_gates: [answers_fast]"))
    version = versions.make("with a gate of its own")
    versions.evaluate(version)
    found = verify(version, write_mark=True)
    assert found.outcome is Outcome.UNDECIDED
    assert "answers_fast" in wrong_checks(found)["custom gates"]


def test_p0_questions_that_the_champion_had_must_still_be_there(marked, versions):
    champion = registry.register_model(marked.good, "orders")
    registry.set_alias("orders", "champion", champion.version)
    version = versions.make("fewer questions")
    versions.evaluate(version, count=40, p0=7)
    registry.register_model(version, "orders")
    found = wrong_checks(verify(version, write_mark=True))
    assert "q007" in found["champion's questions"]
    assert "40 questions" in found["champion's questions"]


def test_a_git_ref_can_be_the_trusted_suite(marked):
    def git(*arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "trusted")
    assert wrong_checks(verify(marked.good, suite="HEAD")) == {}
    Path("gates/criteria.yaml").write_text("format_version: 1\n")
    assert wrong_checks(verify(marked.good, suite="HEAD")) == {}
    Path("gates/test_p0.py").write_text("")
    git("commit", "-q", "-a", "-m", "changed", "--no-verify")
    assert wrong_checks(verify(marked.good, suite="HEAD~1")) == {}


def run_command(*arguments: str):
    return CliRunner().invoke(main, ["verify", *arguments])


def test_the_command_prints_every_check_and_exits_0(marked):
    done = run_command("--model-id", marked.good)
    assert done.exit_code == 0, done.output
    assert f"verified: {marked.good}" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())


def test_the_command_exits_1_for_a_forged_mark_and_10_for_none(marked):
    assert run_command("--model-id", marked.bad).exit_code == 1
    done = run_command("--model-id", marked.good, "--stage", "production", "--json")
    assert done.exit_code == 10
    assert json.loads(done.stdout)["outcome"] == "undecided"


def test_the_command_exits_2_for_a_suite_that_is_none(marked):
    done = run_command("--model-id", marked.good, "--suite", "no-such-ref")
    assert done.exit_code == 2
    assert "neither a folder nor a commit" in done.stderr


def test_only_verified_versions_enter_a_production_space(marked):
    snapshot = read_snapshot(marked.good)
    production = Settings(production_spaces=frozenset({snapshot.space_id}))
    require_verified(snapshot, snapshot.space_id, settings=Settings())
    with pytest.raises(ProtectedSpaceError, match="has no mark for production"):
        require_verified(snapshot, snapshot.space_id, settings=production)
    require_verified(snapshot, snapshot.space_id, settings=production, break_glass_reason="outage 12")
    marked.attest(marked.good, Path("gates"))
    assert verify(marked.good, "production", write_mark=True).published.marked
    require_verified(read_snapshot(marked.good), snapshot.space_id, settings=production)


def test_a_space_with_a_version_in_stage_production_is_protected(marked):
    registry.set_model_tags(marked.good, {"stage": "production"})
    snapshot = read_snapshot(marked.bad)
    with pytest.raises(ProtectedSpaceError):
        require_verified(snapshot, snapshot.space_id, settings=Settings())


def test_a_forged_production_mark_does_not_open_a_production_space(marked):
    registry.set_model_tags(marked.bad, {"genie.gate.production.verdict": "passed"})
    snapshot = read_snapshot(marked.bad)
    with pytest.raises(ProtectedSpaceError, match="not confirmed"):
        require_verified(
            snapshot, snapshot.space_id, settings=Settings(production_spaces=frozenset({snapshot.space_id}))
        )
