"""What the gates see of an evaluation result, its run and the benchmark set that the run stored."""

from __future__ import annotations

import dataclasses

import pytest

from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.result import EvaluationResult
from mlflow_genie_plugin.gating.observe import observe, observed_finding, observed_question
from mlflow_genie_plugin.gating.observed import Hashes
from mlflow_genie_plugin.gating.question_observed import FindingObserved
from mlflow_genie_plugin.gating.questions_observed import Questions
from mlflow_genie_plugin.gating.stored_benchmarks import stored_benchmarks
from mlflow_genie_plugin.registry import RunRecord

PARAMS = {
    "genie.model_id": "m-recorded",
    "genie.config_sha256": "c" * 64,
    "genie.behaviour_sha256": "b" * 64,
    "genie.benchmarks_sha256": "recorded benchmarks",
    "genie.evaluation_sha256": "recorded file",
}
RUN = RunRecord("r-1", "", "0", "FINISHED", PARAMS, {"genie.evaluation.status": "running"}, {}, "")


@pytest.fixture
def result(versions):
    """Ten questions, two of them P0, two held out."""
    benchmarks = versions.benchmarks(10, 2)
    return EvaluationResult(
        evaluation_id="e" * 32,
        model_id="m-1",
        space_id="s",
        status="complete",
        config={"content_sha256": "c" * 64, "behaviour_sha256": "b" * 64, "snapshot_sha256": "a" * 64},
        live={"behaviour_sha256_before": "before", "behaviour_sha256_after": "after"},
        benchmarks={"name": "orders", "sha256": "named", "total": 10, "planned": 10, "scope": "full"},
        runner={"kind": "conversation", "version": "1", "started_at": "nine", "finished_at": "ten"},
        judges={"result_correctness": {"version": "3"}},
        questions=tuple(versions.question(item) for item in benchmarks.benchmarks),
    )


@pytest.fixture
def seen(result, versions):
    """A function that observes the result, changed by keyword, beside the run and its benchmark set."""
    stored = stored_benchmarks(versions.benchmarks(10, 2).to_bytes())

    def make(run=RUN, known=stored, attempts=3, **changes):
        changed = dataclasses.replace(result, **changes)
        rows = Questions(observed_question(question, {}) for question in changed.questions)
        return observe(changed, "f" * 64, run, attempts, known, rows)

    return make


def test_what_the_file_says_and_what_the_run_recorded_are_kept_apart(seen, versions):
    found = seen()
    assert (found.run_id, found.state, found.status) == ("r-1", "running", "complete")
    assert (found.sha256, found.recorded_sha256) == ("f" * 64, "recorded file")
    assert (found.model_id, found.recorded_model_id) == ("m-1", "m-recorded")
    assert (found.benchmarks_sha256, found.recorded_benchmarks_sha256) == ("named", "recorded benchmarks")
    assert found.stored_benchmarks_sha256 == versions.benchmarks(10, 2).sha256
    assert found.hashes == Hashes("c" * 64, "b" * 64, "a" * 64)
    assert (found.live_before, found.live_after) == ("before", "after")
    assert (found.scope, found.planned_count, found.attempts) == ("full", 10, 3)
    assert (found.benchmarks_name, found.runner) == ("orders", "conversation")
    assert (found.started_at, found.finished_at) == ("nine", "ten")
    assert (found.judges, found.problem, found.invalid_reason) == ({"result_correctness": {"version": "3"}}, "", "")
    assert [question.question_id for question in found.questions] == [f"q{number:03d}" for number in range(10)]


def test_a_file_of_no_run_has_nothing_recorded(seen):
    found = seen(run=None, status="interrupted", invalid_reason="the space was changed")
    recorded = (found.recorded_sha256, found.recorded_model_id, found.recorded_benchmarks_sha256)
    assert (found.run_id, recorded) == ("", (None, None, None))
    assert (found.state, found.status, found.problem) == ("interrupted", "interrupted", "")
    assert found.invalid_reason == "the space was changed"


def test_a_run_that_says_nothing_of_its_state_has_none(seen):
    assert seen(run=dataclasses.replace(RUN, tags={})).state is None


