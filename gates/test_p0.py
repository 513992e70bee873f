"""No priority question is wrong."""

import pytest


@pytest.mark.genie_gate("p0")
def test_every_p0_question_is_answered_right(genie_gate):
    genie_gate.must_pass()
