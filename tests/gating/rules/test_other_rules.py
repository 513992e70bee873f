from __future__ import annotations

import dataclasses
import math

import pytest

from mlflow_genie_plugin.gating.observed import Hashes, LiveObserved, MetricObserved, RunObserved
from mlflow_genie_plugin.gating.question_observed import FindingObserved
from mlflow_genie_plugin.gating.rules.latency import percentile


def timed(questions, seconds):
    return [dataclasses.replace(q, latency_seconds=value) for q, value in zip(questions, seconds, strict=True)]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([2.0] * 50, "passed"),
        ([2.0] * 45 + [61.0] * 5, "passed"),
        ([2.0] * 44 + [61.0] * 6, "failed"),
        ([2.0] * 44 + [None] * 6, "undecided"),
        ([math.nan] * 50, "undecided"),
        ([0.0] * 50, "undecided"),
        ([None] * 50, "undecided"),
        ([2.0] * 45 + [60.0] * 5, "passed"),
    ],
)
def test_nine_of_ten_answers_have_to_come_in_time(decided, evidence, questions, seconds, expected):
    found = decided("latency[p90]", evidence(questions=timed(questions(50), seconds)), latency={"p90": 60})
    assert found.outcome.value == expected


def test_percentiles_are_by_nearest_rank():
    assert [percentile([15, 20, 35, 40, 50], share) for share in (0.05, 0.30, 0.40, 0.50, 1.0)] == [15, 20, 20, 35, 50]


@pytest.mark.parametrize(("limit", "expected"), [(0.83, "passed"), (0.84, "failed")])
def test_the_pace_is_answers_by_minutes(decided, evidence, limit, expected):
    line = {"questions_per_minute": limit}
    assert decided("latency[questions_per_minute]", evidence(), latency=line).outcome.value == expected
    unknown = evidence(started_at="")
    assert decided("latency[questions_per_minute]", unknown, latency=line).outcome == "undecided"


@pytest.mark.parametrize(
    ("finished", "expected"),
    [
        ("2026-11-20T10:00:00Z", "passed"),
        ("2026-10-22T12:00:00Z", "passed"),
        ("2026-10-21T11:59:00Z", "failed"),
        ("2026-11-20T12:30:00Z", "undecided"),
        ("2026-11-20T10:00:00", "undecided"),
        ("yesterday", "undecided"),
        ("", "undecided"),
    ],
)
def test_an_evaluation_is_fresh_for_thirty_days(decided, evidence, finished, expected):
    found = decided("fresh_evaluation", evidence(finished_at=finished), freshness={"days": 30})
    assert found.outcome.value == expected
    unknown = evidence(model={"observed_at": ""})
    assert decided("fresh_evaluation", unknown, freshness={"days": 30}).outcome == "undecided"


@pytest.mark.parametrize(
    ("live", "same", "expected"),
    [
        (LiveObserved("c" * 64, "b" * 64), "behaviour", "passed"),
        (LiveObserved("f" * 64, "b" * 64), "behaviour", "passed"),
        (LiveObserved("f" * 64, "b" * 64), "content", "failed"),
        (LiveObserved("c" * 64, "f" * 64), "behaviour", "failed"),
        (LiveObserved(None, None), "behaviour", "undecided"),
        (LiveObserved(problem="nobody is signed in"), "behaviour", "undecided"),
        (None, "behaviour", "undecided"),
    ],
)
def test_the_live_space_is_held_against_the_version_now(decided, evidence, live, same, expected):
    found = decided("no_drift", evidence(model={"live": live}), drift={"same": same})
    assert found.outcome.value == expected
    unknown = evidence(model={"live": live, "hashes": Hashes(None, None, None)})
    assert decided("no_drift", unknown, drift={"same": same}).outcome == "undecided"


def test_drift_is_decided_without_an_evaluation(decided, evidence):
    nothing = evidence(model={"evaluation": None, "live": LiveObserved("c" * 64, "f" * 64)})
    assert decided("no_drift", nothing, drift={"same": "behaviour"}).outcome == "failed"


def test_judges_must_have_the_versions_that_are_meant(decided, evidence):
    line = {"judges": {"result_correctness": "99"}, "prompts": "recorded"}
    found = decided("judge_versions", evidence(), versions=line)
    assert found.outcome == "undecided"
    assert "result_correctness version" in found.reason
    assert "needed is version 99" in found.reason
    assert decided("judge_versions", evidence()).outcome == "passed"


