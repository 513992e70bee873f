from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from mlflow_genie_plugin.evaluation.arbiter import RULES, arbitrate
from mlflow_genie_plugin.evaluation.finding import failed, passed
from mlflow_genie_plugin.evaluation.judge import judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.judging import judge_questions
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.ruling import ruling_line
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult, stored_json, stored_result
from mlflow_genie_plugin.schemas import violations_of
from mlflow_genie_plugin.space.parse import parse_space

ASSETS = SpaceAssets(frozenset({"a.b.orders", "a.b.customers"}))
GOLD = "SELECT name, SUM(amount) AS total FROM a.b.orders GROUP BY name"
OTHER = "SELECT name, MAX(amount) AS total FROM a.b.orders GROUP BY name"


@pytest.fixture
def make_case(make_table):
    """``make_case(gold, rows, sql, rows, question=…)``: rows are lists of tuples, or text for an error."""

    def make(gold=GOLD, wanted=(("x", 1),), sql=OTHER, got=(("x", 2),), *, names=None, config=None, **more):
        fields = {"id": "q1", "question": "What is it?", "split": "train", **more}
        answer = stored(got, names) if not isinstance(got, str) else StoredResult(error=got)
        record = {**stored_json(answer), "columns": answer.columns, "sql": sql}
        record["compiles"] = not isinstance(got, str)
        record["compile_error"] = got if isinstance(got, str) else None
        return JudgedCase(
            Benchmark(expected_sql=gold, **fields),
            AnswerRecord(**record),
            stored(wanted, names) if not isinstance(wanted, str) else StoredResult(error=wanted),
            ASSETS,
            config=config,
        )

    def stored(rows, names):
        rows = [tuple(row) for row in rows]
        width = len(rows[0]) if rows else 2
        names = [*(names or ("name", "total")), "more"][:width]
        return stored_result(make_table(rows, types=None if rows else ["STRING"] * width, names=names), None)

    return make


FINDINGS = {
    "result_correctness": failed("result_correctness", "RESULT_MISSING_ROWS", "rows differ"),
    "syntax_validity": passed("syntax_validity"),
    "schema_accuracy": passed("schema_accuracy"),
    "completeness": passed("completeness"),
}


def rule(case, **findings):
    found = arbitrate(case, {**FINDINGS, **findings})
    return found["verdict"], found["rule"], found["confidence"]


def test_nothing_is_ruled_where_the_result_is_right_or_there_is_no_query(make_case):
    case = make_case()
    assert arbitrate(case, {**FINDINGS, "result_correctness": passed("result_correctness")}) is None
    assert arbitrate(case, {}) is None
    assert arbitrate(replace(case, answer=replace(case.answer, sql=None)), FINDINGS) is None
    assert arbitrate(replace(case, answer=replace(case.answer, status="FAILED")), FINDINGS) is None


def test_a_expected_sql_that_fails_gives_way_to_an_answer_that_passes(make_case):
    case = make_case(wanted="TABLE_OR_VIEW_NOT_FOUND a.b.c")
    assert rule(case) == ("genie_correct", "a", "high")
    assert rule(case, completeness=failed("completeness", "partial_answer", "no")) == ("neither_correct", "a", "high")
    assert rule(make_case(wanted="broken", got="broken too")) == ("neither_correct", "a", "high")
    assert rule(make_case(wanted="broken", question="Top 5 names")) == ("neither_correct", "a", "low")


def test_a_without_the_judges_word_nobody_is_right(make_case):
    found = arbitrate(make_case(wanted="broken"), {"result_correctness": FINDINGS["result_correctness"]})
    assert (found["verdict"], found["rule"]) == ("undetermined", "a")


def test_a_expected_sql_outside_the_space_is_broken(make_case):
    assert rule(make_case(gold="SELECT name, total FROM x.y.z"))[:2] == ("genie_correct", "a")


def test_b_an_answer_that_does_not_run_leaves_the_ground_truth_right(make_case):
    assert rule(make_case(got="SYNTAX_ERROR")) == ("ground_truth_correct", "b", "high")
    bad = failed("schema_accuracy", "wrong_column", "there is no column x")
    assert rule(make_case(), schema_accuracy=bad) == ("ground_truth_correct", "b", "high")


def test_b_rows_that_could_not_be_read_are_nobodys_fault(make_case):
    case = make_case()
    unread = AnswerRecord(sql=OTHER, error="the result expired", compiles=None)
    assert rule(replace(case, answer=unread))[0] == "undetermined"


RANKED = "SELECT name, total FROM a.b.orders ORDER BY total DESC"


def test_c_order_is_harmless_unless_the_question_asks_for_it(make_case):
    rows = [("x", 3), ("y", 2)]
    swapped = make_case(RANKED, rows, "SELECT name, total FROM a.b.orders", rows[::-1], ordered=True)
    found = arbitrate(swapped, FINDINGS)
    assert (found["verdict"], found["rule"], found["proposal"]) == (
        "both_correct",
        "c",
        {"field": "ordered", "value": False},
    )
    ranking = replace(swapped, benchmark=replace(swapped.benchmark, question="Ranking of names by total"))
    assert rule(ranking)[0] == "undetermined"


