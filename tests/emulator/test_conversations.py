from __future__ import annotations

import csv
import io
import time
import urllib.request

import pytest
from databricks.sdk.errors import BadRequest, NotFound, OperationFailed, PermissionDenied
from databricks.sdk.service.dashboards import (
    GenieFeedbackRating,
    MessageErrorType,
    MessageStatus,
    TextAttachmentPurpose,
)
from databricks.sdk.service.sql import StatementState

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID, LocalWorkspace

SQL = "SELECT id, CAST(id AS STRING) AS name FROM range(12) ORDER BY id"


def asked(client, question="how many?", space_id=SAMPLE_SPACE_ID):
    return client.genie.start_conversation_and_wait(space_id, question)


def ids(message):
    return message.space_id, message.conversation_id, message.message_id


def result(client, message):
    attachment = next(item for item in message.attachments if item.query)
    found = client.genie.get_message_attachment_query_result(*ids(message), attachment.attachment_id)
    return found.statement_response


def statuses(client, started):
    seen = []
    while not seen or seen[-1] not in {"COMPLETED", "FAILED", "CANCELLED"}:
        seen.append(client.genie.get_message(*ids(started)).status.value)
        assert len(seen) < 500
        time.sleep(0.01)
    return seen


def test_a_question_is_submitted_first_and_then_answered_with_a_query_and_typed_strings(client, control):
    control.script_answer(sql=SQL)
    started = client.genie.start_conversation(SAMPLE_SPACE_ID, "list").response
    assert started.message.status == MessageStatus.SUBMITTED
    assert not started.message.attachments
    message = client.genie.get_message(*ids(started.message))
    query = message.attachments[0].query
    assert (message.status, query.query) == (MessageStatus.COMPLETED, SQL)
    assert (query.query_result_metadata.row_count, query.query_result_metadata.is_truncated) == (12, False)
    got = result(client, message)
    assert got.status.state == StatementState.SUCCEEDED
    columns = [(column.name, column.type_name.value) for column in got.manifest.schema.columns]
    assert columns == [("id", "LONG"), ("name", "STRING")]
    assert got.result.data_array[:2] == [["0", "0"], ["1", "1"]]
    assert (got.manifest.total_row_count, got.manifest.truncated) == (12, False)


def test_the_deprecated_result_calls_answer_the_same(client, control):
    control.script_answer(sql=SQL)
    message = asked(client)
    expected = result(client, message).as_dict()
    attachment = message.attachments[0].attachment_id
    for found in (
        client.genie.get_message_query_result(*ids(message)),
        client.genie.get_message_query_result_by_attachment(*ids(message), attachment),
        client.genie.execute_message_query(*ids(message)),
        client.genie.execute_message_attachment_query(*ids(message), attachment),
    ):
        assert found.statement_response.as_dict() == expected


def test_a_clarification_is_a_completed_text_without_a_query(client, control):
    control.script_answer(text="Which year?", is_clarification=True)
    message = asked(client)
    assert message.status == MessageStatus.COMPLETED
    assert [(a.query, a.text.content, a.text.purpose) for a in message.attachments] == [
        (None, "Which year?", TextAttachmentPurpose.FOLLOW_UP_QUESTION)
    ]
    with pytest.raises(NotFound):
        client.genie.get_message_query_result(*ids(message))


def test_a_query_that_fails_is_a_failed_message_with_its_query_and_the_engines_words(client, control):
    control.script_answer(sql="SELECT nothing_of_this FROM samples.tpch.nation")
    started = client.genie.start_conversation(SAMPLE_SPACE_ID, "q").response
    message = client.genie.get_message(*ids(started.message))
    assert (message.status, message.error.type) == (MessageStatus.FAILED, MessageErrorType.SQL_EXECUTION_EXCEPTION)
    assert "nothing_of_this" in message.error.error
    assert message.attachments[0].query.query.startswith("SELECT nothing")


