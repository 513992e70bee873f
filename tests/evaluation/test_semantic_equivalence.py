from __future__ import annotations

import json
from decimal import Decimal

import pytest

from mlflow_genie_plugin.evaluation.judge import judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges.semantic_equivalence import SemanticEquivalence
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.refuter.witness import replay
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult, stored_json, stored_result

KINDS = {"id": "bigint", "status": "string", "price": "decimal(10,2)", "who": "bigint", "day": "date"}
SCHEMA = SpaceSchema(
    {"c.s.orders": SchemaAsset("c.s.orders", "TABLE", tuple(SchemaColumn(name, kind) for name, kind in KINDS.items()))}
)
REVENUE = "SELECT status, SUM(price) AS revenue FROM c.s.orders GROUP BY status"


@pytest.fixture
def judge():
    def run(expected, answer, *, rows=None, schema=SCHEMA, status="COMPLETED", **fields):
        stored = StoredResult()
        if rows is not None:
            stored, got = (stored_result(table, None) for table in rows)
            document = stored_json(got)
            fields = {**document, "columns": got.columns, **fields}
        record = AnswerRecord(**{**fields, "status": status, "sql": answer})
        case = JudgedCase(Benchmark("q", "What is the revenue?", expected), record, stored, schema=schema)
        return judge_case(case, [SemanticEquivalence()])["semantic_equivalence"]

    return run


def told(finding):
    return finding.outcome.value, finding.failure_type


def test_the_same_form_is_proof(judge):
    finding = judge(REVENUE, "select O.status, sum(O.price) from c.s.orders O group by 1")
    assert told(finding) == ("passed", None)
    assert finding.confidence == 1.0


def test_agreement_on_generated_databases_passes_with_a_confidence(judge):
    by_range = "SELECT id FROM c.s.orders WHERE day >= '2020-01-01' AND day < '2021-01-01'"
    finding = judge("SELECT id FROM c.s.orders WHERE YEAR(day) = 2020", by_range)
    assert told(finding) == ("passed", None)
    assert 0.8 < finding.confidence < 1
    assert finding.evidence["informative_databases"] >= 3


@pytest.mark.parametrize(
    ("answer", "failure_type"),
    [
        ("SELECT status, AVG(price) AS revenue FROM c.s.orders GROUP BY status", "different_metric"),
        ("SELECT status, SUM(price) AS revenue FROM c.s.orders GROUP BY status, who", "different_grain"),
        ("SELECT status, SUM(price) AS revenue FROM c.s.orders WHERE who > 3 GROUP BY status", "different_scope"),
    ],
)
def test_a_witness_fails_and_the_fault_is_named(answer, failure_type, judge):
    finding = judge(REVENUE, answer)
    assert told(finding) == ("failed", failure_type)
    assert "generated" in finding.rationale or "on a database of" in finding.rationale
    assert replay(json.loads(json.dumps(finding.evidence["witness"])))


def test_other_rows_on_the_real_data_fail_before_any_agreement(judge, make_table):
    rows = (make_table([("F", 3), ("O", 4)]), make_table([("F", 3), ("O", 5)]))
    finding = judge(
        "SELECT who, MAX(id) FROM c.s.orders GROUP BY who",
        "SELECT who, MAX(price) FROM c.s.orders GROUP BY who",
        rows=rows,
    )
    assert finding.outcome.value == "failed"
    assert "on the real data" in finding.rationale


def test_equal_rows_by_chance_do_not_pass_a_query_that_a_database_refutes(judge, make_table):
    table = make_table([(7,)])
    finding = judge(
        "SELECT COUNT(*) FROM c.s.orders WHERE price > 100",
        "SELECT COUNT(*) FROM c.s.orders WHERE price >= 100",
        rows=(table, table),
    )
    assert told(finding) == ("failed", "different_scope")


def test_further_columns_do_not_change_the_meaning(judge):
    finding = judge("SELECT id FROM c.s.orders", "SELECT id, price FROM c.s.orders")
    assert told(finding) == ("passed", None)
    assert finding.confidence < 1
    assert "adds 1 column" in finding.rationale


def test_what_cannot_be_told_abstains(judge):
    finding = judge("SELECT id FROM c.s.orders WHERE rand() < 0.5", "SELECT id FROM c.s.orders WHERE who > rand()")
    assert told(finding) == ("abstained", "UNDETERMINED")
    assert "rand()" in finding.rationale


