from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation.judge import judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.judges.repeatability import PASSES_FROM, Repeatability
from mlflow_genie_plugin.evaluation.judges.result_correctness import same_query
from mlflow_genie_plugin.evaluation.judging import judge_questions
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.repeatability import (
    BANDS,
    RowsNotStoredError,
    band_of,
    flip_rate_of,
    repetition_of,
    summarise,
)
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, stored_result

EXPECTED = "SELECT count(*) AS n FROM samples.tpch.orders"


@pytest.fixture
def make_answer(make_table):
    """``make_answer(sql, rows)``: an answer whose query returned these rows; None for no SQL or no rows."""

    def make(sql=EXPECTED, rows=((7,),), **changes):
        stored = stored_result(None if rows is None else make_table(rows, width=1, types=["LONG"]), None)
        values = {item.name: getattr(stored, item.name) for item in dataclasses.fields(stored)}
        return AnswerRecord(**{**values, "sql": sql, "compiles": True, **changes})

    return make


@pytest.fixture
def judge(make_answer):
    def run(*answers):
        case = JudgedCase(
            Benchmark("q1", "How many orders?", EXPECTED),
            answers[0],
            make_answer(),
            SpaceAssets(frozenset({"samples.tpch.orders"})),
            repeats=tuple(answers[1:]),
        )
        return Repeatability().judge(case)

    return run


def test_one_answer_says_nothing_about_repeating(judge, make_answer):
    finding = judge(make_answer())
    assert (finding.outcome, finding.failure_type) == ("abstained", "NOT_REPEATED")
    assert finding.not_asked
    assert not finding.passed


def test_the_same_text_every_time_is_identical(judge, make_answer):
    finding = judge(make_answer(), make_answer("select  COUNT(*) as n\nfrom samples.tpch.orders;"), make_answer())
    assert finding.passed
    assert finding.evidence["band"] == "IDENTICAL"
    assert finding.evidence["groups"] == [[0, 1, 2]]
    assert finding.evidence["text_agreement"] == finding.evidence["query_agreement"] == 1.0
    assert finding.evidence["flip_rate"] == 0.0


def test_a_comment_changes_the_text_but_not_the_query(judge, make_answer):
    finding = judge(make_answer(), make_answer(f"{EXPECTED} -- all of them"))
    assert finding.passed
    assert (finding.evidence["text_agreement"], finding.evidence["query_agreement"]) == (0.5, 1.0)


def test_the_case_of_a_literal_makes_another_query(judge, make_answer):
    finding = judge(
        make_answer("SELECT count(*) FROM samples.tpch.orders WHERE o_orderstatus = 'F'"),
        make_answer("SELECT count(*) FROM samples.tpch.orders WHERE o_orderstatus = 'f'", ((0,),)),
    )
    assert finding.evidence["text_agreement"] == 1.0
    assert finding.evidence["groups"] == [[0], [1]]


def test_other_queries_with_the_same_rows_are_the_same_answer(judge, make_answer):
    finding = judge(make_answer(), make_answer("SELECT sum(1) FROM samples.tpch.orders"))
    assert finding.passed
    assert finding.evidence["query_agreement"] == 0.5
    assert finding.evidence["result_agreement"] == 1.0


def test_other_rows_are_another_answer_and_correctness_flips(judge, make_answer):
    wrong = make_answer("SELECT count(*) + 1 FROM samples.tpch.orders", ((8,),))
    finding = judge(make_answer(), wrong, make_answer())
    assert (finding.outcome, finding.failure_type, finding.severity) == ("failed", "repeatability_issue", "major")
    assert finding.evidence["band"] == "SIGNIFICANT"
    assert finding.evidence["groups"] == [[0, 2], [1]]
    assert finding.evidence["right"] == [True, False, True]
    assert finding.evidence["flip_rate"] == pytest.approx(1 / 3)
    assert "only 2 of 3 answers are the same (significant)" in finding.rationale
    assert "2 of 3 are right" in finding.rationale


def test_answers_from_other_assets_are_told_apart_in_the_evidence(judge, make_answer):
    finding = judge(make_answer(), make_answer("SELECT count(*) FROM samples.tpch.customer", ((3,),)))
    assert finding.evidence["asset_sets"] == [["samples.tpch.customer"], ["samples.tpch.orders"]]
    assert "2 different sets of assets" in finding.rationale


def test_three_failures_are_not_the_same_answer(judge, make_answer):
    failed = make_answer(None, None, status="FAILED", error="internal", compiles=None)
    finding = judge(failed, failed, failed)
    assert finding.outcome == "errored"
    assert finding.failure_type == "ANSWER_FAILED"
    asked_back = make_answer(None, None, text="Which year?", is_clarification=True, compiles=None)
    assert judge(asked_back, asked_back, asked_back).failure_type == "CLARIFICATION"


def test_a_failed_query_with_the_same_text_does_not_agree_with_itself(judge, make_answer):
    broken = make_answer(EXPECTED, None, status="FAILED", error="SQL_EXECUTION_EXCEPTION")
    finding = judge(broken, broken, make_answer())
    assert finding.evidence["groups"] == [[0], [1], [2]]
    assert finding.evidence["band"] == "CRITICAL"
    assert finding.severity == "critical"
    assert "2 without a query" in finding.rationale


