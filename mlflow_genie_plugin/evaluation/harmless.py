"""Differences between two results that leave both of them right: order, further columns, rounding, ties at a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from mlflow_genie_plugin.evaluation.cells import decode_rows
from mlflow_genie_plugin.evaluation.compare import DIFFERENT, EQUAL, Comparison, compare
from mlflow_genie_plugin.evaluation.order_columns import order_columns
from mlflow_genie_plugin.evaluation.question_order import ranking_words
from mlflow_genie_plugin.workspace.answer import Column, QueryResult

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

# Differences of results that are a matter of form.
_ONLY_FORM = frozenset({"ROW_ORDER_DIFFERENCE", "COLUMN_TYPE_DIFFERENCE"})

# A rounded number may be so far from what it was rounded from, unless it kept two decimals.
_MOST_ROUNDED_OFF = Decimal("0.01")
_ENOUGH_DECIMALS = 2
_RANKING_FACETS = frozenset({"ranking", "order"})


@dataclass(frozen=True, slots=True)
class Harmless:
    """Why both results are right, how sure that is, and what field of the benchmark would say so from now on."""

    rationale: str
    confidence: str = "high"
    field: str | None = None
    value: str | bool | None = None


def harmless_difference(case: JudgedCase) -> Harmless | None:
    """Return why both sides are right although their results differ, or None when the difference is a real one."""
    comparison = case.comparison
    if comparison is None or comparison.outcome != DIFFERENT:
        refutation = case.refutation
        if refutation.outcome != "equivalent":
            return None
        sure = "high" if refutation.proof == "canonical" else "low"
        return Harmless(f"the results prove nothing, but the queries mean the same: {refutation.reason}", sure)
    if comparison.code == "ROW_ORDER_DIFFERENCE" and ranking_words(case.benchmark.question) is None:
        return Harmless("the rows are the same and the question asks for no order", "high", "ordered", False)
    if comparison.code == "RESULT_EXTRA_COLUMNS" and comparison.evidence.get("rest_matches"):
        names = ", ".join(f'"{name}"' for name in comparison.evidence["columns"])
        return Harmless(f"the answer has {names} besides, everything else is the same")
    if comparison.code == "COLUMN_TYPE_DIFFERENCE":
        return Harmless("the values are the same, only of another type", "low")
    return harmless_in_rows(case)


def real_difference(case: JudgedCase) -> Comparison | None:
    """Return how the results on the real data differ where that proves that the queries mean different things."""
    comparison = case.comparison
    if comparison is None or comparison.outcome != DIFFERENT or comparison.code in _ONLY_FORM:
        return None
    if comparison.code == "RESULT_EXTRA_COLUMNS" and comparison.evidence.get("rest_matches"):
        return None
    # Rows that differ are a proof, unless ties decide which of them are shown, or they are rounded.
    return comparison if harmless_in_rows(case) is None else None


def harmless_in_rows(case: JudgedCase) -> Harmless | None:
    """Return why both results are right although some of their rows differ: rounding, or ties at a limit."""
    comparison = case.comparison
    column_map = None if comparison is None else comparison.evidence.get("column_map")
    if comparison is None or comparison.code not in ("RESULT_MISSING_ROWS", "SINGLE_CELL_DIFFERENCE"):
        return None
    if column_map is None or case.expected_result is None or case.answer_result is None:
        return None
    return _by_rounding(case.expected_result, case.answer_result, column_map) or _by_ties(case, column_map)


def only_rounded(case: JudgedCase) -> str | None:
    """Return what is rounded differently where that is all that a generated database found, in parts and in rows."""
    witness = case.refutation.witness
    facet = next((each for each in case.facets.differing if each.name == "select"), None)
    if witness is None or facet is None or not case.facets.only_presentational:
        return None
    sides = [_result_in(witness[side]) for side in ("expected", "actual")]
    comparison = compare(*sides)
    column_map = comparison.evidence.get("column_map")
    is_rounding = column_map is not None and _by_rounding(sides[0], sides[1], column_map) is not None
    return facet.rationale if is_rounding or comparison.outcome == EQUAL else None


def _result_in(shown: Mapping[str, Any]) -> QueryResult:
    """Return a result that a witness shows; one that is not shown whole counts as cut off."""
    rows = decode_rows(shown["rows"])
    columns = tuple(Column(name, "") for name in shown["columns"])
    return QueryResult(columns, rows, shown["row_count"], truncated=len(rows) < shown["row_count"])


def _by_rounding(expected: QueryResult, actual: QueryResult, column_map: Sequence[int]) -> Harmless | None:
    left, right = (list(zip(*side.rows, strict=True)) for side in (expected, actual))
    names = []
    for i, j in enumerate(column_map):
        wanted, got = _decimals(left[i]), _decimals(right[j])
        if wanted is None or got is None or wanted == got:
            continue
        places = min(wanted, got)
        fine = left[i] if wanted > got else right[j]
        if not _is_close(fine, places):
            return None
        left[i], right[j] = _rounded(left[i], places), _rounded(right[j], places)
        names.append(expected.columns[i].name)
    if not names:
        return None
    sides = [
        replace(side, rows=tuple(zip(*columns, strict=True))) for side, columns in ((expected, left), (actual, right))
    ]
    if compare(*sides).outcome != EQUAL:
        return None
    listed = ", ".join(f'"{name}"' for name in names)
    note = f"{listed}: rounded and exact values are both right; the question says nothing about decimals."
    return Harmless(f"the values of {listed} differ only by rounding", "high", "notes", note)


def _decimals(cells: Sequence[Any]) -> int | None:
    """Return the largest number of decimals in a column of numbers; None for any other column."""
    numbers = [cell for cell in cells if cell is not None]
    if not numbers or any(isinstance(cell, bool) or not isinstance(cell, int | float | Decimal) for cell in numbers):
        return None
    exact = [Decimal(str(cell)) for cell in numbers]
    if not all(number.is_finite() for number in exact):
        return None
    return max(max(0, -int(number.normalize().as_tuple().exponent)) for number in exact)


def _rounded(cells: Sequence[Any], places: int) -> tuple[Any, ...]:
    unit = Decimal(1).scaleb(-places)
    return tuple(None if cell is None else Decimal(str(cell)).quantize(unit, rounding=ROUND_HALF_UP) for cell in cells)


def _is_close(cells: Sequence[Any], places: int) -> bool:
    if places >= _ENOUGH_DECIMALS:
        return True
    pairs = zip(cells, _rounded(cells, places), strict=True)
    return all(
        abs(Decimal(str(cell)) - rounded) <= _MOST_ROUNDED_OFF * abs(Decimal(str(cell)))
        for cell, rounded in pairs
        if cell is not None
    )


def _by_ties(case: JudgedCase, column_map: Sequence[int]) -> Harmless | None:
    """Whether all rows that differ are equal in the keys of ORDER BY to the last row that the limit let through."""
    expected, actual = case.expected_result, case.answer_result
    limit = _limit(case.expected_tree)
    if expected is None or actual is None or limit is None or limit != _limit(case.answer_tree):
        return None
    keys = order_columns(case.benchmark.expected_sql, [column.name for column in expected.columns])
    if not keys or not len(expected.rows) == len(actual.rows) == limit:
        return None
    boundary = tuple(expected.rows[-1][i] for i in keys)
    inside = replace(expected, rows=tuple(row for row in expected.rows if tuple(row[i] for i in keys) != boundary))
    above = replace(
        actual, rows=tuple(row for row in actual.rows if tuple(row[column_map[i]] for i in keys) != boundary)
    )
    if not _same_rows(inside, above):
        return None
    facets = case.facets
    if any(facet.name not in _RANKING_FACETS for facet in facets.faults):
        return None
    note = f"Several rows tie at the limit of {limit}: which of them are listed is left open by the expected SQL."
    sure = "high" if facets.problem is None else "low"
    return Harmless(
        f"the rows that differ tie at the limit of {limit}, either of them may be listed", sure, "notes", note
    )


def _same_rows(one: QueryResult, other: QueryResult) -> bool:
    if len(one.rows) != len(other.rows):
        return False
    sides = (replace(side, row_count=len(side.rows)) for side in (one, other))
    return not one.rows or compare(*sides).outcome == EQUAL


def _limit(tree: exp.Query) -> int | None:
    limit = tree.args.get("limit")
    count = limit.expression if isinstance(limit, exp.Limit) else None
    return int(count.name) if isinstance(count, exp.Literal) and count.name.isdigit() else None
