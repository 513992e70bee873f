"""The evidence is what it claims to be: this model, this config, these questions, all of them."""

import pytest


@pytest.mark.genie_gate("model_intact")
def test_the_model_is_what_was_snapshotted(genie_gate):
    genie_gate.must_pass()


@pytest.mark.genie_gate("evaluation_intact")
def test_the_evaluation_is_what_was_recorded(genie_gate):
    genie_gate.must_pass()


@pytest.mark.genie_gate("evaluation_complete")
def test_the_evaluation_was_completed(genie_gate):
    genie_gate.must_pass()


@pytest.mark.genie_gate("accepted_scope")
def test_the_stage_accepts_the_scope_of_the_evaluation(genie_gate):
    genie_gate.must_pass()


@pytest.mark.genie_gate("same_model")
def test_the_evaluation_is_of_this_model(genie_gate):
    genie_gate.must_pass()


@pytest.mark.genie_gate("same_config")
def test_the_space_held_this_config_while_it_was_asked(genie_gate):
    genie_gate.must_pass()


@pytest.mark.genie_gate("same_questions")
def test_every_planned_question_was_asked_once(genie_gate):
    genie_gate.must_pass()