@pytest.mark.parametrize(
    "error_type", ["RATE_LIMIT_EXCEEDED_GENERIC_EXCEPTION", "TABLES_MISSING_EXCEPTION", "CONTEXT_EXCEEDED_EXCEPTION"]
)
def test_a_scripted_failure_carries_its_type(client, control, error_type):
    control.script_answer(status="FAILED", error_type=error_type, error="no")
    with pytest.raises(OperationFailed):
        asked(client)
    message = client.genie.list_conversation_messages(
        SAMPLE_SPACE_ID, client.genie.list_conversations(SAMPLE_SPACE_ID).conversations[0].conversation_id
    ).messages[0]
    assert (message.error.type.value, message.error.error) == (error_type, "no")


def test_statuses_advance_with_time_and_nothing_of_the_answer_shows_before(client, control):
    control.latency(0.4)
    control.script_answer(sql=SQL)
    begun = time.monotonic()
    started = client.genie.start_conversation(SAMPLE_SPACE_ID, "q").response.message
    assert not client.genie.get_message(*ids(started)).attachments
    seen = statuses(client, started)
    assert time.monotonic() - begun >= 0.4
    order = [
        "SUBMITTED",
        "FETCHING_METADATA",
        "FILTERING_CONTEXT",
        "ASKING_AI",
        "PENDING_WAREHOUSE",
        "EXECUTING_QUERY",
        "COMPLETED",
    ]
    assert list(dict.fromkeys(seen)) == order


def test_statuses_advance_with_polls(client, control):
    control.transition(polls=3)
    control.script_answer(text="done")
    started = client.genie.start_conversation(SAMPLE_SPACE_ID, "q").response.message
    polled = [client.genie.get_message(*ids(started)).status.value for _ in range(3)]
    assert polled[-1] == "COMPLETED"
    assert "COMPLETED" not in polled[:2]


def test_an_answer_on_its_way_can_be_cancelled(client, control):
    control.latency(60)
    started = client.genie.start_conversation(SAMPLE_SPACE_ID, "q").response.message
    cancelled = client.genie.genie_cancel_response(*ids(started))
    assert cancelled.status == MessageStatus.CANCELLED
    assert client.genie.get_message(*ids(started)).status == MessageStatus.CANCELLED


def test_an_expired_result_is_closed_until_the_query_runs_again(client, control):
    control.script_answer(sql=SQL)
    message = asked(client)
    control.configure(result_ttl_seconds=30)
    control.advance_clock(60)
    assert client.genie.get_message(*ids(message)).status == MessageStatus.QUERY_RESULT_EXPIRED
    expired = result(client, message)
    assert (expired.status.state, expired.result) == (StatementState.CLOSED, None)
    attachment = message.attachments[0].attachment_id
    again = client.genie.execute_message_attachment_query(*ids(message), attachment).statement_response
    assert len(again.result.data_array) == 12
    assert client.genie.get_message(*ids(message)).status == MessageStatus.COMPLETED


def test_a_large_result_is_cut_at_the_row_cap_and_says_so(client, control):
    control.row_cap(5)
    control.script_answer(sql=SQL)
    message = asked(client)
    got = result(client, message)
    assert (len(got.result.data_array), got.result.row_count) == (5, 5)
    assert (got.manifest.truncated, got.manifest.total_row_count) == (True, 12)


def test_a_result_is_cut_at_5000_rows_unless_told_otherwise(client, control):
    control.script_answer(sql="SELECT id FROM range(5001)")
    got = result(client, asked(client))
    assert (len(got.result.data_array), got.manifest.truncated) == (5000, True)


