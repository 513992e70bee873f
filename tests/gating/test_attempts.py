"""Which of several evaluations is the newest one that counts, by runs as they stand in the store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlflow_genie_plugin.gating.attempts import latest_check
from mlflow_genie_plugin.gating.checks import Check
from mlflow_genie_plugin.gating.evidence import Collected
from mlflow_genie_plugin.gating.outcome import Outcome
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
