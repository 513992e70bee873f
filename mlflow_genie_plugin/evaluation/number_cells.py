"""Columns of Python numbers as arrays: int, float and Decimal in any mixture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from decimal import Context, Decimal
from typing import Any

import numpy as np

from mlflow_genie_plugin.evaluation.hashing import NULL_KEY, mixed
from mlflow_genie_plugin.evaluation.numbers import (
    DECIMAL,
    DOUBLE,
    FRACTION,
    HOLE,
    INFINITE,
    INT64_END,
    INTEGER,
    LARGE,
    LARGEST_EXACT,
    LARGEST_SCALE,
    MINUS_INFINITE,
    NAN,
    NULL,
    VALUE,
    WHOLE,
    WIDE,
    Flags,
    Numbers,
    of_decimals,
    of_doubles,
    of_integers,
)

# Enough digits for any decimal of SQL, so that nothing is rounded on the way.
EXACT = Context(prec=200)


def of_cells(cells: Sequence[Any]) -> Numbers:
    """Return the numbers (int, float, Decimal, None) of a column of Python values."""
    types = set(map(type, cells))
    null = None
    if type(None) in types:
        null = np.fromiter((cell is None for cell in cells), np.bool_, len(cells))
        types.discard(type(None))
    if types <= {float}:
        return of_doubles(np.array(cells, np.float64), null)
    if types == {int}:
        try:
            filled = cells if null is None else [0 if cell is None else cell for cell in cells]
            return of_integers(np.array(filled, np.int64), null)
        except OverflowError:
            pass  # beyond 64 bits: one by one
    if types == {Decimal} and (found := _of_decimals(cells, null)) is not None:
        return found
    return _one_by_one(cells)


def _of_decimals(cells: Sequence[Any], null: Flags | None) -> Numbers | None:
    """Return decimals that fit 64 bits at their finest scale; None when they do not, or one is not finite."""
    present = [cell for cell in cells if cell is not None]
    if not all(map(Decimal.is_finite, present)):
        return None
    exponents = {int(cell.as_tuple().exponent) for cell in present}
    scale = max(0, -min(exponents))
    unscaled = [0 if cell is None else int(cell.scaleb(scale, EXACT)) for cell in cells]
    if scale > LARGEST_SCALE or max(map(abs, unscaled)) >= INT64_END:
        return None
    found = of_decimals(np.array(unscaled, np.int64), scale, null)
    return found if exponents == {-scale} else replace(found, scale=None)


def _one_by_one(cells: Sequence[Any]) -> Numbers:
    size = len(cells)
    values, words, seeds = np.zeros(size), np.zeros(size, np.uint64), np.zeros(size, np.int64)
    holes, grain = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    for place, cell in enumerate(cells):
        holes[place] = hole = _hole(cell)
        if hole == VALUE:
            values[place], grain[place] = _double(cell), _grain(cell)
            word, seeds[place] = _word(cell, values[place])
            words[place] = word & 0xFFFFFFFFFFFFFFFF
        else:
            words[place], seeds[place] = hole, HOLE
    keys = np.zeros(size, np.uint64)
    for seed in np.unique(seeds):
        chosen = seeds == seed
        keys[chosen] = mixed(words[chosen], int(seed))
    keys[holes == NULL] = NULL_KEY
    return Numbers(values, holes, grain, keys, _scale(cells))


def _scale(cells: Sequence[Any]) -> int | None:
    exponents = {cell.as_tuple().exponent if type(cell) is Decimal else None for cell in cells if cell is not None}
    [exponent] = exponents if len(exponents) == 1 else [None]
    return -exponent if isinstance(exponent, int) else None


def _hole(cell: Any) -> int:
    if cell is None:
        return NULL
    if cell != cell:
        return NAN
    return VALUE if abs(cell) != float("inf") else INFINITE if cell > 0 else MINUS_INFINITE


def _grain(cell: Any) -> int:
    if cell != int(cell):
        return FRACTION
    return LARGE if type(cell) is float and abs(cell) >= LARGEST_EXACT else WHOLE


def _word(cell: Any, value: float) -> tuple[int, int]:
    """Return what stands for one finite number, and the seed that says what kind of number it is."""
    if cell == int(cell):
        number = int(cell)
        if -(2**63) <= number < 2**63:
            return number, INTEGER
        return (_bits(value), DOUBLE) if number == float(value) else (hash(str(number)), WIDE)
    if type(cell) is float:
        return _bits(cell), DOUBLE
    sign, digits, exponent = cell.normalize(EXACT).as_tuple()
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    if -(2**63) <= unscaled < 2**63:
        return unscaled, DECIMAL - exponent
    return hash(f"{unscaled}e{exponent}"), WIDE


def _bits(value: float) -> int:
    return int(np.array([value]).view(np.uint64)[0])


def _double(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:  # an integer beyond what a double holds; whole, so its key decides
        return sys.float_info.max if cell > 0 else -sys.float_info.max