def test_two_empty_results_of_different_queries_prove_nothing(judge, make_answer):
    finding = judge(make_answer(rows=()), make_answer("SELECT 1 AS n FROM samples.tpch.orders WHERE 1 = 0", ()))
    assert finding.evidence["groups"] == [[0], [1]]
    assert not finding.passed


def test_cut_off_results_do_not_agree_by_their_digest(make_answer):
    one = make_answer(truncated=True, rows=((1,), (2,)))
    other = dataclasses.replace(one, sql="SELECT o_orderkey FROM samples.tpch.orders")
    assert repetition_of([one, other], same_query).groups == ((0,), (1,))


def test_without_rows_only_equal_digests_decide(judge, make_answer):
    def bare(sql, rows):
        return dataclasses.replace(make_answer(sql, rows), rows=None)

    assert judge(bare(EXPECTED, ((7,),)), bare("SELECT sum(1) FROM samples.tpch.orders", ((7,),))).passed
    finding = judge(bare(EXPECTED, ((7,),)), bare("SELECT sum(2) FROM samples.tpch.orders", ((14,),)))
    assert (finding.outcome, finding.failure_type) == ("abstained", "ROWS_NOT_STORED")
    with pytest.raises(RowsNotStoredError):
        repetition_of([bare(EXPECTED, ((7,),)), bare("SELECT 2", ((2,),))], same_query)


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (1.0, "IDENTICAL"),
        (0.99, "MINOR"),
        (0.7, "MINOR"),
        (0.69, "SIGNIFICANT"),
        (0.5, "SIGNIFICANT"),
        (0.2, "CRITICAL"),
    ],
)
def test_bands_begin_at_their_own_score(score, band):
    assert band_of(score) == band


@given(st.lists(st.integers(0, 4), min_size=2, max_size=8))
def test_groups_are_a_partition_and_the_score_is_the_largest(kinds):
    answers = [AnswerRecord(sql=f"SELECT {kind}" if kind else None) for kind in kinds]
    found = repetition_of(answers, same_query)
    assert sorted(number for group in found.groups for number in group) == list(range(len(kinds)))
    largest = max([kinds.count(kind) for kind in set(kinds) if kind], default=1)
    assert found.score == largest / len(kinds)
    assert found.without_query == tuple(number for number, kind in enumerate(kinds) if kind == 0)
    assert list(BANDS) == sorted(BANDS, key=BANDS.get, reverse=True)
    assert (found.score >= PASSES_FROM) == (found.score == 1)


@given(st.lists(st.booleans(), min_size=1, max_size=9))
def test_the_flip_rate_is_symmetric_and_at_most_one_half(right):
    assert flip_rate_of(right) == flip_rate_of([not item for item in right]) <= 0.5
    assert (flip_rate_of(right) == 0) == (len(set(right)) == 1)


def test_the_summary_counts_every_planned_question(make_result, make_answer):
    def question(name, *answers):
        case = JudgedCase(
            Benchmark(name, f"How many {name}?", EXPECTED), answers[0], make_answer(), repeats=answers[1:]
        )
        return next(judge_questions([case], JUDGES.choose(["repeatability"])))

    other = make_answer("SELECT 8", ((8,),))
    silent = make_answer(None, None, status="FAILED", compiles=None)
    questions = [
        question("a", make_answer(), make_answer(), make_answer()),
        question("b", make_answer(), other, make_answer()),
        question("c", silent, silent, silent),
    ]
    result = make_result(questions=questions, judges=("repeatability",), benchmarks={"planned": 4, "total": 4})
    found = summarise(result)
    assert found.times == 3
    assert found.bands == {"IDENTICAL": 1, "MINOR": 0, "SIGNIFICANT": 1, "CRITICAL": 0, "NONE": 2}
    assert sum(found.to_json()["shares"].values()) == 1
    assert found.flip_rate == pytest.approx(1 / 6)
    assert found.unsteady == ("b",)


def test_an_evaluation_that_asked_once_has_no_summary_and_the_judge_spoils_nothing(make_result, make_answer):
    case = JudgedCase(Benchmark("a", "How many?", EXPECTED), make_answer(), make_answer())
    judges = JUDGES.choose(["result_correctness", "repeatability"])
    result = make_result(
        questions=list(judge_questions([case], judges)), judges=("result_correctness", "repeatability")
    )
    assert summarise(result) is None
    assert result.judges_asked == ("result_correctness",)
    assert result.questions[0].is_right(result.judges)
    assert result.score_of("repeatability") == 0.0


def test_answers_are_judged_the_same_in_any_repetition(make_answer):
    case = JudgedCase(
        Benchmark("a", "How many?", EXPECTED), make_answer(), make_answer(), repeats=(make_answer("SELECT 8", ((8,),)),)
    )
    judges = JUDGES.choose(["repeatability"])
    assert judge_case(case, judges) == judge_case(dataclasses.replace(case), judges)


def test_the_same_query_that_never_runs_is_the_same_answer(judge, make_answer):
    broken = make_answer(
        "SELECT FROM", None, status="FAILED", error_type="SQL_EXECUTION_EXCEPTION", error="no", compiles=None
    )
    finding = judge(broken, broken, broken)
    assert finding.passed
    assert finding.evidence["right"] == [False, False, False]
    other = dataclasses.replace(broken, sql="SELECT WHERE")
    assert judge(broken, other, dataclasses.replace(broken, sql="SELECT BY")).rationale.startswith(
        "all 3 answers differ"
    )
