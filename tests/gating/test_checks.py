"""What verifying says of a decision: every reason once, waivers in sight, own gates by their scope."""

from __future__ import annotations

import dataclasses
from datetime import date

import yaml

from mlflow_genie_plugin.gating.checks import Check, custom_check, evidence_checks
from mlflow_genie_plugin.gating.criteria import load, parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import Collected
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.rejudge import Rejudged
from mlflow_genie_plugin.gating.signed import SignOffs, Waiver
from mlflow_genie_plugin.registry import ModelRecord

MODEL = ModelRecord("m-1", "genie-orders", "0", {}, {}, "", None, "READY", 0)


def decision(found, criteria_bytes):
    criteria = parse_criteria(criteria_bytes, "candidate")
    checks = evidence_checks(Collected(MODEL, found), criteria, decide(criteria, found), Rejudged(found))
    return {check.name: check for check in checks}["decision"]


def test_a_reason_that_many_gates_have_is_said_once_with_their_number(evidence, criteria_bytes):
    found = evidence(model={"evaluation": None, "evaluation_problem": "it was never evaluated"})
    check = decision(found, criteria_bytes)
    assert check.outcome is Outcome.UNDECIDED
    assert check.found.count("it was never evaluated") == 1
    assert check.found.startswith("evaluation_intact, evaluation_complete, ")
    assert " more: there is no evaluation to look at: " in check.found


def test_reasons_that_differ_stand_beside_their_own_gates(evidence, criteria_bytes):
    found = evidence(count=8, p0_count=0)
    check = decision(found, criteria_bytes)
    assert "enough_questions: 8 questions planned" in check.found
    assert "; p0: the benchmark set has 0 P0 questions" in check.found


def test_a_decision_that_rests_on_a_waiver_says_so(evidence, observed, criteria_bytes):
    questions = tuple(observed(n, 8, asset_routing="failed" if n > 30 else "passed") for n in range(50))
    found = evidence(questions=questions)
    asked = len(decide(parse_criteria(criteria_bytes, "candidate"), found))
    gate = "threshold[asset_routing]"
    assert decision(found, criteria_bytes).outcome is Outcome.FAILED
    signed = Waiver(gate, "m-1", "ana@example.com", "in May", date(2026, 11, 1), date(2026, 12, 1))
    check = decision(dataclasses.replace(found, signoffs=SignOffs(waivers=(signed,))), criteria_bytes)
    waived = f"{gate} failed, waived until 2026-12-01 by ana@example.com"
    assert check == Check("decision", Outcome.PASSED, f"{asked - 1} gates pass, {waived}")
    assert decision(evidence(), criteria_bytes) == Check("decision", Outcome.PASSED, f"all {asked} gates pass")


def test_gates_of_ones_own_are_those_of_the_scope_that_was_asked(evidence, criteria_bytes):
    document = load(criteria_bytes, "criteria.yaml")
    document["stages"]["candidate"]["full"]["custom_gates"] = ["own"]
    criteria = parse_criteria(yaml.safe_dump(document).encode(), "candidate")
    none = Check("custom gates", Outcome.PASSED, "the criteria name none")
    assert custom_check(criteria, Collected(MODEL, evidence(scope="p0")), None) == none
    asked = Check("custom gates", Outcome.UNDECIDED, "no verdict says that own passed")
    assert custom_check(criteria, Collected(MODEL, evidence()), None) == asked
    assert custom_check(criteria, Collected(MODEL, evidence(model={"evaluation": None})), None) == asked
