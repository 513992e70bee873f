from __future__ import annotations

import dataclasses
import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.gating.criteria import load, parse_criteria
from mlflow_genie_plugin.gating.decide import decide, gates_asked
from mlflow_genie_plugin.gating.observed import EvaluationObserved, Hashes
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, overall, percent
from mlflow_genie_plugin.gating.question_observed import FindingObserved


@pytest.fixture
def criteria(criteria_bytes):
    return parse_criteria(criteria_bytes, "candidate")


@pytest.fixture
def strict(criteria_bytes):
    document = json.loads(json.dumps(load(criteria_bytes, "criteria.yaml")))
    document["stages"]["candidate"]["full"]["rule"] = "lower_bound"
    return parse_criteria(yaml.safe_dump(document).encode(), "candidate")


def result(criteria, evidence, gate) -> GateResult:
    return next(found for found in decide(criteria, evidence) if found.gate == gate)


def outcomes(criteria, evidence) -> dict[str, str]:
    return {found.gate: found.outcome.value for found in decide(criteria, evidence)}


def test_all_right_passes_every_gate_that_is_asked(criteria, evidence):
    found = outcomes(criteria, evidence())
    assert tuple(found) == gates_asked(criteria, "full")
    assert set(found.values()) == {"passed"}


def test_nothing_is_never_a_pass(criteria, evidence):
    nothing = evidence(model={"evaluation": None, "evaluation_problem": "never evaluated"})
    found = decide(criteria, nothing)
    assert overall(found) is Outcome.UNDECIDED
    assert "never evaluated" in found[1].reason
    assert overall(()) is Outcome.UNDECIDED


# Every fact of an evaluation with the values that must cost it the pass, and the gate that says so.
SPOILED = [
    ("recorded_sha256", "f" * 64, "evaluation_intact", "failed"),
    ("recorded_sha256", None, "evaluation_intact", "undecided"),
    ("problem", "the file contradicts itself", "evaluation_intact", "failed"),
    ("state", "running", "evaluation_complete", "undecided"),
    ("state", None, "evaluation_complete", "undecided"),
    ("status", "invalid", "evaluation_complete", "undecided"),
    ("scope", "held_out", "accepted_scope", "undecided"),
    ("scope", "", "accepted_scope", "undecided"),
    ("model_id", "m-2", "same_model", "failed"),
    ("model_id", "", "same_model", "undecided"),
    ("recorded_model_id", "m-2", "same_model", "failed"),
    ("recorded_model_id", None, "same_model", "undecided"),
    ("hashes", Hashes("f" * 64, "b" * 64, "a" * 64), "same_config", "failed"),
    ("hashes", Hashes("c" * 64, "f" * 64, "a" * 64), "same_config", "failed"),
    ("hashes", Hashes("c" * 64, "b" * 64, "f" * 64), "same_config", "failed"),
    ("hashes", Hashes("c" * 64, None, "a" * 64), "same_config", "undecided"),
    ("live_before", "f" * 64, "same_config", "failed"),
    ("live_after", "f" * 64, "same_config", "failed"),
    ("live_before", None, "same_config", "undecided"),
    ("live_after", None, "same_config", "undecided"),
    ("benchmarks_sha256", "f" * 64, "same_questions", "failed"),
    ("recorded_benchmarks_sha256", None, "same_questions", "undecided"),
    ("stored_benchmarks_sha256", "f" * 64, "same_questions", "failed"),
    ("planned", None, "same_questions", "undecided"),
    ("planned_count", 49, "same_questions", "failed"),
    ("planned_count", 51, "same_questions", "failed"),
    ("p0", None, "p0", "undecided"),
    ("p0", (), "p0", "undecided"),
    ("questions", (), "same_questions", "failed"),
    ("questions", (), "error_budget", "undecided"),
    ("questions", (), "threshold[result_correctness]", "undecided"),
    ("finished_at", "", "fresh_evaluation", "undecided"),
    ("finished_at", "2026-10-01T10:00:00.000Z", "fresh_evaluation", "failed"),
    ("judges", {}, "judge_versions", "undecided"),
]


@pytest.mark.parametrize(("fact", "value", "gate", "outcome"), SPOILED)
def test_a_fact_that_is_wrong_or_missing_costs_the_pass(criteria, evidence, fact, value, gate, outcome):
    found = outcomes(criteria, evidence(**{fact: value}))
    assert found[gate] == outcome
    assert overall(decide(criteria, evidence(**{fact: value}))) is not Outcome.PASSED


def test_every_fact_of_an_evaluation_is_spoiled_above_or_only_shown():
    shown = {"run_id", "sha256", "invalid_reason", "attempts", "benchmarks_name", "runner", "started_at"}
    named = {fact for fact, *_ in SPOILED}
    assert named | shown == {field.name for field in dataclasses.fields(EvaluationObserved)}


def test_a_changed_model_fails(criteria, evidence):
    assert (
        outcomes(criteria, evidence(model={"model_problem": "genie_space.json was changed"}))["model_intact"]
        == "failed"
    )
    assert outcomes(criteria, evidence(model={"hashes": None}))["model_intact"] == "undecided"


def test_a_question_twice_or_different_from_its_benchmark_fails(criteria, evidence, observed):
    questions = [observed(n) for n in range(50)]
    assert result(criteria, evidence(questions=[*questions, observed(3)]), "same_questions").questions == ("q003",)
    changed = [dataclasses.replace(questions[0], differs="expected SQL"), *questions[1:]]
    assert "not those of the benchmark set" in result(criteria, evidence(questions=changed), "same_questions").reason
    unknown = [*questions[1:], observed(99)]
    assert outcomes(criteria, evidence(questions=unknown))["same_questions"] == "failed"