def test_the_full_result_is_downloaded_through_a_signed_link(client, control):
    control.row_cap(5)
    control.script_answer(sql=SQL)
    message = asked(client)
    attachment = message.attachments[0].attachment_id
    made = client.genie.generate_download_full_query_result(*ids(message), attachment)
    found = client.genie.get_download_full_query_result(
        *ids(message), attachment, made.download_id, made.download_id_signature
    ).statement_response
    link = found.result.external_links[0].external_link
    with urllib.request.urlopen(link) as answer:
        rows = list(csv.reader(io.StringIO(answer.read().decode())))
    assert (rows[0], len(rows)) == (["id", "name"], 13)
    with pytest.raises(BadRequest):
        client.genie.get_download_full_query_result(*ids(message), attachment, made.download_id, "forged")


def test_a_parameterised_answer_lists_its_parameters_with_types(local_workspace):
    from databricks.sdk import WorkspaceClient

    from mlflow_genie_plugin.emulator.answerer import GeneratedAnswer

    def answerer(question, document, view):
        return GeneratedAnswer(
            sql="SELECT :n + 1 AS x", text=None, parameters={"n": "41"}, parameter_types={"n": "INTEGER"}
        )

    with LocalWorkspace(sample=False, answerer=answerer) as own:
        client = WorkspaceClient(host=own.url, token=own.token, auth_type="pat")
        from mlflow_genie_plugin.emulator.server import WAREHOUSE_ID

        document = '{"version":2,"data_sources":{"tables":[{"identifier":"a.b.c"}]}}'
        space = client.genie.create_space(WAREHOUSE_ID, document)
        message = asked(client, space_id=space.space_id)
        parameters = message.attachments[0].query.parameters
        assert [(p.keyword, p.sql_type, p.value) for p in parameters] == [("n", "INTEGER", "41")]
        assert result(client, message).result.data_array == [["42"]]


def test_an_answerer_that_raises_is_a_failed_message(local_workspace):
    from databricks.sdk import WorkspaceClient

    def answerer(question, document, view):
        raise RuntimeError("broken inside")

    with LocalWorkspace(answerer=answerer) as own:
        client = WorkspaceClient(host=own.url, token=own.token, auth_type="pat")
        started = client.genie.start_conversation(SAMPLE_SPACE_ID, "q").response.message
        message = client.genie.get_message(*ids(started))
        assert message.error.type == MessageErrorType.UNEXPECTED_REPLY_PROCESS_EXCEPTION
        assert "broken inside" in message.error.error


def test_a_space_without_tables_and_one_without_a_warehouse_cannot_answer(client, make_space):
    space = make_space()
    empty = client.genie.start_conversation(space.space_id, "q").response.message
    found = client.genie.get_message(*ids(empty))
    assert found.error.type == MessageErrorType.NO_TABLES_TO_QUERY_EXCEPTION
    client.genie.update_space(space.space_id, warehouse_id="gone")
    lost = client.genie.start_conversation(space.space_id, "q").response.message
    assert client.genie.get_message(*ids(lost)).error.type == MessageErrorType.WAREHOUSE_NOT_FOUND_EXCEPTION


def test_a_conversation_keeps_its_messages_in_order_over_pages(client, control):
    control.script_answer(text="ok", times=0)
    first = asked(client, "first")
    for text in ("second", "third"):
        client.genie.create_message_and_wait(SAMPLE_SPACE_ID, first.conversation_id, text)
    page = client.genie.list_conversation_messages(SAMPLE_SPACE_ID, first.conversation_id, page_size=2)
    rest = client.genie.list_conversation_messages(
        SAMPLE_SPACE_ID, first.conversation_id, page_token=page.next_page_token
    )
    assert [m.content for m in page.messages + rest.messages] == ["first", "second", "third"]
    client.genie.delete_conversation_message(SAMPLE_SPACE_ID, first.conversation_id, page.messages[1].message_id)
    left = client.genie.list_conversation_messages(SAMPLE_SPACE_ID, first.conversation_id).messages
    assert [m.content for m in left] == ["first", "third"]
    client.genie.delete_conversation(SAMPLE_SPACE_ID, first.conversation_id)
    with pytest.raises(NotFound):
        client.genie.list_conversation_messages(SAMPLE_SPACE_ID, first.conversation_id)
    assert not client.genie.list_conversations(SAMPLE_SPACE_ID).conversations


