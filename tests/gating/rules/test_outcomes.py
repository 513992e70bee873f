"""What a finding counts for, and how the findings of a judge are added up."""

from __future__ import annotations

import dataclasses
import math

import pytest

from mlflow_genie_plugin.gating.question_observed import FindingObserved
from mlflow_genie_plugin.gating.rules.outcomes import (
    JudgeTally,
    believed_outcome,
    each_planned_once,
    outcomes_of,
    planned_count,
    tally_of,
    was_asked_once,
    worth,
)

JUDGE = "result_correctness"


@pytest.mark.parametrize(
    ("finding", "settled_counts", "expected"),
    [
        (None, True, "missing"),
        (FindingObserved("passed"), True, "passed"),
        (FindingObserved("passed", 0.0), True, "passed"),
        (FindingObserved("failed", 1.0), True, "failed"),
        (FindingObserved("abstained"), True, "abstained"),
        (FindingObserved("errored"), True, "errored"),
        (FindingObserved("great"), True, "errored"),
        (FindingObserved("passed", 1.01), True, "errored"),
        (FindingObserved("passed", -0.01), True, "errored"),
        (FindingObserved("passed", math.nan), True, "errored"),
        (FindingObserved("failed", math.inf), True, "errored"),
        (FindingObserved("passed", settled=True), True, "passed"),
        (FindingObserved("passed", settled=True), False, "abstained"),
        (FindingObserved("failed", settled=True), False, "failed"),
        (FindingObserved("passed"), False, "passed"),
    ],
)
def test_what_means_nothing_is_no_pass(finding, settled_counts, expected):
    findings = {} if finding is None else {JUDGE: finding}
    assert worth(findings, JUDGE, settled_counts=settled_counts) == expected
    assert worth({"another": FindingObserved("passed")}, JUDGE) == "missing"


def test_a_models_word_counts_unless_the_criteria_say_otherwise(observed, evidence):
    settled = dataclasses.replace(observed(0), findings={JUDGE: FindingObserved("passed", settled=True)})
    assert worth(settled.findings, JUDGE) == believed_outcome(settled, JUDGE) == "passed"
    assert believed_outcome(settled, JUDGE, settled_counts=False) == "abstained"
    one = evidence(count=1, questions=(settled,)).evaluation
    assert outcomes_of(JUDGE, one) == {"q000": "passed"}
    # The same evaluation may be asked both ways: neither answer is remembered for the other.
    assert tally_of(JUDGE, one) == JudgeTally(1, 0, (), ())
    assert tally_of(JUDGE, one, settled_counts=False) == JudgeTally(0, 0, ("q000",), ("q000",))


def test_every_planned_question_counts_once_and_a_missing_row_against_the_version(questions, evidence):
    rows = questions(4, failed=[1], abstained=[2])
    assert tally_of(JUDGE, evidence(count=4, questions=rows).evaluation) == JudgeTally(
        2, 1, ("q001", "q002"), ("q002",)
    )
    short = evidence(count=5, questions=rows).evaluation
    assert outcomes_of(JUDGE, short)["q004"] == "missing"
    assert tally_of(JUDGE, short).undecided == ("q002", "q004")
    assert not each_planned_once(short)
    unplanned = evidence(count=3, questions=rows).evaluation
    assert list(outcomes_of(JUDGE, unplanned)) == ["q000", "q001", "q002"]


def test_of_two_rows_of_one_question_the_better_one_does_not_win(questions, evidence):
    rows = questions(3)
    twice = evidence(count=3, questions=[*rows, rows[0]], planned=None).evaluation
    assert outcomes_of(JUDGE, twice) == {"q000": "errored", "q001": "passed", "q002": "passed"}
    assert not each_planned_once(twice)


@pytest.mark.parametrize(
    ("planned", "planned_number", "rows", "expected"),
    [(("a",), 3, 2, 3), (("a", "b", "c", "d"), 3, 2, 4), (None, 1, 2, 2), (None, 0, 0, 0), ((), 0, 1, 1)],
)
def test_the_largest_count_on_record_is_the_denominator(questions, evidence, planned, planned_number, rows, expected):
    found = evidence(questions=questions(rows), planned=planned, planned_count=planned_number)
    assert planned_count(found.evaluation) == expected


def test_nobody_asked_twice_only_where_every_question_says_so(observed, evidence):
    def asked(*not_asked):
        finding = (FindingObserved("abstained", None, "", not_asked=said) for said in not_asked)
        rows = [dataclasses.replace(observed(n), findings={JUDGE: found}) for n, found in enumerate(finding)]
        return was_asked_once(JUDGE, evidence(count=len(rows), questions=rows).evaluation)

    assert asked(True, True)
    assert not asked(True, False)
    assert not asked()


def test_a_p0_line_is_read_with_its_number_and_whose_word_counts(decided, questions, evidence):
    rows = questions(50)
    few = decided("p0", evidence(questions=rows), p0={"judges": [JUDGE], "minimum": 9})
    assert (few.outcome, few.measured) == ("undecided", "8/8")
    assert few.reason == "the benchmark set has 8 P0 questions, at least 9 must be there"
    assert decided("p0", evidence(questions=rows), p0={"judges": [JUDGE], "minimum": 8}).outcome == "passed"
