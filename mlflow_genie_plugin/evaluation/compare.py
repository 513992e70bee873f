"""Whether two query results are the same answer, and if not, in which way.

Rows are a bag: their order counts only when asked for, duplicates always count. Column names do not count; one
permutation of the columns must hold for every row. NULL is neither 0 nor ''. Kinds of cells: see ``columns``; when two
numbers are the same: see ``numbers``. Codes are lines of ``failure_types``, which names Genie's own ``ScoreReason``.

Rows are compared by hashes of 64 bits, so two different results count as equal with a chance of one in 10¹⁹.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.comparison import (
    DIFFERENT,
    EQUAL,
    UNDETERMINED,
    Comparison,
    Pair,
    Side,
    counted,
    quoted,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from mlflow_genie_plugin.evaluation.columns import ComparedColumn
    from mlflow_genie_plugin.workspace.answer import QueryResult

__all__ = ["DIFFERENT", "EQUAL", "UNDETERMINED", "Comparison", "compare", "compare_tables"]


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

    Raises:
        TypeError: A cell is of a type that no query result holds.
    """
    from mlflow_genie_plugin.evaluation.cell_columns import compared_columns

    def columns() -> list[list[ComparedColumn]]:
        return [compared_columns(result.rows, len(result.columns)) for result in (expected, actual)]

    return _compare(Pair(_side_of_result(expected), _side_of_result(actual), columns), order_columns)


def compare_tables(expected: pa.Table, actual: pa.Table, *, order_columns: Sequence[int] = ()) -> Comparison:
    """Compare two whole results as Arrow tables: the verdict of :func:`compare`, without a Python object per cell.

    Args:
        expected: The right result.
        actual: The result to judge.
        order_columns: As for :func:`compare`.

    Raises:
        TypeError: A column is of a type that no query result holds.
    """
    from mlflow_genie_plugin.evaluation.arrow_columns import arrow_columns, same_in_place

    sides = _side_of_table(expected), _side_of_table(actual)
    columns, in_place = partial(arrow_columns, expected, actual), partial(same_in_place, expected, actual)
    return _compare(Pair(*sides, columns, in_place), order_columns)


def _side_of_result(result: QueryResult) -> Side:
    return Side(
        [column.name for column in result.columns],
        len(result.rows),
        result.row_count,
        result.truncated,
        lambda places: [result.rows[place] for place in places],
    )


def _side_of_table(table: pa.Table) -> Side:
    from mlflow_genie_plugin.evaluation.arrow_columns import rows_of

    return Side(table.column_names, len(table), len(table), False, lambda places: rows_of(table, places))


def _compare(pair: Pair, order_columns: Sequence[int]) -> Comparison:
    expected, actual = pair.expected, pair.actual
    shape = {
        "expected_rows": expected.row_count,
        "actual_rows": actual.row_count,
        "expected_columns": expected.names,
        "actual_columns": actual.names,
    }
    found = _by_emptiness(expected, actual) or _by_width(pair) or _by_height(expected, actual)
    if found is None and pair.in_place():
        # The same rows in the same order are the same bag, and in any order that is asked for.
        found = _equal(range(len(expected.names)))
    if found is None and all(column.kind == "null" for columns in pair.columns for column in columns):
        found = Comparison(UNDETERMINED, "VACUOUS_RESULT", "both results hold nothing but NULL, which proves nothing")
    if found is None:
        found = _by_rows(pair, order_columns)
    return Comparison(found.outcome, found.code, found.rationale, {**shape, **found.evidence})


def _by_emptiness(expected: Side, actual: Side) -> Comparison | None:
    if expected.height and not actual.height and not actual.truncated:
        return Comparison(DIFFERENT, "EMPTY_RESULT", f"the answer has no rows, expected {_rows(expected)}")
    if actual.height and not expected.height and not expected.truncated:
        return Comparison(
            DIFFERENT, "RESULT_EXTRA_ROWS", f"the answer has {_rows(actual)}, but the expected SQL returns none"
        )
    if not expected.height and not actual.height and len(expected.names) == len(actual.names):
        return Comparison(UNDETERMINED, "VACUOUS_RESULT", "both results are empty, which proves nothing")
    return None


def _by_width(pair: Pair) -> Comparison | None:
    expected, actual = pair.expected, pair.actual
    wanted, got = len(expected.names), len(actual.names)
    if wanted == got:
        return None
    code = "RESULT_EXTRA_COLUMNS" if got > wanted else "RESULT_MISSING_COLUMNS"
    few, many = (0, 1) if got > wanted else (1, 0)
    rationale = f"the answer has {counted(got, 'column')}, expected {wanted}"
    evidence: dict[str, Any] = {}
    if min(wanted, got) and 0 < expected.height == actual.height and not (expected.truncated or actual.truncated):
        from mlflow_genie_plugin.evaluation.column_map import first_map

        column_map = first_map(pair.columns[few], pair.columns[many])
        if column_map is not None:
            other = [name for j, name in enumerate((expected, actual)[many].names) if j not in column_map]
            evidence = {"rest_matches": True, "columns": other}
            word = "not asked for" if got > wanted else "missing"
            rationale += f"; {quoted(other)} {'is' if len(other) == 1 else 'are'} {word}, the rest is right"
    return Comparison(DIFFERENT, code, rationale, evidence)


def _by_height(expected: Side, actual: Side) -> Comparison | None:
    # Of a truncated result only this is sure: it has more rows than we see.
    least_expected, least_actual = (side.height + side.truncated for side in (expected, actual))
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
            f"{which} cut off by the workspace at {expected.height if expected.truncated else actual.height:,} "
            "rows, so the rows that are missing cannot be compared; let the expected SQL aggregate or limit its rows",
        )
    return None


def _by_rows(pair: Pair, order_columns: Sequence[int]) -> Comparison:
    from mlflow_genie_plugin.evaluation.column_map import column_maps
    from mlflow_genie_plugin.evaluation.row_match import UndeterminedError

    left, right = pair.columns
    unordered: tuple[int, ...] | None = None
    try:
        # Several maps may hold for the bag of rows; any one of them may also hold for their order.
        for column_map in column_maps(left, right):
            if all(_aligned(left[i], right[column_map[i]]) for i in order_columns):
                return _equal(column_map)
            unordered = unordered or column_map
    except UndeterminedError:
        return Comparison(
            UNDETERMINED,
            "TOO_ALIKE",
            "rows and columns are so alike that comparing them was given up; use fewer columns",
        )
    if unordered is None:
        from mlflow_genie_plugin.evaluation.difference import difference

        return difference(pair)
    keys = quoted([pair.expected.names[i] for i in order_columns])
    return Comparison(
        DIFFERENT,
        "ROW_ORDER_DIFFERENCE",
        f"the rows are right, but not in the expected order of {keys}",
        {"column_map": list(unordered)},
    )


def _equal(column_map: Iterable[int]) -> Comparison:
    return Comparison(EQUAL, None, "the result is the expected one", {"column_map": list(column_map)})


def _aligned(one: ComparedColumn, other: ComparedColumn) -> bool:
    """Return whether two columns hold the same cells in the same rows."""
    from mlflow_genie_plugin.evaluation.numbers import same

    if not (one.is_fuzzy or other.is_fuzzy):
        return bool((one.keys == other.keys).all())
    left, right = one.parts, other.parts
    return bool((left.exact == right.exact).all()) and all(
        bool(same(ours, theirs).all()) for ours, theirs in zip(left.numbers, right.numbers, strict=True)
    )


def _rows(side: Side) -> str:
    if side.truncated:
        return f"more than {side.height:,} rows"
    return counted(side.height, "row")
