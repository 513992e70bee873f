"""Every judge's share of right answers reaches its target."""

import pytest


@pytest.mark.usefixtures("genie_judge")
@pytest.mark.genie_gate("threshold")
def test_the_judge_meets_its_target(genie_gate):
    genie_gate.must_pass()