def test_c_further_columns_are_harmless(make_case):
    assert rule(make_case(got=[("x", 1, "more")])) == ("both_correct", "c", "high")
    assert rule(make_case(got=[("y", 1, "more")]))[0] != "both_correct"


@pytest.mark.parametrize(
    ("wanted", "got", "harmless"),
    [
        ([("x", 1234.5678)], [("x", 1230.0)], False),
        (
            [("x", Decimal("12.3456")), ("y", Decimal("0.1249"))],
            [("x", Decimal("12.35")), ("y", Decimal("0.12"))],
            True,
        ),
        ([("x", 151.6)], [("x", 152)], True),
        ([("x", 1.4)], [("x", 1)], False),
        ([("x", 12.35)], [("x", 12.36)], False),
        ([("x", Decimal("0.456"))], [("x", Decimal("45.6"))], False),
    ],
)
def test_c_rounding_is_harmless_as_far_as_it_keeps_the_value(make_case, wanted, got, harmless):
    assert (rule(make_case(wanted=wanted, got=got))[0] == "both_correct") is harmless


TOP = "SELECT name, total FROM a.b.orders ORDER BY total DESC LIMIT 3"


def test_c_rows_that_tie_at_the_limit_may_be_any_of_them(make_case):
    wanted = [("p", 9), ("q", 5), ("r", 5)]
    case = make_case(
        TOP, wanted, TOP.replace("LIMIT", ", name DESC LIMIT"), [("p", 9), ("t", 5), ("s", 5)], question="Top 3?"
    )
    found = arbitrate(case, FINDINGS)
    assert (found["verdict"], found["rule"]) == ("both_correct", "c")
    assert "tie at the limit of 3" in found["rationale"]
    assert found["proposal"]["field"] == "notes"


def test_c_rows_above_the_tie_must_be_the_same(make_case):
    wanted = [("p", 9), ("q", 5), ("r", 5)]
    assert rule(make_case(TOP, wanted, TOP, [("z", 9), ("q", 5), ("r", 5)], question="Top 3?"))[0] != "both_correct"
    other = TOP.replace("ORDER", "WHERE kind = 'k' ORDER")
    assert rule(make_case(TOP, wanted, other, [("p", 9), ("s", 5), ("t", 5)], question="Top 3?"))[0] != "both_correct"


def test_c_queries_that_mean_the_same_are_both_right_where_the_results_prove_nothing(make_case):
    same = "select o.name, sum(o.amount) from a.b.orders o group by 1"
    assert rule(make_case(wanted=[], sql=same, got=[])) == ("both_correct", "c", "high")
    assert rule(make_case(wanted=[], got=[]))[0] != "both_correct"


def test_d_expected_sql_that_ignores_the_question_is_doubted_with_low_confidence(make_case):
    filtered = OTHER.replace("GROUP", "WHERE YEAR(day) = 1995 GROUP")
    found = arbitrate(make_case(sql=filtered, question="Total per name in 1995"), FINDINGS)
    assert (found["verdict"], found["rule"], found["confidence"]) == ("genie_correct", "d", "low")
    assert found["proposal"] == {"field": "expected_sql", "value": filtered}
    assert "1995" in found["rationale"]


def test_d_an_empty_expected_result_is_doubted_unless_the_answer_left_a_condition_out(make_case):
    assert rule(make_case(wanted=[], got=[("x", 2)])) == ("genie_correct", "d", "low")
    gold = GOLD.replace("GROUP", "WHERE YEAR(day) = 2031 GROUP")
    case = make_case(gold=gold, wanted=[], got=[("x", 2)], question="Total per name in 2031")
    assert rule(case)[:2] == ("ground_truth_correct", "e")


def test_e_an_answer_that_ignores_the_question_is_wrong(make_case):
    gold = GOLD.replace("GROUP", "WHERE YEAR(day) = 1995 GROUP")
    assert rule(make_case(gold=gold, question="Total per name in 1995")) == ("ground_truth_correct", "e", "high")


def test_where_each_query_leaves_something_else_out_nobody_is_right(make_case):
    gold, answer = (GOLD.replace("GROUP", f"WHERE {what} GROUP") for what in ("YEAR(day) = 1995", "kind = 'web'"))
    case = make_case(gold=gold, sql=answer, question="Total per name in 1995 for 'web'")
    assert rule(case)[0] == "undetermined"


