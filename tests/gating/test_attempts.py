"""Which of several evaluations and decisions is the newest one that counts, by runs as they stand in the store."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.clock import SYSTEM_CLOCK
from mlflow_genie_plugin.gating.attempts import all_evaluations, attempt_notes, decision_check, latest_check
from mlflow_genie_plugin.gating.checks import Check
from mlflow_genie_plugin.gating.evidence import Collected
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome
from mlflow_genie_plugin.gating.verdict import verdict_bytes
from mlflow_genie_plugin.registry import ModelRecord, RunRecord

MODEL = ModelRecord("m-1", "genie-orders", "0", {}, {}, "", None, "READY", 0)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAME = "latest evaluation"


class Noon:
    def monotonic(self):
        return 0.0

    def now(self):
        return NOW

    def sleep(self, seconds):
        raise AssertionError("nobody waits here")


def run(run_id="own", minutes=-60, **changes):
    facts = {"name": "", "experiment_id": "0", "status": "FINISHED", "params": {}, "tags": {}, "metrics": {}}
    begun = None if minutes is None else int(NOW.timestamp() * 1000) + minutes * 60_000
    return RunRecord(run_id=run_id, **{**facts, "artifact_uri": "", "start_time": begun, **changes})


@pytest.fixture
def checked(evidence):
    def make(*evaluations, own="own"):
        collected = Collected(MODEL, evidence(), run=None if own is None else run(own))
        return latest_check(collected, evaluations, Noon())

    return make


def test_without_a_run_there_is_no_newest(checked):
    assert checked(run(), own=None) == Check(NAME, Outcome.UNDECIDED, "there is no evaluation run")


def test_the_run_must_be_among_those_of_the_model_and_not_deleted(checked):
    assert checked(run("other")) == Check(NAME, Outcome.FAILED, "run own is not an evaluation of this model")
    assert checked(run(deleted=True)) == Check(NAME, Outcome.FAILED, "run own was deleted; evaluate again")


@pytest.mark.parametrize(("minutes", "outcome"), [(None, "passed"), (0, "passed"), (10, "passed"), (11, "failed")])
def test_no_evaluation_starts_later_than_clocks_may_differ(checked, minutes, outcome):
    check = checked(run(minutes=minutes))
    assert check.outcome == outcome
    future = "run own starts in the future, so that no evaluation could ever be later; evaluate again"
    assert check.found == (future if outcome == "failed" else "no later complete evaluation was left out")


def test_what_was_never_finished_does_not_count_and_what_came_before_neither(checked):
    # Only a run that recorded the digest of its result was finished.
    assert checked(run("later", -30), run()).outcome is Outcome.PASSED
    gone = {"params": {"genie.evaluation_sha256": "e" * 64}, "artifact_uri": "/nowhere"}
    assert checked(run("earlier", -61, **gone), run()).outcome is Outcome.PASSED


RESULT = "evaluation/evaluation_result.json"
NEWEST = Check(NAME, Outcome.PASSED, "no later complete evaluation was left out")


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.fixture
def begun(tracking):
    """A function that makes a run begin at a minute before or after noon; and takes it away again, if asked."""

    def change(run_id: str, minutes: int, *, deleted: bool = False, status: str = "FINISHED") -> None:
        with contextlib.closing(sqlite3.connect(tracking.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(
                "UPDATE runs SET start_time = ?, lifecycle_stage = ?, status = ? WHERE run_uuid = ?",
                (int(at(minutes).timestamp() * 1000), "deleted" if deleted else "active", status, run_id),
            )

    return change


@pytest.fixture
def finished(begun):
    """A function that stores an evaluation that was finished; what its tags say and what its file says may differ."""

    def make(minutes=-30, *, status="complete", scope="full", said="complete", deleted=False, data=None, digest=None):
        tags = {"genie.evaluation.model_id": "m-1", **({} if said is None else {"genie.evaluation.status": said})}
        run_id = registry.create_run("evaluate", experiment_id="0", tags=tags).run_id
        data = json.dumps({"status": status, "benchmarks": {"scope": scope}}).encode() if data is None else data
        if data:
            registry.log_artifacts(run_id, {RESULT: data})
        params = {"genie.model_id": "m-1", "genie.benchmarks_sha256": "d" * 64, "genie.behaviour_sha256": "b" * 64}
        registry.log_params(run_id, {**params, "genie.evaluation_sha256": digest or sha256_of_bytes(data)})
        begun(run_id, minutes, deleted=deleted)
        return run_id

    return make


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "a later complete evaluation"),
        ({"minutes": -60}, "a later complete evaluation"),
        ({"said": "interrupted"}, "a later complete evaluation, although its tag says interrupted"),
        ({"said": None}, "a later complete evaluation, although its tag says None"),
        ({"deleted": True}, "a later complete evaluation that was deleted"),
        ({"digest": "f" * 64}, "a later evaluation, and its result was changed"),
        ({"digest": "f" * 64, "status": "interrupted"}, "a later evaluation, and its result was changed"),
        ({"data": b""}, "a later evaluation that was finished, but its result is gone"),
        ({"data": b"{"}, "a later evaluation that was finished, but its result is gone"),
        ({"data": b"{}"}, "a later evaluation that was finished, but its result is gone"),
        ({"data": b"[]"}, "a later evaluation that was finished, but its result is gone"),
    ],
)
def test_a_later_evaluation_that_was_left_out_is_named_with_what_it_is(checked, finished, changes, why):
    other = finished(**changes)
    found = checked(*all_evaluations(MODEL), run())
    assert found == Check(NAME, Outcome.FAILED, f"run {other} is {why}; run the gates again")


@pytest.mark.parametrize(
    "changes", [{"status": "interrupted"}, {"scope": "slice"}, {"scope": "p0", "said": "interrupted"}, {"minutes": -61}]
)
def test_what_covers_a_part_was_not_completed_or_came_before_leaves_nothing_out(checked, finished, changes):
    finished(**changes)
    assert checked(*all_evaluations(MODEL), run()) == NEWEST


def test_a_later_large_evaluation_is_known_by_its_head(tracking, versions, evidence):
    model = registry.get_model(versions.make())
    own = registry.get_run(versions.evaluate(model.model_id, count=2, p0=1))
    collected = Collected(model, evidence(), run=own)
    versions.evaluate(model.model_id, count=4, p0=1, scope="p0", large=True)
    assert latest_check(collected, all_evaluations(model), SYSTEM_CLOCK) == NEWEST
    other = versions.evaluate(model.model_id, count=2, p0=1, large=True)
    found = latest_check(collected, all_evaluations(model), SYSTEM_CLOCK)
    assert found.found == f"run {other} is a later complete evaluation; run the gates again"
    changed = versions.evaluate(model.model_id, count=2, p0=1, large=True, params={"genie.evaluation_sha256": "f" * 64})
    found = latest_check(collected, all_evaluations(model), SYSTEM_CLOCK)
    assert found.found == f"run {changed} is a later evaluation, and its result was changed; run the gates again"


def test_what_may_be_left_out_does_not_hide_what_may_not(checked, finished):
    finished(-10, status="interrupted")
    hidden = finished(-20)
    found = checked(*all_evaluations(MODEL), run())
    assert found.outcome is Outcome.FAILED
    assert hidden in found.found


def test_every_evaluation_of_the_version_is_found_by_param_or_tag_newest_first_deleted_or_not(finished, begun):
    oldest, newest = finished(-50), finished(-10, deleted=True)
    named = {"genie.evaluation.model_id": "m-1"}
    begun_only = registry.create_run("evaluate", experiment_id="0", tags=named).run_id
    begun(begun_only, -20)
    untagged, hidden = finished(-30), finished(-40)
    for run_id in (untagged, hidden):
        registry.delete_run_tag(run_id, "genie.evaluation.model_id")
    begun(hidden, -40, deleted=True)
    # A run that is about the version, and of another kind: it has no benchmarks.
    promoted = registry.create_run("promote", experiment_id="0").run_id
    registry.log_params(promoted, {"genie.model_id": "m-1"})
    of_another = registry.create_run("evaluate", experiment_id="0", tags={"genie.evaluation.model_id": "m-2"}).run_id
    registry.log_params(of_another, {"genie.model_id": "m-2", "genie.benchmarks_sha256": "d" * 64})
    assert [found.run_id for found in all_evaluations(MODEL)] == [newest, begun_only, untagged, hidden, oldest]


DECISION = "latest decision"
LAST = Check(DECISION, Outcome.PASSED, "no later gate run decided otherwise")
FAILING = {"outcome": Outcome.FAILED, "results": (GateResult("p0", Outcome.FAILED, "q000 is wrong"),)}
OPEN = {"outcome": Outcome.UNDECIDED, "results": (GateResult("p0", Outcome.UNDECIDED, "no answer"),)}


@pytest.fixture
def decided(evidence, verdict_of):
    """A function that makes the verdict of a gate run about the run ``own``."""

    def make(minutes=0, run_id="own", **changes):
        verdict = verdict_of(evidence(run_id=run_id), decided_at=at(minutes).isoformat())
        return dataclasses.replace(verdict, **changes)

    return make


@pytest.fixture
def gate_run(begun):
    """A function that stores a gate run with its verdict; None stores none."""

    def make(verdict, minutes=0, *, stage="candidate", status="FINISHED", deleted=False):
        tags = {"mlflow.runType": "genie_gate", "genie.gate.model_id": "m-1", "genie.gate.stage": stage}
        run_id = registry.create_run("gate", experiment_id="0", tags=tags).run_id
        if verdict is not None:
            registry.log_artifacts(run_id, {"gate/verdict.json": verdict_bytes(verdict)})
        begun(run_id, minutes, status=status, deleted=deleted)
        return run_id

    return make


def last(verdict, *evaluations):
    return decision_check(MODEL, verdict, evaluations or (run(),), Noon())


@pytest.mark.parametrize("when", ["yesterday", "", at(11).isoformat()])
def test_a_decision_at_no_time_or_later_than_clocks_may_differ_is_none(tracking, decided, when):
    found = last(decided(decided_at=when))
    assert found == Check(DECISION, Outcome.FAILED, f"{when} is no time at which it can have been decided")


def test_without_another_gate_run_a_decision_is_the_last(tracking, decided, gate_run):
    assert last(decided(10)) == LAST
    gate_run(decided())
    assert last(decided()) == LAST


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize(("otherwise", "word"), [(FAILING, "failed"), (OPEN, "undecided")])
@pytest.mark.parametrize("minutes", [0, 1])
def test_a_later_decision_that_did_not_pass_is_named(decided, gate_run, otherwise, word, minutes, deleted):
    gate_run(decided())
    other = gate_run(decided(minutes, **otherwise), minutes, deleted=deleted)
    found = last(decided())
    when = at(minutes).isoformat()
    assert found == Check(DECISION, Outcome.FAILED, f"gate run {other} decided {word} at {when}; run the gates again")


def test_a_run_that_passed_was_not_whole_decided_before_or_is_of_another_stage_takes_nothing_back(decided, gate_run):
    gate_run(decided(2), 2)
    gate_run(decided(2, outcome=Outcome.UNDECIDED, problems={"p0": "it did not run"}), 2)
    gate_run(decided(-1, **FAILING), -1)
    gate_run(decided(2, **FAILING), 2, stage="production")
    assert last(decided()) == LAST


def test_what_a_later_run_decided_about_an_older_evaluation_says_nothing(decided, gate_run):
    evaluations = (run("newer", -10), run("own", -60), run("older", -90))
    gate_run(decided(1, "older", **FAILING), 1)
    gate_run(decided(1, "unknown", **FAILING), 1)
    gate_run(decided(1, evaluation=None, **FAILING), 1)
    assert last(decided(), *evaluations) == LAST
    gate_run(decided(1, "newer", **FAILING), 1)
    assert last(decided(), *evaluations).outcome is Outcome.FAILED


def test_what_takes_nothing_back_does_not_hide_what_does(decided, gate_run):
    gate_run(decided(1, **FAILING), 1)
    gate_run(decided(2), 2)
    gate_run(None, 3, status="RUNNING")
    gate_run(decided(-1, **FAILING), 4)
    assert last(decided()).outcome is Outcome.FAILED


def test_a_run_that_ended_without_a_verdict_that_can_be_read_leaves_it_open_and_one_that_was_cut_off_does_not(
    decided, gate_run
):
    gate_run(None, status="RUNNING")
    gate_run(None, status="FAILED")
    assert last(decided()) == LAST
    lost = gate_run(None)
    found = f"what gate run {lost} decided cannot be read; run the gates"
    assert last(decided()) == Check(DECISION, Outcome.UNDECIDED, found)


def test_a_later_run_that_does_not_say_when_it_decided_counts_as_later(decided, gate_run):
    gate_run(decided(decided_at="on some day at some time", **FAILING))
    assert last(decided()).outcome is Outcome.FAILED


def test_what_began_long_before_was_decided_before_and_what_clocks_may_explain_was_perhaps_not(decided, gate_run):
    gate_run(None, -11)
    assert last(decided()) == LAST
    gate_run(None, -10)
    assert last(decided()).outcome is Outcome.UNDECIDED


def test_notes_count_the_attempts_by_what_became_of_them(evidence, finished):
    collected = Collected(MODEL, evidence())
    assert list(attempt_notes(collected, [])) == ["evaluations of this version that were begun: none"]
    gone = run("g", deleted=True, tags={"genie.evaluation.status": "complete"})
    complete = [run(name, tags={"genie.evaluation.status": "complete"}) for name in "ab"]
    said = "evaluations of this version that were begun: 1 deleted, 2 complete, 1 of unknown state"
    assert list(attempt_notes(collected, [gone, *complete, run("c")])) == [said]


def test_notes_name_the_same_configuration_under_other_ids(evidence, finished):
    for deleted in (False, True):
        finished(deleted=deleted)
    for number in range(6):
        other = registry.create_run("evaluate", experiment_id="0").run_id
        params = {"genie.model_id": f"m-{9 - number}", "genie.behaviour_sha256": "b" * 64}
        registry.log_params(other, params)
    unlike = registry.create_run("evaluate", experiment_id="0").run_id
    registry.log_params(unlike, {"genie.model_id": "m-0", "genie.behaviour_sha256": "f" * 64})
    _, twins = attempt_notes(Collected(MODEL, evidence()), [])
    assert twins == "the same configuration was also evaluated as m-4, m-5, m-6, m-7, m-8 (8 in all)"
    for hashes in (None, dataclasses.replace(evidence().hashes, behaviour=None)):
        assert len(list(attempt_notes(Collected(MODEL, evidence(model={"hashes": hashes})), []))) == 1
