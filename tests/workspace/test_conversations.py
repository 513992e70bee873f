from decimal import Decimal

import pytest

from mlflow_genie_plugin.errors import (
    RateLimitedError,
    SpaceNotFoundError,
    SqlFailedError,
    UnconfirmedRequestError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.workspace.answer import Message, MessageRef

SPACE = "01f0" * 8
BASE = f"/api/2.0/genie/spaces/{SPACE}"
START = f"{BASE}/start-conversation"
MESSAGE = f"{BASE}/conversations/c1/messages/m1"
RESULT = f"{MESSAGE}/attachments/a1/query-result"
NOW_MS = 1795176000000  # 2026-11-20T12:00:00Z, the fake clock's beginning
COLUMNS = [
    {"name": "n", "position": 0, "type_name": "LONG", "type_text": "BIGINT"},
    {"name": "x", "position": 1, "type_name": "DECIMAL", "type_text": "DECIMAL(10,2)", "type_scale": 2},
]


def message(**changes):
    fields = {"ref": MessageRef(SPACE, "c1", "m1"), "status": "COMPLETED", "sql": "SELECT 1", "attachment_id": "a1"}
    return Message(**{**fields, **changes})


def response(rows, state="SUCCEEDED", *, manifest=None, result=None):
    return {
        "statement_response": {
            "statement_id": "s1",
            "status": {"state": state},
            "manifest": {"schema": {"columns": COLUMNS}, "total_row_count": len(rows), **(manifest or {})},
            "result": {"data_array": rows, **(result or {})},
        }
    }


def test_a_question_is_asked_in_a_new_conversation(workspace, script):
    script.on("POST", START, (200, {"conversation_id": "c1", "message_id": "m1"}))
    assert workspace.asker.start(SPACE, "How many?") == MessageRef(SPACE, "c1", "m1")
    assert script.sent("POST")[0][3] == {"content": "How many?"}


def test_slow_down_means_not_asked(workspace, script, clock):
    script.on("POST", START, (429, {"message": "slow"}, {"Retry-After": "9"}))
    with pytest.raises(RateLimitedError) as caught:
        workspace.asker.start(SPACE, "q")
    assert caught.value.retry_after_seconds == 9
    assert len(script.sent("POST")) == 1
    assert clock.slept == []


def test_a_missing_space_is_not_asked_twice(workspace, script):
    script.on("POST", START, (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}))
    with pytest.raises(SpaceNotFoundError):
        workspace.asker.start(SPACE, "q")


def on_conversations(script, *conversations):
    script.on(
        "GET",
        f"{BASE}/conversations",
        (200, {"conversations": [{"conversation_id": c, "created_timestamp": at} for c, at, _ in conversations]}),
    )
    for conversation, _, question in conversations:
        script.on(
            "GET",
            f"{BASE}/conversations/{conversation}/messages",
            (200, {"messages": [{"message_id": f"m-{conversation}", "content": question}]}),
        )


LOST = ["drop", (500, {"message": "x"}), (503, {"message": "x"}, {"Retry-After": "0"}), (502, ""), (200, "<html>")]


@pytest.mark.parametrize("lost", LOST)
def test_a_lost_question_is_looked_up_and_never_sent_again(workspace, script, lost):
    script.on("POST", START, lost)
    on_conversations(script, ("new", NOW_MS + 900, "q"), ("else", NOW_MS + 900, "other"), ("old", NOW_MS - 9**7, "q"))
    assert workspace.asker.start(SPACE, "q") == MessageRef(SPACE, "new", "m-new")
    assert len(script.sent("POST")) == 1


@pytest.mark.parametrize("conversations", [[], [("a", NOW_MS, "q"), ("b", NOW_MS, "q")]])
@pytest.mark.parametrize("lost", LOST[:3])
def test_a_lost_question_that_cannot_be_told_is_unconfirmed(workspace, script, lost, conversations):
    script.on("POST", START, lost)
    on_conversations(script, *conversations)
    with pytest.raises(UnconfirmedRequestError, match="conversations with this question"):
        workspace.asker.start(SPACE, "q")
    assert len(script.sent("POST")) == 1


def test_a_conversation_of_our_own_is_not_taken_for_the_lost_one(workspace, script):
    script.on("POST", START, (200, {"conversation_id": "c1", "message_id": "m1"}), "drop")
    on_conversations(script, ("c1", NOW_MS, "q"), ("c2", NOW_MS, "q"))
    workspace.asker.start(SPACE, "q")
    assert workspace.asker.start(SPACE, "q").conversation_id == "c2"


def test_a_look_up_that_fails_is_unconfirmed(workspace, script):
    script.on("POST", START, "drop")
    script.on("GET", f"{BASE}/conversations", (403, {"error_code": "PERMISSION_DENIED", "message": "no"}))
    with pytest.raises(UnconfirmedRequestError, match="looking it up failed too"):
        workspace.asker.start(SPACE, "q")