SPACE = {
    "version": 2,
    "data_sources": {"tables": [{"identifier": "a.b.orders"}, {"identifier": "a.b.customers"}]},
    "instructions": {
        "sql_snippets": {
            "filters": [{"id": "1" * 32, "sql": ["orders.status <> 'void'"], "display_name": "real orders"}]
        },
        "join_specs": [
            {
                "id": "2" * 32,
                "left": {"identifier": "a.b.orders", "alias": "orders"},
                "right": {"identifier": "a.b.customers", "alias": "customers"},
                "sql": ["`orders`.`customer_id` = `customers`.`id`", "--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--"],
            }
        ],
    },
}


def test_e_a_filter_or_join_of_the_space_that_only_the_expected_query_keeps_decides(make_case):
    config = parse_space(SPACE)
    kept = GOLD.replace("GROUP", "WHERE status <> 'void' AND 1 = 1 GROUP")
    found = arbitrate(make_case(gold=kept, config=config), FINDINGS)
    assert (found["verdict"], found["rule"]) == ("ground_truth_correct", "e")
    assert "real orders" in found["rationale"]
    joined = "SELECT c.name, SUM(o.amount) FROM a.b.orders o JOIN a.b.customers c ON {} GROUP BY c.name"
    case = make_case(
        gold=joined.format("c.id = o.customer_id"), sql=joined.format("c.id = o.sales_rep_id"), config=config
    )
    assert "the join of a.b.orders and a.b.customers" in arbitrate(case, FINDINGS)["rationale"]
    assert rule(make_case(gold=kept, sql=kept.replace("SUM", "MAX"), config=config))[0] == "undetermined"


def test_f_where_nothing_decides_the_ground_truth_is_not_assumed_to_be_right(make_case):
    assert rule(make_case()) == ("undetermined", "f", "low")


def test_sql_that_cannot_be_parsed_decides_nothing(make_case):
    case = make_case(sql="SELECT FROM WHERE (", got=[("x", 2)])
    found = arbitrate(case, FINDINGS)
    assert found["verdict"] == "undetermined"


def test_an_arbiter_that_breaks_says_so_and_stops_nothing(make_case, monkeypatch):
    def broken(case, findings):
        raise RuntimeError("boom")

    monkeypatch.setattr("mlflow_genie_plugin.evaluation.arbiter.RULES", (broken, *RULES))
    found = arbitrate(make_case(), FINDINGS)
    assert (found["verdict"], found["rule"]) == ("undetermined", "error")
    assert "boom" in found["rationale"]


@pytest.mark.parametrize("more", [{"priority": "P0"}, {"split": "held_out"}])
def test_p0_and_held_out_questions_get_a_ruling_but_never_a_proposal(make_case, more):
    case = make_case(wanted=[], got=[("x", 2)], **more)
    found = arbitrate(case, FINDINGS)
    assert found["verdict"] == "genie_correct"
    assert found["proposal"] is None


def test_an_answer_with_parameters_is_not_proposed_as_ground_truth(make_case):
    sql = OTHER.replace("GROUP", "WHERE name = :who GROUP")
    assert arbitrate(make_case(sql=sql, wanted=[], got=[("x", 2)]), FINDINGS)["proposal"] is None


def test_judging_stores_the_ruling_and_changes_no_finding(make_case):
    case = make_case()
    judges = JUDGES.choose(["syntax_validity", "result_correctness"])
    question = next(judge_questions([case], judges))
    assert question.findings == judge_case(case, judges)
    assert question.arbitration["verdict"] == "undetermined"
    assert ruling_line(question).startswith("undetermined (rule f): ")


def test_a_ruling_is_valid_in_the_result_file(make_case, make_result, make_question):
    from mlflow_genie_plugin.evaluation.result_file import parse_result, result_bytes, to_json

    found = arbitrate(make_case(wanted=[], got=[("x", 2)]), FINDINGS)
    result = make_result(questions=(make_question("q1", arbitration=found),))
    assert violations_of(to_json(result), "evaluation_result") == []
    assert parse_result(result_bytes(result)).questions[0].arbitration == found


def test_b_a_query_of_genies_that_failed_is_ruled_on_as_well(make_case):
    case = make_case(got="[PARSE_SYNTAX_ERROR] Syntax error at 'x'. SQLSTATE: 42601")
    failing = replace(case.answer, status="FAILED", error_type="SQL_EXECUTION_EXCEPTION")
    found = arbitrate(replace(case, answer=failing), FINDINGS)
    assert (found["verdict"], found["rule"]) == ("ground_truth_correct", "b")
    assert found["rationale"] == "the answer's query does not run (Syntax error at 'x'), the expected query runs"


def test_a_what_a_query_outside_the_space_has_besides_is_not_missed_in_the_answer(make_case):
    case = make_case(gold="SELECT name, total FROM x.y.z WHERE total > 1")
    less = failed("completeness", "missing_filter", "the filter total > 1 is missing")
    assert rule(case, completeness=less) == ("genie_correct", "a", "low")
    assert rule(case, schema_accuracy=failed("schema_accuracy", "wrong_column", "no"))[0] == "neither_correct"