PROMPTED = {
    "llm_mode": "settle",
    "llm_prompt": "orders_judge",
    "llm_prompt_version": "3",
    "llm_prompt_sha256": "a" * 64,
}


@pytest.mark.parametrize(
    ("prompts", "facts", "expected"),
    [
        ("recorded", {}, "passed"),
        ("recorded", PROMPTED, "passed"),
        ("recorded", {**PROMPTED, "llm_prompt_version": ""}, "undecided"),
        ({"orders_judge": "3"}, PROMPTED, "passed"),
        ({"orders_judge": "2"}, PROMPTED, "failed"),
        ({"another": "3"}, PROMPTED, "failed"),
    ],
)
def test_prompts_are_on_record_and_those_that_are_pinned(decided, evidence, prompts, facts, expected):
    judges = {"result_correctness": {"version": "1", **facts}}
    line = {"judges": "current", "prompts": prompts}
    assert decided("prompt_versions", evidence(judges=judges), versions=line).outcome.value == expected


@pytest.mark.parametrize(("digest", "expected"), [("d" * 64, "passed"), ("f" * 64, "failed")])
def test_only_the_benchmark_sets_of_the_criteria_are_accepted(decided, evidence, digest, expected):
    found = decided("benchmark_set", evidence(), benchmarks={"sha256": [digest]})
    assert found.outcome.value == expected


@pytest.mark.parametrize("kind", ["params", "metrics", "tags", "artifacts"])
def test_what_is_not_logged_is_named(decided, evidence, kind):
    line = {"params": [], "metrics": [], "tags": [], "artifacts": [], kind: ["x"]}
    found = decided("required_logging", evidence(), required_logging=line)
    assert (found.outcome, found.reason) == (
        "failed",
        f"not logged on the evaluation's run: {kind.removesuffix('s')} x",
    )
    full = RunObserved({"x": "1"}, {"x": "1"}, {"x": 1.0}, ("x",))
    assert decided("required_logging", evidence(model={"run": full}), required_logging=line).outcome == "passed"
    empty = RunObserved({"x": " "}, {"x": ""}, {}, None)
    assert decided("required_logging", evidence(model={"run": empty}), required_logging=line).outcome == "failed"
    assert decided("required_logging", evidence(model={"run": None}), required_logging=line).outcome == "undecided"


RELEVANCE = {"relevance/mean": {"threshold": 0.7, "greater_is_better": True, "aliases": ["relevance_to_query/mean"]}}
COST = {"cost/p90": {"threshold": 0.05, "greater_is_better": False, "aliases": []}}


def metric(value, rows=None, assessed=None):
    return MetricObserved(value, "evaluation run r", rows, assessed)


@pytest.mark.parametrize(
    ("line", "found", "expected"),
    [
        (RELEVANCE, {"relevance/mean": metric(0.7)}, "passed"),
        (RELEVANCE, {"relevance/mean": metric(0.69)}, "failed"),
        (RELEVANCE, {"relevance_to_query/mean": metric(0.9)}, "passed"),
        (RELEVANCE, {"relevance/mean": metric(0.9), "relevance_to_query/mean": metric(0.9)}, "passed"),
        (RELEVANCE, {"relevance/mean": metric(0.9), "relevance_to_query/mean": metric(0.6)}, "undecided"),
        (RELEVANCE, {}, "undecided"),
        (RELEVANCE, {"relevance/mean": metric(math.nan)}, "failed"),
        (RELEVANCE, {"relevance/mean": metric(math.inf)}, "failed"),
        (RELEVANCE, {"relevance/mean": metric(1.0, rows=10, assessed=2)}, "undecided"),
        (RELEVANCE, {"relevance/mean": metric(1.0, rows=0, assessed=0)}, "undecided"),
        (RELEVANCE, {"relevance/mean": metric(1.0, rows=50, assessed=49)}, "passed"),
        (COST, {"cost/p90": metric(0.05)}, "passed"),
        (COST, {"cost/p90": metric(0.06)}, "failed"),
        (COST, {"cost/p90": metric(-math.inf)}, "failed"),
    ],
)
def test_metrics_of_mlflow_are_held_against_their_limit(decided, evidence, line, found, expected):
    gate = f"metric[{next(iter(line))}]"
    result = decided(gate, evidence(model={"metrics": found}), metrics=line)
    assert result.outcome.value == expected, result.reason
    if not found:
        assert "looked for relevance/mean and relevance_to_query/mean on evaluation run" in result.reason
        assert "on model m-1" in result.reason


