"""The version is not worse than the one it follows."""

import pytest


@pytest.mark.usefixtures("genie_part")
@pytest.mark.genie_gate("regression")
def test_no_judge_lost_more_than_is_allowed_since(genie_gate):
    genie_gate.must_pass()
