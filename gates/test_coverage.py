"""There is enough to decide on: questions, answers, findings."""

import pytest


@pytest.mark.genie_gate("enough_questions")
def test_there_are_enough_questions(genie_gate):
    genie_gate.must_pass()


@pytest.mark.genie_gate("error_budget")
def test_nearly_every_question_was_answered(genie_gate):
    genie_gate.must_pass()


@pytest.mark.usefixtures("genie_judge")
@pytest.mark.genie_gate("judged")
def test_the_judge_could_judge_nearly_every_answer(genie_gate):
    genie_gate.must_pass()
