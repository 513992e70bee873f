from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.question_slots import Slot
from mlflow_genie_plugin.evaluation.slots_met import meets
from mlflow_genie_plugin.sql_dialect import parse_query


@pytest.mark.parametrize(
    ("slot", "sql", "met"),
    [
        (Slot("top", 10, ""), "SELECT a FROM t ORDER BY b LIMIT 10", True),
        (Slot("top", 10, ""), "SELECT a FROM t ORDER BY b LIMIT 5", False),
        (Slot("top", 10, ""), "SELECT a FROM t ORDER BY b", False),
        (Slot("top", 10, ""), "SELECT a FROM t ORDER BY b LIMIT :n", None),
        (Slot("top", 10, ""), "SELECT a FROM t QUALIFY ROW_NUMBER() OVER (ORDER BY b) <= 10", True),
        (Slot("top", 10, ""), "SELECT * FROM top_customers(10, 'X')", True),
        (Slot("group", "region", ""), "SELECT r_name, COUNT(*) FROM region GROUP BY region_name", True),
        (Slot("group", "region", ""), "SELECT COUNT(*) FROM orders", False),
        (Slot("group", "region", ""), "SELECT r, COUNT(*) FROM orders GROUP BY r", None),
        (Slot("group", "region", ""), "SELECT region FROM regions", None),
        (Slot("group", "year", ""), "SELECT YEAR(d), COUNT(*) FROM t GROUP BY YEAR(d)", True),
        (Slot("year", 1995, ""), "SELECT 1 FROM t WHERE YEAR(d) = 1995", True),
        (Slot("year", 1995, ""), "SELECT 1 FROM t WHERE d BETWEEN '1995-01-01' AND '1995-12-31'", True),
        (Slot("year", 1995, ""), "SELECT 1 FROM t WHERE d < DATE'1996-01-01' AND d > DATE'1994-12-31'", True),
        (Slot("year", 1995, ""), "SELECT 1 FROM t WHERE YEAR(d) = 1996", False),
        (Slot("year", 1995, ""), "SELECT 1 FROM t WHERE d > :since", None),
        (Slot("year", 1995, ""), "SELECT 1 FROM t WHERE YEAR(d) = YEAR(CURRENT_DATE())", None),
        (Slot("month", 3, ""), "SELECT 1 FROM t WHERE MONTH(d) = 3", True),
        (Slot("month", 3, ""), "SELECT 1 FROM t WHERE d >= '1996-03-01'", True),
        (Slot("month", 3, ""), "SELECT 1 FROM t WHERE name = 'March'", True),
        (Slot("month", 3, ""), "SELECT 1 FROM t WHERE x = 3", False),
        (Slot("quarter", 2, ""), "SELECT 1 FROM t WHERE QUARTER(d) = 2", True),
        (Slot("quarter", 2, ""), "SELECT 1 FROM t WHERE d >= '1996-04-01'", True),
        (Slot("value", "Building", ""), "SELECT 1 FROM t WHERE s = 'BUILDING'", True),
        (Slot("value", "Building", ""), "SELECT 1 FROM t WHERE s LIKE '%building%'", True),
        (Slot("value", "Building", ""), "SELECT 1 FROM t WHERE s = 'BLD'", None),
        (Slot("value", "Building", ""), "SELECT 1 FROM t", False),
        (Slot("number", 30.0, ""), "SELECT 1 FROM t GROUP BY a HAVING COUNT(*) > 30", True),
        (Slot("number", 30.0, ""), "SELECT 1 FROM t WHERE a >= 31", None),
        (Slot("number", 30.0, ""), "SELECT 1 FROM t WHERE a > 40", False),
    ],
)
def test_a_query_meets_a_slot_misses_it_or_leaves_it_open(slot, sql, met):
    assert meets(slot, parse_query(sql)) is met
