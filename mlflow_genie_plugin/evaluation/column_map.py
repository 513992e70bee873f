"""Finding which column is which when names mean nothing: one permutation that holds for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlflow_genie_plugin.evaluation.cell_columns import CellColumn
from mlflow_genie_plugin.evaluation.columns import ComparedColumn, near_bounds
from mlflow_genie_plugin.evaluation.hashing import Hashes, bag, extended, place_keys
from mlflow_genie_plugin.evaluation.numbers import Numbers
from mlflow_genie_plugin.evaluation.row_match import FuzzyRows, UndeterminedError, rows_match
from mlflow_genie_plugin.evaluation.side_by_side import side_by_side

# Work one comparison may spend on trying permutations, in cells hashed and in tries; beyond it nothing is claimed.
_CELL_BUDGET = 200_000_000
_TRY_BUDGET = 20_000
# Pairing rows up sorts them, which costs about this many times what hashing a column costs.
_PAIRING_COST = 25
# Up to here, counting rows as Python tuples costs less than making arrays of them.
_FEW_ROWS = 200

ColumnMap = tuple[int, ...]


def column_maps(expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn]) -> Iterator[ColumnMap]:
    """Yield the permutations under which the rows are the same bag: for each expected column, its actual column.

    ``actual`` may have more columns than ``expected``. Names and positions do not matter, except that positions are
    tried first. Columns with the same cells in the same rows are interchangeable; only one of them is tried.

    Raises:
        UndeterminedError: There are so many equal-looking columns that the search was given up.
    """
    seen = set()
    if _plainly_same(expected, actual):
        seen.add(in_place := tuple(range(len(expected))))
        yield in_place
    search = _Search(expected, actual)
    exact = candidates(expected, actual, tolerant=False)
    if all(exact):
        for column_map in search.run(exact, tolerant=False):
            if column_map not in seen:
                seen.add(column_map)
                yield column_map
    if not any(column.is_fuzzy for column in (*expected, *actual)):
        return
    fuzzy = candidates(expected, actual)
    if all(fuzzy):
        yield from (column_map for column_map in search.run(fuzzy, tolerant=True) if column_map not in seen)


def first_map(few: Sequence[ComparedColumn], many: Sequence[ComparedColumn]) -> ColumnMap | None:
    """Return the first of :func:`column_maps`; None when there is none, or when the search was given up."""
    try:
        return next(column_maps(few, many), None)
    except UndeterminedError:
        return None


def _plainly_same(expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn]) -> bool:
    """Return whether a glance shows the same rows in place: the most common case, where arrays would not pay."""
    if [column.kind for column in expected] != [column.kind for column in actual]:
        return False
    sides = [[column.cells for column in side if isinstance(column, CellColumn)] for side in (expected, actual)]
    if len(sides[0]) < len(expected) or len(sides[1]) < len(actual):
        return False
    return sides[0] == sides[1] or (
        expected[0].height <= _FEW_ROWS and Counter(zip(*sides[0], strict=True)) == Counter(zip(*sides[1], strict=True))
    )


def candidates(
    expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn], *, tolerant: bool = True
) -> list[list[int]]:
    """Return, for each expected column, the actual columns that may hold the same values in some order."""
    near = _near_pairs(expected, actual) if tolerant else ()
    found = [
        [j for j, other in enumerate(actual) if column.signature == other.signature or (i, j) in near]
        for i, column in enumerate(expected)
    ]
    if tolerant and any(len(options) > 1 for options in found):
        # Worth a closer look only where there is a choice; otherwise the rows decide.
        found = [
            [j for j in options if _may_correspond(column, actual[j])]
            for column, options in zip(expected, found, strict=True)
        ]
    return found


def _near_pairs(expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn]) -> set[tuple[int, int]]:
    """Return the pairs of columns of which extremes and sums leave it open that they hold the same values."""
    open_ = {
        (i, j): (one, other)
        for i, one in enumerate(expected)
        for j, other in enumerate(actual)
        if one.signature != other.signature and _may_be_near(one, other)
    }
    # What a closer look takes is made of each column once, column beside column.
    columns = list({id(column): column for pair in open_.values() for column in pair}.values())
    side_by_side(lambda column: (column.extents, column.exact_sum), columns, expected[0].height)
    return {places for places, pair in open_.items() if _near(*pair)}


def _may_be_near(one: ComparedColumn, other: ComparedColumn) -> bool:
    if one.kind != other.kind or not (one.is_fuzzy or other.is_fuzzy):
        return False
    return one.bounds is None or other.bounds is None or near_bounds(one.bounds, other.bounds)


def _near(one: ComparedColumn, other: ComparedColumn) -> bool:
    ours, theirs = one.parts, other.parts
    if len(ours.numbers) != len(theirs.numbers) or one.exact_sum != other.exact_sum:
        return False
    if any(
        _same_scale(*pair) and pair[0].keys.sum() != pair[1].keys.sum()
        for pair in zip(ours.numbers, theirs.numbers, strict=True)
    ):
        return False
    return all(extent.is_near(another) for extent, another in zip(one.extents, other.extents, strict=True))


def _same_scale(one: Numbers, other: Numbers) -> bool:
    return one.scale is not None and one.scale == other.scale


def _may_correspond(one: ComparedColumn, other: ComparedColumn) -> bool:
    if one.signature == other.signature:
        return True
    try:
        return rows_match(*(FuzzyRows(side.parts.exact, side.parts.numbers) for side in (one, other)))
    except UndeterminedError:
        return True  # the rows decide, or it is given up there


@dataclass(frozen=True, slots=True)
class _State:
    """The columns chosen so far, in the order they were chosen, and the rows' hashes as far as these columns go."""

    chosen: tuple[tuple[int, int], ...]
    left: Hashes
    right: Hashes


