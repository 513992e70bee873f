from __future__ import annotations

import pickle

import pytest

from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.llm.opinion import Opinion
from mlflow_genie_plugin.evaluation.llm.recorded import RecordedOpinions
from mlflow_genie_plugin.evaluation.llm.request import Asked, request_for
from mlflow_genie_plugin.evaluation.llm.settling import with_arbiter_opinion

JUDGE = "completeness"


@pytest.fixture
def judged(make_judge, make_model, make_case, ask_about):
    """``judged("abstained", "settle")``: the finding after the model was asked."""

    def judge(outcome, mode, *, name=JUDGE, case=None, **changes):
        return ask_about(case or make_case(), make_judge(name, outcome), make_model({name: mode}, **changes))

    return judge


@pytest.mark.parametrize("mode", ["explain", "settle"])
@pytest.mark.parametrize("outcome", ["passed", "failed"])
def test_a_proof_stands_whatever_the_model_says(judged, make_judge, make_case, language_model, mode, outcome):
    own = make_judge(JUDGE, outcome).judge(make_case())
    for said in (("passed", None), ("failed", "partial_answer"), ("undetermined", None)):
        language_model.say(*said)
        finding = judged(outcome, mode)
        assert (finding.outcome, finding.score, finding.failure_type, finding.rationale) == (
            own.outcome,
            own.score,
            own.failure_type,
            own.rationale,
        )
        assert (finding.evidence, finding.confidence, finding.severity) == (own.evidence, own.confidence, own.severity)


def test_what_evidence_left_open_is_settled_and_both_words_are_kept(judged, language_model):
    language_model.say("failed", "partial_answer", "the month is missing", 0.95)
    finding = judged("abstained", "settle")
    assert (finding.outcome, finding.failure_type, finding.severity) == ("failed", "partial_answer", "major")
    assert finding.rationale == "settled by openai:/test-model, not by evidence: the month is missing"
    assert finding.confidence == 0.8
    assert finding.evidence == {"tried": 2, "settled_by": "openai:/test-model with genie_opt_completeness@inline"}
    opinion = finding.opinion
    assert opinion["deterministic"] == {
        "outcome": "abstained",
        "failure_type": "UNDETERMINED",
        "score": None,
        "confidence": None,
        "rationale": "neither proved nor refuted",
    }
    assert (opinion["outcome"], opinion["model"], opinion["settled"]) == ("failed", "openai:/test-model", True)
    assert (opinion["prompt"], opinion["prompt_version"]) == ("genie_opt_completeness", "inline")
    assert (len(opinion["request_sha256"]), len(opinion["answer_sha256"])) == (64, 64)


def test_a_settled_pass_has_no_failure_type_and_limited_confidence(judged, language_model):
    language_model.say("passed", confidence=1)
    finding = judged("abstained", "settle")
    assert (finding.outcome, finding.failure_type, finding.severity, finding.score) == ("passed", None, None, 1.0)
    assert finding.confidence == 0.8


def test_an_undecided_model_leaves_it_open(judged, language_model):
    language_model.say("undetermined")
    finding = judged("abstained", "settle")
    assert (finding.outcome, finding.failure_type) == ("abstained", "UNDETERMINED")
    assert finding.opinion["outcome"] == "undetermined"


def test_explaining_adds_a_rationale_and_nothing_else(judged, make_judge, make_case, language_model):
    language_model.say("passed", None, "the filter differs only in spelling")
    for outcome in ("failed", "abstained"):
        finding = judged(outcome, "explain")
        own = make_judge(JUDGE, outcome).judge(make_case())
        assert finding == Finding(
            **{**{name: getattr(own, name) for name in own.__slots__}, "opinion": finding.opinion}
        )
        assert finding.opinion["rationale"] == "the filter differs only in spelling"
        assert finding.opinion["settled"] is False


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("maybe", "garbage"),
        ("", "empty"),
        ("unknown", "garbage"),
        ('{"outcome": "failed", "failure_type": "other", "rationale": "x", "confidence": 1}', "garbage"),
    ],
)
def test_a_useless_answer_errors_what_was_to_be_settled_and_is_only_noted_when_explaining(
    judged, language_model, said, problem
):
    language_model.answer(said)
    finding = judged("abstained", "settle")
    assert (finding.outcome, finding.failure_type) == ("errored", "JUDGE_UNAVAILABLE")
    assert finding.opinion["problem"] == problem
    assert finding.rationale.startswith("openai:/test-model was to settle what evidence left open, but its answer ")
    explained = judged("failed", "explain")
    assert (explained.outcome, explained.failure_type) == ("failed", "wrong_filter")
    assert explained.opinion["problem"] == problem


def test_an_outage_errors_what_was_to_be_settled(judged, language_model, fault):
    language_model.answer(fault(503))
    finding = judged("abstained", "settle")
    assert (finding.outcome, finding.failure_type) == ("errored", "JUDGE_UNAVAILABLE")
    assert "HTTP 503 (3 tries)" in finding.rationale
    assert finding.opinion["deterministic"]["outcome"] == "abstained"


def test_a_judge_that_breaks_stays_broken_and_nobody_is_asked(judged, language_model):
    finding = judged("broken", "settle")
    assert (finding.outcome, finding.failure_type) == ("errored", "JUDGE_FAILED")
    assert language_model.requests == []


def test_a_query_beyond_measure_is_not_sent(judged, make_case, language_model):
    finding = judged("abstained", "settle", case=make_case(sql="SELECT " + "1," * 20_000 + "1"))
    assert (finding.outcome, finding.opinion["problem"]) == ("errored", "too_long")
    assert language_model.requests == []