def test_equal_parts_pass_with_low_confidence_where_no_database_tells(judge):
    finding = judge(
        "SELECT id FROM c.s.orders WHERE rand() < 0.5 AND who = 2",
        "SELECT id FROM c.s.orders WHERE who = 2 AND rand() < 0.5",
    )
    assert told(finding) == ("passed", None)
    assert finding.confidence < 0.7


def test_two_empty_results_never_pass(judge, make_table):
    empty = make_table([], types=["LONG"])
    finding = judge(
        "SELECT id FROM c.s.orders WHERE who > 5 AND who < 3",
        "SELECT who FROM c.s.orders WHERE id IS NULL AND id > 4",
        rows=(empty, empty),
    )
    assert told(finding) == ("abstained", "UNDETERMINED")


def test_no_answer_is_no_meaning(judge):
    assert judge(REVENUE, None, status="TIMED_OUT").outcome.value == "errored"
    assert told(judge(REVENUE, "")) == ("failed", "NO_SQL")


@pytest.mark.parametrize(
    ("expected", "answer", "rows"),
    [
        ("SELECT AVG(price) FROM c.s.orders", "SELECT ROUND(AVG(price), 2) FROM c.s.orders",
         ([(Decimal("0.0499943"),)], [(Decimal("0.05"),)])),
        ("SELECT status, who FROM c.s.orders ORDER BY who LIMIT 2",
         "SELECT status, who FROM c.s.orders ORDER BY who, status DESC LIMIT 2",
         ([("A", 1), ("B", 2)], [("A", 1), ("C", 2)])),
    ],
)  # fmt: skip
def test_rows_that_differ_by_rounding_or_ties_are_no_other_meaning(judge, make_table, expected, answer, rows):
    finding = judge(expected, answer, rows=tuple(map(make_table, rows)))
    assert told(finding) == ("passed", None)
    assert finding.confidence <= 0.6
    assert "although rows differ" in finding.rationale


@pytest.mark.parametrize(
    ("expected", "answer", "outcome"),
    [
        ("SELECT status, AVG(price) FROM c.s.orders GROUP BY 1",
         "SELECT status, ROUND(AVG(price), 2) AS a FROM c.s.orders GROUP BY 1", "passed"),
        ("SELECT status, ROUND(AVG(price), 3) FROM c.s.orders GROUP BY 1",
         "SELECT status, AVG(price) AS a FROM c.s.orders GROUP BY 1", "passed"),
        ("SELECT AVG(price) FROM c.s.orders", "SELECT ROUND(AVG(price), 0) FROM c.s.orders", "failed"),
        ("SELECT AVG(price) FROM c.s.orders", "SELECT ROUND(AVG(price), 2) FROM c.s.orders WHERE who > 1", "failed"),
        ("SELECT ROUND(AVG(price), 2) FROM c.s.orders", "SELECT ROUND(AVG(who), 2) FROM c.s.orders", "failed"),
    ],
)  # fmt: skip
def test_rounding_alone_is_no_other_meaning_when_a_generated_database_finds_it(judge, expected, answer, outcome):
    finding = judge(expected, answer)
    assert finding.outcome.value == outcome, finding.rationale
    if outcome == "passed":
        assert finding.confidence <= 0.6
        assert "rounded differently" in finding.rationale


def test_a_difference_in_no_part_is_typed_and_told_by_the_values_that_differ(judge):
    one = "SELECT SUM(CASE WHEN status = 'F' THEN price ELSE 0 END) FROM c.s.orders"
    finding = judge(one, "SELECT SUM(price) FILTER (WHERE status = 'F') FROM c.s.orders")
    assert told(finding) == ("failed", "different_metric")
    assert finding.rationale.endswith("(0.00 and NULL)")


def test_a_filter_on_another_column_takes_in_other_rows(judge):
    finding = judge("SELECT id FROM c.s.orders WHERE who = 1", "SELECT id FROM c.s.orders WHERE id = 1")
    assert told(finding) == ("failed", "different_scope")


def test_of_a_query_that_does_not_run_only_the_reason_is_said(judge):
    message = "[UNRESOLVED_COLUMN.WITHOUT_SUGGESTION] A column named `x` cannot be resolved. SQLSTATE: 42703"
    finding = judge(REVENUE, "SELECT x FROM c.s.orders", compiles=False, compile_error=message)
    assert told(finding) == ("abstained", "UNDETERMINED")
    assert finding.rationale.endswith("because it does not run: A column named `x` cannot be resolved")
