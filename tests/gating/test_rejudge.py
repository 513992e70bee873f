"""What recorded findings are worth when the judges look at the recorded answers again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.gating.checks import Check, baselines_check, evidence_checks
from mlflow_genie_plugin.gating.criteria import parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import collect
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.question_observed import FindingObserved
from mlflow_genie_plugin.gating.rejudge import rejudge

BY_ROWS = "result_correctness"


@pytest.fixture
def collected(tracking, versions):
    """Three right answers to three questions, as they were logged."""
    model = versions.make()
    versions.evaluate(model, count=3, p0=1)
    return collect(model)


def with_question(collected, place, finding=None, **changes):
    """Change one question of the result, and with ``finding`` what its evidence says, as a forger would."""
    questions, observed = list(collected.result.questions), list(collected.evidence.evaluation.questions)
    questions[place] = dataclasses.replace(questions[place], **changes)
    if finding is not None:
        findings = {**observed[place].findings, **finding}
        observed[place] = dataclasses.replace(observed[place], findings=findings)
    evaluation = dataclasses.replace(collected.evidence.evaluation, questions=tuple(observed))
    evidence = dataclasses.replace(collected.evidence, evaluation=evaluation)
    result = dataclasses.replace(collected.result, questions=tuple(questions))
    return dataclasses.replace(collected, evidence=evidence, result=result)


def wrong(collected, place):
    return dataclasses.replace(collected.result.questions[place].answer, rows=((-1,),), result_sha256="0" * 64)


def outcomes(found, place):
    return {name: f.outcome for name, f in found.evidence.evaluation.questions[place].findings.items()}


def test_findings_that_the_answers_bear_out_stay_as_they_were_recorded(collected):
    found = rejudge(collected)
    assert (dict(found.differing), found.unconfirmed, found.problem) == ({}, (), "")
    assert found.evidence == collected.evidence
    assert set(outcomes(found, 2).values()) == {"passed"}
    assert len(outcomes(found, 2)) == 8


def test_a_pass_that_the_answer_does_not_bear_out_is_a_failure_with_the_judges_reason(collected):
    forged = with_question(collected, 1, answer=wrong(collected, 1))
    found = rejudge(forged)
    assert outcomes(found, 1)[BY_ROWS] == "failed"
    assert outcomes(found, 0) == outcomes(rejudge(collected), 0)
    reason = found.evidence.evaluation.questions[1].findings[BY_ROWS].reason
    assert reason
    assert found.differing[f"q001 {BY_ROWS}"] == f"recorded passed, judged again failed: {reason}"
    assert all(key.startswith("q001 ") for key in found.differing)


def test_a_failure_that_the_answer_does_not_bear_out_is_named_as_well(collected):
    found = rejudge(with_question(collected, 0, {BY_ROWS: FindingObserved("failed", 0.0, "it is wrong")}))
    assert set(found.differing) == {f"q000 {BY_ROWS}"}
    assert found.differing[f"q000 {BY_ROWS}"].startswith("recorded failed, judged again passed")
    assert outcomes(found, 0)[BY_ROWS] == "passed"


def test_the_word_of_a_judge_that_this_version_does_not_have_is_none(collected):
    mine = FindingObserved("passed", 1.0, "lovely")
    row = collected.result.questions[0]
    findings = {**row.findings, "charm": dataclasses.replace(row.findings[BY_ROWS], judge="charm")}
    forged = with_question(collected, 0, {"charm": mine}, findings=findings)
    observed = list(forged.evidence.evaluation.questions)
    # Whatever stands after it is held against the answers all the same.
    lied = {"charm": mine, **observed[0].findings, BY_ROWS: FindingObserved("failed", 0.0, "no")}
    observed[0] = dataclasses.replace(observed[0], findings=lied)
    evaluation = dataclasses.replace(forged.evidence.evaluation, questions=tuple(observed))
    evidence = dataclasses.replace(forged.evidence, evaluation=evaluation)
    found = rejudge(dataclasses.replace(forged, evidence=evidence))
    assert set(found.differing) == {"q000 charm", f"q000 {BY_ROWS}"}
    assert found.differing["q000 charm"] == "recorded passed, this version has no such judge"
    finding = found.evidence.evaluation.questions[0].findings["charm"]
    assert finding == FindingObserved("errored", None, "this version has no such judge")


def without_rows(collected, place):
    row = collected.result.questions[place]
    return {
        "answer": dataclasses.replace(row.answer, rows=None, result_sha256="0" * 64),
        "expected": dataclasses.replace(row.expected, rows=None),
    }


def test_a_pass_on_rows_that_were_not_stored_is_no_pass_and_no_contradiction(collected):
    found = rejudge(with_question(collected, 2, **without_rows(collected, 2)))
    assert f"q002 {BY_ROWS}" in found.unconfirmed
    assert f"q002 {BY_ROWS}" not in found.differing
    assert outcomes(found, 2)[BY_ROWS] == "abstained"
    assert not any(name.startswith(("q000", "q001")) for name in found.unconfirmed)


def test_no_language_model_settles_what_rows_that_were_not_stored_leave_open(collected):
    asked = {"llm_mode": "settle", "llm_model": "openai:/m", "llm_prompt": "rows", "llm_prompt_version": "1"}
    judges = {**collected.result.judges, BY_ROWS: {**collected.result.judges[BY_ROWS], **asked}}
    bare = with_question(collected, 2, **without_rows(collected, 2))
    found = rejudge(dataclasses.replace(bare, result=dataclasses.replace(bare.result, judges=judges)))
    assert f"q002 {BY_ROWS}" in found.unconfirmed
    assert outcomes(found, 2)[BY_ROWS] == "abstained"
    assert not any(key.endswith(BY_ROWS) for key in found.differing)


def test_a_failure_on_rows_that_were_not_stored_stays_one(collected):
    finding = FindingObserved("failed", 0.0, "it is wrong")
    found = rejudge(with_question(collected, 2, {BY_ROWS: finding}, **without_rows(collected, 2)))
    assert found.evidence.evaluation.questions[2].findings[BY_ROWS] == finding
    assert f"q002 {BY_ROWS}" not in {*found.unconfirmed, *found.differing}


def test_a_question_that_the_benchmark_set_of_the_run_does_not_have_has_no_findings(collected):
    found = rejudge(with_question(collected, 1, question_id="q999"))
    assert [len(question.findings) for question in found.evidence.evaluation.questions] == [8, 0, 8]
    assert found.problem == ""


def test_answers_are_held_against_the_columns_that_the_space_had_then(collected):
    unknown = dataclasses.replace(collected, result=dataclasses.replace(collected.result, catalog=None))
    found = rejudge(unknown)
    assert found.differing["q000 schema_accuracy"].startswith("recorded passed, judged again ")


def test_repeats_are_judged_again(collected):
    other = dataclasses.replace(wrong(collected, 0), sql="SELECT -1 AS orders")
    found = rejudge(with_question(collected, 0, repeats=(other, other)))
    assert found.differing["q000 repeatability"].startswith("recorded passed, judged again failed")


def test_without_an_evaluation_of_an_intact_model_nothing_is_judged(collected):
    nothing = "there is no evaluation of an intact model to judge again"
    no_evaluation = dataclasses.replace(collected.evidence, evaluation=None)
    for changes in ({"evidence": no_evaluation}, {"result": None}, {"run": None}, {"snapshot": None}):
        spoiled = dataclasses.replace(collected, **changes)
        found = rejudge(spoiled)
        assert (found.problem, found.evidence, found.differing) == (nothing, spoiled.evidence, {})


@pytest.mark.parametrize("data", [None, b"{", b"{}"])
def test_without_the_benchmark_set_of_the_run_nothing_is_judged(collected, data):
    run = registry.get_run(collected.run.run_id)
    path = Path(run.artifact_uri.removeprefix("file://")) / "evaluation" / "benchmarks.json"
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)
    found = rejudge(collected)
    assert found.problem.startswith("the benchmark set of the run cannot be read: ")
    assert found.problem.removeprefix("the benchmark set of the run cannot be read: ")
    assert found.evidence == collected.evidence


@pytest.fixture
def checks(criteria_bytes):
    """A function that returns what verifying says about findings, by name."""

    def make(collected):
        criteria, rejudged = parse_criteria(criteria_bytes, "candidate"), rejudge(collected)
        results = decide(criteria, rejudged.evidence)
        return {check.name: check for check in evidence_checks(collected, criteria, results, rejudged)}

    return make


def test_verifying_says_what_the_judges_said_again(collected, checks):
    good = Check("findings", Outcome.PASSED, "the judges of this version say the same about the recorded answers")
    assert checks(collected)["findings"] == good
    found = checks(with_question(collected, 0, {BY_ROWS: FindingObserved("failed", 0.0, "no")}))["findings"]
    assert found.outcome is Outcome.FAILED
    assert found.found.startswith(
        f"1 finding not confirmed, first q000 {BY_ROWS}: recorded failed, judged again passed"
    )
    nothing = "there is no evaluation of an intact model to judge again"
    assert checks(dataclasses.replace(collected, run=None))["findings"] == Check("findings", Outcome.UNDECIDED, nothing)


def test_both_decisions_are_told_apart(collected, checks):
    found = checks(with_question(collected, 0, answer=wrong(collected, 0)))
    assert "threshold[result_correctness]" not in found["decision"].found
    again = found["decision on findings judged again"]
    assert again.outcome is Outcome.FAILED
    assert "threshold[result_correctness]" in again.found
    assert "p0: 1 P0 question of 1 failed: q000" in again.found


@pytest.fixture
def against(collected):
    """A function that returns the check on one baseline, the version's own evaluation taken as one."""

    def make(other, reference="parent"):
        return baselines_check(dataclasses.replace(collected, baselines={reference: other}))

    return make


