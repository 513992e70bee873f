from __future__ import annotations

import json
import time

import pytest
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied

from mlflow_genie_plugin.emulator.native_scoring import ScoredResult, assess
from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID, WAREHOUSE_ID

IDS = [f"{number:032x}" for number in range(1, 9)]
# Question → SQL answer of the benchmark, what the space answers, assessment, reasons.
CASES = {
    "same text": ("SELECT 1 AS a", "SELECT 1 AS a", "GOOD", []),
    "other order": (
        "SELECT id FROM range(3) ORDER BY id",
        "SELECT id FROM range(3) ORDER BY id DESC",
        "GOOD",
        [],
    ),
    "four digits": ("SELECT 1234.4 AS a", "SELECT 1234.2 AS a", "GOOD", []),
    "nothing": ("SELECT 1 AS a", "SELECT 1 AS a WHERE false", "BAD", ["EMPTY_RESULT"]),
    "failing": ("SELECT 1 AS a", "SELECT nope FROM samples.tpch.nation", "BAD", ["EMPTY_RESULT"]),
    "one cell": ("SELECT 1 AS a", "SELECT 2 AS a", "BAD", ["SINGLE_CELL_DIFFERENCE"]),
    "extra column": ("SELECT 1 AS a", "SELECT 1 AS a, 2 AS b", "BAD", ["RESULT_EXTRA_COLUMNS"]),
    "fewer rows": (
        "SELECT id FROM range(3)",
        "SELECT id FROM range(2)",
        "NEEDS_REVIEW",
        ["RESULT_MISSING_ROWS"],
    ),
}


@pytest.fixture
def space(client, control):
    questions = [
        {"id": IDS[index], "question": [question], "answer": [{"format": "SQL", "content": [case[0]]}]}
        for index, (question, case) in enumerate(CASES.items())
    ]
    document = {
        "version": 2,
        "data_sources": {"tables": [{"identifier": "samples.tpch.nation"}]},
        "benchmarks": {"questions": questions},
    }
    for question, case in CASES.items():
        control.script_answer(question=question, sql=case[1], times=0)
    return client.genie.create_space(WAREHOUSE_ID, json.dumps(document))


def finished(client, space_id, run):
    for _ in range(1000):
        run = client.genie.genie_get_eval_run(space_id, run.eval_run_id)
        if run.eval_run_status.value == "DONE":
            return run
        time.sleep(0.01)
    raise AssertionError(f"the run did not end: {run}")


def test_a_run_scores_every_question_by_the_published_table(client, space):
    run = finished(client, space.space_id, client.genie.genie_create_eval_run(space.space_id))
    assert (run.num_questions, run.num_done, run.num_correct, run.num_needs_review) == (8, 8, 3, 1)
    found, token = {}, None
    while True:
        page = client.genie.genie_list_eval_results(space.space_id, run.eval_run_id, page_size=3, page_token=token)
        for item in page.eval_results:
            details = client.genie.genie_get_eval_result_details(space.space_id, run.eval_run_id, item.result_id)
            reasons = [reason.value for reason in details.assessment_reasons or []]
            found[item.question] = (details.assessment.value, reasons)
            assert item.benchmark_answer == CASES[item.question][0]
            assert details.actual_response[0].response == CASES[item.question][1]
        if not (token := page.next_page_token):
            break
    assert found == {question: (case[2], case[3]) for question, case in CASES.items()}


def test_details_carry_both_results(client, space):
    run = client.genie.genie_create_eval_run(space.space_id, benchmark_question_ids=[IDS[5]])
    run = finished(client, space.space_id, run)
    result = client.genie.genie_list_eval_results(space.space_id, run.eval_run_id).eval_results[0]
    details = client.genie.genie_get_eval_result_details(space.space_id, run.eval_run_id, result.result_id)
    actual = details.actual_response[0].sql_execution_result
    expected = details.expected_response[0].sql_execution_result
    assert (actual.result.data_array, expected.result.data_array) == ([["2"]], [["1"]])
    assert details.manual_assessment is False


def test_a_run_shows_its_progress_and_is_listed(client, control, space):
    control.latency(0.05)
    run = client.genie.genie_create_eval_run(space.space_id)
    seen = set()
    while run.eval_run_status.value != "DONE":
        run = client.genie.genie_get_eval_run(space.space_id, run.eval_run_id)
        seen.add((run.eval_run_status.value, run.num_done))
        time.sleep(0.01)
    assert {status for status, _ in seen} >= {"RUNNING", "DONE"}
    assert len({done for _, done in seen}) > 3
    assert [item.eval_run_id for item in client.genie.genie_list_eval_runs(space.space_id).eval_runs] == [
        run.eval_run_id
    ]


