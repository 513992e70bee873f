from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.judge import judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges.completeness import Completeness
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.refuter.refutation import Refutation, unknown
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult, stored_json, stored_result

COLUMNS = ("id", "region", "price", "who")
TYPED = (*map(SchemaColumn, COLUMNS), SchemaColumn("day", "date"))
SCHEMA = SpaceSchema({"c.s.orders": SchemaAsset("c.s.orders", "TABLE", TYPED)})
SAME = Refutation("equivalent", 0.97, "they agree on 8 databases", "databases", databases=8, informative=8)


@pytest.fixture
def judge(make_table):
    """``judge(question, expected_sql, sql, expected_rows, rows)``; rows may be left out."""

    def run(question, expected_sql, sql, expected=None, rows=None, *, refutation=None, truncated=False):
        tables = [None if each is None else make_table(each) for each in (expected, rows)]
        if truncated:
            tables[1] = make_table(rows, row_count=len(rows), truncated=True)
        wanted, got = (StoredResult() if table is None else stored_result(table, None) for table in tables)
        record = AnswerRecord(**{**stored_json(got), "columns": got.columns, "sql": sql})
        case = JudgedCase(Benchmark("q", question, expected_sql), record, wanted, schema=SCHEMA)
        case.__dict__["refutation"] = refutation or unknown("no database told")
        return judge_case(case, [Completeness()])["completeness"]

    return run


def told(finding):
    return finding.outcome.value, finding.failure_type


BY_REGION = "SELECT region, SUM(price) FROM c.s.orders GROUP BY region"
ROWS = [("EUROPE", 5), ("ASIA", 7), ("AFRICA", 9)]


def test_equal_results_are_complete(judge):
    finding = judge("Price by region", BY_REGION, BY_REGION, ROWS, ROWS[::-1])
    assert told(finding) == ("passed", None)
    assert finding.evidence["row_recall"] == 1.0


def test_further_columns_and_rows_do_not_fail(judge):
    wider = [(*row, 1) for row in ROWS]
    sql = "SELECT region, SUM(price), COUNT(*) FROM c.s.orders GROUP BY region"
    assert told(judge("Price by region", BY_REGION, sql, ROWS, wider)) == ("passed", None)
    assert told(judge("Price by region", BY_REGION, BY_REGION, ROWS, [*ROWS, ("AMERICA", 3)])) == ("passed", None)


def test_a_wrong_value_is_no_gap(judge):
    wrong = [("EUROPE", 6), ("ASIA", 7), ("AFRICA", 9)]
    sql = "SELECT region, AVG(price) FROM c.s.orders GROUP BY region"
    finding = judge("Price by region", BY_REGION, sql, ROWS, wrong)
    assert told(finding) == ("passed", None)
    assert finding.evidence["row_recall"] == pytest.approx(2 / 3)


def test_a_missing_column_fails_with_rows_and_without(judge):
    sql = "SELECT region FROM c.s.orders GROUP BY region"
    two = "SELECT region, who FROM c.s.orders GROUP BY region, who"
    finding = judge("Who by region?", two, sql, [("EUROPE", "a"), ("ASIA", "b")], [("EUROPE",), ("ASIA",)])
    assert told(finding) == ("failed", "missing_column")
    finding = judge("Regions and who?", "SELECT region, who FROM c.s.orders", "SELECT region FROM c.s.orders")
    assert told(finding) == ("failed", "missing_column")
    assert finding.rationale == "the column who is missing"


def test_another_column_in_its_place_is_a_missing_column(judge):
    finding = judge(
        "Who?", "SELECT who FROM c.s.orders", "SELECT region FROM c.s.orders", [("a",), ("b",)], [("x",), ("y",)]
    )
    assert told(finding) == ("failed", "missing_column")
    assert finding.rationale == "the column who is missing"


def test_missing_rows_are_a_partial_answer(judge):
    finding = judge("Price by region", BY_REGION, f"{BY_REGION} LIMIT 2", ROWS, ROWS[:2])
    assert told(finding) == ("failed", "partial_answer")
    assert finding.rationale == (
        "the answer has 2 rows where 3 are expected; the answer is cut to 2 rows, which is not expected"
    )


