"""Which decision stands, rule by rule, on runs and tags as another gate run may have left them."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import sqlite3

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.standing import (
    gate_runs,
    later_evaluation,
    why_not_to_mark,
    withdraw_if_contradicted,
)

OWN = "genie.gate.candidate"
BEFORE, NOW, AFTER = (f"2026-11-20T1{hour}:00:00.000Z" for hour in range(3))


@pytest.fixture
def model(tracking, versions):
    return registry.get_model(versions.make())


@pytest.fixture
def begun(tracking):
    """A function that makes a run with these tags; each begins a second after the one before."""
    seconds = itertools.count(1)

    def make(deleted=False, **tags):
        named = {key.replace("__", "."): value for key, value in tags.items() if value is not None}
        run_id = registry.create_run("run", experiment_id="0", tags=named).run_id
        with contextlib.closing(sqlite3.connect(tracking.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(
                "UPDATE runs SET start_time = ?, lifecycle_stage = ? WHERE run_uuid = ?",
                (1_000_000 + 1000 * next(seconds), "deleted" if deleted else "active", run_id),
            )
        return run_id

    return make


@pytest.fixture
def evaluated(begun, model):
    def make(status="complete", scope="full"):
        return begun(
            genie__evaluation__model_id=model.model_id,
            genie__evaluation__status=status,
            genie__evaluation__scope=scope,
        )

    return make


@pytest.fixture
def gated(begun, model):
    def make(evaluation, verdict="failed", stage="candidate", decided_at=AFTER, about=None, **changes):
        tags = {
            "mlflow.runType": "genie_gate",
            "genie.gate.model_id": about or model.model_id,
            "genie.gate.stage": stage,
            "genie.gate.verdict": verdict,
            "genie.gate.evaluation_run_id": evaluation,
            "genie.gate.decided_at": decided_at,
        }
        return begun(**{key.replace(".", "__"): value for key, value in tags.items()}, **changes)

    return make


@pytest.fixture
def passed(evidence, verdict_of):
    """A function that makes a verdict that passed on an evaluation at ten past eleven or another moment."""

    def make(run_id, **changes):
        return dataclasses.replace(verdict_of(evidence(run_id=run_id), decided_at=NOW), **changes)

    return make


def test_a_later_evaluation_is_a_complete_one_of_all_questions(model, evaluated, passed):
    evaluated()
    own = evaluated()
    assert later_evaluation(passed(own), model) == ""
    evaluated(status="interrupted")
    evaluated(scope="slice")
    assert later_evaluation(passed(own), model) == ""
    later = evaluated(scope=None)
    assert later_evaluation(passed(own), model) == later
    evaluated(scope="p0")
    assert later_evaluation(passed(own), model) == later
    assert later_evaluation(passed(later), model) == ""
    newest = evaluated()
    assert later_evaluation(passed(own), model) == later_evaluation(passed(later), model) == newest


def test_of_an_evaluation_that_is_none_of_the_versions_nothing_is_later(model, evaluated, passed):
    evaluated()
    assert later_evaluation(passed("unknown"), model) == ""
    assert later_evaluation(passed("unknown", evaluation=None), model) == ""


def marked(model, verdict, evaluation, decided_at):
    facts = {"verdict": verdict, "evaluation_run_id": evaluation, "decided_at": decided_at, "run_id": "another"}
    return dataclasses.replace(model, tags={f"{OWN}.{key}": value for key, value in facts.items()})


def test_a_pass_is_not_written_once_a_later_evaluation_is_complete(model, evaluated, passed):
    own, later = evaluated(), evaluated()
    assert why_not_to_mark(passed(own), model) == (f"evaluation {later} was completed later; run the gates on that one")
    assert why_not_to_mark(passed(later), model) == ""


@pytest.mark.parametrize(
    ("verdict", "about", "decided_at", "stays"),
    [
        ("failed", "own", AFTER, True),
        ("failed", "own", NOW, True),
        ("undecided", "own", AFTER, True),
        ("failed", "own", BEFORE, False),
        ("failed", "older", AFTER, False),
        ("passed", "own", AFTER, False),
    ],
)
def test_a_pass_gives_way_to_what_was_decided_on_the_same_evaluation_meanwhile(
    model, evaluated, passed, verdict, about, decided_at, stays
):
    ids = {"older": evaluated(), "own": evaluated()}
    why = why_not_to_mark(passed(ids["own"]), marked(model, verdict, ids[about], decided_at))
    assert why == (f"gate run another decided {verdict} meanwhile; run the gates again" if stays else "")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNDECIDED])
@pytest.mark.parametrize(
    ("verdict", "about", "stays"),
    [("passed", "later", True), ("passed", "own", False), ("failed", "later", False), (None, "later", False)],
)
def test_a_failure_takes_every_mark_away_but_the_one_of_a_later_evaluation(
    model, evaluated, passed, outcome, verdict, about, stays
):
    ids = {"own": evaluated(), "later": evaluated()}
    current = model if verdict is None else marked(model, verdict, ids[about], BEFORE)
    said = f"the mark is about the later evaluation {ids['later']} and stays; run the gates on that one"
    assert why_not_to_mark(passed(ids["own"], outcome=outcome), current) == (said if stays else "")


def test_without_a_later_evaluation_a_failure_is_always_written(model, evaluated, passed):
    own = evaluated()
    failed = passed(own, outcome=Outcome.FAILED)
    assert why_not_to_mark(failed, marked(model, "passed", own, AFTER)) == ""
    # A mark that names no evaluation is about none that came later.
    assert why_not_to_mark(failed, marked(model, "passed", "", AFTER)) == ""


@pytest.fixture
def withdrawn(model, evaluated, passed, gated):
    """A function that stores another gate run beside one that passed; returns why, and what the mark says then."""

    def make(about="own", **other):
        ids = {"own": evaluated(), "later": evaluated(), "unknown": "0" * 32, "none": None}
        own = gated(ids["own"], "passed", decided_at=NOW)
        another = gated(ids[about], **other)
        registry.set_model_tags(model.model_id, {f"{OWN}.verdict": "passed"})
        why = withdraw_if_contradicted(passed(ids["own"]), model, registry.get_run(own))
        return another, why, registry.get_model(model.model_id).tags[f"{OWN}.verdict"]

    return make


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"decided_at": NOW},
        {"decided_at": None},
        {"about": "later"},
        {"about": "none"},
    ],
)
def test_a_failure_that_was_stored_meanwhile_takes_the_mark_back(withdrawn, other):
    another, why, mark = withdrawn(**other)
    assert mark == "revoked"
    assert why == f"gate run {another} decided failed at the same time, so the mark was taken back; run the gates"


@pytest.mark.parametrize(
    "other",
    [
        {"decided_at": BEFORE},
        {"verdict": "passed"},
        {"verdict": "undecided"},
        {"stage": "production"},
        {"about": "unknown"},
        {"deleted": True},
    ],
)
def test_any_other_gate_run_takes_nothing_back(withdrawn, other):
    _, why, mark = withdrawn(**other)
    assert (why, mark) == ("", "passed")


def test_a_gate_run_does_not_contradict_itself(model, evaluated, passed, gated):
    own = evaluated()
    run = registry.get_run(gated(own, decided_at=NOW))
    assert withdraw_if_contradicted(passed(own), model, run) == ""


def test_gate_runs_are_those_of_the_version_newest_first(model, gated, begun):
    first = gated("e", "passed")
    second = gated("e", stage="production")
    gone = gated("e", deleted=True)
    gated("e", about="m-other")
    begun(genie__gate__model_id=model.model_id, genie__gate__stage="candidate")

    def ids(*stage, **which):
        return [run.run_id for run in gate_runs(model, *stage, **which)]

    assert ids() == [second, first]
    assert ids("candidate") == [first]
    assert ids(deleted=True) == [gone, second, first]
    assert ids("candidate", deleted=True) == [gone, first]
