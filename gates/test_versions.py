"""The evaluation was made with the judges, prompts and questions that are meant."""

import pytest


@pytest.mark.genie_gate("judge_versions")
def test_the_judges_have_the_versions_needed(genie_gate):
    genie_gate.must_pass()


@pytest.mark.genie_gate("prompt_versions")
def test_the_prompts_are_on_record_in_the_versions_needed(genie_gate):
    genie_gate.must_pass()


@pytest.mark.genie_gate("benchmark_set")
def test_the_questions_are_a_set_that_is_accepted(genie_gate):
    genie_gate.must_pass()
