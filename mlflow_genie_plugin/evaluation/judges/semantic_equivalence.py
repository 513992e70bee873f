"""Does the answer's query mean the same as the expected one, whatever data it meets?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.compare import Comparison
from mlflow_genie_plugin.evaluation.facets.facet import Facet, FacetDiff
from mlflow_genie_plugin.evaluation.finding import Finding, abstained, failed, passed
from mlflow_genie_plugin.evaluation.harmless import harmless_in_rows, only_rounded, real_difference
from mlflow_genie_plugin.evaluation.refuter import refutation as outcomes
from mlflow_genie_plugin.evaluation.refuter.refutation import Refutation
from mlflow_genie_plugin.evaluation.unanswered import unanswered
from mlflow_genie_plugin.evaluation.warehouse_messages import in_a_sentence

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

# What equal parts say without a database that confirms it.
_BY_FACETS = 0.6

# What a fault in a part of the query makes of its meaning.
_BY_FAILURE_TYPE = {
    "wrong_table": "different_scope",
    "wrong_join": "different_scope",
    "wrong_filter": "different_scope",
    "missing_filter": "different_scope",
    "missing_temporal_filter": "different_scope",
    "wrong_orderby": "different_scope",
    "wrong_subquery": "different_scope",
    "wrong_groupby": "different_grain",
    "wrong_distinct": "different_grain",
    "missing_aggregation": "different_grain",
    "wrong_aggregation": "different_metric",
    "wrong_expression": "different_metric",
    "wrong_measure": "different_metric",
    "wrong_column": "different_metric",
    "missing_column": "partial_answer",
}


class SemanticEquivalence:
    """Passes a query with the same meaning: proven, or agreed on generated databases, never guessed.

    In turn: the same canonical form passes; other results on the real data fail; a generated database that tells the
    queries apart fails, and is kept as evidence; agreement on databases that say something passes with a confidence.
    Where all that tells nothing, equal parts pass with a low confidence, and everything else abstains.
    """

    name = "semantic_equivalence"
    version = "3"

    def judge(self, case: JudgedCase) -> Finding:
        if (finding := unanswered(self.name, case.answer)) is not None:
            return finding
        refutation = case.refutation
        evidence: dict[str, Any] = {
            "proof": refutation.proof,
            "databases": refutation.databases,
            "informative_databases": refutation.informative,
        }
        if refutation.proof == "canonical":
            return passed(self.name, "both queries have the same canonical form", confidence=1.0, **evidence)
        harmless = harmless_in_rows(case)
        if harmless is not None and case.facets.only_presentational:
            return passed(
                self.name,
                f"the queries mean the same, although rows differ: {harmless.rationale}",
                confidence=_BY_FACETS,
                **evidence,
            )
        if (comparison := real_difference(case)) is not None:
            return self._different(case, f"on the real data {comparison.rationale}", {**evidence, **_rows(comparison)})
        if refutation.extra_columns:
            return passed(
                self.name,
                f"the queries mean the same, but {refutation.reason}",
                confidence=outcomes.confidence_of(refutation.informative),
                **evidence,
            )
        if refutation.outcome == outcomes.DIFFERENT and (rounded := only_rounded(case)) is not None:
            return passed(
                self.name, f"the queries mean the same, although {rounded}", confidence=_BY_FACETS, **evidence
            )
        if refutation.outcome == outcomes.DIFFERENT:
            kept = {**evidence, "witness": dict(refutation.witness or {})}
            return self._different(case, refutation.reason, kept)
        if refutation.outcome == outcomes.EQUIVALENT:
            return passed(self.name, refutation.reason, confidence=refutation.confidence, **evidence)
        if case.answer.compiles is False or case.answer.query_failed:
            said = in_a_sentence(case.answer.compile_error or case.answer.error)
            return abstained(
                self.name, "UNDETERMINED", f"what the query means cannot be told, because it does not run: {said}",
                **evidence,
            )  # fmt: skip
        return self._by_facets(case.facets, refutation, evidence)

    def _by_facets(self, diff: FacetDiff, refutation: Refutation, evidence: dict[str, Any]) -> Finding:
        if diff.equal:
            rationale = f"no part of the queries differs in meaning; not confirmed by data, because {refutation.reason}"
            return passed(self.name, rationale, confidence=_BY_FACETS, **evidence)
        return abstained(
            self.name, "UNDETERMINED", f"whether the queries mean the same could not be told: {refutation.reason}",
            **evidence,
        )  # fmt: skip

    def _different(self, case: JudgedCase, reason: str, evidence: dict[str, Any]) -> Finding:
        fault = next(iter(case.facets.faults), None) if case.facets.problem is None else None
        if fault is None:
            return failed(
                self.name, _kind_by_rows(case, evidence), f"the queries mean different things: {reason}", **evidence
            )
        return failed(
            self.name,
            meaning_of(fault),
            f"{fault.rationale}; {reason}" if fault.rationale else reason,
            blame=fault.blame,
            fix=fault.fix,
            **evidence,
        )


def meaning_of(fault: Facet) -> str:
    """Return what a difference in one part of a query does to its meaning."""
    if fault.clause == "WHERE":
        return "different_scope"
    return _BY_FAILURE_TYPE.get(fault.failure_type or "", "different_scope")


def _kind_by_rows(case: JudgedCase, evidence: Mapping[str, Any]) -> str:
    """Return what differs in meaning where no part of the queries tells it, only their results."""
    if case.comparison is not None and case.comparison.code == "RESULT_MISSING_COLUMNS":
        return "partial_answer"
    witness = evidence.get("witness")
    counts = (
        [witness[side]["row_count"] for side in ("expected", "actual")]
        if witness
        else [evidence.get("expected_rows"), evidence.get("actual_rows")]
    )
    return "different_metric" if counts[0] is not None and counts[0] == counts[1] else "different_scope"


def _rows(comparison: Comparison) -> dict[str, Any]:
    shown = ("missing_rows", "extra_rows", "rows_differing", "expected_rows", "actual_rows")
    return {key: comparison.evidence[key] for key in shown if key in comparison.evidence}
