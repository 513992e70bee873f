"""Does the answer's query do what the expected query does, and if not, which part of it is at fault?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.facets.facet import Facet, FacetDiff
from mlflow_genie_plugin.evaluation.finding import Finding, abstained, failed, passed
from mlflow_genie_plugin.evaluation.harmless import real_difference
from mlflow_genie_plugin.evaluation.unanswered import unanswered

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.compare import Comparison
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

# What facets alone decide, without databases that confirm it.
_BY_FACETS = 0.6
_FAULT_BY_FACETS = 0.8

# The aspects in which queries can differ in meaning; the score says how many of them agree.
_ASPECTS = 12


class LogicalAccuracy:
    """Passes a query that means the same as the expected one, or differs only in form: names, order, further columns.

    A proof of equivalence passes, whatever the parts look like. Otherwise the parts are compared, and the first one
    that differs in meaning names the fault. Nesting alone proves nothing: it abstains.
    """

    name = "logical_accuracy"
    version = "3"

    def judge(self, case: JudgedCase) -> Finding:
        if (finding := unanswered(self.name, case.answer)) is not None:
            return finding
        refutation = case.refutation
        # Generated databases compare bags of rows: they say nothing about an order that counts.
        misplaced = _misplaced(case)
        is_misordered = misplaced is not None or (
            case.benchmark.ordered and any(facet.name == "ranking" for facet in case.facets.faults)
        )
        # Agreement on generated databases is no proof, and results on the real data that differ are one.
        proven = None if refutation.proof == "canonical" else real_difference(case)
        if refutation.outcome == "equivalent" and not is_misordered and proven is None:
            return passed(
                self.name, f"both queries mean the same: {refutation.reason}", confidence=refutation.confidence
            )
        diff, is_refuted = case.facets, refutation.outcome == "different" or proven is not None
        if diff.problem is not None:
            return abstained(self.name, "UNPARSABLE", f"the parts of the queries cannot be compared: {diff.problem}")
        evidence: dict[str, Any] = {"facets": facets_json(diff), "refutation": refutation.outcome}
        if diff.only_presentational:
            words = "; ".join(facet.rationale for facet in diff.differing)
            rationale = f"the queries differ only in form: {words}" if words else "no part of the queries differs"
            if (is_refuted and diff.equal and not refutation.extra_columns) or proven is not None:
                reason = refutation.reason if proven is None else f"on the real data {proven.rationale}"
                return abstained(
                    self.name, "UNDETERMINED", f"{rationale}, and yet they are not the same: {reason}", **evidence
                )
            if misplaced is None:
                return passed(self.name, rationale, confidence=_BY_FACETS, **evidence)
        faults = diff.faults
        if misplaced is not None and all(facet.name == "subqueries" for facet in faults):
            return failed(self.name, "wrong_orderby", misplaced.rationale, clause="ORDER BY", **evidence)
        if not is_refuted and all(facet.name == "subqueries" for facet in faults):
            rationale = f"the parts are the same but nested in another way: {faults[0].rationale}; compare them by hand"
            return abstained(self.name, "UNDETERMINED", rationale, **evidence)
        first = faults[0]
        return failed(
            self.name,
            first.failure_type or "wrong_expression",
            first.rationale,
            score=max(0.0, 1 - len({facet.name for facet in faults}) / _ASPECTS),
            confidence=None if is_refuted else _FAULT_BY_FACETS,
            blame=first.blame,
            fix=first.fix,
            clause=first.clause,
            expected=first.expected,
            actual=first.actual,
            **evidence,
        )


def _misplaced(case: JudgedCase) -> Comparison | None:
    """Return how the rows stand where their order counts and is another one."""
    comparison = case.comparison if case.benchmark.ordered else None
    return comparison if comparison is not None and comparison.code == "ROW_ORDER_DIFFERENCE" else None


def facets_json(diff: FacetDiff) -> list[dict[str, Any]]:
    """Return the differences as they stand in a finding's evidence."""
    return [_json(facet) for facet in diff.differing]


def _json(facet: Facet) -> dict[str, Any]:
    return {
        "facet": facet.name,
        "clause": facet.clause,
        "expected": facet.expected,
        "actual": facet.actual,
        "failure_type": facet.failure_type,
        "only_form": facet.is_presentational,
        "rationale": facet.rationale,
    }
