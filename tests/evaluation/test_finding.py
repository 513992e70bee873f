from __future__ import annotations

import math

import pytest

from mlflow_genie_plugin.evaluation.finding import Finding


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1, 1.1, 85.0])
def test_a_score_off_the_scale_is_refused(score):
    with pytest.raises(ValueError, match="fraction from 0 to 1"):
        Finding("j", "passed", score)


def test_an_unknown_outcome_is_refused():
    with pytest.raises(ValueError, match="excellent"):
        Finding("j", "excellent")
