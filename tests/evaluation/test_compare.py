from __future__ import annotations

import math
import random
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation.compare import compare
from mlflow_genie_plugin.evaluation.number_cells import of_cells
from mlflow_genie_plugin.evaluation.numbers import same
from mlflow_genie_plugin.workspace.answer import Column, QueryResult


def table(rows, names=None, *, width=None, truncated=False, row_count=None):
    rows = tuple(tuple(row) for row in rows)
    width = len(rows[0]) if rows else width or 1
    columns = tuple(Column(name, "STRING") for name in (names or [f"c{i}" for i in range(width)]))
    return QueryResult(columns, rows, len(rows) if row_count is None else row_count, truncated)


def verdict(expected, actual, **options):
    found = compare(table(expected), table(actual), **options)
    return found.outcome, found.code


def close(one, other):
    return bool(same(of_cells([one]), of_cells([other]))[0])


EQUAL = ("equal", None)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ([(1, "a"), (2, "b")], [(2, "b"), (1, "a")]),
        ([(1, "a"), (2, "b")], [("b", 2), ("a", 1)]),
        ([(1, None)], [(None, 1)]),
        ([(1,)], [(1.0,)]),
        ([(1,)], [(Decimal("1.00"),)]),
        ([(0.1 + 0.2,)], [(0.3,)]),
        ([(1234.4,)], [(1234.43,)]),
        ([(25.507967,)], [(Decimal("25.51"),)]),
        ([(0.12345,)], [(Decimal("0.1235"),)]),
        ([(math.nan, 1)], [(math.nan, 1)]),
        ([(math.inf, 1.5)], [(math.inf, 1.5001)]),
        ([(0.0,), (1.5,)], [(-0.0,), (1.5,)]),
        ([(date(2024, 1, 1),)], [(datetime(2024, 1, 1),)]),  # noqa: DTZ001
        ([(datetime(2024, 1, 1, 12, tzinfo=UTC),)], [(datetime(2024, 1, 1, 14, tzinfo=timezone(timedelta(hours=2))),)]),
        ([([1, 2], {"a": 1.00004})], [([1, 2], {"a": 1.00001})]),
        ([({"a": 1, "b": 2},)], [({"b": 2, "a": 1},)]),
        ([(b"\x00",)], [(b"\x00",)]),
        ([("a", 1.2345678), ("b", 2.5)], [(2.5, "b"), (1.234568, "a")]),
        ([(None, 1), (None, 2)], [(2, None), (1, None)]),
        ([(2**60,)], [(2.0**60,)]),
        ([(1.2345678901234567e20,)], [(1.2345678901234569e20,)]),
        ([(10**30,), (1,)], [(Decimal(10**30),), (1,)]),
        ([(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))),)],) * 2,
        ([([],), ([1],)], [([1],), ([],)]),
        ([({10: "a", 9: "b", 1: "c"},)], [({1.0: "c", 9.0: "b", 10.0: "a"},)]),
        ([({"a": [{"b": 0.30000000000000004}]},)], [({"a": [{"b": 0.3}]},)]),
        ([("a\u0301",)], [("a\u0301",)]),
        ([(9.999,), (10.0,)], [(9.9957,), (10.003,)]),
        ([(5000000,), (5000000.5,)], [(5000001,), (5000001.5,)]),
    ],
)
def test_the_same_answer_in_another_form_is_equal(expected, actual):
    assert verdict(expected, actual) == EQUAL
    assert verdict(actual, expected) == EQUAL


