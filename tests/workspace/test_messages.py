import pytest

from mlflow_genie_plugin.workspace.answer import MessageRef
from mlflow_genie_plugin.workspace.messages import message_of

REF = MessageRef("s", "c", "m")
QUERY = {"query": "SELECT 1", "statement_id": "st", "query_result_metadata": {"row_count": 3, "is_truncated": True}}


def read(*attachments, **payload):
    return message_of(REF, {"status": "COMPLETED", "attachments": list(attachments), **payload})


def text(content, purpose=None):
    return {"text": {"content": content, **({"purpose": purpose} if purpose else {})}}


def test_a_query_brings_sql_statement_parameters_and_truncation():
    parameters = [{"keyword": "region", "sql_type": "STRING", "value": "EU"}]
    message = read({"attachment_id": "a", "query": {**QUERY, "parameters": parameters}}, text("Three rows."))
    assert (message.sql, message.attachment_id, message.statement_id) == ("SELECT 1", "a", "st")
    assert (message.row_count, message.truncated, message.parameters) == (3, True, {"region": "EU"})
    assert (message.text, message.is_clarification) == ("Three rows.", False)


def test_the_last_query_answers():
    assert read({"query": {"query": "SELECT 1"}}, {"query": {"query": "SELECT 2"}}).sql == "SELECT 2"


@pytest.mark.parametrize(
    ("attachments", "expected", "asks_back"),
    [
        ([], None, False),
        ([text("Which region?", "FOLLOW_UP_QUESTION")], "Which region?", True),
        ([text("42", "TEXT_ATTACHMENT_PURPOSE_ANSWER"), text("Which?", "FOLLOW_UP_QUESTION")], "42", False),
        ([text("Which?", "FOLLOW_UP_QUESTION"), {"query": QUERY}], "Which?", False),
        ([text("one"), text("two")], "one\n\ntwo", False),
        ([text("  ")], None, False),
        ([{"text": {}}], None, False),
    ],
)
def test_texts_are_answers_or_a_question_back(attachments, expected, asks_back):
    message = read(*attachments)
    assert (message.text, message.is_clarification) == (expected, asks_back)


def test_suggestions_are_kept():
    assert read({"suggested_questions": {"questions": ["a", "b"]}}).suggested_questions == ("a", "b")


def test_an_error_keeps_its_type_even_when_the_sdk_does_not_know_it():
    message = message_of(REF, {"status": "FAILED", "error": {"error": "boom", "type": "BRAND_NEW_EXCEPTION"}})
    assert (message.error, message.error_type, message.status) == ("boom", "BRAND_NEW_EXCEPTION", "FAILED")


@pytest.mark.parametrize("payload", [{}, {"status": None}, {"attachments": None}])
def test_a_message_without_status_is_of_unknown_status(payload):
    assert message_of(REF, payload).status == "UNKNOWN"
