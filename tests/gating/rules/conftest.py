"""Criteria with some lines changed, and evidence of two versions that were asked the same questions."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from mlflow_genie_plugin.gating.criteria import load, parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.observed import BaselineObserved


@pytest.fixture
def criteria_with(criteria_bytes):
    """Make the candidate's criteria with these lines in place of the packaged ones."""

    def make(**lines):
        document = load(criteria_bytes, "criteria.yaml")
        document["stages"]["candidate"]["full"] = {**document["stages"]["candidate"]["full"], **lines}
        return parse_criteria(yaml.safe_dump(document).encode(), "candidate")

    return make


@pytest.fixture
def decided(criteria_with):
    """Decide with these lines of criteria and return the result of one gate."""

    def decide_one(gate, evidence, **lines):
        return next(found for found in decide(criteria_with(**lines), evidence) if found.gate == gate)

    return decide_one


@pytest.fixture
def questions(observed):
    """Make ``count`` questions, some with another outcome of one judge: ``questions(50, failed=[3])``."""

    def make(count, judge="result_correctness", p0=8, **ids):
        outcome_of = {number: outcome for outcome, numbers in ids.items() for number in numbers}
        return [observed(n, p0, **{judge: outcome_of.get(n, "passed")}) for n in range(count)]

    return make


@pytest.fixture
def two_versions(evidence):
    """Make the evidence of a version and its baseline from their questions' rows."""

    def make(now, before, reference="parent", changes=None, baseline=None):
        own = evidence(count=len(now), questions=now, **(changes or {}))
        other = evidence(count=len(before), questions=before, model_id="m-0", recorded_model_id="m-0").evaluation
        other = dataclasses.replace(other, **(baseline or {}))
        return dataclasses.replace(own, baselines={reference: BaselineObserved("m-0", other)})

    return make