def test_rows_that_were_cut_off_by_the_workspace_are_not_called_missing(judge):
    finding = judge("Price by region", BY_REGION, BY_REGION, ROWS, ROWS[:2], truncated=True)
    assert finding.failure_type != "partial_answer"


def test_a_lower_limit_is_a_partial_answer_without_rows_too(judge):
    finding = judge(
        "Who are the best?",
        "SELECT who FROM c.s.orders ORDER BY price DESC LIMIT 10",
        "SELECT who FROM c.s.orders ORDER BY price DESC LIMIT 5",
    )
    assert told(finding) == ("failed", "partial_answer")
    assert finding.rationale == "the answer stops after 5 rows, expected 10 rows"


def test_a_higher_limit_is_complete(judge):
    finding = judge(
        "Who are the best?",
        "SELECT who FROM c.s.orders ORDER BY price DESC LIMIT 5",
        "SELECT who FROM c.s.orders ORDER BY price DESC LIMIT 10",
    )
    assert told(finding) == ("passed", None)


YEAR = "SELECT SUM(price) FROM c.s.orders WHERE YEAR(day) = 1995"


@pytest.mark.parametrize(
    ("question", "expected", "answer", "failure_type"),
    [
        ("Price in 1995", YEAR, "SELECT SUM(price) FROM c.s.orders", "missing_temporal_filter"),
        ("Price in 1995", YEAR, "SELECT SUM(price) FROM c.s.orders WHERE YEAR(day) = 1996", "missing_temporal_filter"),
        ("Price by region", "SELECT SUM(price) FROM c.s.orders GROUP BY region", "SELECT SUM(price) FROM c.s.orders",
         "missing_aggregation"),
        ("Orders of 'Smith'", "SELECT id FROM c.s.orders WHERE who = 'Smith'", "SELECT id FROM c.s.orders",
         "missing_filter"),
        ("Orders over 500", "SELECT id FROM c.s.orders WHERE price > 500", "SELECT id FROM c.s.orders",
         "missing_filter"),
        ("Price of fulfilled orders", "SELECT SUM(price) FROM c.s.orders WHERE region = 'F'",
         "SELECT SUM(price) FROM c.s.orders", "missing_filter"),
        ("Total price", "SELECT SUM(price) FROM c.s.orders", "SELECT price FROM c.s.orders", "missing_aggregation"),
    ],
)  # fmt: skip
def test_what_the_question_asks_for_and_the_answer_leaves_out_fails(judge, question, expected, answer, failure_type):
    assert told(judge(question, expected, answer)) == ("failed", failure_type)


def test_the_rationale_quotes_the_question(judge):
    finding = judge("Price in 1995", YEAR, "SELECT SUM(price) FROM c.s.orders")
    assert finding.rationale == 'the question says "1995", and the answer has no condition on the year 1995'


def test_a_gap_by_words_fails_even_when_today_s_rows_agree(judge):
    finding = judge("Price in 1995", YEAR, "SELECT SUM(price) FROM c.s.orders", [(5,)], [(5,)])
    assert told(finding) == ("failed", "missing_temporal_filter")


def test_words_that_the_expected_query_does_not_take_up_ask_nothing_of_the_answer(judge):
    sql = "SELECT SUM(price) FROM c.s.orders"
    assert told(judge("Price in 1995", sql, sql)) == ("passed", None)


def test_a_proof_of_equivalence_is_complete(judge):
    finding = judge("Price in 1995", YEAR, "SELECT SUM(price) FROM c.s.orders", refutation=SAME)
    assert told(finding) == ("passed", None)
    assert finding.confidence == 0.97


def test_without_rows_and_without_readable_queries_it_abstains(judge):
    finding = judge("How many?", "SELECT COUNT(*) FROM c.s.orders", "SELECT FROM")
    assert told(finding) == ("abstained", "UNPARSABLE")
    assert "syntax error" in finding.rationale


def test_without_rows_the_queries_decide(judge):
    expected = "SELECT id FROM c.s.orders WHERE price > 500"
    finding = judge("Orders over 500", expected, "SELECT id FROM c.s.orders")
    assert told(finding) == ("failed", "missing_filter")


def test_no_answer_is_no_pass(judge):
    assert told(judge("How many?", "SELECT COUNT(*) FROM c.s.orders", None)) == ("failed", "NO_SQL")
