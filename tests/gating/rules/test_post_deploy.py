from __future__ import annotations

import dataclasses

import pytest
import yaml

from mlflow_genie_plugin.errors import InvalidCriteriaError
from mlflow_genie_plugin.gating.criteria import load, parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.observed import BaselineObserved
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.rules.post_deploy import PROMOTION

EARLIER = {"started_at": "2026-11-10T09:00:00.000Z", "finished_at": "2026-11-10T10:00:00.000Z", "run_id": "b" * 32}


@pytest.fixture
def criteria(criteria_bytes):
    def make(**line):
        document = load(criteria_bytes, "criteria.yaml")
        section = document["stages"]["production"]["held_out"]
        section["post_deploy"] = {**section["post_deploy"], **line}
        return parse_criteria(yaml.safe_dump(document).encode(), "production")

    return make


@pytest.fixture
def deployed(evidence, questions):
    """Make the evidence of a deployed space: 100 questions, some wrong, against a promotion that had some wrong."""

    def make(wrong=(), before_wrong=(), promotion=None, **before):
        now = evidence(100, questions=questions(100, failed=list(wrong)), scope="held_out")
        old = evidence(100, questions=questions(100, failed=list(before_wrong)), **{**EARLIER, **before}).evaluation
        baseline = BaselineObserved("m-1", old) if promotion is None else promotion
        return dataclasses.replace(now, baselines={**now.baselines, PROMOTION: baseline})

    return make


def post_deploy(criteria, evidence):
    return next(found for found in decide(criteria, evidence) if found.gate == "post_deploy")


def test_a_space_that_answers_as_before_passes(criteria, deployed):
    assert post_deploy(criteria(), deployed()).outcome is Outcome.PASSED


def test_two_points_less_pass_and_three_do_not(criteria, deployed):
    assert post_deploy(criteria(), deployed(wrong=[20, 21])).outcome is Outcome.PASSED
    found = post_deploy(criteria(), deployed(wrong=[20, 21, 22]))
    assert found.outcome is Outcome.FAILED
    assert "-3.0 points" in found.reason
    assert set(found.questions) == {"q020", "q021", "q022"}


def test_what_was_wrong_before_is_not_held_against_the_deployment(criteria, deployed):
    assert post_deploy(criteria(), deployed(wrong=range(20, 25), before_wrong=range(20, 25))).outcome is Outcome.PASSED


def test_a_loss_that_only_warns_passes_and_says_so_everywhere(criteria, deployed):
    found = post_deploy(criteria(then="warn"), deployed(wrong=range(20, 30)))
    assert found.outcome is Outcome.PASSED
    assert "-10.0 points" in found.warning
    assert found.told.startswith("warning: worse than when it was promoted")
    assert not post_deploy(criteria(then="warn"), deployed()).warning


@pytest.mark.parametrize(
    ("promotion", "said"),
    [
        (BaselineObserved(None, absent="no gate run has passed"), "no gate run has passed"),
        (BaselineObserved("m-1", problem="its evaluation was changed"), "its evaluation was changed"),
    ],
)
@pytest.mark.parametrize("then", ["fail", "warn"])
def test_without_a_promotion_to_compare_with_it_is_undecided(criteria, deployed, promotion, said, then):
    found = post_deploy(criteria(then=then), deployed(promotion=promotion))
    assert found.outcome is Outcome.UNDECIDED
    assert said in found.reason


def test_nobody_having_looked_for_the_promotion_is_undecided(criteria, evidence, questions):
    known = evidence(100, questions=questions(100), scope="held_out")
    assert post_deploy(criteria(), known).outcome is Outcome.UNDECIDED


def test_the_promotions_own_evaluation_is_no_reassessment(criteria, deployed):
    found = post_deploy(criteria(), deployed(run_id="r" * 32))
    assert found.outcome is Outcome.UNDECIDED
    assert "evaluate the deployed space again" in found.reason


@pytest.mark.parametrize("finished", ["2026-11-20T09:00:00.001Z", "", "yesterday"])
def test_an_evaluation_that_is_not_later_is_no_reassessment(criteria, deployed, finished):
    found = post_deploy(criteria(), deployed(finished_at=finished))
    assert found.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize(
    "spoiled", [{"recorded_sha256": "f" * 64}, {"state": "running"}, {"model_id": "m-2", "recorded_model_id": "m-2"}]
)
def test_a_promotions_evaluation_that_is_not_intact_is_undecided(criteria, deployed, spoiled):
    assert post_deploy(criteria(), deployed(**spoiled)).outcome is Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ({"tolerance": 2}, "tolerance"),
        ({"minimum_common": 0}, "minimum_common"),
        ({"then": "ignore"}, "then"),
        ({"judges": ["taste"]}, "judges[0]"),
    ],
)
def test_what_is_wrong_with_the_line_is_named(criteria, line, place):
    with pytest.raises(InvalidCriteriaError) as caught:
        criteria(**line)
    assert f"$.stages.production.held_out.post_deploy.{place}" in {v.path for v in caught.value.violations}


def test_it_can_be_off_with_its_reason(criteria_bytes):
    document = load(criteria_bytes, "criteria.yaml")
    document["stages"]["production"]["held_out"]["post_deploy"] = {"off": "not deployed by us"}
    section = parse_criteria(yaml.safe_dump(document).encode(), "production").scopes["held_out"]
    assert section.switched_off["post_deploy"] == "not deployed by us"
    assert "post_deploy" not in section.gates