def test_a_poll_is_one_request(workspace, script, clock):
    script.on("GET", MESSAGE, (503, {"message": "x"}))
    with pytest.raises(WorkspaceUnavailableError):
        workspace.asker.poll(MessageRef(SPACE, "c1", "m1"))
    assert len(script.sent("GET", MESSAGE)) == 1
    assert clock.slept == []


def test_rows_come_typed_by_the_manifest(workspace, script):
    script.on("GET", RESULT, (200, response([["7", "1.5"], [None, "2.25"]])))
    result = workspace.asker.read_result(message())
    assert result.rows == ((7, Decimal("1.50")), (None, Decimal("2.25")))
    assert [column.type_name for column in result.columns] == ["LONG", "DECIMAL"]
    assert (result.row_count, result.truncated, result.statement_id) == (2, False, "s1")


@pytest.mark.parametrize(
    ("manifest", "said"),
    [({"truncated": True}, {}), ({}, {"truncated": True}), ({"total_row_count": 9}, {}), ({}, {"row_count": 6000})],
)
def test_truncation_is_known_from_either_flag_or_the_counts(workspace, script, manifest, said):
    script.on("GET", RESULT, (200, response([["1", "1"]], manifest=manifest)))
    result = workspace.asker.read_result(message(**said))
    assert result.truncated
    assert result.row_count >= len(result.rows)


def test_further_chunks_are_fetched(workspace, script):
    first = response(
        [["1", "1"]], manifest={"total_row_count": 3, "total_chunk_count": 3}, result={"next_chunk_index": 1}
    )
    script.on("GET", RESULT, (200, first))
    chunks = "/api/2.0/sql/statements/s1/result/chunks"
    script.on("GET", f"{chunks}/1", (200, {"data_array": [["2", "2"]], "next_chunk_index": 2}))
    script.on("GET", f"{chunks}/2", (200, {"data_array": [["3", "3"]]}))
    result = workspace.asker.read_result(message())
    assert [row[0] for row in result.rows] == [1, 2, 3]
    assert not result.truncated


def test_a_chunk_that_points_to_itself_is_an_error(workspace, script):
    script.on("GET", RESULT, (200, response([["1", "1"]], result={"next_chunk_index": 1})))
    script.on("GET", "/api/2.0/sql/statements/s1/result/chunks/1", (200, {"data_array": [], "next_chunk_index": 1}))
    with pytest.raises(SqlFailedError, match="chunk 1"):
        workspace.asker.read_result(message())


def test_no_rows_are_no_rows(workspace, script):
    empty = response([])
    del empty["statement_response"]["result"]
    script.on("GET", RESULT, (200, empty))
    result = workspace.asker.read_result(message())
    assert (result.rows, result.row_count, len(result.columns)) == ((), 0, 2)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (response([["abc", "1"]]), "column 'n' of the result: 'abc' is not a value of type LONG"),
        (response([["1"]]), "1 values, but the result has 2 columns"),
        ({}, "no result"),
        ({"statement_response": {"status": {"state": "FAILED", "error": {"message": "boom"}}}}, "boom"),
        (response([], result={"external_links": [{"external_link": "https://x"}]}), "download links"),
    ],
)
def test_a_result_that_cannot_be_read_is_an_error(workspace, script, body, words):
    script.on("GET", RESULT, (200, body))
    with pytest.raises(SqlFailedError, match=words):
        workspace.asker.read_result(message())


def test_a_result_in_the_making_is_waited_for(workspace, script):
    script.on(
        "GET", RESULT, (200, response([], "PENDING")), (200, response([], "RUNNING")), (200, response([["1", "1"]]))
    )
    assert workspace.asker.read_result(message()).row_count == 1


@pytest.mark.parametrize(
    ("status", "first"),
    [
        ("QUERY_RESULT_EXPIRED", None),
        ("COMPLETED", (400, {"error_code": "BAD_REQUEST", "message": "QUERY_RESULT_EXPIRED"})),
        ("COMPLETED", (200, response([], "CLOSED"))),
    ],
)
def test_an_expired_result_is_made_once_more(workspace, script, status, first):
    script.on("GET", RESULT, *([first] if first else []), (200, response([["1", "1"]])))
    script.on("POST", f"{MESSAGE}/attachments/a1/execute-query", (200, {}))
    assert workspace.asker.read_result(message(status=status)).row_count == 1
    assert len(script.sent("POST")) == 1


def test_an_answer_without_a_query_has_no_result(workspace):
    with pytest.raises(SqlFailedError, match="no query"):
        workspace.asker.read_result(message(sql=None))
