"""Columns of Arrow tables in the form that is compared, without a Python object per cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from mlflow_genie_plugin.evaluation.bytes_keys import bytes_keys
from mlflow_genie_plugin.evaluation.cell_columns import compared_column
from mlflow_genie_plugin.evaluation.columns import Bounds, ComparedColumn, Parts, parts_of
from mlflow_genie_plugin.evaluation.hashing import NULL_KEY, Hashes, mixed
from mlflow_genie_plugin.evaluation.numbers import (
    LARGEST_SCALE,
    Flags,
    Indices,
    Numbers,
    double_keys,
    integer_keys,
    of_decimals,
    of_doubles,
    of_integers,
)
from mlflow_genie_plugin.evaluation.side_by_side import side_by_side

if TYPE_CHECKING:
    import pyarrow as pa

_MICROSECONDS_A_DAY = 86_400_000_000


class ArrowColumn(ComparedColumn):
    """A column whose keys, and numbers if it has any, were computed from Arrow's buffers.

    Attributes:
        values: The numbers as they are, 0 where one is missing; None where they are not at hand.
    """

    values: npt.NDArray[Any] | None = None

    def __init__(
        self, kind: str, array: pa.Array, keys: Hashes, *, numbers: Callable[[Indices | slice], Numbers] | None = None
    ) -> None:
        self.kind, self.height, self._array, self._keys, self._numbers = kind, len(array), array, keys, numbers

    @cached_property
    def keys(self) -> Hashes:
        return self._keys

    @cached_property
    def parts(self) -> Parts:
        return self.parts_at(slice(None))

    def parts_at(self, places: Indices | slice) -> Parts:
        if self._numbers is None:
            raise TypeError(f"a column of kind {self.kind} holds no numbers")
        return parts_of(self._numbers(places))

    @cached_property
    def bounds(self) -> Bounds | None:
        if self.values is not None:
            # 0 counts as well, as in an extent, where it stands for what is missing.
            found = float(self.values.min(initial=0)), float(self.values.max(initial=0))
            if all(map(math.isfinite, found)):
                return found
        return self.extents[0].bounds if self.kind == "number" else None

    def python_cells(self) -> tuple[Any, ...]:
        return compared_column(tuple(_python_values(self._array))).cells


def arrow_columns(*tables: pa.Table) -> list[list[ComparedColumn]]:
    """Return the columns of each table; those of large tables are made side by side.

    Raises:
        TypeError: A column is of a type that no query result holds.
    """
    columns = [column for table in tables for column in table.columns]
    # Text first: it takes longest, and nearly all of it without the interpreter's lock.
    order = sorted(range(len(columns)), key=lambda place: not _is_text(columns[place]))
    height = max(map(len, columns), default=0)
    made = side_by_side(_signed_column, [columns[place] for place in order], height)
    found = iter([column for _, column in sorted(zip(order, made, strict=True), key=itemgetter(0))])
    return [list(islice(found, table.num_columns)) for table in tables]


def same_in_place(one: pa.Table, other: pa.Table) -> bool:
    """Return whether a glance shows tables of the same types and cells, row by row, that do not hold NULL alone.

    False leaves everything open, True nothing: of types that are refused, and of NaN, it is False.
    """
    if [column.type for column in one.columns] != [column.type for column in other.columns]:
        return False
    if not all(map(_is_plain, one.columns)) or all(column.null_count == len(column) for column in one.columns):
        return False
    return all(ours.equals(theirs) for ours, theirs in zip(one.columns, other.columns, strict=True))


def _is_plain(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    return any(getattr(pa.types, is_kind)(column.type) for is_kind, _ in _MAKERS)


def _signed_column(column: pa.ChunkedArray) -> ComparedColumn:
    found = arrow_column(column)
    if isinstance(found, ArrowColumn):
        found.signature  # noqa: B018 (asked for in any case, here beside the other columns)
    return found


def _is_text(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    return any(getattr(pa.types, is_kind)(column.type) for is_kind, make in _MAKERS if make is _text)


def arrow_column(column: pa.ChunkedArray) -> ComparedColumn:
    """Return one column; types that Arrow cannot take apart go cell by cell, as :func:`compared_column` does."""
    import pyarrow as pa

    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # more text than one array can hold
        array = pa.concat_arrays([chunk.cast(_large(chunk.type)) for chunk in array.chunks])
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if array.null_count == len(array):
        return ArrowColumn("null", array, np.full(len(array), NULL_KEY))
    null = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    for is_kind, make in _MAKERS:
        if getattr(pa.types, is_kind)(kind) and (made := make(array, null)) is not None:
            return cast("ComparedColumn", made)
    return compared_column(tuple(_python_values(array)))


def rows_of(table: pa.Table, places: Sequence[int]) -> list[tuple[Any, ...]]:
    """Return some rows as Python values."""
    cells = ([_python_values(column.slice(place, 1))[0] for place in places] for column in table.columns)
    return list(zip(*cells, strict=True))


def _python_values(array: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
        array = array.cast(pa.timestamp("us", array.type.tz), safe=False)  # Python has no nanoseconds
    return cast("list[Any]", array.to_pylist(maps_as_pydicts="strict"))


def _large(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}.get(kind, kind)


def _numpy(array: pa.Array, kind: pa.DataType, filler: Any) -> npt.NDArray[Any]:
    cast_array = array if array.type == kind else array.cast(kind, safe=False)
    return np.asarray(cast_array.fill_null(filler) if cast_array.null_count else cast_array)


def _with_nulls(keys: Hashes, null: Flags | None) -> Hashes:
    if null is not None:
        keys[null] = NULL_KEY
    return keys


def _booleans(array: pa.Array, null: Flags | None) -> ArrowColumn:
    import pyarrow as pa

    return ArrowColumn("boolean", array, _with_nulls(mixed(_numpy(array, pa.uint8(), 0).astype(np.uint64), 41), null))


def _number(array: pa.Array, numbers: Numbers) -> ArrowColumn:
    return ArrowColumn("number", array, numbers.keys, numbers=numbers.take)


def _some(
    make: Callable[..., Numbers],
    values: npt.NDArray[Any],
    null: Flags | None,
    keys: Hashes,
    places: Indices | slice,
) -> Numbers:
    return make(values[places], None if null is None else null[places], keys[places])


def _integers(array: pa.Array, null: Flags | None) -> ArrowColumn | None:
    import pyarrow as pa

    if pa.types.is_uint64(array.type) and _numpy(array, pa.uint64(), 0).max() >= 2**63:
        return None
    values = _numpy(array, pa.int64(), 0)
    keys = integer_keys(values, null)
    column = ArrowColumn("number", array, keys, numbers=partial(_some, of_integers, values, null, keys))
    column.is_fuzzy, column.values = False, values
    return column


def _doubles(array: pa.Array, null: Flags | None) -> ArrowColumn:
    import pyarrow as pa

    values = _numpy(array, pa.float64(), 0.0)
    keys, is_fuzzy = double_keys(values, null)
    column = ArrowColumn("number", array, keys, numbers=partial(_some, of_doubles, values, null, keys))
    column.is_fuzzy, column.values = is_fuzzy, values
    return column


def _decimals(array: pa.Array, null: Flags | None) -> ArrowColumn | None:
    import pyarrow as pa

    scale = array.type.scale
    if not 0 <= scale <= LARGEST_SCALE:
        return None
    wide = array.cast(pa.decimal128(38, scale)) if not pa.types.is_decimal128(array.type) else array
    halves = np.frombuffer(wide.buffers()[1], np.int64).reshape(-1, 2)[wide.offset : wide.offset + len(wide)]
    low = np.ascontiguousarray(halves[:, 0])
    if null is not None:
        low[null] = 0
    # Where the upper half is more than the sign of the lower one, the value does not fit 64 bits.
    fits = halves[:, 1] == low >> 63
    if not (fits if null is None else fits | null).all():
        return None
    return _number(array, of_decimals(low, scale, null))


def _days(array: pa.Array, null: Flags | None) -> ArrowColumn:
    import pyarrow as pa

    days = _numpy(array.cast(pa.date32()).cast(pa.int32()), pa.int64(), 0)
    return ArrowColumn("date", array, _with_nulls(mixed(days.view(np.uint64), 42), null))


def _moments(array: pa.Array, null: Flags | None) -> ArrowColumn:
    import pyarrow as pa

    moments = _numpy(array.cast(pa.timestamp("us", array.type.tz), safe=False).cast(pa.int64()), pa.int64(), 0)
    days = moments // _MICROSECONDS_A_DAY
    if (days * _MICROSECONDS_A_DAY == moments).all():
        return ArrowColumn("date", array, _with_nulls(mixed(days.view(np.uint64), 42), null))
    return ArrowColumn("timestamp", array, _with_nulls(mixed(moments.view(np.uint64), 43), null))


def _text(array: pa.Array, null: Flags | None) -> ArrowColumn:
    return ArrowColumn("text", array, _with_nulls(bytes_keys(array), null))


def _binary(array: pa.Array, null: Flags | None) -> ArrowColumn:
    return ArrowColumn("binary", array, _with_nulls(bytes_keys(array), null))


_MAKERS: tuple[tuple[str, Any], ...] = (
    ("is_boolean", _booleans),
    ("is_integer", _integers),
    ("is_floating", _doubles),
    ("is_decimal", _decimals),
    ("is_string", _text),
    ("is_large_string", _text),
    ("is_string_view", _text),
    ("is_binary", _binary),
    ("is_large_binary", _binary),
    ("is_binary_view", _binary),
    ("is_fixed_size_binary", _binary),
    ("is_date", _days),
    ("is_timestamp", _moments),
)
