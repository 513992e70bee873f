"""compare() and compare_tables() against a slow, separately written judge of what the same answer is."""

from __future__ import annotations

import math
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation import arrow_columns, columns, hashing, numbers, residual, side_by_side
from mlflow_genie_plugin.evaluation.compare import compare, compare_tables
from mlflow_genie_plugin.workspace.answer import Column, QueryResult


def table(rows):
    columns = tuple(Column(f"c{i}", "STRING") for i in range(len(rows[0])))
    return QueryResult(columns, tuple(map(tuple, rows)), len(rows))


def digits(number):
    """Sign, four significant digits and exponent of an exact decimal, halves to even."""
    sign, figures, exponent = number.as_tuple()
    if not number:
        return (0, 0, 0)
    extra = len(figures) - 4
    whole = int("".join(map(str, figures)))
    if extra > 0:
        whole, rest = divmod(whole, 10**extra)
        half = 5 * 10 ** (extra - 1)
        whole += rest > half or (rest == half and whole % 2)
        exponent += extra
    while whole < 1000:
        whole, exponent = whole * 10, exponent - 1
    return (sign, *((whole // 10, exponent + 1) if whole >= 10000 else (whole, exponent)))


def is_number(cell):
    return type(cell) in (int, float, Decimal)


def same_number(one, other):
    if one != one or other != other:
        return one != one and other != other
    if one == other:
        return True
    if math.isinf(one) or math.isinf(other):
        return False
    if type(one) is Decimal and type(other) is Decimal and one.as_tuple().exponent == other.as_tuple().exponent:
        return False
    first, second = Decimal(one), Decimal(other)
    fraction = any(number != number.to_integral_value() for number in (first, second))
    largest = max(abs(first), abs(second))
    if not fraction:
        large = any(type(cell) is float and abs(cell) >= 2**53 for cell in (one, other))
        return large and abs(first - second) <= largest * Decimal("1e-9")
    if abs(first - second) <= Decimal("1e-15"):
        return True
    half_unit = Decimal(10) ** (largest.adjusted() - 3) / 2
    return abs(first - second) <= half_unit or digits(first) == digits(second)


def same_cell(one, other):
    if one is None or other is None:
        return one is None and other is None
    if is_number(one) and is_number(other):
        return same_number(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_cell, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_cell(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def pairs_up(left, right):
    """Whether the rows have a perfect matching, by trying."""
    if not left:
        return True
    return any(
        all(map(same_cell, left[0], row)) and pairs_up(left[1:], right[:place] + right[place + 1 :])
        for place, row in enumerate(right)
    )


def oracle(left, right, order=()):
    if len(left) != len(right) or len(left[0]) != len(right[0]):
        return "different"
    if all(cell is None for row in left + right for cell in row):
        return "undetermined"
    for choice in permutations(range(len(left[0]))):
        permuted = [tuple(row[j] for j in choice) for row in right]
        if pairs_up(left, permuted) and all(
            same_cell(one[i], other[i]) for one, other in zip(left, permuted, strict=True) for i in order
        ):
            return "equal"
    return "different"


# Near one another, and near the edges of rounding and of the powers of ten, so that "the same" is no equivalence.
near = st.sampled_from(
    [1.0, 1.0003, 1.0004, 1.0006, 1.0008, 1.0012, 1.0017, 9.9953, 9.9957, 9.999, 9.9996, 10.0, 10.003, 10.0041, 10.0063,
     -1.0003, -1.0008, 0.0, -0.0, 1e-17, 0.30000000000000004, 0.3, 1234.4, 1234.43, 1234.6, 1235.0, 1e300, 1.00003e300]
)  # fmt: skip
mixed_numbers = st.sampled_from(
    [0, 1, -1, -2, 2, 3.0, 3, 100000, 100000.3, 100001, 100001.4, 100002.0, 2**53, 2**53 + 1, 2.0**53, 9.1e15,
     2**61 - 1, 10**18, 1e18, 10**20, 1e20, 10**20 + 1, 1e22, math.nan, math.inf, -math.inf]
)  # fmt: skip
decimals = st.sampled_from(
    [Decimal(text) for text in ("1.00", "1.0", "1", "1.01", "1.0004", "2.50", "2.5", "2.500", "100.00", "1E+2", "0.00",
                                "-0.0", "12345678.91", "12345678.90", "123456789012345678901234.5", "98.765")]
)  # fmt: skip
one_scale = st.sampled_from([Decimal(text) for text in ("1.00", "1.01", "98.77", "98.76", "12345.67", "12345.68")])
integers = st.integers(-2, 2)
texts = st.sampled_from(["", "a", "A", "1", "é", "e\u0301", "true", " "])
booleans = st.booleans()
dates = st.dates(date(2024, 1, 1), date(2024, 1, 3))
binaries = st.sampled_from([b"", b"\x00", b"a", b"\x00\x00"])
nested = st.one_of(
    st.lists(near, max_size=3),
    st.lists(st.one_of(st.none(), integers), max_size=2),
    st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([1, 1.0004, -1, -2, None]), max_size=2),
)
COLUMNS = (near, mixed_numbers, decimals, one_scale, integers, texts, booleans, dates, binaries, nested)


@st.composite
def results(draw, kinds=COLUMNS, min_columns=1, max_columns=4, rows=5):
    """Two results of the same kinds of columns, often equal or nearly so."""
    width, height = draw(st.integers(min_columns, max_columns)), draw(st.integers(1, rows))
    columns = []
    for _ in range(width):
        kind = draw(st.sampled_from(kinds))
        columns.append((kind if draw(st.booleans()) else st.one_of(st.none(), kind), kind))
    left = draw(st.lists(st.tuples(*(cells for cells, _ in columns)), min_size=height, max_size=height))
    right = [list(row) for row in draw(st.permutations(left))]
    for _ in range(draw(st.integers(0, 3))):
        row, column = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        right[row][column] = draw(columns[column][0])
    order = draw(st.permutations(range(width)))
    return left, [tuple(row[j] for j in order) for row in right]


def outcome(left, right, **options):
    return compare(table(left), table(right), **options).outcome


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(results())
def test_the_verdict_is_the_oracles(pair):
    assert outcome(*pair) == oracle(*pair)


@settings(max_examples=200, deadline=None)
@given(results(kinds=(near,), max_columns=3, rows=6))
@example(([(9.999,), (10.0,)], [(9.9957,), (10.003,)]))
@example(([(5000000,), (5000000.5,)], [(5000001,), (5000001.5,)]))
@example(([(1.0004, 1.0), (1.0008, 1.0)], [(1.0008, 1.0), (1.0012, 1.0)]))
def test_pairing_rows_up_is_complete_where_the_same_is_no_equivalence(pair):
    assert outcome(*pair) == oracle(*pair)


@settings(max_examples=200, deadline=None)
@given(results(kinds=(integers, near, texts), max_columns=3), st.data())
def test_order_holds_under_any_permutation_that_holds_for_the_rows(pair, data):
    left, right = pair
    order = data.draw(st.lists(st.integers(0, len(left[0]) - 1), unique=True, max_size=2))
    assert outcome(left, right, order_columns=order) == oracle(left, right, order)


@settings(max_examples=200, deadline=None)
@given(results(kinds=(integers, booleans, st.sampled_from([0.5, 1.0])), max_columns=4, rows=6))
def test_columns_that_look_alike_are_told_apart_by_the_rows(pair):
    assert outcome(*pair) == oracle(*pair)


def test_swapped_columns_may_carry_the_order():
    expected, answer = [(1, 2), (2, 1)], [(2, 1), (1, 2)]
    assert outcome(expected, answer, order_columns=[0]) == "equal"
    assert outcome([(1, 2), (2, 3)], [(2, 3), (1, 2)], order_columns=[0]) == "different"


ARROW = {
    "near": (near, pa.float64()),
    "single": (st.sampled_from([0.5, 0.25, 1.0, 0.1, 1.0003]), pa.float32()),
    "integers": (st.sampled_from([-2, -1, 0, 1, 100000, 100001, 2**53 + 1, 2**62]), pa.int64()),
    "unsigned": (st.sampled_from([0, 1, 2**53 + 1, 2**64 - 1]), pa.uint64()),
    "short": (integers, pa.int8()),
    "doubles": (st.sampled_from([0.0, -0.0, 1.0, 1.5, 2.0**53, 1e18, math.nan, math.inf, -math.inf]), pa.float64()),
    "money": (one_scale, pa.decimal128(10, 2)),
    "precise": (st.sampled_from([Decimal("1.000000"), Decimal("1.000400"), Decimal("9.876543")]), pa.decimal128(9, 6)),
    "wide": (st.sampled_from([Decimal("1.50"), Decimal("12345678901234567890.25"), Decimal(7)]), pa.decimal128(38, 4)),
    "wider": (st.sampled_from([Decimal("1.50"), Decimal("12345678901234567890.25")]), pa.decimal256(60, 6)),
    "texts": (st.one_of(texts, st.sampled_from(["longer than eight bytes", "longer than eight bytez", "12345678"])),
              pa.string()),
    "large": (texts, pa.large_string()),
    "view": (texts, pa.string_view()),
    "coded": (texts, pa.dictionary(pa.int8(), pa.string())),
    "booleans": (booleans, pa.bool_()),
    "binaries": (binaries, pa.binary()),
    "dates": (dates, pa.date32()),
    "midnights": (dates.map(lambda day: datetime(day.year, day.month, day.day)), pa.timestamp("us")),  # noqa: DTZ001
    "moments": (st.sampled_from([datetime(2024, 1, 1, 12), datetime(1969, 12, 31, 1)]), pa.timestamp("us")),  # noqa: DTZ001
    "zoned": (st.sampled_from([datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)]),
              pa.timestamp("ns", "Europe/Berlin")),
    "lists": (st.lists(near, max_size=2), pa.list_(pa.float64())),
    "structs": (st.fixed_dictionaries({"a": integers, "b": texts}), pa.struct([("a", pa.int64()), ("b", pa.string())])),
    "maps": (st.dictionaries(texts, integers, max_size=2).map(lambda pairs: list(pairs.items())),
             pa.map_(pa.string(), pa.int64())),
}  # fmt: skip
FAMILIES = (
    ("near", "single", "integers", "unsigned", "short", "doubles", "money", "precise", "wide", "wider"),
    ("texts", "large", "view", "coded"),
    ("booleans",),
    ("binaries",),
    ("dates", "midnights", "moments", "zoned"),
    ("lists",),
    ("structs",),
    ("maps",),
)


@st.composite
def tables(draw):
    """Two Arrow tables: the second holds the first's columns, perhaps of another type, permuted and changed."""
    width, height = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    left, right = [], []
    rows = draw(st.permutations(range(height)))
    for _ in range(width):
        family = draw(st.sampled_from(FAMILIES))
        values, kind = ARROW[draw(st.sampled_from(family))]
        cells = draw(st.lists(st.one_of(st.none(), values, values), min_size=height, max_size=height))
        left.append(pa.array(cells, kind))
        other_values, other_kind = ARROW[draw(st.sampled_from(family))] if draw(st.booleans()) else (values, kind)
        try:
            other = left[-1].cast(other_kind) if other_kind != kind else left[-1]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            other = pa.array(draw(st.lists(other_values, min_size=height, max_size=height)), other_kind)
        if draw(st.booleans()):
            changed = other.to_pylist()
            changed[draw(st.integers(0, height - 1))] = draw(other_values)
            other = pa.array(changed, other_kind)
        right.append(pa.array([other.to_pylist()[row] for row in rows], other_kind))
    order = draw(st.permutations(range(width)))
    names = [f"c{i}" for i in range(width)]
    return pa.table(left, names), pa.table([right[j] for j in order], names)


def as_result(arrow):
    rows = [column.to_pylist(maps_as_pydicts="strict") for column in arrow.columns]
    # A timestamp in nanoseconds becomes one of pandas; the workspace's values are Python's.
    rows = [[getattr(cell, "to_pydatetime", lambda cell=cell: cell)() for cell in column] for column in rows]
    return table(list(zip(*rows, strict=True)))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), st.data())
def test_arrow_tables_get_the_verdict_of_their_rows(pair, data):
    left, right = pair
    order = data.draw(st.lists(st.integers(0, left.num_columns - 1), unique=True, max_size=1))
    by_rows = compare(as_result(left), as_result(right), order_columns=order)
    by_columns = compare_tables(left, right, order_columns=order)
    assert (by_columns.outcome, by_columns.code) == (by_rows.outcome, by_rows.code)
    assert by_columns.evidence == by_rows.evidence


@settings(max_examples=100, deadline=None)
@given(tables(), tables())
def test_arrow_tables_of_different_shape_get_the_verdict_of_their_rows(one, another):
    left, right = one[0], another[0]
    by_rows, by_columns = compare(as_result(left), as_result(right)), compare_tables(left, right)
    assert (by_columns.outcome, by_columns.code, by_columns.rationale) == (
        by_rows.outcome,
        by_rows.code,
        by_rows.rationale,
    )


def test_a_type_that_no_result_holds_is_refused_not_guessed():
    durations = pa.table({"a": pa.array([1, 2], pa.duration("s"))})
    with pytest.raises(TypeError, match="timedelta"):
        compare_tables(durations, durations)
    numbers = pa.table({"a": pa.array([1, 2])})
    assert compare_tables(numbers, pa.table({"a": pa.chunked_array([[2], [1]])})).outcome == "equal"
    assert compare_tables(numbers, numbers.slice(0, 0)).code == "EMPTY_RESULT"
    assert compare_tables(numbers.slice(1), numbers.slice(1)).outcome == "equal"


@contextmanager
def taken_for_large():
    """Take every table for a large one: several threads, blocks of a few rows, Arrow's memory, buckets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(side_by_side, "_WORTH_THREADS", 1)
        patch.setattr(residual, "_MANY", 1)
        patch.setattr(residual, "_FEW_BITS", 2)
        patch.setattr(residual, "_SPAN", 2)
        patch.setattr(hashing, "_LARGE", 1)
        for module in (hashing, columns, numbers):
            patch.setattr(module, "BLOCK", 2)
        yield


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), st.data())
def test_large_tables_get_the_verdict_and_the_evidence_of_small_ones(pair, data):
    left, right = pair
    order = data.draw(st.lists(st.integers(0, left.num_columns - 1), unique=True, max_size=1))
    small = compare_tables(left, right, order_columns=order)
    with taken_for_large():
        assert compare_tables(left, right, order_columns=order) == small


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), st.booleans(), st.data())
def test_a_glance_at_the_same_rows_in_place_tells_what_the_whole_comparison_tells(pair, is_copy, data):
    left = pair[0]
    right = pa.concat_tables([left.slice(0, 1), left.slice(1)]) if is_copy else pair[1]
    order = data.draw(st.lists(st.integers(0, left.num_columns - 1), unique=True, max_size=1))
    found = compare_tables(left, right, order_columns=order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow_columns, "same_in_place", lambda one, other: False)
        assert compare_tables(left, right, order_columns=order) == found
    if is_copy:
        assert found.outcome == "equal" or found.code == "VACUOUS_RESULT"


def test_a_glance_is_no_way_round_what_is_refused():
    durations = pa.table({"a": pa.array([1, 2], pa.duration("s"))})
    nothing = pa.table({"a": pa.array([None, None], pa.int64()), "b": pa.array([None, None], pa.string())})
    twice = pa.table({"a": [1, 1], "b": [1, 1]})
    assert arrow_columns.same_in_place(twice, twice)
    assert not arrow_columns.same_in_place(durations, durations)
    assert not arrow_columns.same_in_place(nothing, nothing)
    assert not arrow_columns.same_in_place(twice, twice.set_column(1, "b", pa.array([1.0, 1.0])))
    assert compare_tables(twice, twice).evidence["column_map"] == [0, 1]
    assert compare_tables(nothing, nothing).code == "VACUOUS_RESULT"


doubles = st.lists(
    st.tuples(
        st.one_of(
            st.floats(), st.integers(-(2**54), 2**54).map(float), st.sampled_from([0.0, -0.0, 2.0**53, 2.0**63, 0.5])
        ),
        st.booleans(),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=400, deadline=None)
@given(doubles, st.booleans())
def test_keys_of_doubles_made_alone_are_those_made_with_everything(cells, has_null):
    values = np.array([value for value, _ in cells])
    null = np.array([is_null for _, is_null in cells]) if has_null else None
    whole = numbers.of_doubles(values, null)
    with taken_for_large():
        keys, is_fuzzy = numbers.double_keys(values, null)
        again = numbers.of_doubles(values, null, keys)
    assert (keys == whole.keys).all()
    assert is_fuzzy == bool((whole.grain != numbers.WHOLE).any())
    for name in ("values", "holes", "grain", "keys"):
        assert (getattr(again, name) == getattr(whole, name)).all()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=3, max_size=3), min_size=1, max_size=9))
def test_hashes_made_in_blocks_are_those_of_all_rows_at_once(rows):
    cells = [np.array(column, np.uint64) for column in zip(*rows, strict=True)]
    whole = hashing.row_hashes(cells, len(rows))
    with taken_for_large():
        first = hashing.extended(None, [(0, cells[0])], len(rows))
        assert (hashing.extended(first, [(1, cells[1]), (2, cells[2])], len(rows)) == whole).all()
        assert hashing.bag(whole, 4) == int(hashing.mixed(whole, 4).sum())
    assert hashing.bag(whole) == int(hashing.mixed(whole, 1).sum())
    assert (hashing.extended(None, [], len(rows)) == 0).all()


def test_columns_of_large_tables_are_made_side_by_side_and_keep_their_places(monkeypatch):
    monkeypatch.setattr(side_by_side, "_WORTH_THREADS", 2)
    left = pa.table({"n": [1, 2, 2], "t": ["a", "b", None], "d": [0.5, 1.5, None], "s": ["x", "y", "y"]})
    right = left.select(["s", "d", "n", "t"]).take(pa.array([2, 0, 1]))
    assert [[column.kind for column in side] for side in arrow_columns.arrow_columns(left, right)] == [
        ["number", "text", "number", "text"],
        ["text", "number", "number", "text"],
    ]
    assert compare_tables(left, right).outcome == "equal"
    assert compare_tables(left, left.set_column(1, "t", pa.array(["a", None, "b"]))).outcome == "different"
    with pytest.raises(TypeError, match="timedelta"):
        compare_tables(left, left.append_column("e", pa.array([1, 2, 3], pa.duration("s"))))


@settings(max_examples=300, deadline=None)
@given(doubles, st.booleans(), st.booleans())
def test_bounds_had_at_once_are_those_of_the_whole_extent(cells, are_whole, has_null):
    values = [None if has_null and is_null else value for value, is_null in cells]
    if are_whole:
        values = [None if value is None or not math.isfinite(value) else int(value) % 2**62 for value in values]
    kind = pa.int64() if are_whole else pa.float64()
    column = arrow_columns.arrow_column(pa.chunked_array([pa.array(values, kind)]))
    if column.kind == "number":
        assert column.bounds == column.extents[0].bounds
