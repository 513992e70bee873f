from __future__ import annotations

import dataclasses

import pytest

from mlflow_genie_plugin.gating.mark import Mark, mark_tags, read_mark, touches_mark, verdict_key
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, Waived

WAIVED = Waived("2026-12-01", "ana@example.com", "later")
PROVENANCE = {"plugin_version": "0.1.0", "git_commit": "abc123", "ci_url": "https://ci.example.com/7"}


@pytest.fixture
def passed(evidence, verdict_of):
    return verdict_of(evidence(), provenance=PROVENANCE)


def test_every_claim_of_a_verdict_is_a_tag(passed):
    tags = mark_tags(passed, "run", "f" * 64, {})
    assert tags == {
        "genie.gate.candidate.verdict": "passed",
        "genie.gate.candidate.run_id": "run",
        "genie.gate.candidate.verdict_sha256": "f" * 64,
        "genie.gate.candidate.model_id": "m-1",
        "genie.gate.candidate.evaluation_run_id": "r" * 32,
        "genie.gate.candidate.evaluation_sha256": "e" * 64,
        "genie.gate.candidate.config_sha256": "c" * 64,
        "genie.gate.candidate.criteria_sha256": passed.criteria["sha256"],
        "genie.gate.candidate.suite_sha256": passed.suite_sha256,
        "genie.gate.candidate.decided_at": "2026-11-20T10:00:00.000Z",
        "genie.gate.candidate.waived": "",
        "genie.gate.candidate.plugin_version": "0.1.0",
        "genie.gate.candidate.git_commit": "abc123",
        "genie.gate.candidate.ci_url": "https://ci.example.com/7",
    }


def test_a_mark_is_read_back_and_what_is_not_there_is_empty(passed):
    tags = mark_tags(passed, "run", "f" * 64, {})
    assert read_mark(tags, "candidate") == Mark(
        "candidate", "passed", "run", "f" * 64, "r" * 32, "e" * 64, "m-1", "2026-11-20T10:00:00.000Z"
    )
    assert read_mark(tags, "production") is None
    alone = read_mark({verdict_key("production"): "passed"}, "production")
    assert alone == Mark("production", "passed", "", "", "", "", "", "")
    assert alone.is_positive
    assert not read_mark({verdict_key("production"): "revoked"}, "production").is_positive


def test_a_verdict_without_an_evaluation_empties_what_an_older_mark_said(passed):
    tags = mark_tags(dataclasses.replace(passed, evaluation=None, provenance={}), "run", "f" * 64, {})
    empty = {name.rpartition(".")[2] for name, value in tags.items() if not value}
    assert empty == {"evaluation_run_id", "evaluation_sha256", "waived", "plugin_version", "git_commit", "ci_url"}


def test_waived_gates_are_listed_in_the_mark(passed):
    results = tuple(
        GateResult(gate, Outcome.FAILED, "no", waived=waived)
        for gate, waived in (("a", WAIVED), ("b", None), ("c", WAIVED))
    )
    tags = mark_tags(dataclasses.replace(passed, results=results), "run", "f" * 64, {})
    assert tags["genie.gate.candidate.waived"] == "a, c"


@pytest.mark.parametrize(("outcome", "revoked"), [("failed", ["production"]), ("undecided", []), ("passed", [])])
def test_only_a_failure_takes_back_marks_of_later_stages_and_only_positive_ones(passed, outcome, revoked):
    verdict = dataclasses.replace(passed, outcome=Outcome(outcome))
    current = {verdict_key("experiment"): "failed", verdict_key("production"): "passed"}
    tags = mark_tags(verdict, "run", "f" * 64, current)
    assert [name for name, value in tags.items() if value == "revoked"] == [verdict_key(stage) for stage in revoked]
    assert verdict_key("experiment") not in tags


def test_a_run_that_decided_nothing_leaves_the_mark_alone(passed):
    incomplete = dataclasses.replace(passed, outcome=Outcome.UNDECIDED)
    assert not touches_mark(incomplete)
    undecided = GateResult("p0", Outcome.UNDECIDED, "no answer")
    assert touches_mark(dataclasses.replace(incomplete, results=(undecided,)))
    assert not touches_mark(dataclasses.replace(incomplete, results=(dataclasses.replace(undecided, waived=WAIVED),)))
    assert touches_mark(passed)
    assert touches_mark(dataclasses.replace(passed, outcome=Outcome.FAILED))
