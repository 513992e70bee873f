"""The deployed space answers as well as it did when it was promoted."""

import pytest


@pytest.mark.genie_gate("post_deploy")
def test_the_deployed_space_is_not_worse_than_when_it_was_promoted(genie_gate):
    genie_gate.must_pass()
