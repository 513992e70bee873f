from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.judge import judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult

NATIVE = {"assessment": "GOOD", "reasons": [], "is_manual": False, "expected_sql_differs": False, "run_id": "r"}


@pytest.mark.parametrize(
    ("native", "outcome", "failure_type"),
    [
        (None, "abstained", "NOT_NATIVE"),
        ({}, "passed", None),
        ({"assessment": "BAD"}, "failed", "NATIVE_BAD"),
        ({"assessment": "BAD", "reasons": ["SOMETHING_NEW"]}, "failed", "NATIVE_BAD"),
        ({"assessment": "BAD", "reasons": ["SOMETHING_NEW", "EMPTY_RESULT"]}, "failed", "EMPTY_RESULT"),
        ({"assessment": "NEEDS_REVIEW"}, "failed", "NEEDS_REVIEW"),
        ({"assessment": "NEEDS_REVIEW", "needs_review": "abstain"}, "abstained", "NEEDS_REVIEW"),
        ({"assessment": None}, "errored", "NO_ASSESSMENT"),
        ({"assessment": "SPLENDID"}, "errored", "NO_ASSESSMENT"),
    ],
)
def test_genies_own_word_becomes_a_finding(native, outcome, failure_type):
    answer = AnswerRecord(sql="SELECT 1", native=None if native is None else {**NATIVE, **native})
    case = JudgedCase(Benchmark("q", "How many?", "SELECT 1"), answer, StoredResult())
    finding = judge_case(case, JUDGES.choose(["native_assessment"]))["native_assessment"]
    assert (finding.outcome.value, finding.failure_type) == (outcome, failure_type)
    assert ("SOMETHING_NEW" in finding.rationale) is ("SOMETHING_NEW" in ((native or {}).get("reasons") or ()))
