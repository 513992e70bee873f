"""Numbers as arrays, and when two of them are the same.

Whole numbers are compared exactly, whatever their type. When one of two numbers has a fraction, they are the same if
they round to the same four significant digits (what Genie's own benchmarks accept) or differ by at most half a unit of
the fourth digit (so that two numbers on both sides of a rounding edge are not told apart by noise). Doubles from 2⁵³ on
cannot hold a fraction, so they count as whole only up to the noise of adding doubles. Decimals of the same scale are
exact: their arithmetic has no noise that could excuse a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from mlflow_genie_plugin.evaluation.hashing import BLOCK, NULL_KEY, Hashes, mixed, new_hashes

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", float, Floats)
Indices = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

WHOLE, LARGE, FRACTION = 0, 1, 2
VALUE, NULL, NAN, INFINITE, MINUS_INFINITE = range(5)

# Below this, two doubles differ only because sums were formed in another order around zero.
_NOISE = 1e-15
# What is left of a sum of doubles that is too large to hold a fraction.
_LARGE_NOISE = 1e-9
LARGEST_EXACT = 2.0**53
INT64_END = 2.0**63
LARGEST_SCALE = 18
# What kind of number a key stands for: the seed of its hash.
INTEGER, DOUBLE, HOLE, WIDE, DECIMAL = 11, 12, 13, 14, 100
_FIRST_POWER = -300
_POWERS = np.array([float(f"1e{exponent}") for exponent in range(_FIRST_POWER, 309)])


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers.

    Attributes:
        values: As doubles; 0 where there is no finite value.
        holes: VALUE, or what stands there instead: NULL, NAN, INFINITE, MINUS_INFINITE.
        grain: WHOLE, LARGE (a double that can hold no fraction) or FRACTION.
        keys: Equal where the numbers are exactly equal.
        scale: The number of decimals when the column holds decimals of one scale, else None.
    """

    values: Floats
    holes: npt.NDArray[np.uint8]
    grain: npt.NDArray[np.uint8]
    keys: Hashes
    scale: int | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, places: Indices | Flags | slice) -> Numbers:
        return Numbers(self.values[places], self.holes[places], self.grain[places], self.keys[places], self.scale)

    def rounded(self) -> Hashes:
        """Return keys that are equal where numbers round to the same four significant digits."""
        found = np.empty(len(self.values), np.uint64)
        for low in range(0, len(found), BLOCK):
            values = self.values[low : low + BLOCK]
            digits, exponent = _four_digits(values)
            signed = np.copysign(digits, values).astype(np.int64) * 1024 + exponent
            signed[values == 0] = 0
            found[low : low + BLOCK] = mixed(signed.view(np.uint64), 3)
        return found

    @property
    def has_long_whole(self) -> bool:
        """Whether four digits are too few to tell all the whole numbers here apart."""
        return bool(((self.grain != FRACTION) & (np.abs(self.values) >= 10_000)).any())


def of_integers(values: npt.NDArray[np.int64], null: Flags | None = None, keys: Hashes | None = None) -> Numbers:
    """Return whole numbers; what stands in ``values`` where ``null`` is true does not matter.

    ``keys`` are those of :func:`integer_keys` where they are known already.
    """
    floats = values.astype(np.float64)
    holes = np.zeros(len(values), np.uint8)
    if null is not None:
        holes[null], floats[null] = NULL, 0.0
    return Numbers(floats, holes, np.zeros(len(values), np.uint8), integer_keys(values, null) if keys is None else keys)


def integer_keys(values: npt.NDArray[np.int64], null: Flags | None = None) -> Hashes:
    """Return the keys of :func:`of_integers` alone."""
    keys = mixed(values.view(np.uint64), INTEGER)
    if null is not None:
        keys[null] = NULL_KEY
    return keys


def double_keys(values: Floats, null: Flags | None = None) -> tuple[Hashes, bool]:
    """Return the keys of :func:`of_doubles` alone, and whether one of the numbers is not whole or :data:`LARGE`."""
    keys, is_fuzzy = new_hashes(len(values)), False
    if null is not None:
        values = np.where(null, 0.0, values)
    for low in range(0, len(values), BLOCK):
        block, found = values[low : low + BLOCK], keys[low : low + BLOCK]
        most = np.abs(block).max()
        if not most < np.inf:
            # Infinite or no number at all somewhere, which is seldom.
            numbers = of_doubles(values, null)
            return numbers.keys, bool((numbers.grain != WHOLE).any())
        integral = block == np.floor(block)
        is_fuzzy = is_fuzzy or bool(most >= LARGEST_EXACT) or not integral.all()
        found[:] = mixed(block.view(np.uint64), DOUBLE)
        _as_integers(found, block, integral)
    if null is not None:
        keys[null] = NULL_KEY
    return keys, is_fuzzy


