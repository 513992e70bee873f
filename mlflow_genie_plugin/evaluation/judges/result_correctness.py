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
    from mlflow_genie_plugin.evaluation.stored_result import StoredResult


_ROWS_PROVE_NOTHING = ("VACUOUS_RESULT", "TRUNCATED_RESULT")


class ResultCorrectness:
    """Compares the two results, both from the same warehouse; see ``compare`` for what equal means.

    When both results are empty, hold only NULL, or were cut off, rows prove nothing: it abstains, which counts against
    the model, also when the query is the expected one. That the queries mean the same ``semantic_equivalence`` says.
    """

    name = "result_correctness"
    version = "4"

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
            if (nothing := _proves_nothing(expected, answer)) is not None:
                return abstained(self.name, *nothing)
            if expected.result_sha256 is not None and expected.result_sha256 == answer.result_sha256:
                return passed(self.name, "the result is the expected one (by digest)")
            return abstained(
                self.name, "ROWS_NOT_STORED", "the rows were not stored, so the results cannot be compared again"
            )
        if found.outcome == EQUAL:
            return passed(self.name, found.rationale, **found.evidence)
        if found.outcome == UNDETERMINED:
            rationale = found.rationale
            if same_query(case.benchmark.expected_sql, answer.sql or ""):
                if found.code not in _ROWS_PROVE_NOTHING:
                    return passed(self.name, f"{rationale}; but the query is the expected one", **found.evidence)
                rationale = f"{rationale}; that the query is the expected one is for semantic_equivalence to say"
            return abstained(self.name, found.code or "UNDETERMINED", rationale, **found.evidence)
        recall = found.evidence.get("row_recall", 0.0)
        return failed(self.name, found.code or "DIFFERENT", found.rationale, score=min(recall, 0.99), **found.evidence)


def _proves_nothing(expected: StoredResult, answer: StoredResult) -> tuple[str, str] | None:
    """Return code and reason where equal digests of results without rows would say nothing."""
    if expected.truncated or answer.truncated:
        return "TRUNCATED_RESULT", "rows were cut off, and those there were are not stored, so nothing can be compared"
    if not expected.row_count and not answer.row_count:
        return "VACUOUS_RESULT", "both results are empty, which proves nothing"
    return None


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