@pytest.mark.parametrize(
    ("expected", "actual", "code"),
    [
        ([(1,)], [(2,)], "SINGLE_CELL_DIFFERENCE"),
        ([(None,), (1,)], [(0,), (1,)], "RESULT_MISSING_ROWS"),
        ([(None,), ("a",)], [("",), ("a",)], "RESULT_MISSING_ROWS"),
        ([(12345678,)], [(12345679,)], "SINGLE_CELL_DIFFERENCE"),
        ([(12345678.0,)], [(12345679.0,)], "SINGLE_CELL_DIFFERENCE"),
        ([(98.76,)], [(98.77,)], "SINGLE_CELL_DIFFERENCE"),
        ([(Decimal("12345678.91"),)], [(Decimal("12345999.10"),)], "SINGLE_CELL_DIFFERENCE"),
        ([(True,)], [(1,)], "SINGLE_CELL_DIFFERENCE"),
        ([(math.nan,), (1.5,)], [(None,), (1.5,)], "RESULT_MISSING_ROWS"),
        ([("1",)], [(1,)], "COLUMN_TYPE_DIFFERENCE"),
        ([(date(2024, 1, 1), 5)], [("2024-01-01", 5)], "COLUMN_TYPE_DIFFERENCE"),
        ([(1, 2), (2, 1)], [(1, 1), (2, 2)], "RESULT_MISSING_ROWS"),
        ([(1,), (1,), (2,)], [(1,), (2,), (2,)], "RESULT_MISSING_ROWS"),
        ([(1,), (1,)], [(1,)], "RESULT_MISSING_ROWS"),
        ([(1,)], [(1,), (1,)], "RESULT_EXTRA_ROWS"),
        ([(1, 2)], [(1,)], "RESULT_MISSING_COLUMNS"),
        ([(1,)], [(1, 2)], "RESULT_EXTRA_COLUMNS"),
        ([(1,)], [], "EMPTY_RESULT"),
        ([], [(1,)], "RESULT_EXTRA_ROWS"),
        ([([1, 2],)], [([2, 1],)], "SINGLE_CELL_DIFFERENCE"),
        ([("a",)], [("A",)], "SINGLE_CELL_DIFFERENCE"),
        ([(b"a",)], [("a",)], "SINGLE_CELL_DIFFERENCE"),
        ([("a", 1.5), ("b", 2.5)], [("a", 2.5), ("b", 1.5)], "RESULT_MISSING_ROWS"),
        ([("a\u0301",)], [("\u00e1",)], "SINGLE_CELL_DIFFERENCE"),
        ([(2**53 + 1,)], [(2**53,)], "SINGLE_CELL_DIFFERENCE"),
        ([(2**61 - 1,), (5,)], [(0,), (5,)], "RESULT_MISSING_ROWS"),
        ([(-1,), (-2,), (-2,)], [(-1,), (-1,), (-2,)], "RESULT_MISSING_ROWS"),
        ([([-1],)], [([-2],)], "SINGLE_CELL_DIFFERENCE"),
        ([([],)], [(None,)], "SINGLE_CELL_DIFFERENCE"),
        ([([],)], [([None],)], "SINGLE_CELL_DIFFERENCE"),
        ([({"a": 1},)], [({"b": 1},)], "SINGLE_CELL_DIFFERENCE"),
        ([([1],)], [({"0": 1},)], "SINGLE_CELL_DIFFERENCE"),
        ([([True],)], [([1],)], "SINGLE_CELL_DIFFERENCE"),
        ([(False,), (None,)], [("",), (None,)], "RESULT_MISSING_ROWS"),
        ([(1.0004,), (1.0008,)], [(1.0004,), (1.0018,)], "RESULT_MISSING_ROWS"),
        ([(math.inf, 1)], [(-math.inf, 1)], "RESULT_MISSING_ROWS"),
        (
            [(datetime(2024, 1, 1, 12, tzinfo=UTC),)],
            [(datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))),)],
            "SINGLE_CELL_DIFFERENCE",
        ),
        ([(Decimal("1.00"),)], [(Decimal("1.01"),)], "SINGLE_CELL_DIFFERENCE"),
    ],
)
def test_another_answer_is_different_with_its_code(expected, actual, code):
    assert verdict(expected, actual) == ("different", code)


@pytest.mark.parametrize(
    ("expected", "actual", "code"),
    [
        (table([]), table([]), "VACUOUS_RESULT"),
        (table([(None,)]), table([(None,)]), "VACUOUS_RESULT"),
        (table([(None, None)] * 3), table([(None, None)] * 3), "VACUOUS_RESULT"),
        (table([(1,)], truncated=True), table([(1,)], truncated=True), "TRUNCATED_RESULT"),
        (table([(1,)], truncated=True), table([(1,), (2,)]), "TRUNCATED_RESULT"),
        (table([(1,), (2,)]), table([(1,)], truncated=True), "TRUNCATED_RESULT"),
    ],
)
def test_what_proves_nothing_is_undetermined(expected, actual, code):
    found = compare(expected, actual)
    assert (found.outcome, found.code) == ("undetermined", code)