def test_a_clarification_needs_review_and_a_failure_of_genie_is_no_assessment(client, control, space):
    control.clear_answers()
    control.script_answer(question="same text", text="Which one?", is_clarification=True)
    control.script_answer(question="one cell", status="FAILED", error_type="RATE_LIMIT_EXCEEDED_GENERIC_EXCEPTION")
    chosen = [IDS[0], IDS[5]]
    run = client.genie.genie_create_eval_run(space.space_id, benchmark_question_ids=chosen)
    run = finished(client, space.space_id, run)
    found = []
    for item in client.genie.genie_list_eval_results(space.space_id, run.eval_run_id).eval_results:
        details = client.genie.genie_get_eval_result_details(space.space_id, run.eval_run_id, item.result_id)
        found.append((item.status.value, details.assessment and details.assessment.value))
    assert found == [("DONE", "NEEDS_REVIEW"), ("EVALUATION_FAILED", None)]


def test_unknown_questions_runs_and_results_are_refused(client, make_space, space):
    with pytest.raises(InvalidParameterValue, match="does not exist"):
        client.genie.genie_create_eval_run(space.space_id, benchmark_question_ids=["f" * 32])
    with pytest.raises(InvalidParameterValue, match="no benchmark questions"):
        client.genie.genie_create_eval_run(make_space().space_id)
    run = client.genie.genie_create_eval_run(space.space_id, benchmark_question_ids=[IDS[0]])
    with pytest.raises(NotFound):
        client.genie.genie_get_eval_run(SAMPLE_SPACE_ID, run.eval_run_id)
    with pytest.raises(NotFound):
        client.genie.genie_get_eval_result_details(space.space_id, run.eval_run_id, "0" * 32)


def test_running_an_evaluation_needs_edit(client, control, make_client, space):
    other = make_client(control.add_identity("r@b.c", level="CAN_RUN", space_id=space.space_id))
    with pytest.raises(PermissionDenied):
        other.genie.genie_create_eval_run(space.space_id)


NUMBER, TEXT = ("LONG",), ("STRING",)


@pytest.mark.parametrize(
    ("actual", "expected", "value", "reasons"),
    [
        (ScoredResult(NUMBER, [["1"], ["1"]]), ScoredResult(NUMBER, [["1"]]), "NEEDS_REVIEW", ["RESULT_EXTRA_ROWS"]),
        (ScoredResult(TEXT, [["1"]]), ScoredResult(NUMBER, [["1"]]), "NEEDS_REVIEW", ["COLUMN_TYPE_DIFFERENCE"]),
        (ScoredResult(("DECIMAL",), [["1.00"]]), ScoredResult(("DOUBLE",), [["1.0"]]), "GOOD", []),
        (ScoredResult(NUMBER, [[None]]), ScoredResult(NUMBER, [["0"]]), "BAD", ["SINGLE_CELL_DIFFERENCE"]),
        (ScoredResult(NUMBER, [["1"]]), ScoredResult(NUMBER, []), "BAD", ["EMPTY_GOOD_SQL"]),
        (
            ScoredResult(NUMBER, [["1"]]),
            ScoredResult(("LONG", "LONG"), [["1", "2"]]),
            "NEEDS_REVIEW",
            ["RESULT_MISSING_COLUMNS"],
        ),
        (
            ScoredResult(TEXT, [["a"], ["b"]]),
            ScoredResult(TEXT, [["a"], ["c"]]),
            "NEEDS_REVIEW",
            ["RESULT_MISSING_ROWS", "RESULT_EXTRA_ROWS"],
        ),
    ],
)
def test_results_are_compared_as_bags_of_rows(actual, expected, value, reasons):
    found = assess("SELECT 1", actual, "SELECT 2", expected)
    assert (found.value, list(found.reasons)) == (value, reasons)


def test_without_a_sql_answer_or_with_a_broken_one_a_person_must_look():
    one = ScoredResult(NUMBER, [["1"]])
    assert assess("SELECT 1", one, None, None).value == "NEEDS_REVIEW"
    assert assess("SELECT 1", one, "SELECT broken", None).value == "NEEDS_REVIEW"
    assert assess(None, None, "SELECT 1", one).value == "NEEDS_REVIEW"
