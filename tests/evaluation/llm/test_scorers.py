from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.llm.scorers import ScorerOpinions

JUDGE = "completeness"


@pytest.fixture
def judged(make_judge, make_case, ask_about):
    def judge(scorer, mode="settle", outcome="abstained", rows=False, case=None):
        opinionist = ScorerOpinions({JUDGE: scorer}, {JUDGE: mode}, rows)
        return ask_about(case or make_case(rows=[[4711]]), make_judge(JUDGE, outcome), opinionist)

    return judge


def scorer_saying(value):
    from mlflow.genai import scorer

    @scorer(name="mine")
    def mine(inputs, outputs, expectations):
        return value(inputs, outputs, expectations) if callable(value) else value

    return mine


@pytest.mark.parametrize("value", [True, "yes", "Passed", " correct ", 1, 1.0])
def test_a_yes_settles_as_passed(judged, value):
    assert judged(scorer_saying(value)).outcome == "passed"


@pytest.mark.parametrize("value", [False, "no", "FAILED", "incorrect", 0])
def test_a_no_settles_as_failed_and_says_that_it_was_a_scorer(judged, value):
    finding = judged(scorer_saying(value))
    assert (finding.outcome, finding.failure_type) == ("failed", "JUDGED_WRONG")
    assert finding.evidence["settled_by"] == "scorer:/mine with mine@inline"


@pytest.mark.parametrize("value", ["unknown", "undetermined"])
def test_unknown_is_not_a_no(judged, value):
    assert judged(scorer_saying(value)).outcome == "abstained"


@pytest.mark.parametrize("value", ["not sure", "no way", "yes and no", "", 0.5, float("nan"), 2])
def test_anything_else_is_no_answer(judged, value):
    finding = judged(scorer_saying(value))
    assert (finding.outcome, finding.opinion["problem"]) == ("errored", "garbage")


def test_a_feedback_brings_rationale_and_failure_type(judged):
    from mlflow.entities import Feedback

    said = Feedback(name="mine", value="no", rationale="no month", metadata={"failure_type": "partial_answer"})
    finding = judged(scorer_saying(said))
    assert (finding.failure_type, finding.opinion["rationale"]) == ("partial_answer", "no month")
    invented = Feedback(name="mine", value="no", rationale="x", metadata={"failure_type": "other"})
    assert judged(scorer_saying(invented)).opinion["problem"] == "garbage"


def test_a_scorer_that_raises_or_reports_an_error_is_unavailable(judged):
    from mlflow.entities import AssessmentError, Feedback

    def broken(inputs, outputs, expectations):
        raise RuntimeError("secret")

    finding = judged(scorer_saying(broken))
    assert (finding.outcome, finding.opinion["problem"]) == ("errored", "unavailable")
    assert "secret" not in finding.rationale
    reported = judged(scorer_saying(Feedback(name="mine", error=AssessmentError("OUTAGE", "down"))))
    assert reported.opinion["problem_text"] == "it reported OUTAGE"


def test_a_scorer_sees_rows_only_when_allowed(judged, make_case):
    seen = []

    def look(inputs, outputs, expectations):
        seen.append((inputs, outputs, expectations))
        return True

    case = make_case(rows=[[4711]], text="it is 4711")
    judged(scorer_saying(look), case=case)
    judged(scorer_saying(look), rows=True, case=case)
    assert "4711" not in str(seen[0])
    assert set(seen[1][1]) == {"sql", "result", "text"}
    assert "4711" in seen[1][1]["result"]


def test_an_mlflow_judge_asks_the_model_it_was_made_with(judged, language_model, monkeypatch, make_completion):
    from mlflow.genai.judges import make_judge

    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("MLFLOW_MODEL_CATALOG_URI", "")  # MLflow would look prices up on the internet
    language_model.answer(make_completion('{"result": "no", "rationale": "the month is missing"}'))
    judge = make_judge(
        name="whole",
        instructions="Does {{ outputs }} answer {{ inputs }} as {{ expectations }} does? Answer yes or no.",
        model="openai:/test-model",
        base_url=language_model.url,
        feedback_value_type=str,
    )
    finding = judged(judge)
    assert (finding.outcome, finding.opinion["rationale"]) == ("failed", "the month is missing")
    assert (finding.opinion["model"], finding.opinion["prompt"]) == ("openai:/test-model", "whole")
    assert "SELECT 2 AS n" in str(language_model.requests[0]["body"])
