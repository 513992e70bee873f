"""The evaluation still speaks of the space as it is."""

import pytest


@pytest.mark.genie_gate("fresh_evaluation")
def test_the_evaluation_is_young_enough(genie_gate):
    genie_gate.must_pass()


@pytest.mark.genie_gate("no_drift")
def test_the_live_space_still_is_what_was_evaluated(genie_gate):
    genie_gate.must_pass()
