"""What others will want to know is on record."""

import pytest


@pytest.mark.genie_gate("required_logging")
def test_everything_that_has_to_be_logged_is_there(genie_gate):
    genie_gate.must_pass()
