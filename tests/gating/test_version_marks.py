"""What a verdict leaves on the registered versions, on a real store."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3

import pytest
import yaml

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.gating import version_marks
from mlflow_genie_plugin.gating.criteria import load
from mlflow_genie_plugin.gating.gate_session import GateSession, Request, closing_lines, exit_code
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.version_marks import planned_changes, write_changes
from mlflow_genie_plugin.registry import VersionRecord

APPROVAL = "Approval_Check"


@pytest.fixture
def store(gate_template, tmp_path, monkeypatch):
    """A copy of the prepared store in this process, its good version registered twice."""
    import mlflow

    database = tmp_path / "mlflow.db"
    shutil.copyfile(gate_template.database, database)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow.set_tracking_uri(f"sqlite:///{database}")
    mlflow.set_registry_uri(f"sqlite:///{database}")
    for name in ("orders", "orders_copy"):
        registry.register_model(gate_template.good, name)
    yield gate_template
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


@pytest.fixture
def gate(store, tmp_path, criteria_bytes):
    """Decide and publish as a gate run does, without pytest around it."""

    def run(stage="candidate", approval=APPROVAL, dry_run=False, evaluation=None, **lines):
        document = load(criteria_bytes, "criteria.yaml")
        for name in ("candidate", "production"):
            section = document["stages"][name]["full"]
            section |= {"checklist": {"off": "not here"}, **lines}
            if approval is not None:
                section["approval_tag"] = approval
        path = tmp_path / "criteria.yaml"
        path.write_text(yaml.safe_dump(document))
        request = Request(store.good, stage, evaluation, dry_run, path, tmp_path / "verdicts", tmp_path)
        session = GateSession.start(request)
        verdict = session.verdict(session_failed=False)
        decided = Outcome.PASSED if not any(result.blocks for result in session.results.values()) else verdict.outcome
        # No test ran here; that every gate was reported is not what is looked at.
        verdict = type(verdict)(**{**fields(verdict), "problems": {}, "outcome": decided})
        return verdict, session.publish(verdict, session.explanation(verdict))

    return run


def fields(verdict):
    return {name: getattr(verdict, name) for name in verdict.__dataclass_fields__}


def tags_of(name="orders"):
    return registry.get_version(name, "1").tags


def test_a_pass_is_written_on_every_version_that_is_the_model(gate, store):
    _, published = gate()
    assert published.marked
    assert not published.problem
    for name in ("orders", "orders_copy"):
        assert tags_of(name)[APPROVAL] == "approved"
        assert tags_of(name)["genie.gate.candidate.verdict"] == "passed"
        assert tags_of(name)["genie.gate.candidate.run_id"] == published.run_id
        assert tags_of(name)["genie.gate.candidate.model_id"] == store.good


@pytest.mark.parametrize("second", [{}, {"minimum_questions": 5000}, {"latency": {"p50": 0.001}}])
@pytest.mark.parametrize("at", [1, 4, 6])
def test_two_gate_runs_of_one_model_at_the_same_time_leave_one_mark_everywhere(gate, store, monkeypatch, second, at):
    """Whichever tag of a version the first run is writing when a whole second run comes and goes."""
    real, written, others = version_marks.set_version_tags, [], []

    def interrupted(name, version, tags):
        written.append(tags)
        if not others and len(written) == at:
            others.append(gate(**second)[1])
        real(name, version, tags)

    monkeypatch.setattr(version_marks, "set_version_tags", interrupted)
    _, published = gate()
    assert others[0].marked
    assert published.marked
    assert not published.problem
    mark = {key: value for key, value in registry.get_model(store.good).tags.items() if ".gate.candidate." in key}
    assert mark["genie.gate.candidate.run_id"] == others[0].run_id
    for name in ("orders", "orders_copy"):
        shown = tags_of(name)
        assert {key: shown[key] for key in mark if key in shown} == {key: mark[key] for key in mark if key in shown}
        assert shown["genie.gate.candidate.run_id"] == others[0].run_id
        assert (shown.get(APPROVAL) == "approved") == (second == {})


def test_without_an_approval_tag_nothing_is_approved(gate):
    gate(approval=None)
    assert tags_of()["genie.gate.candidate.verdict"] == "passed"
    assert "approved" not in tags_of().values()


def test_a_failed_run_rejects_what_an_earlier_one_approved(gate):
    gate()
    verdict, published = gate(minimum_questions=20, latency={"p50": 0.001})
    assert verdict.outcome is Outcome.FAILED
    assert published.marked
    assert tags_of()[APPROVAL] == "rejected"
    assert tags_of()["genie.gate.candidate.verdict"] == "failed"


def test_an_undecided_run_takes_the_approval_away(gate):
    gate()
    verdict, _ = gate(minimum_questions=5000)
    assert verdict.outcome is Outcome.UNDECIDED
    assert APPROVAL not in tags_of()
    assert tags_of()["genie.gate.candidate.verdict"] == "undecided"


def test_a_failure_at_an_earlier_stage_rejects_the_approval_of_a_later_one(gate):
    gate("production")
    before = tags_of()
    assert before[APPROVAL] == "approved"
    gate("candidate", approval="Another_Task", latency={"p50": 0.001})
    assert tags_of()["genie.gate.production.verdict"] == "revoked"
    assert tags_of()[APPROVAL] == "rejected"
    assert tags_of()["Another_Task"] == "rejected"


def test_another_name_for_the_approval_takes_the_old_one_away(gate):
    gate()
    gate(approval="Sign_Off")
    assert tags_of()["Sign_Off"] == "approved"
    assert APPROVAL not in tags_of()
    gate(approval=None)
    assert "Sign_Off" not in tags_of()


def test_a_dry_run_says_what_it_would_change_and_changes_nothing(gate):
    _, published = gate(dry_run=True)
    assert f"version 1 of orders: {APPROVAL} set to 'approved'" in published.note
    assert tags_of() == {}


def test_versions_that_may_not_be_tagged_are_named_and_the_run_does_not_end_well(gate, monkeypatch):
    def refuse(*_):
        raise registry.connection.TrackingRefusedError("the tracking server refused: PERMISSION_DENIED")

    monkeypatch.setattr(version_marks, "set_version_tags", refuse)
    verdict, published = gate()
    assert published.marked
    assert "version 1 of orders" in published.problem
    assert "PERMISSION_DENIED" in published.problem
    assert exit_code(verdict, published) == 10
    assert "But not its registered versions" in "\n".join(closing_lines(verdict, published, "gates/"))


def test_an_approval_that_cannot_be_withdrawn_does_not_keep_the_mark(gate, store, monkeypatch):
    gate()

    def refuse(*_):
        raise registry.connection.TrackingRefusedError("refused")

    monkeypatch.setattr(version_marks, "set_version_tags", refuse)
    _, published = gate(latency={"p50": 0.001})
    assert registry.get_model(store.good).tags["genie.gate.candidate.verdict"] == "failed"
    assert "orders" in published.problem


def test_a_write_that_does_not_show_is_found(gate, monkeypatch):
    monkeypatch.setattr(version_marks, "set_version_tags", lambda *_: None)
    _, published = gate()
    assert "do not show what was written" in published.problem


def version(**tags):
    return VersionRecord("orders", "1", "m-1", "models:/m-1", tags)


MARK = {"genie.gate.candidate.verdict": "passed", "genie.gate.candidate.run_id": "r"}


def test_only_what_differs_is_planned():
    as_it_should_be = version(**MARK, **{"genie.gate.candidate.approval_tag": "A", "A": "approved"})
    assert planned_changes([as_it_should_be], MARK, Outcome.PASSED, "A") == ()
    (change,) = planned_changes([version(**{**as_it_should_be.tags, "A": "rejected"})], MARK, Outcome.PASSED, "A")
    assert (change.key, change.value) == ("A", "approved")


def test_what_takes_back_is_written_before_what_gives(monkeypatch):
    written = []
    monkeypatch.setattr(version_marks, "set_version_tags", lambda name, number, tags: written.append(tags))
    monkeypatch.setattr(version_marks, "delete_version_tag", lambda name, number, key: written.append(key))
    monkeypatch.setattr(version_marks, "_shows", lambda change: True)
    former = version(**{"genie.gate.candidate.approval_tag": "Old", "Old": "approved"})
    write_changes(planned_changes([former], MARK, Outcome.PASSED, "New"))
    assert written[0] == "Old"
    assert written[-1] == {"New": "approved"}


def test_history_shows_every_attempt_and_outlives_the_tags(gate, store, tmp_path):
    from mlflow_genie_plugin.gating.history import history

    gate()
    gate(latency={"p50": 0.001})
    model = registry.get_model(store.good)
    for key in model.tags:
        registry.delete_model_tag(store.good, key)
    found = history(registry.get_model(store.good))
    assert (found.evaluations, found.verdicts) == (1, {"candidate": 2})
    assert [(event.kind, event.outcome, event.attempt) for event in found.events] == [
        ("verdict", "failed", 2),
        ("verdict", "passed", 1),
        ("evaluation", "complete", 1),
    ]
    verdict = found.events[0]
    assert verdict.evaluation_run_id == store.runs["good"]
    assert verdict.stage == "candidate"
    assert verdict.scope == "full"
    assert verdict.by
    assert len(history(model, limit=1).events) == 1


def test_history_does_not_believe_a_verdict_that_was_changed(gate, store):
    from pathlib import Path

    from mlflow_genie_plugin.gating.history import history

    _, published = gate(latency={"p50": 0.001})
    run = registry.get_run(published.run_id)
    path = Path(run.artifact_uri.removeprefix("file://")) / "gate" / "verdict.json"
    data = path.read_bytes()
    try:
        path.write_bytes(data.replace(b'"failed"', b'"passed"'))
        event = history(registry.get_model(store.good)).events[0]
        assert "is not the one it recorded" in event.problem
        assert event.outcome == "failed"
    finally:
        path.write_bytes(data)


def test_a_deleted_gate_run_stays_in_the_history(gate, store, tmp_path):
    from mlflow_genie_plugin.gating.history import history

    _, published = gate()
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", (published.run_id,))
    assert [event.deleted for event in history(registry.get_model(store.good)).events] == [True, False]


def decide_on(store, tmp_path, run_id):
    request = Request(store.good, "production", run_id, True, tmp_path / "criteria.yaml", tmp_path / "v", tmp_path)
    return GateSession.start(request).results["post_deploy"]


def test_a_deployed_space_is_compared_with_what_its_promotion_rested_on(gate, store, tmp_path, versions):
    gate("production", approval=None, dry_run=True)  # writes the criteria
    again = versions.evaluate(store.good, scope="held_out")
    assert "no gate run of this version has passed" in decide_on(store, tmp_path, again).reason

    _, promoted = gate("production", evaluation=store.runs["good"])
    assert promoted.marked
    assert decide_on(store, tmp_path, again).outcome is Outcome.PASSED
    worse = versions.evaluate(store.good, scope="held_out", wrong=("q000",))
    found = decide_on(store, tmp_path, worse)
    assert found.outcome is Outcome.FAILED
    assert found.questions == ("q000",)


def test_a_forged_verdict_is_no_promotion_to_compare_with(gate, store, tmp_path, versions):
    from pathlib import Path

    _, promoted = gate("production")
    path = Path(registry.get_run(promoted.run_id).artifact_uri.removeprefix("file://")) / "gate" / "verdict.json"
    data = path.read_bytes()
    try:
        path.write_bytes(data.replace(store.runs["good"].encode(), store.runs["bad"].encode()))
        found = decide_on(store, tmp_path, versions.evaluate(store.good, scope="held_out"))
        assert found.outcome is Outcome.UNDECIDED
        assert "is not the one it recorded" in found.reason
    finally:
        path.write_bytes(data)


def test_verify_finds_an_approval_that_no_mark_stands_behind(gate, store):
    from mlflow_genie_plugin.gating.version_marks import versions_check

    model = registry.get_model(store.good)
    assert versions_check(model, "candidate", APPROVAL).outcome is Outcome.PASSED
    registry.set_version_tags("orders", "1", {APPROVAL: "Approved"})
    found = versions_check(model, "candidate", APPROVAL)
    assert found.outcome is Outcome.FAILED
    assert "version 1 of orders is approved" in found.found
    gate()
    assert versions_check(registry.get_model(store.good), "candidate", APPROVAL).outcome is Outcome.PASSED
    registry.set_version_tags("orders", "1", {"genie.gate.candidate.run_id": "another"})
    assert versions_check(registry.get_model(store.good), "candidate", APPROVAL).outcome is Outcome.FAILED
