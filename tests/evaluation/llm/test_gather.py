from __future__ import annotations

import threading

import pytest

from mlflow_genie_plugin.evaluation.llm.gather import gather_opinions

MODES = {"completeness": "settle"}


def test_several_are_asked_at_once_and_each_once(make_requests, make_model, language_model):
    language_model.seconds = 0.1
    requests = make_requests(6)
    opinions = gather_opinions([*requests, *requests], make_model(MODES), at_once=3)
    assert len(opinions) == len(language_model.requests) == 6
    assert 1 < language_model.most_at_once <= 3


def test_answers_are_saved_as_they_arrive_and_not_asked_for_again(make_requests, make_model, language_model):
    saved = {}
    gather_opinions(make_requests(3), make_model(MODES), save=saved.__setitem__)
    assert len(saved) == 3
    gather_opinions(make_requests(6), make_model(MODES), known=saved, save=saved.__setitem__)
    assert (len(saved), len(language_model.requests)) == (6, 6)


def test_another_model_asks_anew(make_requests, make_model, language_model):
    saved = {}
    gather_opinions(make_requests(3), make_model(MODES), save=saved.__setitem__)
    gather_opinions(make_requests(3, model="openai:/other"), make_model(MODES), known=saved)
    assert len(language_model.requests) == 6


def test_garbage_is_saved_and_outages_are_tried_again(make_requests, make_model, language_model, fault):
    saved = {}
    language_model.answer("garbage", fault(400))
    found = gather_opinions(make_requests(2), make_model(MODES), save=saved.__setitem__, at_once=1)
    assert sorted(item.problem for item in found.values()) == ["garbage", "rejected"]
    assert [item.problem for item in saved.values()] == ["garbage"]
    language_model.say()
    again = gather_opinions(make_requests(2), make_model(MODES), known=found)
    assert sorted(item.outcome for item in again.values()) == ["errored", "passed"]
    assert len(language_model.requests) == 3


def test_after_three_failures_in_a_row_nobody_is_asked_any_more(make_requests, make_model, language_model, fault):
    language_model.answer(fault(401))
    found = gather_opinions(make_requests(20), make_model(MODES), at_once=1)
    assert len(language_model.requests) == 3
    assert sorted(item.problem for item in found.values()) == ["not_asked"] * 17 + ["rejected"] * 3


def test_an_answer_in_between_counts_the_failures_anew(make_requests, make_model, language_model, fault, make_reply):
    language_model.answer(fault(400), fault(400), make_reply(), fault(400), fault(400), make_reply())
    gather_opinions(make_requests(8), make_model(MODES), at_once=1)
    assert len(language_model.requests) == 8


def test_a_stop_while_asking_keeps_what_was_saved(make_requests, make_model):
    saved = {}

    def save(digest, opinion):
        saved[digest] = opinion
        if len(saved) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather_opinions(make_requests(6), make_model(MODES), save=save, at_once=1)
    assert len(saved) == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("genie-opinion")]
