from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from mlflow_genie_plugin.evaluation.refuter.bags import Matcher, says_something


def agree(left, right, widths=None):
    return Matcher().agree(left, right, widths or (len(left[0]), len(right[0])))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([(1, "a"), (2, "b")], [(2, "b"), (1, "a")]),
        ([(1,)], [(Decimal("1.00"),)]),
        ([(0.1 + 0.2,)], [(0.3,)]),
        ([(Decimal("369.384615"),)], [(Decimal("369.384615384615"),)]),
        ([(dt.date(2020, 1, 1),)], [(dt.datetime(2020, 1, 1),)]),  # noqa: DTZ001 as the engine gives it
        ([(1, "a"), (2, "a")], [("a", 1), ("a", 2)]),
    ],
)
def test_the_same_bag_agrees(left, right):
    assert agree(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([(1,)], [(1,), (1,)]),
        ([(1,)], [("1",)]),
        ([(1,)], [(True,)]),
        ([(None,)], [(0,)]),
        ([(12.34,)], [(12.3,)]),
        ([("a",)], [("A",)]),
        ([(1, 2), (2, 1)], [(1, 1), (2, 2)]),
    ],
)
def test_another_bag_does_not(left, right):
    assert not agree(left, right)


def test_one_order_of_columns_must_hold_for_all_databases():
    matcher = Matcher()
    assert matcher.agree([(1, 1)], [(1, 1)], (2, 2))
    assert matcher.agree([(1, 2)], [(2, 1)], (2, 2))
    assert not matcher.agree([(3, 4)], [(3, 4)], (2, 2))


def test_further_columns_are_counted_but_missing_ones_differ():
    matcher = Matcher()
    assert matcher.agree([(1,)], [(7, 1)], (1, 2))
    assert matcher.extra_columns == 1
    assert not Matcher().agree([(7, 1)], [(1,)], (2, 1))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [([], False), ([(None,)], False), ([(0,)], False), ([(None, 0)], False), ([(0,), (0,)], True), ([(False,)], True),
     ([("",)], True), ([(None, 1)], True)],
)  # fmt: skip
def test_nothing_says_nothing(rows, expected):
    assert says_something(rows) is expected
