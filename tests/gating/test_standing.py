"""Which of several decisions about one version stands, one order of events at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.clock import SYSTEM_CLOCK, iso_utc
from mlflow_genie_plugin.gating.criteria import parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import collect
from mlflow_genie_plugin.gating.mark import read_mark
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.publish import publish
from mlflow_genie_plugin.gating.surroundings import with_surroundings
from mlflow_genie_plugin.gating.verdict import make_verdict

EARLIER, LATER = "2020-01-01T00:00:00.000Z", "2090-01-01T00:00:00.000Z"


@pytest.fixture
def decided(marked, tmp_path):
    """A function that decides about an evaluation and publishes, as a gate run does at its end."""

    def make(run_id: str | None = None, **changes):
        criteria = parse_criteria(Path("gates/criteria.yaml").read_bytes(), "candidate")
        collected = with_surroundings(collect(marked.good, run_id), criteria)
        verdict = make_verdict(
            criteria, "gates/criteria.yaml", collected.evidence, decide(criteria, collected.evidence),
            custom_gates={}, problems={}, suite_files={}, dry_run=False, decided_at=iso_utc(SYSTEM_CLOCK.now()),
            provenance={},
        )  # fmt: skip
        return publish(replace(verdict, **changes), collected, tmp_path / "verdicts")

    return make


def mark(marked):
    return read_mark(registry.get_model(marked.good).tags, "candidate")


def test_a_pass_on_the_newest_evaluation_marks(marked, decided):
    published = decided()
    assert published.marked
    assert mark(marked).is_positive
    assert mark(marked).run_id == published.run_id


def test_a_pass_marks_nothing_once_a_later_evaluation_is_complete(marked, decided, versions):
    before = mark(marked)
    later = versions.evaluate(marked.good, wrong=("q001",))
    published = decided(marked.runs["good"])
    assert not published.marked
    assert f"evaluation {later} was completed later" in published.problem
    assert mark(marked) == before


@pytest.mark.parametrize("changes", [{"state": "interrupted"}, {"scope": "slice"}])
def test_a_later_evaluation_that_is_not_complete_or_of_a_part_changes_nothing(marked, decided, versions, changes):
    versions.evaluate(marked.good, **changes)
    assert decided(marked.runs["good"]).marked


def test_a_failure_takes_a_mark_away(marked, decided):
    assert decided(outcome=Outcome.FAILED).marked
    assert mark(marked).verdict == "failed"


def test_a_failure_on_an_older_evaluation_leaves_the_mark_of_the_newer_one(marked, decided, versions):
    versions.evaluate(marked.good)
    assert decided().marked
    before = mark(marked)
    published = decided(marked.runs["good"], outcome=Outcome.FAILED)
    assert not published.marked
    assert "is about the later evaluation" in published.problem
    assert mark(marked) == before


def test_a_failure_on_an_older_evaluation_takes_the_mark_of_that_one_away(marked, decided, versions):
    versions.evaluate(marked.good)
    assert decided(marked.runs["good"], outcome=Outcome.FAILED).marked
    assert not mark(marked).is_positive


def test_a_pass_that_was_decided_before_a_failure_on_the_same_evaluation_does_not_undo_it(marked, decided):
    decided(outcome=Outcome.FAILED)
    published = decided(decided_at=EARLIER)
    assert "decided failed meanwhile" in published.problem
    assert mark(marked).verdict == "failed"


def test_a_pass_that_is_decided_after_a_failure_stands(marked, decided):
    decided(outcome=Outcome.FAILED, decided_at=EARLIER)
    assert decided(decided_at=LATER).marked
    assert mark(marked).is_positive


def other_gate_run(
    marked, evaluation: str, verdict: str = "failed", stage: str = "candidate", decided_at: str | None = LATER
) -> str:
    tags = {"genie.gate.decided_at": decided_at} if decided_at else {}
    tags |= {
        "mlflow.runType": "genie_gate", "genie.gate.model_id": marked.good, "genie.gate.stage": stage,
        "genie.gate.verdict": verdict, "genie.gate.evaluation_run_id": evaluation,
    }  # fmt: skip
    return registry.create_run("gate", experiment_id="0", tags=tags).run_id


@pytest.fixture
def stored_meanwhile(monkeypatch):
    """Let another gate run be stored just before the mark is written, where no look at the tags could see it."""
    from mlflow_genie_plugin.gating import publish as module

    def arrange(store_other):
        write = module.set_model_tags

        def storing_first(model_id, tags):
            store_other()
            write(model_id, tags)

        monkeypatch.setattr(module, "set_model_tags", storing_first)

    return arrange


def test_a_mark_is_taken_back_when_a_failure_was_stored_while_it_was_written(marked, decided, stored_meanwhile):
    stored_meanwhile(lambda: other_gate_run(marked, marked.runs["good"]))
    published = decided()
    assert not published.marked
    assert "so the mark was taken back" in published.problem
    assert mark(marked).verdict == "revoked"


@pytest.mark.parametrize("decided_at", [LATER, None])
def test_a_mark_is_taken_back_when_a_failure_decided_later_though_it_was_stored_first(marked, decided, decided_at):
    # It has stored its verdict and not yet marked: its pages were made faster.
    other_gate_run(marked, marked.runs["good"], decided_at=decided_at)
    published = decided()
    assert "so the mark was taken back" in published.problem
    assert mark(marked).verdict == "revoked"


def test_of_two_that_decided_in_the_same_moment_the_failure_stands(marked, decided):
    decided(outcome=Outcome.FAILED, decided_at=EARLIER)
    assert not decided(decided_at=EARLIER).marked
    assert mark(marked).verdict == "failed"


@pytest.mark.parametrize(
    "other",
    [
        {"verdict": "passed"},
        {"verdict": "undecided"},
        {"stage": "production"},
        {"evaluation": "0" * 32},
        {"decided_at": EARLIER},
    ],
)
def test_other_gate_runs_at_the_same_time_take_nothing_back(marked, decided, stored_meanwhile, other):
    stored_meanwhile(lambda: other_gate_run(marked, **{"evaluation": marked.runs["good"], **other}))
    assert decided().marked
    assert mark(marked).is_positive
