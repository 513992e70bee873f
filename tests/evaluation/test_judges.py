from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.benchmark import Benchmark
from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.judge import JudgeRegister, judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult, stored_json, stored_result

ASSETS = SpaceAssets(
    tables=frozenset({"c.s.orders", "c.s.customers", "c.s.listed_view"}),
    metric_views=frozenset({"c.s.order_metrics"}),
    functions=frozenset({"c.s.top_customers"}),
)


@pytest.fixture
def make_case(make_table):
    def make(sql="SELECT 1 AS n", rows=((1,),), *, expected_sql="SELECT 1 AS n", expected=((1,),), benchmark=None,
             names=None, **answer):  # fmt: skip
        width = len(rows[0]) if rows else 1
        table = None if rows is None else make_table(rows, width=width or None, types=None if rows else ["LONG"])
        wanted = (
            make_table(expected, names=names, types=None if expected else ["LONG"]) if expected is not None else None
        )
        stored = stored_result(table, None)
        record = AnswerRecord(**{**stored_json(stored), "columns": stored.columns, "sql": sql, **answer})
        fields = {"id": "q", "question": "How many?", "expected_sql": expected_sql, **(benchmark or {})}
        return JudgedCase(Benchmark(**fields), record, stored_result(wanted, None), ASSETS)

    return make


def outcome(name, case):
    finding = judge_case(case, JUDGES.choose([name]))[name]
    return finding.outcome.value, finding.failure_type


def test_the_judges_of_single_answers_are_registered():
    assert set(JUDGES.names()) >= {"syntax_validity", "schema_accuracy", "result_correctness", "asset_routing"}


def test_a_name_can_be_taken_once():
    register = JudgeRegister()
    register.register(JUDGES.choose(["asset_routing"])[0])
    with pytest.raises(ValueError, match="two judges are named 'asset_routing'"):
        register.register(JUDGES.choose(["asset_routing"])[0])


def test_an_unknown_judge_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"did you mean result_correctness\? the judges are syntax_validity, "):
        JUDGES.choose(["result_corectness"])


class Broken:
    version = "1"

    def __init__(self, name, value):
        self.name, self.value = name, value

    def judge(self, case):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value(case) if callable(self.value) else self.value


@pytest.mark.parametrize(
    "value",
    [
        RuntimeError("model server down"),
        None,
        True,
        Finding("other", "passed", 1.0),
        Finding("broken", "passed", 1.0, evidence={"x": object()}),
        lambda case: Finding("broken", "passed", math.nan),
    ],
    ids=["raises", "none", "true", "other name", "not json", "nan"],
)
def test_a_broken_judge_is_errored_and_aborts_no_other(make_case, value):
    findings = judge_case(make_case(), [Broken("broken", value), *JUDGES.choose(["syntax_validity"])])
    assert findings["broken"].outcome == "errored"
    assert findings["broken"].failure_type == "JUDGE_FAILED"
    assert findings["syntax_validity"].passed


@pytest.mark.parametrize("judge", JUDGES.names())
@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"status": "FAILED", "error": "boom"}, ("errored", "ANSWER_FAILED")),
        ({"status": "TIMED_OUT", "error": "no answer within 600 s"}, ("errored", "ANSWER_TIMED_OUT")),
        ({"sql": None, "text": "Which year?", "is_clarification": True}, ("failed", "CLARIFICATION")),
        ({"sql": None, "text": "There are 5."}, ("failed", "NO_SQL")),
        ({"sql": "  "}, ("failed", "NO_SQL")),
    ],
)
def test_no_answer_never_passes_any_judge(make_case, judge, answer, found):
    seen = outcome(judge, make_case(**answer))
    # These two look at other things than the one answer, and say so.
    assert seen == found or (judge in ("repeatability", "native_assessment") and seen[0] == "abstained")


