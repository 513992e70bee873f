"""Answers come fast enough."""

import pytest


@pytest.mark.usefixtures("genie_part")
@pytest.mark.genie_gate("latency")
def test_answers_come_fast_enough(genie_gate):
    genie_gate.must_pass()
