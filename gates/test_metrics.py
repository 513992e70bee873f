"""Every metric of MLflow that is asked for reaches its limit."""

import pytest


@pytest.mark.usefixtures("genie_part")
@pytest.mark.genie_gate("metric")
def test_the_metric_reaches_its_limit(genie_gate):
    genie_gate.must_pass()