def test_a_truncated_result_can_still_be_too_long_or_too_wide():
    cut = table([(1,), (2,)], truncated=True, row_count=9000)
    assert compare(table([(1,), (2,)]), cut).code == "RESULT_EXTRA_ROWS"
    assert compare(cut, table([(1,), (2,)])).code == "RESULT_MISSING_ROWS"
    assert compare(table([(1, 2)]), cut).code == "RESULT_MISSING_COLUMNS"


def test_empty_results_of_different_width_differ():
    assert compare(table([], width=1), table([], width=2)).outcome == "different"


def test_order_counts_only_when_asked_and_ties_are_free():
    expected, tied, wrong = (
        [("a", 3), ("b", 2), ("c", 2)],
        [("a", 3), ("c", 2), ("b", 2)],
        [("b", 2), ("a", 3), ("c", 2)],
    )
    assert verdict(expected, tied, order_columns=[1]) == EQUAL
    assert verdict(expected, wrong) == EQUAL
    assert verdict(expected, wrong, order_columns=[1]) == ("different", "ROW_ORDER_DIFFERENCE")


def test_evidence_names_the_column_and_shows_capped_rows_but_the_rationale_holds_no_values():
    expected = [(i, 100 + i, "x" * 1000) for i in range(50)]
    actual = [(i, 900 + i, "x" * 1000) for i in range(50)]
    found = compare(table(expected, ["id", "revenue", "note"]), table(actual, ["id", "revenue", "note"]))
    assert found.rationale == '50 of 50 rows differ in "revenue"'
    assert found.evidence["columns_differing"] == ["revenue"]
    assert len(found.evidence["missing_rows"]) == 5
    assert len(found.evidence["missing_rows"][0][2]) < 300
    assert found.evidence["row_recall"] == 0.0


def test_the_same_rows_are_shown_whatever_order_a_warehouse_returns_them_in():
    cells = [None, True, 3, 10**400, -2.5, math.nan, Decimal("7.25"), "b", "a", date(2024, 1, 2), b"x", [1, None]]
    expected, actual = ([(cell, mark) for cell in cells] for mark in ("right", "wrong"))
    wanted = compare(table(expected), table(actual)).evidence
    assert [row[0] for row in wanted["missing_rows"][:3]] == [-2.5, 3, {"$decimal": "7.25"}]
    for seed in range(5):
        mixed = [random.Random(seed).sample(rows, len(rows)) for rows in (expected, actual)]
        assert compare(*map(table, mixed)).evidence == wanted


def test_extra_columns_say_whether_the_rest_is_right():
    expected, names = [("a", 1.5), ("b", 2.5)], ["key", "total"]
    found = compare(table(expected, names), table([(7, 1.5, "a"), (8, 2.5, "b")], ["id", "sum", "name"]))
    assert found.rationale == 'the answer has 3 columns, expected 2; "id" is not asked for, the rest is right'
    found = compare(table(expected, names), table([("a",), ("b",)], ["name"]))
    assert found.rationale == 'the answer has 1 column, expected 2; "total" is missing, the rest is right'


def test_identical_and_mirrored_columns_neither_blow_up_nor_match_wrongly():
    rng = random.Random(3)
    same = [tuple([i % 2] * 30) for i in range(400)]
    assert verdict(same, [row[::-1] for row in same]) == EQUAL
    alike = [tuple(rng.randint(0, 1) for _ in range(25)) for _ in range(60)]
    order = rng.sample(range(25), 25)
    shuffled = rng.sample([tuple(row[j] for j in order) for row in alike], 60)
    assert verdict(alike, shuffled) == EQUAL
    mirrored = [tuple(1 - cell for cell in row) for row in alike]
    assert verdict(alike, mirrored)[0] != "equal"


def test_a_search_that_is_given_up_is_undetermined_never_equal():
    # Every column is a permutation of every other one, and each pair of rows looks alike: the worst case.
    size = 60
    left = [tuple((i * j) % 2 if i < 2 else int(i == j) for j in range(size)) for i in range(size)]
    right = [tuple((i * j + 1) % 2 if i < 2 else int(i == j) for j in range(size)) for i in range(size)]
    started = time.process_time()
    assert verdict(left, right)[0] != "equal"
    assert time.process_time() - started < 20


