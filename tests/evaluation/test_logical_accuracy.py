from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.judge import judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges.logical_accuracy import LogicalAccuracy
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.refuter.refutation import Refutation, unknown
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.workspace.answer import Column

COLUMNS = ("id", "status", "price", "who")
SCHEMA = SpaceSchema({"c.s.orders": SchemaAsset("c.s.orders", "TABLE", tuple(map(SchemaColumn, COLUMNS)))})
SAME = Refutation("equivalent", 1.0, "they have the same canonical form", "canonical")
DIFFERENT = Refutation("different", 1.0, "they differ on a generated database", "witness")
UNKNOWN = unknown("no database told")


@pytest.fixture
def judge():
    """``judge(expected, answer, refutation)``; the refuter's word is given, because only its outcome matters here."""

    def run(
        expected, answer, refutation=UNKNOWN, *, question="How many orders?", config=None, ordered=False,
        expected_result=None, **fields,
    ):  # fmt: skip
        record = AnswerRecord(sql=answer, **fields)
        benchmark = Benchmark("q", question, expected, ordered=ordered)
        case = JudgedCase(benchmark, record, expected_result or StoredResult(), schema=SCHEMA, config=config)
        case.__dict__["refutation"] = refutation
        return judge_case(case, [LogicalAccuracy()])["logical_accuracy"]

    return run


def told(finding):
    return finding.outcome.value, finding.failure_type


COUNT = "SELECT COUNT(*) FROM c.s.orders"
FULFILLED = f"{COUNT} WHERE status = 'F'"
TWO = "SELECT who, MAX(price) FROM c.s.orders GROUP BY who"


def test_a_proof_of_equivalence_passes_whatever_the_parts_look_like(judge):
    finding = judge(FULFILLED, COUNT, SAME)
    assert told(finding) == ("passed", None)
    assert finding.confidence == 1.0


def test_the_first_differing_part_names_the_fault(judge):
    finding = judge(FULFILLED, COUNT)
    assert told(finding) == ("failed", "missing_filter")
    assert finding.rationale == "the filter status = 'F' is missing"
    assert finding.evidence["expected"] == "status = 'F'"
    assert finding.evidence["actual"] is None
    assert finding.evidence["clause"] == "WHERE"
    assert finding.severity == "major"
    assert 0 < finding.score < 1


def test_a_counterexample_makes_the_fault_certain(judge):
    assert judge(FULFILLED, COUNT, DIFFERENT).confidence is None
    assert judge(FULFILLED, COUNT, UNKNOWN).confidence < 1


def test_a_distinct_count_is_explained_in_words(judge):
    finding = judge("SELECT COUNT(DISTINCT who) FROM c.s.orders", COUNT)
    assert told(finding) == ("failed", "wrong_aggregation")
    assert finding.rationale == "the answer counts rows instead of a count of distinct who"


@pytest.mark.parametrize(
    "answer",
    [
        "SELECT COUNT(1) AS n FROM orders o WHERE 'F' = o.status",
        "SELECT COUNT(*), MAX(price) FROM c.s.orders WHERE status = 'F'",
        "SELECT COUNT(*) FROM c.s.orders WHERE status = 'F' ORDER BY 1",
    ],
)
def test_what_differs_only_in_form_passes_with_low_confidence(judge, answer):
    finding = judge(FULFILLED, answer)
    assert told(finding) == ("passed", None)
    assert finding.confidence < 0.7


def test_further_columns_explain_what_the_refuter_found(judge):
    refuted = Refutation("different", 1.0, "one column more", "witness", extra_columns=1)
    assert told(judge(COUNT, "SELECT COUNT(*), MAX(price) FROM c.s.orders", refuted)) == ("passed", None)


def test_equal_parts_do_not_pass_against_a_counterexample(judge):
    finding = judge(FULFILLED, FULFILLED, DIFFERENT)
    assert told(finding) == ("abstained", "UNDETERMINED")
    assert "they differ on a generated database" in finding.rationale


def test_nesting_alone_abstains_until_a_counterexample_is_there(judge):
    nested = "SELECT MAX(v) FROM (SELECT who, MAX(price) AS v FROM c.s.orders GROUP BY who LIMIT 3)"
    flat = "SELECT MAX(MAX(price)) OVER () FROM c.s.orders GROUP BY who LIMIT 3"
    assert judge(nested, flat).outcome.value != "passed"
    moved = (
        "SELECT a.id FROM c.s.orders a WHERE a.price > 1 AND EXISTS (SELECT 1 FROM c.s.orders b WHERE b.who = 2)",
        "SELECT a.id FROM c.s.orders a WHERE a.who = 2 AND EXISTS (SELECT 1 FROM c.s.orders b WHERE b.price > 1)",
    )
    assert told(judge(*moved)) == ("abstained", "UNDETERMINED")
    assert told(judge(*moved, DIFFERENT)) == ("failed", "wrong_subquery")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("SELECT FROM WHERE", "syntax error"),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r", "recursive"),
        ("SELECT 1; SELECT 2", "expected one statement"),
        ("DELETE FROM c.s.orders", "DELETE"),
    ],
)
def test_what_cannot_be_analysed_abstains_with_the_reason(judge, answer, words):
    finding = judge(COUNT, answer)
    assert told(finding) == ("abstained", "UNPARSABLE")
    assert words in finding.rationale