def test_conversations_of_others_need_manage(client, control, make_client):
    control.script_answer(text="ok", times=0)
    other = make_client(control.add_identity("u@b.c", level="CAN_RUN", space_id=SAMPLE_SPACE_ID))
    mine, theirs = asked(client, "mine"), asked(other, "theirs")
    assert [c.title for c in other.genie.list_conversations(SAMPLE_SPACE_ID).conversations] == ["theirs"]
    everyone = client.genie.list_conversations(SAMPLE_SPACE_ID, include_all=True).conversations
    assert {c.title for c in everyone} == {"mine", "theirs"}
    with pytest.raises(PermissionDenied):
        other.genie.get_message(*ids(mine))
    with pytest.raises(PermissionDenied):
        other.genie.list_conversations(SAMPLE_SPACE_ID, include_all=True)
    assert client.genie.get_message(*ids(theirs)).content == "theirs"


def test_feedback_and_comments_stay_with_the_message(client, control):
    control.script_answer(text="ok")
    message = asked(client)
    client.genie.send_message_feedback(*ids(message), GenieFeedbackRating.NEGATIVE, comment="wrong year")
    again = client.genie.get_message(*ids(message))
    assert (again.feedback.rating, again.feedback.comment) == (GenieFeedbackRating.NEGATIVE, "wrong year")
    made = client.genie.create_message_comment(*ids(message), "look here")
    listed = client.genie.list_message_comments(*ids(message)).comments
    assert [c.message_comment_id for c in listed] == [made.message_comment_id]
    of_all = client.genie.list_conversation_comments(SAMPLE_SPACE_ID, message.conversation_id).comments
    assert [c.content for c in of_all] == ["look here"]


def test_questions_over_the_quota_get_429_with_retry_after_and_are_not_asked(local_workspace, client, control):
    import requests

    control.script_answer(text="ok", times=0)
    control.quota(2)
    asked(client, "1")
    asked(client, "2")
    over = requests.post(
        f"{local_workspace.url}/api/2.0/genie/spaces/{SAMPLE_SPACE_ID}/start-conversation",
        json={"content": "3"},
        headers={"Authorization": f"Bearer {local_workspace.token}"},
        timeout=10,
    )
    assert (over.status_code, over.json()["error_code"]) == (429, "RESOURCE_EXHAUSTED")
    assert 50 <= int(over.headers["Retry-After"]) <= 60
    assert len(client.genie.list_conversations(SAMPLE_SPACE_ID).conversations) == 2


def test_the_sdk_waits_as_long_as_the_quota_says_and_then_asks_once(client, control):
    control.script_answer(text="ok", times=0)
    control.quota(1)
    asked(client, "1")
    control.advance_clock(58.5)
    assert asked(client, "2").status == MessageStatus.COMPLETED
    assert [item["status"] for item in control.requests("genie.start_conversation")] == [200, 429, 200]
    assert len(client.genie.list_conversations(SAMPLE_SPACE_ID).conversations) == 2


def test_the_quota_can_also_come_as_a_failed_message(client, control):
    control.script_answer(text="ok", times=0)
    control.quota(1, in_message=True)
    asked(client, "1")
    over = client.genie.start_conversation(SAMPLE_SPACE_ID, "2").response.message
    message = client.genie.get_message(*ids(over))
    assert message.error.type == MessageErrorType.RATE_LIMIT_EXCEEDED_SPECIFIED_WAIT_EXCEPTION
    assert "seconds" in message.error.error


def test_an_empty_question_is_refused(client):
    with pytest.raises(BadRequest, match="content"):
        client.genie.start_conversation(SAMPLE_SPACE_ID, "  ")
