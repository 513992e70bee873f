from __future__ import annotations

import dataclasses

import pytest

from mlflow_genie_plugin.gating.observed import BaselineObserved

GATE = "regression[parent]"
POINT = {"rule": "point", "tolerance": 0.02, "minimum_common": 0.8, "no_baseline": "allowed"}
NON_INFERIOR = {"rule": "non_inferior", "margin": 0.05, "minimum_common": 0.8, "no_baseline": "allowed"}


def against_parent(**changes):
    return {"regression": {"parent": {**POINT, **changes}}}


@pytest.mark.parametrize(
    ("lost", "gained", "expected"),
    [([], [], "passed"), ([3], [], "passed"), ([3, 4], [], "failed"), ([3, 4], [9], "passed")],
)
def test_a_loss_of_up_to_the_tolerance_passes(decided, two_versions, questions, lost, gained, expected):
    evidence = two_versions(questions(50, failed=lost), questions(50, failed=gained))
    found = decided(GATE, evidence, **against_parent())
    assert found.outcome.value == expected
    part = next(part for part in found.parts if part.name == "result_correctness")
    assert part.value == pytest.approx((len(gained) - len(lost)) / 50)
    assert part.interval[0] <= part.value <= part.interval[1]


def test_a_failure_names_the_judge_the_questions_the_interval_and_mcnemars_test(decided, two_versions, questions):
    found = decided(GATE, two_versions(questions(50, failed=[3, 4]), questions(50)), **against_parent())
    for words in ("result_correctness -4.0 points", "95 % interval", "2 newly wrong", "McNemar p = 0.5", "q003, q004"):
        assert words in found.reason
    assert found.questions == ("q003", "q004")
    assert found.measured == "-4.0 points"


def test_every_judge_that_is_asked_is_compared(decided, two_versions, questions):
    found = decided(GATE, two_versions(questions(50, judge="completeness", failed=[1, 2]), questions(50)))
    assert found.outcome == "failed"
    assert [part.name for part in found.parts if part.outcome == "failed"] == ["completeness"]
    assert len(found.parts) == 7
    one = decided(
        GATE,
        two_versions(questions(50, judge="completeness", failed=[1, 2]), questions(50)),
        **against_parent(judges=["result_correctness"]),
    )
    assert (one.outcome, len(one.parts)) == ("passed", 1)


def test_what_has_no_finding_now_is_neither_lost_nor_kept(decided, two_versions, questions):
    found = decided(GATE, two_versions(questions(50, errored=[3, 4]), questions(50)), **against_parent())
    assert found.outcome == "undecided"
    assert "no finding on 2 now" in found.reason


def test_what_the_baseline_has_no_finding_on_does_not_count_as_a_gain(decided, two_versions, questions):
    before = questions(50, errored=[10, 11, 12])
    found = decided(GATE, two_versions(questions(50, failed=[3, 4]), before), **against_parent())
    part = next(part for part in found.parts if part.name == "result_correctness")
    assert part.value == pytest.approx(-2 / 47)
    few = questions(50, errored=list(range(11)))
    assert decided(GATE, two_versions(questions(50), few), **against_parent()).outcome == "undecided"


@pytest.mark.parametrize(
    ("count", "lost", "expected"),
    [(52, [], "passed"), (51, [], "undecided"), (50, [1], "undecided"), (100, range(1, 15), "failed")],
)
def test_non_inferiority_takes_52_identical_outcomes_for_a_margin_of_5_points(
    decided, two_versions, questions, count, lost, expected
):
    evidence = two_versions(questions(count, failed=lost), questions(count))
    found = decided(GATE, evidence, regression={"parent": NON_INFERIOR})
    assert found.outcome.value == expected
    if expected == "undecided":
        assert "about" in found.reason
        assert "common questions would show it" in found.reason


def test_without_a_baseline_the_criteria_say_what_holds(decided, evidence):
    first = decided(GATE, evidence(), **against_parent())
    assert (first.outcome, first.measured) == ("passed", "no baseline")
    assert "has no parent" in first.reason
    refused = decided(GATE, evidence(), **against_parent(no_baseline="refused"))
    assert refused.outcome == "undecided"
    assert decided(GATE, evidence(model={"baselines": {}}), **against_parent()).outcome == "undecided"


@pytest.mark.parametrize(
    "spoiled",
    [
        {"recorded_sha256": "f" * 64},
        {"recorded_sha256": None},
        {"state": "running"},
        {"model_id": "m-7", "recorded_model_id": "m-7"},
        {"stored_benchmarks_sha256": "f" * 64},
        {"planned_count": 60},
    ],
)
def test_a_baseline_that_is_not_intact_is_no_baseline(decided, two_versions, questions, spoiled):
    evidence = two_versions(questions(50), questions(50), baseline=spoiled)
    found = decided(GATE, evidence, **against_parent())
    assert found.outcome == "undecided"
    assert "cannot be compared with" in found.reason


def test_a_baseline_that_was_never_evaluated_is_undecided(decided, evidence):
    never = evidence(
        model={"baselines": {"parent": BaselineObserved("m-0", None, problem="model m-0 was never evaluated")}}
    )
    found = decided(GATE, never, **against_parent())
    assert (found.outcome, "never evaluated" in found.reason) == ("undecided", True)


@pytest.mark.parametrize("field", ["question", "expected_sql"])
def test_questions_that_were_changed_drop_out_in_sight(decided, two_versions, questions, field):
    before = questions(50)
    changed = [dataclasses.replace(q, **{field: "something else"}) if n < 5 else q for n, q in enumerate(before)]
    found = decided(GATE, two_versions(questions(50), changed), **against_parent())
    assert found.outcome == "passed"
    assert "45 questions compared with m-0, 5 not comparable (q000, q001" in found.reason
    many = [dataclasses.replace(q, **{field: "something else"}) if n < 11 else q for n, q in enumerate(before)]
    few = decided(GATE, two_versions(questions(50), many), **against_parent())
    assert (few.outcome, "only 78.0 %" in few.reason) == ("undecided", True)


def test_taking_hard_questions_out_is_no_way_round(decided, two_versions, questions):
    found = decided(GATE, two_versions(questions(30), questions(50)), **against_parent())
    assert found.outcome == "undecided"
    assert "only 60.0 %" in found.reason


def test_judges_of_different_versions_are_not_compared(decided, two_versions, questions):
    evidence = two_versions(questions(50), questions(50), baseline={"judges": {"result_correctness": {"version": "0"}}})
    found = decided(GATE, evidence, **against_parent(judges=["result_correctness"]))
    assert found.outcome == "undecided"
    assert "version 0 for the baseline" in found.reason
    without = two_versions(questions(50), questions(50), baseline={"judges": {}})
    assert "did not run for the baseline" in decided(GATE, without, **against_parent()).reason


def test_only_the_judges_that_a_comparison_names_are_compared(decided, two_versions, questions):
    line = {"parent": {"rule": "point", "tolerance": 0.02, "minimum_common": 0.8, "no_baseline": "allowed"}}
    worse = two_versions(questions(50, failed=range(10, 20)), questions(50))
    every = decided("regression[parent]", worse, regression=line)
    assert every.outcome == "failed"
    assert len(every.parts) == 7
    named = decided("regression[parent]", worse, regression={"parent": {**line["parent"], "judges": ["completeness"]}})
    assert (named.outcome, [part.name for part in named.parts]) == ("passed", ["completeness"])
