"""The promotion checklist is complete: by data where there is data, else on somebody's word."""

import pytest


@pytest.mark.usefixtures("genie_part")
@pytest.mark.genie_gate("checklist")
def test_the_row_of_the_promotion_checklist_holds(genie_gate):
    genie_gate.must_pass()