def of_doubles(values: Floats, null: Flags | None = None, keys: Hashes | None = None) -> Numbers:
    """Return doubles; what stands in ``values`` where ``null`` is true does not matter.

    ``keys`` are those of :func:`double_keys` where they are known already.
    """
    holes = np.zeros(len(values), np.uint8)
    finite = np.isfinite(values)
    if not finite.all():
        holes[np.isnan(values)] = NAN
        holes[values == np.inf] = INFINITE
        holes[values == -np.inf] = MINUS_INFINITE
    if null is not None:
        holes[null] = NULL
    values = np.where(holes == VALUE, values, 0.0) if holes.any() else values
    grain = np.empty(len(values), np.uint8)
    for low in range(0, len(values), BLOCK):
        block, found = values[low : low + BLOCK], grain[low : low + BLOCK]
        found[:] = np.where(block == np.floor(block), np.uint8(WHOLE), np.uint8(FRACTION))
        magnitude = np.abs(block)
        if magnitude.max() >= LARGEST_EXACT:
            found[magnitude >= LARGEST_EXACT] = LARGE
    if keys is None:
        keys = mixed(values.view(np.uint64), DOUBLE)
        _as_integers(keys, values, grain != FRACTION)
    if holes.any():
        keys, holes, values = _with_holes(keys, holes, values)
    return Numbers(values, holes, grain, keys)


def _as_integers(keys: Hashes, values: Floats, integral: Flags) -> None:
    """Give a double within the range of 64 bits the key of the integer that it is."""
    if integral.any():
        small = integral & (np.abs(values) < INT64_END)
        keys[small] = mixed(values[small].astype(np.int64).view(np.uint64), INTEGER)


def of_decimals(unscaled: npt.NDArray[np.int64], scale: int, null: Flags | None = None) -> Numbers:
    """Return the decimals ``unscaled / 10**scale``, exactly."""
    unit = np.int64(10) ** np.int64(scale)
    whole = unscaled // unit
    grain = np.where(whole * unit == unscaled, np.uint8(WHOLE), np.uint8(FRACTION))
    keys = mixed(whole.view(np.uint64), INTEGER)
    rest = np.flatnonzero(grain == FRACTION)
    digits, places = unscaled[rest], scale
    while len(rest):
        # 1.50 and 1.5 are the same number: zeros at the end are cut off, all that have one more at a time.
        ends = digits % 10 == 0
        done = ~ends
        keys[rest[done]] = mixed(digits[done].view(np.uint64), DECIMAL + places)
        rest, digits, places = rest[ends], digits[ends] // 10, places - 1
    values = unscaled / float(unit)
    holes = np.zeros(len(unscaled), np.uint8)
    if null is not None and null.any():
        grain[null] = WHOLE
        keys, holes, values = _with_holes(keys, null.astype(np.uint8) * np.uint8(NULL), values)
    return Numbers(values, holes, grain, keys, scale)


def same(left: Numbers, right: Numbers) -> Flags:
    """Return, place by place, whether two numbers are the same; see the module."""
    found: Flags = left.keys == right.keys
    if left.scale is not None and left.scale == right.scale:
        return found
    grain = np.maximum(left.grain, right.grain)
    open_ = np.flatnonzero(~found & (grain > WHOLE) & (left.holes == VALUE) & (right.holes == VALUE))
    if len(open_):
        one, other, coarse = left.values[open_], right.values[open_], grain[open_] == FRACTION
        with np.errstate(over="ignore"):
            difference = np.abs(one - other)
        largest = np.maximum(np.abs(one), np.abs(other))
        found[open_] = (difference <= _NOISE) | np.where(
            coarse, _same_digits(one, other, difference, largest), difference <= largest * _LARGE_NOISE
        )
    return found


def reach(values: Number) -> Number:
    """Return a distance beyond which no number is the same as the one here, or as each one; somewhat generous."""
    return abs(values) * 1.01e-3 + 2 * _NOISE


def _same_digits(one: Floats, other: Floats, difference: Floats, largest: Floats) -> Flags:
    half_unit = 0.5 * _POWERS[np.maximum(_exponent(largest) - 3, 0)]
    first, second = _four_digits(one), _four_digits(other)
    same_rounding = (first[0] == second[0]) & (first[1] == second[1]) & ((one < 0) == (other < 0))
    found: Flags = (difference <= half_unit) | same_rounding
    return found


def _exponent(magnitude: Floats) -> npt.NDArray[np.int64]:
    """Return the place in the table of powers of the largest power of ten that is not above each number."""
    # The power of two stands in the bits; the power of ten is what that gives, or one more.
    power_of_two = (magnitude.view(np.int64) >> 52) - 1023
    place: npt.NDArray[np.int64] = np.clip((power_of_two * 78_913 >> 18) - _FIRST_POWER, 0, len(_POWERS) - 2)
    place += magnitude >= _POWERS[place + 1]
    return place


def _four_digits(values: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    magnitude = np.abs(values)
    exponent = _exponent(magnitude)
    digits = np.rint(magnitude / _POWERS[np.maximum(exponent - 3, 0)])
    carried = digits >= 10_000
    digits[carried] = 1_000.0
    exponent += carried
    return digits, exponent


def _with_holes(
    keys: Hashes, holes: npt.NDArray[np.uint8], values: Floats
) -> tuple[Hashes, npt.NDArray[np.uint8], Floats]:
    gone = holes != VALUE
    keys[gone] = mixed(holes[gone].astype(np.uint64), HOLE)
    keys[holes == NULL] = NULL_KEY
    values = values.copy()
    values[gone] = 0.0
    return keys, holes, values