class _Search:
    def __init__(self, expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn]) -> None:
        self._expected, self._actual, self._height = expected, actual, expected[0].height
        self._tries = min(_TRY_BUDGET, _CELL_BUDGET // max(1, self._height))

    def run(self, found: list[list[int]], *, tolerant: bool) -> Iterator[ColumnMap]:
        """Yield the permutations among the candidates that hold for the rows.

        Every choice extends a running hash of each row by one column; the bag of these hashes must stay the same on
        both sides, and where columns are compared with a tolerance, the rows as far as they go must pair up.
        """
        # What has no choice comes first, at once; of the others, what is expensive to check last.
        certain = [(i, options[0]) for i, options in enumerate(found) if len(options) == 1]
        if len({j for _, j in certain}) < len(certain):
            return
        order = sorted(
            (i for i, options in enumerate(found) if len(options) > 1),
            key=lambda i: (tolerant and self._expected[i].is_fuzzy, len(found[i]), i),
        )
        arrangements = self._arrangements(sorted({j for i in order for j in found[i]}))
        stack: list[tuple[int, list[tuple[int, int]], _State | None]] = [(0, certain, None)]
        while stack:
            depth, more, before = stack.pop()
            state = self._extended(before, more, tolerant=tolerant)
            # Without a choice there is nothing to check yet: the next choice covers it.
            if (depth or not order) and not self._holds(state, tolerant=tolerant):
                continue
            if depth == len(order):
                yield tuple(j for _, j in sorted(state.chosen))
                continue
            taken, tried, options = {j for _, j in state.chosen}, set(), []
            for j in sorted(found[order[depth]], key=lambda j: (j != order[depth], j)):
                if j not in taken and arrangements[j] not in tried:
                    tried.add(arrangements[j])
                    options.append(j)
            stack.extend((depth + 1, [(order[depth], j)], state) for j in reversed(options))

    def _arrangements(self, places: list[int]) -> dict[int, tuple[str, int]]:
        if not places:
            return {}
        keys = place_keys(self._height)
        found = side_by_side(lambda j: self._actual[j].arrangement(keys), places, self._height)
        return dict(zip(places, found, strict=True))

    def _is_fuzzy(self, i: int, j: int) -> bool:
        return self._expected[i].is_fuzzy or self._actual[j].is_fuzzy

    def _extended(self, before: _State | None, more: list[tuple[int, int]], *, tolerant: bool) -> _State:
        chosen = before.chosen if before is not None else ()
        rows = (before.left, before.right) if before is not None else (None, None)

        def longer(side: int) -> Hashes:
            columns, added = (self._expected, self._actual)[side], []
            for place, pair in enumerate(more, len(chosen)):
                column = columns[pair[side]]
                added.append((place, column.parts.exact if tolerant and self._is_fuzzy(*pair) else column.keys))
            return extended(rows[side], added, self._height)

        left, right = side_by_side(longer, (0, 1), self._height)
        return _State((*chosen, *more), left, right)

    def _holds(self, state: _State, *, tolerant: bool) -> bool:
        self._spend(1)
        left_bag, right_bag = side_by_side(bag, (state.left, state.right), self._height)
        if left_bag != right_bag:
            return False
        fuzzy = [pair for pair in state.chosen if tolerant and self._is_fuzzy(*pair)]
        if not fuzzy or self._holds_rounded(state, fuzzy):
            return True
        self._spend(_PAIRING_COST)
        left = FuzzyRows(state.left, tuple(part for i, _ in fuzzy for part in self._expected[i].parts.numbers))
        right = FuzzyRows(state.right, tuple(part for _, j in fuzzy for part in self._actual[j].parts.numbers))
        return rows_match(left, right)

    def _holds_rounded(self, state: _State, fuzzy: list[tuple[int, int]]) -> bool:
        """Return whether all rows are equal once rounded, which settles the most common case without sorting."""
        pairs = [(self._expected[i], self._actual[j]) for i, j in fuzzy]
        if any((one.is_coarse and other.is_coarse) or _exact_decimals(one, other) for one, other in pairs):
            return False

        def rounded_bag(side: int) -> int:
            columns = enumerate((pair[side] for pair in pairs), len(state.chosen))
            added = [(place, column.rounded) for place, column in columns]
            return bag(extended((state.left, state.right)[side], added, self._height))

        ours, theirs = side_by_side(rounded_bag, (0, 1), self._height)
        return ours == theirs

    def _spend(self, tries: int) -> None:
        self._tries -= tries
        if self._tries < 0:
            raise UndeterminedError


def _exact_decimals(one: ComparedColumn, other: ComparedColumn) -> bool:
    return any(_same_scale(*pair) for pair in zip(one.parts.numbers, other.parts.numbers, strict=True))
