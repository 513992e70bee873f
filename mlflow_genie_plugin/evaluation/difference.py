"""How two results of the same shape differ, for people and for the score; only asked when they do."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from mlflow_genie_plugin.evaluation.cell_columns import loosened
from mlflow_genie_plugin.evaluation.cells import encode_cell
from mlflow_genie_plugin.evaluation.column_map import candidates, first_map
from mlflow_genie_plugin.evaluation.columns import ComparedColumn
from mlflow_genie_plugin.evaluation.comparison import DIFFERENT, Comparison, Pair, Side, counted, quoted
from mlflow_genie_plugin.evaluation.residual import differing_rows

_ROWS_SHOWN = 5
# Shown are the least of so many rows, because a warehouse returns the rows of one query in another order each time.
_ROWS_SORTED = 5_000
_TEXT_SHOWN = 200


def difference(pair: Pair) -> Comparison:
    """Say how two results of the same shape differ."""
    expected, actual = pair.expected, pair.actual
    left, right = pair.columns
    found = candidates(left, right)
    if _differ_only_in_type(left, right, found):
        return Comparison(
            DIFFERENT, "COLUMN_TYPE_DIFFERENCE", "the values are right, but at least one column has another type"
        )
    column_map = _best_map(expected, actual, found)
    missing, extra = differing_rows(left, [right[j] for j in column_map])
    height = expected.height
    surplus = [tuple(row[j] for j in column_map) for row in actual.rows_at(extra[:_ROWS_SORTED].tolist())]
    evidence: dict[str, Any] = {
        "column_map": list(column_map),
        "rows_differing": len(missing),
        "row_recall": (height - len(missing)) / height,
        "row_precision": (height - len(extra)) / height,
        "missing_rows": _shown(expected.rows_at(missing[:_ROWS_SORTED].tolist())),
        "extra_rows": _shown(surplus),
        "reasons": ["RESULT_MISSING_ROWS", "RESULT_EXTRA_ROWS"],
    }
    if height == 1 and len(expected.names) == 1:
        evidence["reasons"] = ["SINGLE_CELL_DIFFERENCE"]
        return Comparison(
            DIFFERENT, "SINGLE_CELL_DIFFERENCE", f"the value of {quoted(expected.names)} differs", evidence
        )
    wrong = [expected.names[i] for i, options in enumerate(found) if column_map[i] not in options]
    evidence["columns_differing"] = wrong
    where = f"in {quoted(wrong)}" if wrong else "(each column has the right values, but combined in other rows)"
    return Comparison(
        DIFFERENT, "RESULT_MISSING_ROWS", f"{len(missing)} of {counted(height, 'row')} differ {where}", evidence
    )


def _differ_only_in_type(
    left: Sequence[ComparedColumn], right: Sequence[ComparedColumn], found: list[list[int]]
) -> bool:
    """Return whether the results are the same once columns without counterpart are compared as text."""
    wanted = {j for options in found for j in options}
    lost = [i for i, options in enumerate(found) if not options]
    surplus = [j for j in range(len(right)) if j not in wanted]
    if not lost or sorted(left[i].kind for i in lost) == sorted(right[j].kind for j in surplus):
        return False
    loose = (
        [loosened(column) if place in places else column for place, column in enumerate(columns)]
        for columns, places in ((left, lost), (right, surplus))
    )
    return len(lost) == len(surplus) and first_map(*loose) is not None


def _best_map(expected: Side, actual: Side, found: list[list[int]]) -> tuple[int, ...]:
    """Return the permutation that explains most: same values, then same name, then same place."""
    names = [name.casefold() for name in actual.names]
    free = set(range(len(names)))
    chosen: dict[int, int] = {}
    for with_options in (True, False):
        for i, options in enumerate(found):
            if bool(options) is not with_options:
                continue
            usable = [j for j in options if j in free] or sorted(free)
            wanted = expected.names[i].casefold()
            chosen[i] = min(usable, key=lambda j: (names[j] != wanted, j != i, j))
            free.discard(chosen[i])
    return tuple(chosen[i] for i in range(len(found)))


def _shown(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    least = heapq.nsmallest(_ROWS_SHOWN, rows, key=lambda row: [_rank(cell) for cell in row])
    return [[_shown_cell(cell) for cell in row] for row in least]


def _rank(cell: Any) -> tuple[int, Any, str]:
    """Return what cells of any types can be sorted by: numbers, then text, then the rest."""
    is_finite = cell.is_finite() if isinstance(cell, Decimal) else isinstance(cell, float) and math.isfinite(cell)
    if is_finite or (isinstance(cell, int) and not isinstance(cell, bool)):
        return 0, cell, repr(cell)
    if isinstance(cell, str):
        return 1, cell, ""
    return 2, repr(encode_cell(cell)), ""


def _shown_cell(cell: Any) -> Any:
    encoded = encode_cell(cell)
    if isinstance(encoded, str | list) and len(str(encoded)) > _TEXT_SHOWN:
        return str(encoded)[:_TEXT_SHOWN] + " …"
    return encoded