def test_a_baseline_that_its_answers_bear_out_is_confirmed(collected, against):
    model = collected.model.model_id
    said = f"the judges say the same about the answers of parent {model}"
    assert against(collected) == Check("baselines", Outcome.PASSED, said)
    assert baselines_check(collected) == Check("baselines", Outcome.PASSED, "compared with none")
    never = dataclasses.replace(collected, run=None, result=None)
    assert against(never) == Check("baselines", Outcome.PASSED, "compared with none")


def test_a_baseline_made_to_look_worse_is_named(collected, against):
    worse = with_question(collected, 1, {BY_ROWS: FindingObserved("failed", 0.0, "no")})
    found = against(worse, "champion")
    assert found.outcome is Outcome.FAILED
    first = f"champion {collected.model.model_id}: 1 finding not confirmed, first q001 {BY_ROWS}: recorded failed, "
    assert found.found.startswith(first)


def test_a_baseline_that_cannot_be_judged_again_leaves_it_open(collected, against):
    found = against(dataclasses.replace(collected, snapshot=None))
    assert found.outcome is Outcome.UNDECIDED
    assert found.found.startswith(f"parent {collected.model.model_id}: there is no evaluation of an intact model")


@pytest.mark.parametrize("recorded", [{}, {BY_ROWS: {"version": "0"}}, {BY_ROWS: {}}])
def test_what_a_judge_of_another_version_said_then_is_not_held_against_a_baseline(collected, against, recorded):
    worse = with_question(collected, 1, {BY_ROWS: FindingObserved("failed", 0.0, "no")})
    judges = {**{name: facts for name, facts in worse.result.judges.items() if name != BY_ROWS}, **recorded}
    assert (
        against(dataclasses.replace(worse, result=dataclasses.replace(worse.result, judges=judges))).outcome == "passed"
    )


def test_a_baseline_decided_from_its_scores_is_read_whole_to_be_judged_again(collected, against):
    found = against(dataclasses.replace(collected, result=None))
    assert found.outcome is Outcome.PASSED
    assert found.found == f"the judges say the same about the answers of parent {collected.model.model_id}"


def test_the_evaluation_of_a_baseline_that_is_judged_again_is_the_one_compared_with(collected, against, versions):
    def worse(result):
        first, *others = result.questions
        finding = dataclasses.replace(first.findings[BY_ROWS], outcome="failed", score=0.0)
        changed = dataclasses.replace(first, findings={**first.findings, BY_ROWS: finding})
        return dataclasses.replace(result, questions=(changed, *others))

    model = collected.model.model_id
    forged = collect(model, versions.evaluate(model, count=3, p0=1, edit=worse))
    versions.evaluate(model, count=3, p0=1)
    assert against(dataclasses.replace(forged, result=None)).outcome is Outcome.FAILED
