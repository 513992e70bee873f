"""Is everything there that was asked for: the columns, the rows, the filters and the grouping?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from mlflow_genie_plugin.evaluation.compare import DIFFERENT, EQUAL
from mlflow_genie_plugin.evaluation.comparison import counted
from mlflow_genie_plugin.evaluation.facets.facet import Facet
from mlflow_genie_plugin.evaluation.finding import Finding, abstained, failed, passed
from mlflow_genie_plugin.evaluation.question_slots import Slot, slots_of
from mlflow_genie_plugin.evaluation.slots_met import meets
from mlflow_genie_plugin.evaluation.unanswered import unanswered
from mlflow_genie_plugin.sql_dialect import SqlParseError

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

_SLOT_TYPES = {
    "top": "partial_answer",
    "group": "missing_aggregation",
    "year": "missing_temporal_filter",
    "month": "missing_temporal_filter",
    "quarter": "missing_temporal_filter",
    "value": "missing_filter",
    "number": "missing_filter",
}
_SLOT_FACETS = {
    "top": "ranking",
    "group": "grain",
    "year": "temporal_filters",
    "month": "temporal_filters",
    "quarter": "temporal_filters",
    "value": "filters",
    "number": "filters",
}
_MISSING = frozenset({"missing_filter", "missing_temporal_filter", "missing_aggregation"})


@dataclass(frozen=True, slots=True)
class _Gap:
    """Something that is not there, and the difference of the queries that explains it."""

    failure_type: str
    rationale: str
    facet: Facet | None = None


class Completeness:
    """Fails an answer that leaves out a column, rows, a filter or a grouping; what it has besides does not count.

    Columns and rows are judged by the results where they are at hand, else by the queries. A wrong value is no gap:
    that is for the judges of results and logic.
    """

    name = "completeness"
    version = "2"

    def judge(self, case: JudgedCase) -> Finding:
        if (finding := unanswered(self.name, case.answer)) is not None:
            return finding
        refutation = case.refutation
        if refutation.outcome == "equivalent":
            reason = refutation.reason
            return passed(
                self.name,
                f"the query asks for all of it: {reason}",
                confidence=refutation.confidence,
                row_recall=1.0,
            )
        comparison = case.comparison
        is_compared = comparison is not None and comparison.outcome in (EQUAL, DIFFERENT)
        if case.facets.problem is not None and not is_compared:
            return abstained(
                self.name, "UNPARSABLE", f"neither rows nor queries can be compared: {case.facets.problem}"
            )
        recall = _row_recall(case)
        gaps = list(_gaps(case))
        if not gaps:
            return passed(self.name, "everything that was asked for is there", row_recall=recall)
        first = gaps[0]
        asked = 2 + len(slots_of(case.benchmark.question))
        facet = first.facet
        return failed(
            self.name,
            first.failure_type,
            first.rationale,
            score=max(0.0, min(recall if recall is not None else 1.0, 1 - len(gaps) / max(asked, len(gaps)))),
            blame=facet.blame if facet is not None else (),
            fix=facet.fix if facet is not None else None,
            row_recall=recall,
            missing=[gap.rationale for gap in gaps],
        )


def _gaps(case: JudgedCase) -> Iterator[_Gap]:
    yield from _columns(case)
    yield from _rows(case)
    yield from _slots(case)
    if case.comparison is None or case.comparison.outcome != EQUAL:
        for facet in case.facets.faults:
            if facet.failure_type in _MISSING:
                yield _Gap(str(facet.failure_type), facet.rationale, facet)


def _columns(case: JudgedCase) -> Iterator[_Gap]:
    comparison = case.comparison
    if comparison is not None:
        if comparison.outcome == EQUAL or comparison.code == "RESULT_EXTRA_COLUMNS":
            # The results have a counterpart for every column, or too many columns to lack one by number.
            if comparison.outcome == EQUAL or comparison.evidence.get("rest_matches"):
                return
        elif comparison.code == "RESULT_MISSING_COLUMNS":
            facet = _facet(case, "select")
            told = comparison.evidence.get("rest_matches") or facet is None
            yield _Gap("missing_column", comparison.rationale if facet is None or told else facet.rationale, facet)
            return
    for facet in case.facets.faults:
        if facet.name == "select" and facet.failure_type in ("missing_column", "wrong_column"):
            yield _Gap("missing_column", f"the column {facet.expected} is missing", facet)


def _rows(case: JudgedCase) -> Iterator[_Gap]:
    expected, answer = case.expected, case.answer
    if expected.row_count is not None and answer.row_count is not None and answer.has_result:
        if answer.row_count < expected.row_count and not answer.truncated:
            facet = _facet(case, "ranking") or next(iter(case.facets.faults), None)
            because = f"; {facet.rationale}" if facet is not None and facet.rationale else ""
            got = f"{counted(answer.row_count, 'row')}" if answer.row_count else "no rows"
            rationale = f"the answer has {got} where {expected.row_count:,} are expected{because}"
            yield _Gap("partial_answer", rationale, facet)
        return
    limits = [_limit(tree) for tree in _trees(case)]
    if len(limits) == 2 and limits[1] is not None and (limits[0] is None or limits[1] < limits[0]):
        expected_rows = "all rows" if limits[0] is None else f"{limits[0]:,} rows"
        yield _Gap(
            "partial_answer",
            f"the answer stops after {limits[1]:,} rows, expected {expected_rows}",
            _facet(case, "ranking"),
        )


def _slots(case: JudgedCase) -> Iterator[_Gap]:
    trees = _trees(case)
    if len(trees) < 2:
        return
    for slot in slots_of(case.benchmark.question):
        # The question's words only bind the answer where the expected query takes them up as well.
        if meets(slot, trees[0]) is True and meets(slot, trees[1]) is False:
            kind = _SLOT_TYPES[slot.kind]
            facet = next((each for each in case.facets.faults if each.failure_type == kind), None) or _facet(
                case, _SLOT_FACETS[slot.kind]
            )
            yield _Gap(kind, f'the question says "{slot.text}", and the answer has no {_wanted(slot)}', facet)


def _wanted(slot: Slot) -> str:
    return {
        "top": f"limit of {slot.value} rows",
        "group": f"grouping by {slot.value}",
        "value": f"condition with '{slot.value}'",
        "number": f"condition with {slot.value:g}" if isinstance(slot.value, float) else "such condition",
    }.get(slot.kind, f"condition on the {slot.kind} {slot.value}")


def _trees(case: JudgedCase) -> list[exp.Query]:
    """Return the trees of the expected query and the answer, or nothing when one of them cannot be parsed."""
    try:
        return [case.expected_tree, case.answer_tree]
    except SqlParseError:
        return []


def _limit(tree: exp.Query) -> int | None:
    limit = tree.args.get("limit")
    count = limit.args.get("expression") if isinstance(limit, exp.Limit) else None
    return int(count.name) if isinstance(count, exp.Literal) and count.name.isdigit() else None


def _facet(case: JudgedCase, name: str) -> Facet | None:
    return next((facet for facet in case.facets.faults if facet.name == name), None)


def _row_recall(case: JudgedCase) -> float | None:
    """Return which part of the expected rows is there, as far as the comparison tells; None without results."""
    comparison = case.comparison
    if comparison is None or comparison.outcome not in (EQUAL, DIFFERENT):
        return None
    if comparison.outcome == EQUAL:
        return 1.0
    recall = comparison.evidence.get("row_recall")
    return float(recall) if isinstance(recall, int | float) else None
