"""Whether two query results are the same answer, and if not, in which way.

Rows are a bag: their order counts only when asked for, duplicates always count. Column names do not count; one
permutation of the columns must hold for every row. NULL is neither 0 nor ''. Numbers: see ``columns``. Codes are the
names of Genie's own ``ScoreReason`` where it has one for the case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.evaluation.cells import encode_cell
from mlflow_genie_plugin.evaluation.column_map import ColumnMap, candidates, find_column_map
from mlflow_genie_plugin.evaluation.columns import ComparedColumn, close, compared_columns, loosened
from mlflow_genie_plugin.evaluation.row_match import UndeterminedError
from mlflow_genie_plugin.workspace.port import QueryResult

EQUAL = "equal"
DIFFERENT = "different"
UNDETERMINED = "undetermined"

_ROWS_SHOWN = 5
_TEXT_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome (``equal``, ``different``, ``undetermined``), a code, one sentence, and the facts behind it.

    ``rationale`` names columns and counts but holds no cell values; the first differing rows are in ``evidence``.
    """

    outcome: str
    code: str | None
    rationale: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


def compare(expected: QueryResult, actual: QueryResult, *, order_columns: Sequence[int] = ()) -> Comparison:
    """Compare the result of a right query with the result of another one.

    Args:
        expected: The right result.
        actual: The result to judge.
        order_columns: Positions of the expected columns by which the rows must be ordered; rows that are equal in
            them may stand in any order. Empty: the order of rows does not count.

    Returns:
        ``undetermined`` when both results are empty or hold nothing but NULL (that proves nothing), when rows were cut
        off, or when the search was given up; never ``equal`` on a guess.
    """
    shape = {
        "expected_rows": expected.row_count,
        "actual_rows": actual.row_count,
        "expected_columns": [column.name for column in expected.columns],
        "actual_columns": [column.name for column in actual.columns],
    }
    left = compared_columns(expected.rows, len(expected.columns))
    right = compared_columns(actual.rows, len(actual.columns))
    found = _by_emptiness(expected, actual) or _by_width(expected, actual, left, right) or _by_height(expected, actual)
    if found is None and _only_null(left) and _only_null(right):
        found = Comparison(UNDETERMINED, "VACUOUS_RESULT", "both results hold nothing but NULL, which proves nothing")
    if found is None:
        found = _by_rows(expected, actual, left, right, order_columns)
    return Comparison(found.outcome, found.code, found.rationale, {**shape, **found.evidence})


def _by_emptiness(expected: QueryResult, actual: QueryResult) -> Comparison | None:
    if expected.rows and not actual.rows:
        return Comparison(DIFFERENT, "EMPTY_RESULT", f"the answer has no rows, expected {_rows(expected)}")
    if actual.rows and not expected.rows:
        return Comparison(
            DIFFERENT, "RESULT_EXTRA_ROWS", f"the answer has {_rows(actual)}, but the expected SQL returns none"
        )
    if not expected.rows and len(expected.columns) == len(actual.columns):
        return Comparison(UNDETERMINED, "VACUOUS_RESULT", "both results are empty, which proves nothing")
    return None


def _by_width(
    expected: QueryResult, actual: QueryResult, left: list[ComparedColumn], right: list[ComparedColumn]
) -> Comparison | None:
    wanted, got = len(left), len(right)
    if wanted == got:
        return None
    code = "RESULT_EXTRA_COLUMNS" if got > wanted else "RESULT_MISSING_COLUMNS"
    few, many = (left, right) if got > wanted else (right, left)
    names = (actual if got > wanted else expected).columns
    rationale = f"the answer has {_count(got, 'column')}, expected {wanted}"
    evidence: dict[str, Any] = {}
    if len(expected.rows) == len(actual.rows) and not (expected.truncated or actual.truncated):
        try:
            column_map = find_column_map(few, many)
        except UndeterminedError:
            column_map = None
        if column_map is not None:
            other = [names[j].name for j in range(len(many)) if j not in column_map]
            evidence = {"rest_matches": True, "columns": other}
            word = "not asked for" if got > wanted else "missing"
            rationale += f"; {_quoted(other)} {'is' if len(other) == 1 else 'are'} {word}, the rest is right"
    return Comparison(DIFFERENT, code, rationale, evidence)


def _by_height(expected: QueryResult, actual: QueryResult) -> Comparison | None:
    # Of a truncated result only this is sure: it has more rows than we see.
    least_expected, least_actual = (len(side.rows) + side.truncated for side in (expected, actual))
    if least_actual > least_expected and not expected.truncated:
        return Comparison(DIFFERENT, "RESULT_EXTRA_ROWS", f"the answer has {_rows(actual)}, expected {_rows(expected)}")
    if least_actual < least_expected and not actual.truncated:
        return Comparison(
            DIFFERENT, "RESULT_MISSING_ROWS", f"the answer has {_rows(actual)}, expected {_rows(expected)}"
        )
    if expected.truncated or actual.truncated:
        which = "both results were" if expected.truncated and actual.truncated else (
            "the expected result was" if expected.truncated else "the answer's result was"
        )  # fmt: skip
        return Comparison(
            UNDETERMINED,
            "TRUNCATED_RESULT",
            f"{which} cut off by the workspace at {len(expected.rows) if expected.truncated else len(actual.rows):,} "
            "rows, so the rows that are missing cannot be compared; let the expected SQL aggregate or limit its rows",
        )
    return None


