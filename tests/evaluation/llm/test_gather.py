from __future__ import annotations

import threading

import pytest

from mlflow_genie_plugin.evaluation.llm.gather import gather_opinions
from mlflow_genie_plugin.evaluation.llm.opinion import Opinion

JUDGE = "completeness"


@pytest.fixture
def cases(make_case):
    return [make_case(f"q{i}", sql=f"SELECT {i} AS n") for i in range(6)]


@pytest.fixture
def judges(make_judge):
    return (make_judge(JUDGE, "abstained"), make_judge("syntax_validity", "abstained"))


def test_several_are_asked_at_once_and_each_once(cases, judges, make_model, language_model):
    language_model.seconds = 0.1
    opinions = gather_opinions([*cases, *cases], judges, make_model({JUDGE: "settle"}), at_once=3)
    assert len(opinions.opinions) == len(language_model.requests) == 6
    assert 1 < language_model.most_at_once <= 3


def test_answers_are_saved_as_they_arrive_and_not_asked_for_again(cases, judges, make_model, language_model):
    saved = {}
    gather_opinions(cases[:3], judges, make_model({JUDGE: "settle"}), save=saved.__setitem__)
    assert len(saved) == 3
    gather_opinions(cases, judges, make_model({JUDGE: "settle"}), known=saved, save=saved.__setitem__)
    assert (len(saved), len(language_model.requests)) == (6, 6)


def test_another_model_or_prompt_asks_anew(cases, judges, make_model, language_model):
    saved = {}
    gather_opinions(cases, judges, make_model({JUDGE: "settle"}), save=saved.__setitem__)
    gather_opinions(cases, judges, make_model({JUDGE: "settle"}, model="openai:/other"), known=saved)
    assert len(language_model.requests) == 12


def test_garbage_is_saved_and_outages_are_tried_again(cases, judges, make_model, language_model, fault):
    saved = {}
    language_model.answer("garbage", fault(400))
    model = make_model({JUDGE: "settle"})
    found = gather_opinions(cases[:2], judges, model, save=saved.__setitem__, at_once=1)
    assert sorted(item.problem for item in found.opinions.values()) == ["garbage", "rejected"]
    assert [item.problem for item in saved.values()] == ["garbage"]
    known = {**saved, **{key: item for key, item in found.opinions.items() if key not in saved}}
    language_model.say()
    again = gather_opinions(cases[:2], judges, make_model({JUDGE: "settle"}), known=known)
    assert sorted(item.outcome for item in again.opinions.values()) == ["errored", "passed"]
    assert len(language_model.requests) == 3


def test_after_three_failures_in_a_row_nobody_is_asked_any_more(make_case, judges, make_model, language_model, fault):
    language_model.answer(fault(401))
    many = [make_case(f"q{i}", sql=f"SELECT {i} AS n") for i in range(20)]
    found = gather_opinions(many, judges, make_model({JUDGE: "settle"}), at_once=1)
    assert len(language_model.requests) == 3
    problems = sorted(item.problem for item in found.opinions.values())
    assert problems == ["not_asked"] * 17 + ["rejected"] * 3


def test_an_answer_in_between_counts_the_failures_anew(
    make_case, judges, make_model, language_model, fault, make_reply
):
    language_model.answer(fault(400), fault(400), make_reply(), fault(400), fault(400), make_reply())
    many = [make_case(f"q{i}", sql=f"SELECT {i} AS n") for i in range(8)]
    gather_opinions(many, judges, make_model({JUDGE: "settle"}), at_once=1)
    assert len(language_model.requests) == 8


def test_a_stop_while_asking_keeps_what_was_saved(cases, judges, make_model, language_model):
    saved = {}

    def save(digest, opinion):
        saved[digest] = opinion
        if len(saved) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather_opinions(cases, judges, make_model({JUDGE: "settle"}), save=save, at_once=1)
    assert len(saved) == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("genie-opinion")]


def test_known_outages_are_no_answers(cases, judges, make_model, language_model):
    model = make_model({JUDGE: "settle"})
    first = gather_opinions(cases[:1], judges, model)
    (digest,) = first.opinions
    known = {digest: Opinion("errored", problem="timeout", problem_text="x")}
    again = gather_opinions(cases[:1], judges, model, known=known)
    assert again.opinions[digest].outcome == "passed"