@pytest.mark.parametrize(
    ("sql", "changes", "found"),
    [
        ("SELECT 1", {}, ("passed", None)),
        ("SELECT 1", {"rows": None, "compiles": True}, ("passed", None)),
        ("SELECT a FROM t SELEC", {"rows": None, "compiles": False, "compile_error": "PARSE_SYNTAX_ERROR"},
         ("failed", "SYNTAX_ERROR")),
        ("SELECT x FROM c.s.orders", {"rows": None, "compiles": False, "compile_error": "[UNRESOLVED_COLUMN] x"},
         ("passed", None)),
        ("SELECT x FROM c.s.orders", {"rows": None, "compiles": False,
                                      "compile_error": "[DATATYPE_MISMATCH] UNRESOLVED_COLUMN"},
         ("failed", "SYNTAX_ERROR")),
        ("SELECT :n, :m", {"rows": None, "compiles": False, "compile_error": "[UNBOUND_SQL_PARAMETER] n",
                           "parameters": {"N": "1"}}, ("failed", "UNBOUND_PARAMETER")),
        ("SELECT :n", {"rows": None, "compiles": False, "compile_error": "[UNBOUND_SQL_PARAMETER] n",
                       "parameters": {"n": "1"}}, ("abstained", "NOT_CHECKED")),
        ("SELECT :n", {"rows": None}, ("failed", "UNBOUND_PARAMETER")),
        ("SELECT :n", {}, ("passed", None)),
        ("SELECT a, FROM t", {"rows": None, "compiles": False, "compile_error": "[UNRESOLVED_COLUMN] x"},
         ("passed", None)),
        ("DROP TABLE c.s.orders", {"rows": None, "compiles": False, "compile_error": "[TABLE_OR_VIEW_NOT_FOUND] x"},
         ("failed", "NOT_A_QUERY")),
        ("DROP TABLE c.s.orders", {"rows": None}, ("failed", "NOT_A_QUERY")),
        ("SELECT 1; SELECT 2", {}, ("failed", "NOT_ONE_QUERY")),
        ("SELECT FROM WHERE", {"rows": None}, ("failed", "SYNTAX_ERROR")),
        ("SELECT 1", {"rows": None}, ("abstained", "NOT_CHECKED")),
    ],
)  # fmt: skip
def test_syntax_is_what_the_warehouse_accepts(make_case, sql, changes, found):
    assert outcome("syntax_validity", make_case(sql, **changes)) == found


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ("passed", None)),
        ({"rows": ((2,),)}, ("failed", "SINGLE_CELL_DIFFERENCE")),
        ({"rows": ()}, ("failed", "EMPTY_RESULT")),
        ({"rows": (), "expected": (), "sql": "SELECT 2 AS n"}, ("abstained", "VACUOUS_RESULT")),
        ({"rows": ((None,),), "expected": ((None,),), "sql": "SELECT 2"}, ("abstained", "VACUOUS_RESULT")),
        ({"rows": (), "expected": (), "sql": "select 1 as N -- the same"}, ("abstained", "VACUOUS_RESULT")),
        ({"rows": ((None,),), "expected": ((None,),)}, ("abstained", "VACUOUS_RESULT")),
        ({"rows": None, "error": "expired"}, ("errored", "NO_ANSWER_RESULT")),
        ({"rows": None, "compiles": False, "compile_error": "no"}, ("failed", "QUERY_FAILED")),
        (
            {"rows": None, "compiles": None, "status": "FAILED", "error_type": "SQL_EXECUTION_EXCEPTION"},
            ("failed", "QUERY_FAILED"),
        ),
        ({"expected": None}, ("errored", "NO_EXPECTED_RESULT")),
    ],
)
def test_results_decide_correctness(make_case, changes, found):
    assert outcome("result_correctness", make_case(**changes)) == found


ORDERED = "SELECT name, sum(x) AS total FROM c.s.orders GROUP BY name ORDER BY {} LIMIT 3"


@pytest.mark.parametrize(
    ("keys", "passes"),
    [("total DESC", False), ("2 DESC", False), ("sum(x) DESC", False), ("total DESC, hidden", False)],
)
def test_order_is_held_against_the_keys_of_the_outer_order_by(make_case, keys, passes):
    expected, answer = (("a", 3), ("b", 2), ("c", 2)), (("b", 2), ("a", 3), ("c", 2))
    tied = (("a", 3), ("c", 2), ("b", 2))
    options = {"expected": expected, "names": ["name", "total"], "expected_sql": ORDERED.format(keys)}
    asked = {"benchmark": {"ordered": True}}
    assert outcome("result_correctness", make_case(rows=answer, **options)) == ("passed", None)
    assert outcome("result_correctness", make_case(rows=tied, **options, **asked)) == ("passed", None)
    assert (outcome("result_correctness", make_case(rows=answer, **options, **asked))[0] == "passed") is passes


def test_an_order_by_something_that_is_not_in_the_result_passes_only_the_same_order(make_case):
    rows = (("a", 3), ("b", 2))
    options = {"expected": rows, "names": ["name", "total"], "expected_sql": ORDERED.format("hidden")}
    asked = {"benchmark": {"ordered": True}}
    assert outcome("result_correctness", make_case(rows=rows, **options, **asked)) == ("passed", None)
    turned = rows[::-1]
    assert outcome("result_correctness", make_case(rows=turned, **options, **asked)) == ("abstained", "UNDETERMINED")
    assert outcome("result_correctness", make_case(rows=turned, **options)) == ("passed", None)


def test_an_order_by_in_a_subquery_asks_for_no_order(make_case):
    case = make_case(
        rows=((1,), (2,)), expected=((2,), (1,)), names=["a"], benchmark={"ordered": True},
        expected_sql="SELECT a FROM (SELECT a FROM c.s.orders ORDER BY a DESC)",
    )  # fmt: skip
    assert outcome("result_correctness", case) == ("passed", None)


def test_without_stored_rows_only_equal_digests_pass(make_case, make_table):
    case = make_case()
    dropped = replace(case, answer=replace(case.answer, rows=None), expected=replace(case.expected, rows=None))
    assert outcome("result_correctness", dropped) == ("passed", None)
    cut = replace(dropped, expected=replace(dropped.expected, truncated=True))
    assert outcome("result_correctness", cut) == ("abstained", "TRUNCATED_RESULT")
    nothing = make_case(rows=(), expected=())
    nothing = replace(nothing, answer=replace(nothing.answer, rows=None), expected=replace(nothing.expected, rows=None))
    assert outcome("result_correctness", nothing) == ("abstained", "VACUOUS_RESULT")
    other = replace(dropped, expected=replace(dropped.expected, result_sha256="0" * 64))
    assert outcome("result_correctness", other) == ("abstained", "ROWS_NOT_STORED")
    assert outcome("result_correctness", replace(case, expected=StoredResult(error="x")))[0] == "errored"