def test_what_a_result_does_not_say_is_empty_and_never_a_word(seen):
    found = seen(known=None, benchmarks={"planned": 10}, runner={"started_at": None}, live={}, config={})
    assert (found.runner, found.started_at, found.finished_at) == ("", "", "")
    assert (found.scope, found.benchmarks_sha256, found.benchmarks_name) == ("", "", "")
    assert (found.live_before, found.live_after, found.hashes) == (None, None, Hashes(None, None, None))
    assert (found.planned, found.p0, found.stored_benchmarks_sha256) == (None, None, None)


@pytest.mark.parametrize(("key", "name"), [("content", "content hash"), ("behaviour", "behaviour hash")])
def test_a_file_that_contradicts_its_run_cannot_be_believed(seen, result, key, name):
    param = {"content": "genie.config_sha256", "behaviour": "genie.behaviour_sha256"}[key]
    said = f"the result file names another {name} than the run recorded"
    other = dataclasses.replace(RUN, params={**PARAMS, param: "0" * 64})
    assert seen(run=other).problem == said
    assert seen(config={k: v for k, v in result.config.items() if k != f"{key}_sha256"}).problem == said
    silent = dataclasses.replace(RUN, params={k: v for k, v in PARAMS.items() if k != param})
    assert seen(run=silent).problem == ""


P0 = ("q000", "q001")


@pytest.mark.parametrize(
    ("scope", "planned"),
    [
        ("full", tuple(f"q{number:03d}" for number in range(10))),
        ("p0", P0),
        ("held_out", ("q000", "q005")),
        ("another", None),
        (None, None),
    ],
)
def test_what_should_have_been_asked_follows_from_the_stored_benchmarks(seen, result, scope, planned):
    # Also where the result holds fewer questions than that.
    found = seen(benchmarks={**result.benchmarks, "scope": scope}, questions=result.questions[:3])
    assert (found.planned, found.p0) == (planned, P0)


def test_of_a_slice_the_questions_asked_are_those_that_were_planned(seen, result):
    first, second, *_ = result.questions
    unknown = dataclasses.replace(first, question_id="q999")
    found = seen(benchmarks={**result.benchmarks, "scope": "slice"}, questions=(second, first, second, unknown))
    assert (found.planned, found.p0) == (("q001", "q000"), P0)


def test_a_question_is_that_of_its_benchmark_or_says_in_what_it_differs(result, versions):
    question = dataclasses.replace(result.questions[0], arbitration={"verdict": "both_correct"})
    entry = versions.benchmarks(10, 2).benchmarks[0].to_json()
    found = observed_question(question, entry)
    assert (found.question_id, found.question, found.differs) == ("q000", question.question, "")
    assert (found.expected_sql, found.answered, found.latency_seconds) == (question.expected_sql, True, 2.0)
    assert (found.entry, found.ruling, found.priority) == (entry, {"verdict": "both_correct"}, "P0")
    assert {name: finding.outcome for name, finding in found.findings.items()} == dict.fromkeys(
        question.findings, "passed"
    )
    for name in ("question", "expected_sql", "expected_asset", "priority", "split"):
        changed = dataclasses.replace(question, **{name: "P2"})
        assert observed_question(changed, entry).differs == name.replace("_", " ")
    both = dataclasses.replace(question, priority="P2", split="val")
    assert observed_question(both, entry).differs == "priority, split"


def test_the_priority_is_that_of_the_benchmark_and_without_one_that_of_the_row(result):
    row = dataclasses.replace(result.questions[0], priority="P2")
    assert observed_question(row, {"priority": "P0"}).priority == "P0"
    assert observed_question(row, {}).priority == "P2"
    assert observed_question(row, {}).differs == ""


@pytest.mark.parametrize("status", ["TIMED_OUT", "FAILED", ""])
def test_an_answer_that_did_not_end_well_is_none(result, status):
    row = result.questions[0]
    ended = dataclasses.replace(row, answer=dataclasses.replace(row.answer, status=status))
    assert not observed_question(ended, {}).answered


def test_a_finding_is_seen_with_what_it_rests_on():
    finding = Finding("j", "failed", 0.5, "wrong_filter", "it is wrong", blame=("table a",), fix="do this")
    assert observed_finding(finding) == FindingObserved("failed", 0.5, "it is wrong", blame=("table a",), fix="do this")
    settled = dataclasses.replace(finding, outcome="passed", opinion={"settled": True})
    assert observed_finding(settled).settled
    once = Finding("j", "abstained", failure_type="NOT_REPEATED")
    assert (observed_finding(once).not_asked, observed_finding(once).settled) == (True, False)
