"""Does the answer's query return what the expected query returns?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from mlflow_genie_plugin.evaluation.compare import EQUAL, UNDETERMINED
from mlflow_genie_plugin.evaluation.finding import Finding, abstained, errored, failed, passed
from mlflow_genie_plugin.evaluation.unanswered import unanswered
from mlflow_genie_plugin.evaluation.warehouse_messages import condition_of, in_a_sentence
from mlflow_genie_plugin.sql_dialect import SqlParseError, parse_query

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase


class ResultCorrectness:
    """Compares the two results, both from the same warehouse; see ``compare`` for what equal means.

    When both results are empty, hold only NULL, or were cut off, rows prove nothing. Then only the same query text
    (apart from case, spacing and comments) passes; everything else abstains and counts against the model.
    """

    name = "result_correctness"
    version = "3"

    def judge(self, case: JudgedCase) -> Finding:
        answer, expected = case.answer, case.expected
        if (finding := unanswered(self.name, answer)) is not None:
            return finding
        if not expected.has_result:
            return errored(
                self.name,
                f"the expected SQL has no result ({expected.error or 'no reason was given'}); correct the benchmark",
                failure_type="NO_EXPECTED_RESULT",
            )
        if not answer.has_result:
            reason = answer.compile_error or answer.error or "no reason was given"
            said = in_a_sentence(reason)
            if answer.compiles is False or answer.query_failed:
                return failed(
                    self.name,
                    "QUERY_FAILED",
                    f"the query of the answer does not run: {said}",
                    condition=condition_of(reason),
                )
            return errored(self.name, f"the answer's rows could not be read: {said}", failure_type="NO_ANSWER_RESULT")
        found = case.comparison
        if found is None:
            # Rows were left out when the result was stored; equal digests still mean equal results.
            if expected.result_sha256 is not None and expected.result_sha256 == answer.result_sha256:
                return passed(self.name, "the result is the expected one (by digest)")
            return abstained(
                self.name, "ROWS_NOT_STORED", "the rows were not stored, so the results cannot be compared again"
            )
        if found.outcome == EQUAL:
            return passed(self.name, found.rationale, **found.evidence)
        if found.outcome == UNDETERMINED:
            if same_query(case.benchmark.expected_sql, answer.sql or ""):
                return passed(self.name, f"{found.rationale}; but the query is the expected one", **found.evidence)
            return abstained(self.name, found.code or "UNDETERMINED", found.rationale, **found.evidence)
        recall = found.evidence.get("row_recall", 0.0)
        return failed(self.name, found.code or "DIFFERENT", found.rationale, score=min(recall, 0.99), **found.evidence)


def same_query(one: str, other: str) -> bool:
    """Return whether two texts are the same query apart from case of names, spacing and comments."""
    try:
        return _canonical(one) == _canonical(other)
    except SqlParseError:
        return False


def _canonical(sql: str) -> str:
    tree = parse_query(sql).copy()
    for identifier in tree.find_all(exp.Identifier):
        identifier.set("this", identifier.name.lower())
        identifier.set("quoted", False)
    return tree.sql("databricks", comments=False)