def test_no_answer_is_no_pass(judge):
    assert told(judge(COUNT, None)) == ("failed", "NO_SQL")
    assert told(judge(COUNT, None, status="FAILED")) == ("errored", "ANSWER_FAILED")


def test_the_space_is_blamed_where_it_is_known(judge):
    document = {
        "version": 2,
        "data_sources": {"tables": [{"identifier": "c.s.orders", "column_configs": [{"column_name": "status"}]}]},
    }
    finding = judge(FULFILLED, COUNT, config=SpaceConfig(document), question="How many fulfilled orders?")
    assert finding.blame == ("column c.s.orders.status", "no synonym for 'fulfilled'")
    assert finding.fix == "add 'fulfilled' as synonym of the column c.s.orders.status"
    assert judge(FULFILLED, COUNT).blame == ()


def test_the_evidence_lists_every_difference(judge):
    finding = judge(f"{TWO} ORDER BY 2 DESC LIMIT 5", "SELECT who AS name, MIN(price) FROM c.s.orders GROUP BY who")
    assert [item["facet"] for item in finding.evidence["facets"]][:2] == ["aggregates", "ranking"]
    assert finding.evidence["refutation"] == "unknown"


def test_the_values_of_parameters_stand_for_their_names(judge):
    expected = "SELECT who FROM c.s.orders WHERE status = 'F' AND price > 5 ORDER BY price LIMIT 3"
    answer = "SELECT who FROM c.s.orders WHERE status = :s AND price > :p ORDER BY price LIMIT :n"
    assert told(judge(expected, answer, parameters={"s": "F", "p": "5", "n": "3"})) == ("passed", None)
    finding = judge(expected, answer, parameters={"s": "O", "p": "5", "n": "3"})
    assert told(finding) == ("failed", "wrong_filter")
    assert "status = 'O'" in finding.rationale
    assert told(judge(expected, answer)) == ("failed", "wrong_filter")


def test_an_order_that_counts_is_held_against_the_query_although_the_rows_agree(judge):
    expected, answer = "SELECT who FROM c.s.orders ORDER BY who DESC", "SELECT who FROM c.s.orders ORDER BY who"
    assert told(judge(expected, answer, SAME)) == ("passed", None)
    finding = judge(expected, answer, SAME, ordered=True)
    assert told(finding) == ("failed", "wrong_orderby")
    assert finding.rationale == "the rows are ordered by who instead of who DESC"
    assert told(judge(expected, expected, SAME, ordered=True)) == ("passed", None)


def test_results_that_differ_on_the_real_data_outweigh_agreement_on_generated_databases(judge):
    agreed = Refutation("equivalent", 0.97, "the results agree on 8 generated databases", "databases")

    def counted(number):
        return {"columns": (Column("n", "BIGINT"),), "rows": ((number,),), "row_count": 1}

    both = {"expected_result": StoredResult(**counted(3))}
    assert told(judge(FULFILLED, COUNT, agreed, **both, **counted(3))) == ("passed", None)
    finding = judge(FULFILLED, COUNT, agreed, **both, **counted(8))
    assert told(finding) == ("failed", "missing_filter")
    assert finding.confidence is None
    nameless = judge(COUNT, COUNT, agreed, **both, **counted(8))
    assert told(nameless) == ("abstained", "UNDETERMINED")
    assert "on the real data" in nameless.rationale
    assert told(judge(COUNT, COUNT, UNKNOWN, **both, **counted(8))) == ("abstained", "UNDETERMINED")
    assert told(judge(COUNT, COUNT, SAME, **both, **counted(8))) == ("passed", None)


def test_rows_in_another_order_than_counts_are_no_pass_however_the_queries_are_nested(judge):
    columns = {"columns": (Column("who", "BIGINT"),), "row_count": 2}
    expected = "SELECT who FROM c.s.orders ORDER BY who DESC LIMIT 2"
    answer = "SELECT who FROM (SELECT who FROM c.s.orders ORDER BY who DESC LIMIT 2) ORDER BY who"
    both = {"expected_result": StoredResult(rows=((5,), (3,)), **columns), "rows": ((3,), (5,)), **columns}
    agreed = Refutation("equivalent", 0.97, "the results agree on 8 generated databases", "databases")
    for refutation in (agreed, UNKNOWN):
        finding = judge(expected, answer, refutation, ordered=True, **both)
        assert told(finding) == ("failed", "wrong_orderby"), refutation
        assert "order" in finding.rationale
    assert told(judge(expected, answer, agreed, **both)) == ("passed", None)


def test_a_further_column_that_splits_distinct_rows_is_more_than_form(judge):
    result = StoredResult(columns=(Column("s", "STRING"),), rows=(("F",),), row_count=1)
    got = {"columns": (Column("s", "STRING"), Column("w", "BIGINT")), "rows": (("F", 1), ("F", 2)), "row_count": 2}
    queries = ("SELECT DISTINCT status FROM c.s.orders", "SELECT status, who FROM c.s.orders GROUP BY 1, 2")
    finding = judge(*queries, expected_result=result, **got)
    assert told(finding) == ("abstained", "UNDETERMINED")
    assert "the answer also shows who" in finding.rationale
    assert "on the real data" in finding.rationale
