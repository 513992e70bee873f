from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.order_columns import compare_in_order, order_columns
from mlflow_genie_plugin.sql_dialect import SqlParseError


@pytest.mark.parametrize(
    ("sql", "names", "positions"),
    [
        ("SELECT a, b FROM t ORDER BY b DESC, 1", ["a", "b"], [1, 0]),
        ("SELECT a AS x, sum(b) FROM t GROUP BY a ORDER BY sum(b)", ["x", "sum(b)"], [1]),
        ("SELECT a, b FROM t ORDER BY ALL", ["a", "b"], [0, 1]),
        ("(SELECT a, b FROM t ORDER BY b)", ["a", "b"], [1]),
        ("SELECT a FROM t UNION ALL SELECT b FROM u ORDER BY a", ["a"], [0]),
        ("SELECT t.x AS amount, t.amount AS y FROM t ORDER BY t.amount", ["amount", "y"], [1]),
        ("SELECT t.x AS amount, t.amount AS y FROM t ORDER BY amount", ["amount", "y"], [0]),
        ("WITH c AS (SELECT a FROM t ORDER BY a) SELECT a FROM c", ["a"], None),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a)", ["a"], None),
        ("SELECT a, rank() OVER (ORDER BY b) AS r FROM t", ["a", "r"], None),
        ("SELECT a FROM t ORDER BY lower(a), a", ["a"], []),
        ("SELECT a, b FROM t ORDER BY a, c, b", ["a", "b"], [0]),
        ("SELECT * FROM t ORDER BY b LIMIT 3", ["a", "b"], [1]),
        ("SELECT `A b` FROM t ORDER BY `a B`", ["A b"], [0]),
        ("SELECT a, a FROM t ORDER BY 3", ["a", "a"], []),
    ],
)
def test_the_keys_of_the_outermost_order_by_are_found_in_the_result(sql, names, positions):
    assert order_columns(sql, names) == positions


def test_sql_that_cannot_be_read_is_an_error():
    with pytest.raises(SqlParseError):
        order_columns("SELECT FROM WHERE", ["a"])


@pytest.mark.parametrize("sql", ["SELECT a FROM t ORDER BY hidden", "SELECT FROM WHERE"])
def test_an_order_that_cannot_be_checked_is_undetermined_unless_it_is_the_same(sql, make_table):
    rows, other = make_table([(1,), (2,)]), make_table([(2,), (1,)])
    assert compare_in_order(sql, rows, rows).outcome == "equal"
    found = compare_in_order(sql, rows, other)
    assert (found.outcome, found.code) == ("undetermined", "UNDETERMINED")
    assert "whether their order is cannot be checked" in found.rationale
    assert compare_in_order(sql, rows, make_table([(1,), (3,)])).outcome == "different"
    assert compare_in_order("SELECT a FROM t", rows, other).outcome == "equal"
    assert compare_in_order("SELECT a FROM t ORDER BY a", rows, other).code == "ROW_ORDER_DIFFERENCE"