def test_rows_pair_up_across_a_rounding_edge():
    expected = [(1.00049, 5.0), (1.00051, 3.5), (7.0, 1.0)]
    actual = [(1.00051, 5.0), (1.00049, 3.5), (7.0, 1.0)]
    assert verdict(expected, actual) == EQUAL
    assert verdict(expected, [(1.00051, 5.0), (1.00049, 3.6), (7.0, 1.0)])[0] == "different"


simple = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.sampled_from(["", "a", "b"]),
    st.booleans(),
    st.sampled_from([0.5, 1.25, -2.0, 1e-9]),
    st.decimals("-3", "3", places=2),
    st.dates(date(2024, 1, 1), date(2024, 1, 4)),
)


@st.composite
def bags(draw, min_rows=1):
    width = draw(st.integers(1, 5))
    columns = [
        draw(st.sampled_from([st.integers(-2, 2), st.sampled_from("ab"), st.booleans(), simple])) for _ in range(width)
    ]
    return draw(st.lists(st.tuples(*columns), min_size=min_rows, max_size=8))


@settings(max_examples=150, deadline=None)
@given(bags(), st.randoms(use_true_random=False))
def test_any_order_of_rows_and_columns_is_the_same_answer(rows, rng):
    if all(cell is None for row in rows for cell in row):
        return
    order = rng.sample(range(len(rows[0])), len(rows[0]))
    shuffled = rng.sample([tuple(row[j] for j in order) for row in rows], len(rows))
    assert verdict(rows, shuffled) == EQUAL


@settings(max_examples=150, deadline=None)
@given(bags(), bags())
def test_comparing_is_symmetric(left, right):
    assert verdict(left, right)[0] == verdict(right, left)[0]


@settings(max_examples=100, deadline=None)
@given(bags(), st.data())
def test_one_changed_cell_is_noticed(rows, data):
    row, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(rows[0]) - 1))
    changed = [list(item) for item in rows]
    changed[row][column] = "something else"
    assert verdict(rows, changed)[0] == "different"


@given(st.floats(1e-6, 1e9))
def test_a_number_is_close_to_itself_rounded_to_four_digits_and_not_to_another_third_digit(value):
    rounded = float(f"{value:.3e}")
    unit = 10.0 ** (math.floor(math.log10(value)) - 3)
    assert close(value, rounded) or (value.is_integer() and rounded.is_integer())
    assert not close(value, value + 20 * unit)


def test_a_search_without_budget_says_so(monkeypatch):
    from mlflow_genie_plugin.evaluation import column_map

    monkeypatch.setattr(column_map, "_TRY_BUDGET", 0)
    rows, other = [(0, 1, 1), (1, 0, 1), (1, 1, 0), (0, 1, 0)], [(1, 1, 0), (0, 1, 1), (1, 0, 1), (1, 0, 0)]
    assert verdict(rows, other) == ("undetermined", "TOO_ALIKE")


@pytest.mark.parametrize("differ", [False, True])
def test_five_thousand_rows_are_compared_quickly(differ):
    rng = random.Random(1)
    rows = [
        (i, f"name {i % 700}", rng.random() * 1e4, rng.randint(0, 9), date(2024, 1, 1 + i % 28), None, i % 2 == 0,
         rng.random(), rng.randint(0, 3), "x")
        for i in range(5000)
    ]  # fmt: skip
    order = rng.sample(range(10), 10)
    other = rng.sample([tuple(row[j] for j in order) for row in rows], 5000)
    if differ:
        other[7] = tuple("wrong" if isinstance(cell, str) else cell for cell in other[7])
    started = time.process_time()
    found = verdict(rows, other)
    assert time.process_time() - started < 2.0
    assert found[0] == ("different" if differ else "equal")


def test_every_code_is_a_failure_type_with_the_name_that_genie_gives_it():
    from databricks.sdk.service.dashboards import ScoreReason

    from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES

    results = [[], [(1,)], [(2,)], [("1",)], [(1,), (2,)], [(1, 2)], [(1, 2), (2, 1)], [(2, 1), (1, 3)], [(None,)]]
    seen = {compare(table(one), table(other)).code for one in results for other in results} - {None}
    assert seen >= {"EMPTY_RESULT", "SINGLE_CELL_DIFFERENCE", "COLUMN_TYPE_DIFFERENCE", "VACUOUS_RESULT"}
    names = {reason.value for reason in ScoreReason}
    for code in seen:
        assert FAILURE_TYPES[code].score_reason in names
        if code in names:
            assert FAILURE_TYPES[code].score_reason == code