def settled(question):
    finding = FindingObserved("passed", 1.0, "settled by a model", settled=True)
    return dataclasses.replace(question, findings={**question.findings, "result_correctness": finding})


def test_a_pass_by_a_language_models_word_is_none_for_p0_unless_the_criteria_say_so(decided, evidence, questions):
    rows = [settled(q) if n == 2 else q for n, q in enumerate(questions(50))]
    found = decided("p0", evidence(questions=rows))
    assert (found.outcome, found.questions) == ("undecided", ("q002",))
    assert "language model" in found.reason
    counted = {"judges": ["result_correctness"], "minimum": 1, "settled_passes": "count"}
    assert decided("p0", evidence(questions=rows), p0=counted).outcome == "passed"


@pytest.mark.parametrize(("line", "expected"), [("count", "passed"), ("not", "undecided")])
def test_whether_settled_passes_count_is_a_line_of_the_criteria(decided, evidence, questions, line, expected):
    rows = [settled(q) if n >= 40 else q for n, q in enumerate(questions(50))]
    gate = "threshold[result_correctness]"
    assert decided(gate, evidence(questions=rows), settled_passes=line).outcome.value == expected
    judged = decided("judged[result_correctness]", evidence(questions=rows), settled_passes=line)
    assert judged.outcome.value == expected


def test_an_evaluation_without_repeats_says_how_to_ask_again(decided, evidence, questions):
    once = FindingObserved("abstained", None, "asked once", not_asked=True)
    rows = [dataclasses.replace(q, findings={**q.findings, "repeatability": once}) for q in questions(50)]
    judges = {name: {"target": 0.9, "floor": 0.7} for name in questions(1)[0].findings}
    for gate in ("threshold[repeatability]", "judged[repeatability]"):
        found = decided(gate, evidence(questions=rows), judges=judges)
        assert found.outcome == "undecided"
        assert "--repeats 3" in found.reason


def test_the_exact_rule_promises_less_than_wilsons(decided, evidence, questions):
    gate, facts = "threshold[result_correctness]", {"count": 27, "questions": questions(27, failed=[23, 24, 25, 26])}
    wilson = decided(gate, evidence(**facts), rule="lower_bound")
    exact = decided(gate, evidence(**facts), rule="exact")
    assert (wilson.outcome, exact.outcome) == ("passed", "undecided")
    assert exact.interval[0] < wilson.interval[0]
    assert "show at least 69.2 %, not 70.0 %; about 33 questions at this rate would show it" in exact.reason


@pytest.mark.parametrize("counts", [{"rows": 50}, {"assessed": 50}, {}])
def test_a_metric_whose_rows_are_not_all_known_passes_and_says_so(decided, evidence, counts):
    found = decided(
        "metric[relevance/mean]",
        evidence(model={"metrics": {"relevance/mean": metric(0.9, **counts)}}),
        metrics=RELEVANCE,
    )
    assert found.outcome == "passed"
    assert found.reason == "relevance/mean is 0.9 (evaluation run r); how many rows are behind it is not known"


def test_a_metric_that_nobody_logged_says_where_it_was_looked_for(decided, evidence):
    for model, run in (({}, f"evaluation run {'r' * 32}"), ({"evaluation": None}, "any evaluation")):
        found = decided("metric[relevance/mean]", evidence(model=model), metrics=RELEVANCE)
        assert found.outcome == "undecided"
        names = "relevance/mean and relevance_to_query/mean"
        assert found.reason.startswith(f"not logged: looked for {names} on {run} and on model m-1; log it there")


def test_what_is_not_logged_is_listed_and_counted(decided, evidence):
    line = {"params": ["a", "genie.model_id"], "metrics": ["b"], "tags": [], "artifacts": ["c"]}
    found = decided("required_logging", evidence(), required_logging=line)
    assert (found.outcome, found.measured, found.required) == ("failed", "1/4", "all")
    assert found.reason == "not logged on the evaluation's run: param a, metric b, artifact c"
    found = decided("required_logging", evidence(model={"run": None}), required_logging=line)
    assert (found.outcome, found.measured, found.required) == ("undecided", "-", "4")
    assert found.reason == "the evaluation is a file that no run holds, so nothing is logged with it"
