"""Native benchmark scoring by its published table: exact, sorted differently or equal to four digits is good; ….

What the table leaves open is decided here and nowhere hidden: columns are compared by position and their names do not
count; NULL equals NULL only; rows are a bag; a tie in rounding goes to even.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_ROWS: Final = 5000
_NUMERIC: Final = frozenset({"BYTE", "SHORT", "INT", "LONG", "FLOAT", "DOUBLE", "DECIMAL"})

Cell = tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class ScoredResult:
    """A result as compared: type names of the columns, and rows as the API sends them."""

    types: tuple[str, ...]
    rows: Sequence[Sequence[str | None]]


@dataclass(frozen=True, slots=True)
class Assessment:
    """GOOD, BAD or NEEDS_REVIEW, with the reasons found."""

    value: str
    reasons: tuple[str, ...] = ()


def assess(
    actual_sql: str | None, actual: ScoredResult | None, expected_sql: str | None, expected: ScoredResult | None
) -> Assessment:
    """Return the assessment of an answer; a result is None when the query failed or there was none."""
    if not expected_sql or actual_sql is None:
        return Assessment("NEEDS_REVIEW")
    if actual_sql.strip() == expected_sql.strip() and actual is not None:
        return Assessment("GOOD")
    if actual is None:
        return Assessment("BAD", ("EMPTY_RESULT",))
    if expected is None:
        return Assessment("NEEDS_REVIEW")
    if not expected.rows:
        return Assessment("BAD", ("EMPTY_GOOD_SQL",))
    if not actual.rows:
        return Assessment("BAD", ("EMPTY_RESULT",))
    return _compared(actual, expected)


def _compared(actual: ScoredResult, expected: ScoredResult) -> Assessment:
    if len(actual.types) > len(expected.types):
        return Assessment("BAD", ("RESULT_EXTRA_COLUMNS",))
    if len(actual.types) < len(expected.types):
        return Assessment("NEEDS_REVIEW", ("RESULT_MISSING_COLUMNS",))
    ours, theirs = _bag(actual), _bag(expected)
    if ours == theirs:
        return Assessment("GOOD")
    if _bag(actual, typed=False) == _bag(expected, typed=False):
        return Assessment("NEEDS_REVIEW", ("COLUMN_TYPE_DIFFERENCE",))
    if len(expected.types) == len(expected.rows) == len(actual.rows) == 1:
        return Assessment("BAD", ("SINGLE_CELL_DIFFERENCE",))
    reasons = []
    if theirs - ours:
        reasons.append("RESULT_MISSING_ROWS")
    if ours - theirs:
        reasons.append("RESULT_EXTRA_ROWS")
    return Assessment("NEEDS_REVIEW", tuple(reasons))


def _bag(result: ScoredResult, *, typed: bool = True) -> Counter[tuple[Cell, ...]]:
    return Counter(
        tuple(_cell(value, kind, typed=typed) for value, kind in zip(row, result.types, strict=True))
        for row in result.rows[:MOST_ROWS]
    )


def _cell(value: str | None, kind: str, *, typed: bool) -> Cell:
    if value is None:
        return None
    family = "number" if kind in _NUMERIC else kind
    if family == "number" or not typed:
        try:
            number = float(value)
        except ValueError:
            return (family if typed else "", value)
        # Adding zero makes -0.0 and 0.0 the same text.
        return (family if typed else "", f"{number + 0.0:.4g}")
    return (family, value)
