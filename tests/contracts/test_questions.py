import pytest

from mlflow_genie_plugin.errors import SpaceNotFoundError
from mlflow_genie_plugin.workspace.answer import AnswerStatus
from mlflow_genie_plugin.workspace.ask import ask
from mlflow_genie_plugin.workspace.throttle import Throttle


def put(held, question, space_id=None):
    throttle = Throttle(held.workspace.host_digest, held.settings, held.clock)
    return ask(
        held.workspace.asker,
        space_id or held.space_id,
        question,
        clock=held.clock,
        settings=held.settings,
        throttle=throttle,
    )


def test_a_question_gets_sql_and_typed_rows(held):
    answer = put(held, held.question)
    assert (answer.status, answer.error) == (AnswerStatus.COMPLETED, None)
    assert answer.sql
    assert answer.result.row_count >= len(answer.result.rows) == 1
    assert isinstance(answer.result.rows[0][0], int)
    assert answer.conversation_id
    assert answer.message_id


def test_each_question_has_a_conversation_of_its_own(held):
    assert len({put(held, held.question).conversation_id for _ in range(2)}) == 2


def test_the_answer_says_what_its_own_sql_says(held):
    answer = put(held, held.question)
    warehouse = held.workspace.spaces.get_space(held.space_id).warehouse_id
    assert held.workspace.sql.execute(answer.sql, warehouse_id=warehouse).rows == answer.result.rows


def test_asking_in_an_unknown_space_concerns_the_session(held):
    with pytest.raises(SpaceNotFoundError):
        put(held, held.question, "0" * 31 + "1")
