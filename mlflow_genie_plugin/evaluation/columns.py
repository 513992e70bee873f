"""Result columns in a form that can be compared: what kind of cells, and keys that are equal where the cells are.

Two cells of different kinds never are the same, so that True is not 1 and '1' is not 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlflow_genie_plugin.evaluation.hashing import BLOCK, Hashes, bag, mixed, row_hashes
from mlflow_genie_plugin.evaluation.numbers import WHOLE, Indices, Numbers, reach

# The smallest and the largest number of a column.
Bounds = tuple[float, float]

_HOLE_KEYS = mixed(np.arange(8, dtype=np.uint64), 21)


@dataclass(frozen=True, slots=True)
class Parts:
    """A column taken apart: what must be exactly the same, and the numbers that need not be.

    Attributes:
        exact: Keys of everything that is compared exactly.
        numbers: The numbers in the cells; nested cells have several, filled up with zeros.
    """

    exact: Hashes
    numbers: tuple[Numbers, ...]

    def rounded(self) -> Hashes:
        """Return keys equal where cells are, once numbers are rounded to four digits."""
        return row_hashes((self.exact, *(part.rounded() for part in self.numbers)), len(self.exact))


def near_bounds(one: Bounds, other: Bounds) -> bool:
    """Return whether columns with such smallest and largest numbers may hold the same ones."""
    return not any(
        abs(bound - another) > reach(max(abs(bound), abs(another))) for bound, another in zip(one, other, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Extent:
    """What one look at each number of a column tells: smallest, largest, sum, and how far the sum may be off."""

    smallest: float
    largest: float
    total: float
    slack: float

    @classmethod
    def of(cls, numbers: Numbers) -> Extent:
        smallest = largest = total = absolute = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            for low in range(0, len(numbers), BLOCK):
                values = numbers.values[low : low + BLOCK]
                smallest, largest = min(smallest, float(values.min())), max(largest, float(values.max()))
                total, absolute = total + float(values.sum()), absolute + float(np.abs(values).sum())
        slack = reach(absolute) * 1.01 + len(numbers) * reach(0.0)
        return cls(smallest, largest, total, slack)

    @property
    def bounds(self) -> Bounds:
        return self.smallest, self.largest

    def is_near(self, other: Extent) -> bool:
        """Return whether it is still open that two columns hold the same numbers."""
        if not near_bounds(self.bounds, other.bounds):
            return False
        # Each number is within reach of its partner, so the sums are within the sum of the reaches. Sums beyond what a
        # double holds compare as nothing, which leaves it open.
        return not abs(self.total - other.total) > max(self.slack, other.slack)


class ComparedColumn(ABC):
    """One column of a result.

    Attributes:
        kind: null, text, boolean, binary, number, date, timestamp, nested or mixed.
        height: Number of cells.
    """

    kind: str
    height: int

    @cached_property
    @abstractmethod
    def keys(self) -> Hashes:
        """Equal exactly where cells are equal."""

    @cached_property
    @abstractmethod
    def parts(self) -> Parts:
        """The column taken apart; only for kinds that hold numbers."""

    @abstractmethod
    def python_cells(self) -> tuple[Any, ...]:
        """Return the cells as Python values."""

    @property
    def holds_numbers(self) -> bool:
        return self.kind in ("number", "nested", "mixed")

    @cached_property
    def is_fuzzy(self) -> bool:
        """Whether a number has a fraction, so that exact equality is too strict."""
        return self.holds_numbers and any(bool((part.grain != WHOLE).any()) for part in self.parts.numbers)

    @cached_property
    def rounded(self) -> Hashes:
        """Keys equal where cells are, once numbers are rounded to four digits; only for kinds that hold numbers."""
        return self.parts.rounded()

    def rounded_at(self, places: Indices | slice) -> Hashes:
        """Return the rounded keys of some of the cells."""
        return self.parts_at(places).rounded()

    def parts_at(self, places: Indices | slice) -> Parts:
        """Return some of the cells taken apart."""
        return Parts(self.parts.exact[places], tuple(part.take(places) for part in self.parts.numbers))

    @cached_property
    def is_coarse(self) -> bool:
        """Whether the column holds whole numbers that rounding makes equal."""
        return any(part.has_long_whole for part in self.parts.numbers)

    @cached_property
    def exact_sum(self) -> int:
        """Equal for columns that hold the same in what is compared exactly; only for kinds that hold numbers."""
        return int(self.parts.exact.sum())

    @cached_property
    def extents(self) -> tuple[Extent, ...]:
        """Of each of the numbers in the cells."""
        return tuple(map(Extent.of, self.parts.numbers))

    @cached_property
    def bounds(self) -> Bounds | None:
        """The bounds of the only extent; None where there are several, or none."""
        return self.extents[0].bounds if self.kind == "number" else None

    @cached_property
    def signature(self) -> tuple[str, int]:
        """Equal for columns that hold the same cells in any order."""
        return self.kind, int(self.keys.sum())

    def arrangement(self, places: Hashes) -> tuple[str, int]:
        """Return what is equal for columns that hold the same cells in the same rows.

        Args:
            places: The ``place_keys`` of as many rows.
        """
        return self.kind, bag(self.keys + places, 6)


def parts_of(numbers: Numbers) -> Parts:
    """Return a column of plain numbers taken apart: only where a number is missing is exact."""
    # The usual column without holes needs no array of its own for that.
    exact = _HOLE_KEYS[numbers.holes] if numbers.holes.any() else np.broadcast_to(_HOLE_KEYS[0], len(numbers))
    return Parts(exact, (numbers,))
