from __future__ import annotations

import dataclasses


def test_everything_but_passed_counts_against_the_model(make_result, make_question):
    judge = "result_correctness"
    kinds = ["passed", "failed", "abstained", "errored", "missing"]
    questions = [make_question(kind, outcomes={judge: kind}) for kind in kinds]
    result = make_result(questions=questions, benchmarks={"planned": 10, "total": 10})
    counts = result.counts_of(judge)
    assert dataclasses.astuple(counts) == (1, 1, 1, 1, 6, 10)
    assert result.score_of(judge) == 0.1
    assert result.missing() == ["5 of 10 questions have a result", "result_correctness has no finding for missing"]


def test_a_judge_that_did_not_run_scores_zero(make_result):
    assert make_result(n=4).counts_of("schema_accuracy").missing == 4
    assert make_result(n=4).score_of("schema_accuracy") == 0.0
