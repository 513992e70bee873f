import json
import time

import pytest

from mlflow_genie_plugin.errors import SpaceNotFoundError, WorkspaceRefusedError

ENDS = {"DONE", "EVALUATION_FAILED", "EVALUATION_CANCELLED", "EVALUATION_TIMEOUT"}


@pytest.fixture
def question(held):
    """The id of one benchmark question of the space, and its SQL."""
    document = json.loads(held.workspace.spaces.get_space(held.space_id).serialized_space)
    first = document["benchmarks"]["questions"][0]
    return first["id"], "".join(first["answer"][0]["content"])


@pytest.fixture
def ended(held, question):
    runs = held.workspace.evaluation_runs
    run_id = runs.create(held.space_id, [question[0]], known=runs.run_ids(held.space_id))
    deadline = time.monotonic() + held.settings.answer_timeout_seconds
    while (run := runs.get(held.space_id, run_id)).status not in ENDS:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return run


def test_a_run_ends_with_one_result_a_question(held, question, ended):
    assert (ended.status, ended.questions, ended.done) == ("DONE", 1, 1)
    [result] = held.workspace.evaluation_runs.results(held.space_id, ended.run_id)
    assert (result.question_id, result.status) == (question[0], "DONE")


def test_a_result_has_query_typed_rows_and_an_assessment(held, question, ended):
    runs = held.workspace.evaluation_runs
    [result] = runs.results(held.space_id, ended.run_id)
    answer = runs.answer(held.space_id, ended.run_id, result.result_id)
    assert answer.sql
    assert answer.assessment in {"GOOD", "BAD", "NEEDS_REVIEW"}
    assert answer.expected_sql == question[1]
    assert len(answer.result.rows[0]) == len(answer.result.columns)
    warehouse = held.workspace.spaces.get_space(held.space_id).warehouse_id
    again = held.workspace.sql.execute(answer.sql, warehouse_id=warehouse)
    assert [column.type_name for column in again.columns] == [column.type_name for column in answer.result.columns]
    assert sorted(map(repr, again.rows)) == sorted(map(repr, answer.result.rows))


def test_a_new_run_is_told_from_those_that_were_known(held, ended):
    runs = held.workspace.evaluation_runs
    assert ended.run_id in runs.run_ids(held.space_id)
    others = [run_id for run_id in runs.run_ids(held.space_id) if run_id != ended.run_id]
    assert runs.find_new(held.space_id, 1, known=others) == [ended.run_id]
    assert runs.find_new(held.space_id, 2, known=others) == []


def test_a_question_or_run_that_is_not_there_is_refused(held):
    runs = held.workspace.evaluation_runs
    with pytest.raises(WorkspaceRefusedError):
        runs.create(held.space_id, ["f" * 32], known=())
    with pytest.raises(SpaceNotFoundError):
        runs.get(held.space_id, "0" * 31 + "1")
