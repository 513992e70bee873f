from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation.question_slots import KINDS, slots_of


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


@given(st.text(max_size=200))
def test_any_text_gives_known_slots_and_never_fails(question):
    assert {slot.kind for slot in slots_of(question)} <= set(KINDS)


def test_slots_come_once_and_do_not_depend_on_spacing():
    assert slots_of("revenue in 1995\nand   orders in 1995") == slots_of("revenue in 1995 and orders in 1995")
    assert len(slots_of("revenue in 1995 and orders in 1995")) == 1
