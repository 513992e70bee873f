"""The version is good enough on every part of the questions."""

import pytest


@pytest.mark.usefixtures("genie_part")
@pytest.mark.genie_gate("slice")
def test_every_slice_that_is_large_enough_meets_its_target(genie_gate):
    genie_gate.must_pass()