@pytest.mark.parametrize(
    ("outcome", "expected"), [("failed", "failed"), ("errored", "undecided"), ("abstained", "undecided")]
)
def test_one_p0_question_decides(criteria, evidence, observed, outcome, expected):
    questions = [observed(n, result_correctness=outcome if n == 5 else "passed") for n in range(50)]
    found = result(criteria, evidence(questions=questions), "p0")
    assert found.outcome.value == expected
    assert found.questions == ("q005",)
    assert found.measured == "7/8"


def test_a_p0_question_without_a_row_is_undecided(criteria, evidence, observed):
    assert outcomes(criteria, evidence(questions=[observed(n) for n in range(1, 50)]))["p0"] == "undecided"


def test_which_questions_are_p0_is_not_taken_from_the_rows(criteria, evidence, observed):
    questions = [observed(n, p0=0, result_correctness="failed" if n == 0 else "passed") for n in range(50)]
    assert outcomes(criteria, evidence(questions=questions))["p0"] == "failed"


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_score_that_is_no_fraction_is_no_pass(criteria, evidence, observed, score):
    spoiled = observed(0)
    spoiled = dataclasses.replace(
        spoiled, findings={**spoiled.findings, "result_correctness": FindingObserved("passed", score)}
    )
    assert outcomes(criteria, evidence(questions=[spoiled, *(observed(n) for n in range(1, 50))]))["p0"] == "undecided"


def share(evidence, observed, passed, failed, open_, p0=0):
    states = ["passed"] * passed + ["failed"] * failed + ["errored"] * open_
    questions = [observed(n, p0=p0, result_correctness=state) for n, state in enumerate(states)]
    return evidence(count=len(states), p0_count=1, questions=questions)


@pytest.mark.parametrize(
    ("passed", "failed", "open_", "expected"),
    [(85, 15, 0, "passed"), (84, 16, 0, "failed"), (84, 14, 2, "undecided"), (84, 15, 1, "undecided"),
     (83, 16, 1, "failed"), (0, 0, 100, "undecided"), (100, 0, 0, "passed")],
)  # fmt: skip
def test_the_point_rule_is_inclusive_and_lets_missing_findings_decide_nothing(
    criteria, evidence, observed, passed, failed, open_, expected
):
    gate = "threshold[result_correctness]"
    assert outcomes(criteria, share(evidence, observed, passed, failed, open_))[gate] == expected


def test_a_failure_below_the_floor_says_so(criteria, evidence, observed):
    assert (
        "below the floor 70.0 %"
        in result(criteria, share(evidence, observed, 60, 40, 0), "threshold[result_correctness]").reason
    )


def test_the_stricter_rule_is_undecided_where_the_bound_is_below_the_floor_and_says_how_many_it_takes(
    strict, evidence, observed
):
    gate = "threshold[result_correctness]"
    small = result(strict, share(evidence, observed, 18, 2, 0), gate)
    assert small.outcome is Outcome.PASSED
    borderline = result(strict, share(evidence, observed, 17, 3, 0), gate)
    assert borderline.outcome is Outcome.UNDECIDED
    assert "about 26 questions" in borderline.reason
    assert outcomes(strict, share(evidence, observed, 16, 4, 0))[gate] == "failed"


def test_a_tiny_evaluation_is_undecided(criteria, evidence):
    found = outcomes(criteria, evidence(count=5, p0_count=2))
    assert found["enough_questions"] == "undecided"
    assert overall(decide(criteria, evidence(count=5, p0_count=2))) is Outcome.UNDECIDED


def test_answers_that_never_came_are_over_the_budget(criteria, evidence, observed):
    questions = [dataclasses.replace(observed(n), answered=n not in (20, 21)) for n in range(50)]
    found = result(criteria, evidence(questions=questions), "error_budget")
    assert (found.outcome, found.questions) == (Outcome.UNDECIDED, ("q020", "q021"))


def test_a_judge_that_did_not_run_is_undecided_not_passed(criteria, evidence, observed):
    questions = [
        dataclasses.replace(q, findings={k: v for k, v in q.findings.items() if k != "asset_routing"})
        for q in (observed(n) for n in range(50))
    ]
    found = outcomes(criteria, evidence(questions=questions))
    assert found["judged[asset_routing]"] == found["threshold[asset_routing]"] == "undecided"


states = st.sampled_from(["passed", "failed", "abstained", "errored", "unheard-of"])


# The fixtures are functions without state, so that examples can share them.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(states, min_size=20, max_size=60), position=st.integers(0, 59))
def test_a_worse_finding_never_makes_the_decision_better(criteria, evidence, observed, found, position):
    def decision(states):
        questions = [observed(n, result_correctness=state) for n, state in enumerate(states)]
        return overall(decide(criteria, evidence(count=len(states), questions=questions)))

    position %= len(found)
    rank = {Outcome.FAILED: 0, Outcome.UNDECIDED: 1, Outcome.PASSED: 2}
    worse = [*found[:position], "failed", *found[position + 1 :]]
    assert rank[decision(worse)] <= rank[decision(found)]


def test_percentages_are_cut_not_rounded():
    assert percent(0.9499) == "94.9 %"
    assert percent(0.95) == "95.0 %"
    assert percent(0.57) == "57.0 %"
