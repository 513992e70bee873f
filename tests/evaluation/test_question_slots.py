from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation.question_slots import KINDS, Slot, slots_of
from mlflow_genie_plugin.evaluation.slots_met import meets
from mlflow_genie_plugin.sql_dialect import parse_query


@pytest.mark.parametrize(
    ("question", "slots"),
    [
        ("What are the top 10 customers by revenue?", [("top", 10)]),
        ("Show the five largest orders", [("top", 5)]),
        ("Revenue per region", [("group", "region")]),
        ("Revenue by region in 1995", [("group", "region"), ("year", 1995)]),
        ("How many orders were placed in 1997?", [("year", 1997)]),
        ("Compare revenue of 1995 and 1996", [("year", 1995), ("year", 1996)]),
        ("Orders in March 1996", [("year", 1996), ("month", 3)]),
        ("Orders in Q2 1996", [("year", 1996), ("quarter", 2)]),
        ('How many orders have the status "F"?', [("value", "F")]),
        ("Which customers have more than 30 orders?", [("number", 30.0)]),
        ("Orders over $1,000.50", [("number", 1000.5)]),
    ],
)
def test_what_a_question_plainly_asks_for_is_found(question, slots):
    assert [(slot.kind, slot.value) for slot in slots_of(question)] == slots


@pytest.mark.parametrize(
    "question",
    [
        "",
        "How many customers are there?",
        "What is the average price per unit?",
        "Which orders may be late?",
        "What did we sell in the last 30 days?",
        "Who are our top customers by revenue?",
        "Order 1995 was late, wasn't it?",
        "Which customer's orders are the supplier's?",
        "Sales went up by 5 percent, why?",
        "Which orders are worth more than 5 million?",
        "How many orders did customer 2012 place?",
    ],
)
def test_what_can_mean_something_else_gives_no_slot(question):
    assert slots_of(question) == ()


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


@given(st.text(max_size=200))
def test_any_text_gives_known_slots_and_never_fails(question):
    assert {slot.kind for slot in slots_of(question)} <= set(KINDS)


def test_slots_come_once_and_do_not_depend_on_spacing():
    assert slots_of("revenue in 1995\nand   orders in 1995") == slots_of("revenue in 1995 and orders in 1995")
    assert len(slots_of("revenue in 1995 and orders in 1995")) == 1