def _by_rows(
    expected: QueryResult,
    actual: QueryResult,
    left: list[ComparedColumn],
    right: list[ComparedColumn],
    order_columns: Sequence[int],
) -> Comparison:
    try:
        column_map = find_column_map(left, right)
    except UndeterminedError:
        return Comparison(
            UNDETERMINED,
            "TOO_ALIKE",
            "rows and columns are so alike that comparing them was given up; use fewer columns",
        )
    if column_map is None:
        return _difference(expected, actual, left, right)
    evidence = {"column_map": list(column_map)}
    if order_columns and not _same_order(left, right, column_map, order_columns):
        keys = _quoted([expected.columns[i].name for i in order_columns])
        return Comparison(
            DIFFERENT, "ROW_ORDER_DIFFERENCE", f"the rows are right, but not in the expected order of {keys}", evidence
        )
    return Comparison(EQUAL, None, "the result is the expected one", evidence)


def _same_order(
    left: list[ComparedColumn], right: list[ComparedColumn], column_map: ColumnMap, order_columns: Sequence[int]
) -> bool:
    return all(all(map(close, left[i].cells, right[column_map[i]].cells)) for i in order_columns)


def _difference(
    expected: QueryResult, actual: QueryResult, left: list[ComparedColumn], right: list[ComparedColumn]
) -> Comparison:
    """Say how two results of the same shape differ."""
    if _differ_only_in_type(left, right):
        return Comparison(
            DIFFERENT, "COLUMN_TYPE_DIFFERENCE", "the values are right, but at least one column has another type"
        )
    found = candidates(left, right)
    column_map = _best_map(expected, actual, found)
    missing, extra = _residual(left, [right[j] for j in column_map])
    height = len(expected.rows)
    evidence: dict[str, Any] = {
        "column_map": list(column_map),
        "rows_differing": len(missing),
        "row_recall": (height - len(missing)) / height,
        "row_precision": (height - len(extra)) / height,
        "missing_rows": _shown(missing),
        "extra_rows": _shown(extra),
        "reasons": ["RESULT_MISSING_ROWS", "RESULT_EXTRA_ROWS"],
    }
    if height == 1 and len(left) == 1:
        evidence["reasons"] = ["SINGLE_CELL_DIFFERENCE"]
        return Comparison(
            DIFFERENT, "SINGLE_CELL_DIFFERENCE", f"the value of {_quoted([expected.columns[0].name])} differs", evidence
        )
    wrong = [expected.columns[i].name for i, options in enumerate(found) if not options]
    evidence["columns_differing"] = wrong
    where = f"in {_quoted(wrong)}" if wrong else "(each column has the right values, but combined in other rows)"
    return Comparison(
        DIFFERENT, "RESULT_MISSING_ROWS", f"{len(missing)} of {_count(height, 'row')} differ {where}", evidence
    )


def _differ_only_in_type(left: list[ComparedColumn], right: list[ComparedColumn]) -> bool:
    if sorted(column.kind for column in left) == sorted(column.kind for column in right):
        return False
    try:
        return find_column_map(list(map(loosened, left)), list(map(loosened, right))) is not None
    except UndeterminedError:
        return False


def _best_map(expected: QueryResult, actual: QueryResult, found: list[list[int]]) -> ColumnMap:
    """Return the permutation that explains most: same values, then same name, then same place."""
    names = [column.name.casefold() for column in actual.columns]
    free = set(range(len(names)))
    chosen: dict[int, int] = {}
    for with_options in (True, False):
        for i, options in enumerate(found):
            if bool(options) is not with_options:
                continue
            usable = [j for j in options if j in free] or sorted(free)
            wanted = expected.columns[i].name.casefold()
            chosen[i] = min(usable, key=lambda j: (names[j] != wanted, j != i, j))
            free.discard(chosen[i])
    return tuple(chosen[i] for i in range(len(found)))


def _residual(left: list[ComparedColumn], right: list[ComparedColumn]) -> tuple[list[Any], list[Any]]:
    """Return the rows of each side that find no partner on the other side."""
    bags = [Counter(zip(*(column.cells for column in side), strict=True)) for side in (left, right)]
    missing, extra = list((bags[0] - bags[1]).elements()), list((bags[1] - bags[0]).elements())
    rounded = [Counter(map(_rounded, rows)) for rows in (missing, extra)]
    return _keep(missing, rounded[0] - rounded[1]), _keep(extra, rounded[1] - rounded[0])


def _rounded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(f"{cell:.3e}" if isinstance(cell, float) else cell for cell in row)


def _keep(rows: list[Any], wanted: Counter[Any]) -> list[Any]:
    kept = []
    for row in rows:
        key = _rounded(row)
        if wanted[key] > 0:
            wanted[key] -= 1
            kept.append(row)
    return kept


def _shown(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [[_shown_cell(cell) for cell in row] for row in rows[:_ROWS_SHOWN]]


def _shown_cell(cell: Any) -> Any:
    try:
        encoded = encode_cell(cell)
    except TypeError:  # NaN as this module holds it
        encoded = str(cell)
    if isinstance(encoded, str | list) and len(str(encoded)) > _TEXT_SHOWN:
        return str(encoded)[:_TEXT_SHOWN] + " …"
    return encoded


def _only_null(columns: list[ComparedColumn]) -> bool:
    return all(column.kind == "null" for column in columns)


def _rows(result: QueryResult) -> str:
    if result.truncated:
        return f"more than {len(result.rows):,} rows"
    return _count(len(result.rows), "row")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:4])
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")
