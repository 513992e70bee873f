"""What people signed, what sources measured and what a promotion rested on, added to the evidence where it is asked."""

from __future__ import annotations

import dataclasses

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.gating.checklist import RowFact
from mlflow_genie_plugin.gating.criteria import parse_criteria
from mlflow_genie_plugin.gating.evidence import collect, current_digest
from mlflow_genie_plugin.gating.observed import BaselineObserved
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.rules.post_deploy import PROMOTION
from mlflow_genie_plugin.gating.signed import SignOffs
from mlflow_genie_plugin.gating.verdict import verdict_bytes
from mlflow_genie_plugin.gating.with_signoffs import with_signoffs

SIGNED = SignOffs(files={"waivers.yaml": "a" * 64})
NOBODY = BaselineObserved(None, absent="no gate run of this version has passed for stage production")


class Measured:
    """A source that has one number for every version."""

    def facts(self, model):
        return (RowFact("sample_size", f"the store of {model.model_id}", 1200.0),)


@pytest.fixture
def model(tracking, versions):
    return versions.make()


@pytest.fixture
def deployed(model, versions):
    """The evidence on the deployed space: two held-out questions, asked again."""
    versions.evaluate(model, count=6, p0=1, scope="held_out")
    return collect(model)


@pytest.fixture
def added(criteria_bytes):
    def make(collected, stage="production"):
        return with_signoffs(collected, parse_criteria(criteria_bytes, stage), SIGNED, [Measured()])

    return make


@pytest.fixture
def gated(model, versions, evidence, verdict_of):
    """A function that stores a gate run for production on an evaluation of its own, or on one that is given."""

    def make(run_id=None, stage="production", digest=None, tags=None, **changes):
        run_id = run_id or versions.evaluate(model, count=6, p0=1, state="interrupted")
        about = evidence(run_id=run_id, sha256=digest or current_digest(run_id), model={"model_id": model})
        verdict = dataclasses.replace(verdict_of(about), **{"stage": stage, "outcome": Outcome.PASSED, **changes})
        data = verdict_bytes(verdict)
        named = {"mlflow.runType": "genie_gate", "genie.gate.model_id": model, "genie.gate.stage": stage}
        named |= {"genie.gate.verdict_sha256": sha256_of_bytes(data), **(tags or {})}
        gate_run = registry.create_run("gate", experiment_id="0", tags=named).run_id
        registry.log_artifacts(gate_run, {"gate/verdict.json": data})
        return gate_run, run_id

    return make


def test_what_is_signed_is_evidence_and_sources_are_asked_for_rows_of_the_checklist_only(model, versions, added):
    versions.evaluate(model, count=6, p0=1)
    candidate = added(collect(model), "candidate")
    assert (candidate.evidence.signoffs, candidate.evidence.row_facts) == (SIGNED, ())
    assert (dict(candidate.evidence.baselines), dict(candidate.baselines)) == ({}, {})
    production = added(collect(model)).evidence
    assert (production.signoffs, production.row_facts) == (SIGNED, tuple(Measured().facts(registry.get_model(model))))


def test_a_deployed_space_is_compared_with_what_its_newest_promotion_rested_on(deployed, added, gated):
    _, older = gated()
    _, newest = gated()
    found = added(deployed)
    assert (found.evidence.signoffs, found.evidence.row_facts) == (SIGNED, ())
    promotion = found.evidence.baselines[PROMOTION]
    assert (promotion.model_id, promotion.problem, promotion.absent) == (deployed.model.model_id, "", "")
    assert promotion.evaluation.run_id == found.baselines[PROMOTION].run.run_id == newest != older
    assert found.run == deployed.run


def test_other_baselines_stay(deployed, added, gated):
    gated()
    parent = BaselineObserved(None, absent="the version has no parent")
    evidence = dataclasses.replace(deployed.evidence, baselines={"parent": parent})
    found = added(dataclasses.replace(deployed, evidence=evidence, baselines={"other": deployed}))
    assert found.evidence.baselines["parent"] == parent
    assert set(found.baselines) == {"other", PROMOTION}


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": Outcome.FAILED},
        {"outcome": Outcome.UNDECIDED},
        {"scope": "slice"},
        {"evaluation": None},
        {"stage": "candidate"},
    ],
)
def test_only_a_pass_for_the_stage_on_all_questions_is_a_promotion(deployed, added, gated, changes):
    gated(**changes)
    found = added(deployed)
    assert (found.evidence.baselines[PROMOTION], dict(found.baselines)) == (NOBODY, {})


def test_what_passed_before_a_later_failure_is_still_what_was_promoted(deployed, added, gated):
    _, promoted = gated()
    gated(outcome=Outcome.FAILED)
    assert added(deployed).evidence.baselines[PROMOTION].evaluation.run_id == promoted


def test_a_gate_run_whose_verdict_cannot_be_believed_is_a_problem(deployed, added, gated):
    gated()
    forged, _ = gated(tags={"genie.gate.verdict_sha256": "f" * 64})
    said = f"verdict.json of gate run {forged} is not the one it recorded"
    found = added(deployed)
    assert found.evidence.baselines[PROMOTION] == BaselineObserved(deployed.model.model_id, problem=said)
    assert dict(found.baselines) == {}


def test_an_evaluation_that_is_not_the_one_decided_on_or_is_gone_is_a_problem(deployed, added, gated):
    gate_run, run_id = gated(digest="f" * 64)
    promotion = added(deployed).evidence.baselines[PROMOTION]
    assert promotion.problem == f"the evaluation is not the one that gate run {gate_run} decided on"
    assert promotion.evaluation.run_id == run_id
    gated("0" * 32, digest="f" * 64)
    gone = added(deployed).evidence.baselines[PROMOTION]
    assert (gone.model_id, gone.evaluation) == (deployed.model.model_id, None)
    assert "0" * 32 in gone.problem
