from mlflow_genie_plugin.gating.checks import evidence_checks
from mlflow_genie_plugin.gating.criteria import parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import Collected
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.rejudge import Rejudged
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