def test_a_defect_while_asking_takes_no_proof_away(make_judge, make_case, ask_about):
    class Broken:
        def asked(self, judge):
            return Asked("explain", "openai:/m", "p", "1", "a" * 64)

        def opinion(self, request):
            raise ZeroDivisionError

    finding = ask_about(make_case(), make_judge(JUDGE, "failed"), Broken())
    assert (finding.outcome, finding.opinion["problem"]) == ("failed", "defect")


def test_judges_that_are_not_asked_about_are_left_alone(make_judge, make_model, make_case, ask_about, language_model):
    judge = make_judge("syntax_validity", "abstained")
    assert ask_about(make_case(), judge, make_model({JUDGE: "settle"})) == judge.judge(make_case())
    assert language_model.requests == []


def test_recorded_opinions_are_used_and_others_never_asked_for(
    make_judge, make_model, make_case, ask_about, language_model
):
    judge, model, case = make_judge(JUDGE, "abstained"), make_model({JUDGE: "settle"}), make_case()
    first = ask_about(case, judge, model)
    asked = len(language_model.requests)
    request = request_for(judge.judge(case), case, model.asked(JUDGE))
    recorded = RecordedOpinions({JUDGE: model.asked(JUDGE)}, {request.sha256: Opinion.from_json(first.opinion, JUDGE)})
    assert ask_about(case, judge, pickle.loads(pickle.dumps(recorded))) == first
    other = ask_about(make_case(sql="SELECT 9 AS n"), judge, recorded)
    assert (other.outcome, other.failure_type) == ("errored", "JUDGE_UNAVAILABLE")
    assert other.opinion["problem"] == "not_recorded"
    assert len(language_model.requests) == asked


def test_an_opinion_survives_its_record_and_a_forged_one_does_not():
    good = Opinion("failed", "partial_answer", "x", 0.5, "a" * 64)
    assert Opinion.from_json(good.to_json(), JUDGE) == good
    bad = Opinion("errored", problem="timeout", problem_text="it did not answer")
    assert Opinion.from_json(bad.to_json(), JUDGE) == bad
    scorers = Opinion("failed", "JUDGED_WRONG", "x", None, "a" * 64)
    assert Opinion.from_json(scorers.to_json(), JUDGE) == scorers
    for change in (
        {"outcome": "yes"},
        {"outcome": "passed"},
        {"failure_type": "other"},
        {"failure_type": None},
        {"confidence": 2},
        {"confidence": "high"},
        {"rationale": None},
        {"answer_sha256": None},
        {"problem": "garbage"},
        {"outcome": "errored"},
    ):
        assert Opinion.from_json({**good.to_json(), **change}, JUDGE) is None
    assert Opinion.from_json({}, JUDGE) is None
    assert Opinion.from_json(good.to_json(), "arbiter") is None


UNDETERMINED = {"verdict": "undetermined", "rule": "none", "rationale": "nothing tells", "confidence": "low"}


def arbitrate(arbitration, case, model):
    """Ask about one arbitration."""
    return with_arbiter_opinion(arbitration, case, model)


def test_an_open_arbitration_is_settled_without_a_proposal(make_case, make_model, language_model):
    language_model.say("genie_correct", None, "the year is right", 1)
    found = arbitrate({**UNDETERMINED, "proposal": None}, make_case(), make_model({"arbiter": "settle"}))
    assert (found["verdict"], found["rule"], found["confidence"]) == ("genie_correct", "language_model", "low")
    assert found["proposal"] is None
    assert found["opinion"]["deterministic"]["verdict"] == "undetermined"
    assert found["opinion"]["settled"] is True


@pytest.mark.parametrize("mode", ["explain", "settle"])
def test_an_arbitration_by_a_rule_stands(make_case, make_model, language_model, mode):
    language_model.say("genie_correct")
    ruled = {"verdict": "ground_truth_correct", "rule": "b", "rationale": "it does not run", "confidence": "high"}
    found = arbitrate(ruled, make_case(), make_model({"arbiter": mode}))
    assert {name: found[name] for name in ruled} == ruled
    assert ("opinion" in found) == (mode == "explain")


@pytest.mark.parametrize("said", ["garbage", "", None])
def test_an_arbiter_without_a_word_leaves_it_undetermined(make_case, make_model, language_model, fault, said):
    language_model.answer(fault(500) if said is None else said)
    found = arbitrate(UNDETERMINED, make_case(), make_model({"arbiter": "settle"}))
    assert {name: found[name] for name in UNDETERMINED} == UNDETERMINED
    assert found["opinion"]["outcome"] == "errored"


def test_no_arbitration_and_no_arbiter_ask_nobody(make_case, make_model, language_model):
    assert arbitrate(None, make_case(), make_model({"arbiter": "settle"})) is None
    assert arbitrate(UNDETERMINED, make_case(), make_model({JUDGE: "settle"})) == UNDETERMINED
    assert language_model.requests == []


def test_both_words_become_assessments_in_mlflow(judged, language_model):
    from mlflow_genie_plugin.evaluation.assessments import opinion_of

    language_model.say("failed", "partial_answer", "no month")
    said = opinion_of(JUDGE, judged("abstained", "settle").opinion)
    assert (said.value, said.rationale, said.source.source_id) == (False, "no month", "openai:/test-model")
    language_model.answer("garbage")
    said = opinion_of(JUDGE, judged("abstained", "settle").opinion)
    assert (said.value, said.error.error_code) == (None, "GARBAGE")
    assert said.error.error_message == "its answer was not the JSON that was asked for"
