from __future__ import annotations

import dataclasses

import pytest

from mlflow_genie_plugin.gating.question_observed import FindingObserved

GATE = "slice[category]"
EVEN = list(range(0, 50, 2))


def by_category(**changes):
    line = {"judge": "result_correctness", "target": 0.8, "floor": 0.6, "minimum": 10}
    return {"slices": {"category": {**line, **changes}}}


def test_a_weak_slice_fails_although_the_average_is_fine(decided, evidence, questions):
    found = decided(GATE, evidence(questions=questions(50, failed=EVEN[:6])), **by_category())
    assert found.outcome == "failed"
    assert {part.name: part.outcome for part in found.parts} == {"even": "failed", "odd": "passed"}
    assert found.questions == tuple(f"q{n:03d}" for n in EVEN[:6])
    assert "even: 19 of 25 right, which is less than 80.0 %" in found.reason
    assert all(part.interval is not None for part in found.parts)


def test_a_small_slice_is_shown_as_not_assessed(decided, evidence, questions):
    rows = [
        dataclasses.replace(q, entry={**q.entry, "category": "rare" if n < 4 else "usual"})
        for n, q in enumerate(questions(50, failed=[0, 1, 2, 3]))
    ]
    found = decided(GATE, evidence(questions=rows), **by_category())
    assert {part.name: part.outcome for part in found.parts} == {"rare": "not assessed", "usual": "passed"}
    assert found.outcome == "passed"
    assert "rare not assessed: 4 questions, at least 10 are needed" in found.reason
    named = decided(GATE, evidence(questions=rows), **by_category(assess=["rare"]))
    assert named.outcome == "undecided"


@pytest.mark.parametrize("changes", [{"minimum": 26}, {"assess": ["unheard-of"]}])
def test_nothing_assessed_or_a_slice_that_is_missing_is_no_pass(decided, evidence, changes):
    assert decided(GATE, evidence(), **by_category(**changes)).outcome == "undecided"


def test_a_field_that_no_question_has_is_undecided(decided, evidence):
    line = by_category()["slices"]["category"]
    found = decided("slice[region]", evidence(), slices={"region": line})
    assert (found.outcome, found.reason) == ("undecided", "no question has the field 'region'")


def test_p0_questions_have_to_be_assessed_however_few_they_are(decided, evidence, questions):
    line = by_category()["slices"]["category"]
    found = decided("slice[priority]", evidence(questions=questions(50)), slices={"priority": line})
    assert {part.name: part.outcome for part in found.parts} == {"P0": "undecided", "P1": "passed"}
    assert found.outcome == "undecided"


def test_a_question_belongs_to_each_value_of_a_list(decided, evidence, questions):
    rows = [
        dataclasses.replace(q, entry={"tables": ["a", "b"] if n < 20 else ["b"]}) for n, q in enumerate(questions(50))
    ]
    line = by_category()["slices"]["category"]
    found = decided("slice[tables]", evidence(questions=rows), slices={"tables": line})
    assert {part.name: part.reason for part in found.parts} == {"a": "a: 20 of 20 right", "b": "b: 50 of 50 right"}


def test_a_question_without_a_row_counts_against_its_slice(decided, evidence, questions):
    found = decided(GATE, evidence(count=50, questions=questions(40)), **by_category())
    assert next(part for part in found.parts if part.name == "(none)").value == 0
    assert found.outcome != "passed"


def test_the_stricter_rule_holds_for_slices_too(decided, evidence, questions):
    rows = questions(50, failed=EVEN[:5])
    assert decided(GATE, evidence(questions=rows), **by_category(floor=0.7)).outcome == "passed"
    strict = decided(GATE, evidence(questions=rows), rule="lower_bound", **by_category(floor=0.7))
    assert strict.outcome == "undecided"
    assert "questions at this rate would show it" in strict.reason


def test_the_worst_slice_is_shown_also_when_nothing_in_it_is_right(decided, evidence, questions):
    line = {"category": {"judge": "result_correctness", "target": 0.8, "floor": 0.6, "minimum": 10}}
    found = decided("slice[category]", evidence(questions=questions(50, failed=range(0, 50, 2))), slices=line)
    assert (found.outcome, found.measured) == ("failed", "0.0 %")


@pytest.mark.parametrize(("word", "outcome"), [("count", "passed"), ("not", "undecided")])
def test_a_models_word_counts_in_a_slice_as_it_counts_elsewhere(decided, evidence, questions, word, outcome):
    settled = FindingObserved("passed", settled=True)
    rows = [
        dataclasses.replace(question, findings={**question.findings, "result_correctness": settled})
        for question in questions(50)
    ]
    line = {"category": {"judge": "result_correctness", "target": 0.8, "floor": 0.6, "minimum": 10}}
    found = decided("slice[category]", evidence(questions=rows), slices=line, settled_passes=word)
    assert found.outcome == outcome
