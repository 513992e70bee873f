"""Finding which column is which when names mean nothing: one permutation that holds for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from mlflow_genie_plugin.evaluation.columns import ComparedColumn, may_correspond
from mlflow_genie_plugin.evaluation.row_match import UndeterminedError, rows_match

# Work one comparison may spend on trying permutations, in cells hashed and in tries; beyond it nothing is claimed.
_CELL_BUDGET = 4_000_000
_TRY_BUDGET = 20_000
_LEAF_BUDGET = 40
_GLANCE = 3

ColumnMap = tuple[int, ...]
Corresponds = Callable[[ComparedColumn, ComparedColumn], bool]


def candidates(
    expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn], corresponds: Corresponds = may_correspond
) -> list[list[int]]:
    """Return, for each expected column, the actual columns that hold the same values in some order."""
    return [[j for j, other in enumerate(actual) if corresponds(column, other)] for column in expected]


def find_column_map(expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn]) -> ColumnMap | None:
    """Return the actual column of every expected column such that the rows are the same bag; None if there is none.

    ``actual`` may have more columns than ``expected``. Names and positions do not matter, except that positions are
    tried first.

    Raises:
        UndeterminedError: There are so many equal-looking columns that the search was given up.
    """
    in_place = tuple(range(len(expected)))
    if (
        len(expected) == len(actual)
        and all(map(_same_signature, expected, actual))
        and _exact(expected, actual, in_place)
    ):
        return in_place
    found = candidates(expected, actual, _same_signature)
    if all(found):
        for column_map in _searched(expected, actual, found, tolerant=False):
            if _exact(expected, actual, column_map):
                return column_map
    if not any(column.is_fuzzy for column in (*expected, *actual)):
        return None
    found = candidates(expected, actual)
    if not all(found):
        return None
    for leaves, column_map in enumerate(_searched(expected, actual, found, tolerant=True)):
        if leaves == _LEAF_BUDGET:
            raise UndeterminedError
        if rows_match(expected, [actual[j] for j in column_map]):
            return column_map
    return None


def _likely_in_place(expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn]) -> bool:
    # Looking at a few columns saves most of the work in the most common case, columns in the expected order.
    if [column.kind for column in expected] != [column.kind for column in actual]:
        return False
    return all(map(_same_signature, expected[:_GLANCE], actual[:_GLANCE]))


def _same_signature(one: ComparedColumn, other: ComparedColumn) -> bool:
    return one.signature == other.signature


def _exact(expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn], column_map: ColumnMap) -> bool:
    left = list(zip(*(column.cells for column in expected), strict=True))
    right = list(zip(*(actual[j].cells for j in column_map), strict=True))
    # As plain dicts: comparing two Counters is a loop in Python that allows for zero counts, which do not occur here.
    return left == right or dict(Counter(left)) == dict(Counter(right))


def _searched(
    expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn], found: list[list[int]], *, tolerant: bool
) -> Iterator[ColumnMap]:
    """Yield the permutations that survive the joint signatures of the columns chosen so far.

    Every choice extends a running hash of each row by one column; the multiset of these hashes must stay the same on
    both sides. That is exact for columns compared exactly; columns compared with a tolerance are left to the caller.
    Columns with the same cells in the same rows are interchangeable, so only the first free one of them is tried.
    """
    rows = len(expected[0].cells) if expected else 0
    order = sorted(range(len(expected)), key=lambda i: (len(found[i]), tolerant and expected[i].is_fuzzy, i))
    twins = _twins(actual)
    budget = [min(_TRY_BUDGET, _CELL_BUDGET // max(1, rows))]

    def extend(depth: int, chosen: dict[int, int], left: list[int], right: list[int]) -> Iterator[ColumnMap]:
        if depth == len(order):
            yield tuple(chosen[i] for i in range(len(expected)))
            return
        i = order[depth]
        taken = set(chosen.values())
        free = [j for j in found[i] if j not in taken]
        tried: set[int] = set()
        for j in sorted(free, key=lambda j: (j != i, j)):
            if twins[j] in tried:
                continue
            tried.add(twins[j])
            if len(found[i]) == 1 or (tolerant and (expected[i].is_fuzzy or actual[j].is_fuzzy)):
                yield from extend(depth + 1, {**chosen, i: j}, left, right)
                continue
            budget[0] -= 1
            if budget[0] < 0:
                raise UndeterminedError
            longer_left = list(map(hash, zip(left, expected[i].hashes, strict=True)))
            longer_right = list(map(hash, zip(right, actual[j].hashes, strict=True)))
            if sum(longer_left) == sum(longer_right):
                yield from extend(depth + 1, {**chosen, i: j}, longer_left, longer_right)

    yield from extend(0, {}, [0] * rows, [0] * rows)


def _twins(columns: Sequence[ComparedColumn]) -> list[int]:
    """Return, for each column, the position of the first column with the same cells in the same rows."""
    first: dict[tuple[str, tuple[object, ...]], int] = {}
    return [first.setdefault((column.kind, column.cells), position) for position, column in enumerate(columns)]
