from dataclasses import replace

import pytest

from mlflow_genie_plugin.errors import (
    NotSignedInError,
    PermissionDeniedError,
    RateLimitedError,
    SpaceNotFoundError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.workspace.answer import AnswerStatus
from mlflow_genie_plugin.workspace.ask import ask, next_pause
from mlflow_genie_plugin.workspace.throttle import Throttle

SPACE = "01f0" * 8
BASE = f"/api/2.0/genie/spaces/{SPACE}"
START = f"{BASE}/start-conversation"
MESSAGE = f"{BASE}/conversations/c1/messages/m1"
RESULT = f"{MESSAGE}/attachments/a1/query-result"
STARTED = (200, {"conversation_id": "c1", "message_id": "m1"})
SQL = {"attachment_id": "a1", "query": {"query": "SELECT 1", "parameters": [{"keyword": "k", "value": "v"}]}}
ROWS = {
    "statement_response": {
        "statement_id": "s1",
        "status": {"state": "SUCCEEDED"},
        "manifest": {"schema": {"columns": [{"name": "n", "type_name": "INT"}]}, "total_row_count": 1},
        "result": {"data_array": [["7"]]},
    }
}


def status(name, **more):
    return 200, {"status": name, **more}


def failed(kind, text="no"):
    return status("FAILED", error={"error": text, "type": kind})


@pytest.fixture
def put(workspace, script, clock, settings):
    """Ask through the real adapter; the script says what the server answers."""
    script.on("POST", START, STARTED)
    script.on("GET", RESULT, (200, ROWS))

    def run(question="How many?", **changes):
        chosen = replace(settings, **changes)
        throttle = Throttle(workspace.host_digest, chosen, clock)
        return ask(workspace.asker, SPACE, question, clock=clock, settings=chosen, throttle=throttle)

    return run


def asked(script):
    return len(script.sent("POST", START))


def test_an_answer_comes_with_sql_rows_ids_and_latency(put, script):
    script.on("GET", MESSAGE, status("ASKING_AI"), status("COMPLETED", attachments=[SQL]))
    answer = put()
    assert (answer.status, answer.sql, answer.result.rows) == (AnswerStatus.COMPLETED, "SELECT 1", ((7,),))
    assert (answer.conversation_id, answer.message_id, answer.parameters) == ("c1", "m1", {"k": "v"})
    assert answer.latency_seconds == pytest.approx(0.25)
    assert (answer.error, answer.tries) == (None, 1)


def test_a_text_answer_needs_no_result(put, script):
    script.on("GET", MESSAGE, status("COMPLETED", attachments=[{"text": {"content": "Hello"}}]))
    answer = put()
    assert (answer.text, answer.sql, answer.result, answer.error) == ("Hello", None, None, None)


@pytest.mark.parametrize("waiting", ["SUBMITTED", "FETCHING_METADATA", "PENDING_WAREHOUSE", "BRAND_NEW_STATUS", None])
def test_any_other_status_is_still_working(put, script, waiting):
    script.on("GET", MESSAGE, *[status(waiting)] * 3, status("COMPLETED"))
    assert put().status is AnswerStatus.COMPLETED
    assert len(script.sent("GET", MESSAGE)) == 4


@pytest.mark.parametrize(("end", "expected"), [("FAILED", AnswerStatus.FAILED), ("CANCELLED", AnswerStatus.CANCELLED)])
def test_every_bad_end_is_told_apart_and_carries_an_error(put, script, end, expected):
    script.on("GET", MESSAGE, status(end))
    answer = put()
    assert answer.status is expected
    assert end in answer.error
    assert len(script.sent("GET", MESSAGE)) == 1


def test_a_failure_keeps_its_words_and_type(put, script):
    script.on("GET", MESSAGE, failed("WAREHOUSE_NOT_FOUND", "no warehouse"))
    answer = put()
    assert (answer.error, answer.error_type, answer.tries) == ("no warehouse", "WAREHOUSE_NOT_FOUND", 1)
    assert asked(script) == 1


def test_an_expired_result_is_made_again_and_counts_as_completed(put, script):
    script.on("GET", MESSAGE, status("QUERY_RESULT_EXPIRED", attachments=[SQL]))
    script.on("POST", f"{MESSAGE}/attachments/a1/execute-query", (200, {}))
    answer = put()
    assert (answer.status, answer.result.rows, answer.error) == (AnswerStatus.COMPLETED, ((7,),), None)


def test_an_expired_result_that_cannot_be_made_again_stays_expired(put, script):
    script.on("GET", MESSAGE, status("QUERY_RESULT_EXPIRED", attachments=[SQL]))
    script.on("POST", f"{MESSAGE}/attachments/a1/execute-query", (400, {"message": "gone for good"}))
    answer = put()
    assert answer.status is AnswerStatus.QUERY_RESULT_EXPIRED
    assert "gone for good" in answer.error


def test_a_result_that_cannot_be_read_is_an_error_of_the_answer(put, script):
    script.on("GET", MESSAGE, status("COMPLETED", attachments=[SQL]))
    script.on("GET", RESULT, (403, {"error_code": "PERMISSION_DENIED", "message": "no SELECT"}))
    answer = put()
    assert (answer.sql, answer.result) == ("SELECT 1", None)
    assert "no SELECT" in answer.error


def test_the_deadline_ends_a_question(put, script, clock):
    script.on("GET", MESSAGE, status("ASKING_AI"))
    before = clock.monotonic()
    answer = put(answer_timeout_seconds=600)
    assert answer.status is AnswerStatus.TIMED_OUT
    assert answer.error == "no answer within 600 s"
    assert clock.monotonic() - before == pytest.approx(600)
    assert answer.latency_seconds == pytest.approx(600)
    assert len(script.sent("GET", MESSAGE)) < 70


def test_pauses_start_short_hold_at_two_seconds_and_grow_to_a_minute():
    pauses, elapsed, pause = [], 0.0, 0.25
    while elapsed < 1000:
        pauses.append(pause)
        elapsed += pause
        pause = next_pause(pause, elapsed)
    assert pauses[:3] == [0.25, 0.325, pytest.approx(0.4225)]
    assert pauses[15] == 2.0
    assert max(pauses) == 60.0
    assert pauses == sorted(pauses)


@pytest.mark.parametrize("trouble", ["drop", (503, {"message": "x"}), (500, {"message": "x"}), (429, {"message": "x"})])
def test_failed_polls_are_repeated_until_the_deadline(put, script, trouble):
    script.on("GET", MESSAGE, *[trouble] * 5, status("COMPLETED"))
    assert put().status is AnswerStatus.COMPLETED
    assert asked(script) == 1


def test_a_workspace_that_stays_down_while_polling_times_out_with_the_reason(put, script):
    script.on("GET", MESSAGE, (503, {"message": "maintenance"}))
    answer = put(answer_timeout_seconds=30)
    assert answer.status is AnswerStatus.TIMED_OUT
    assert "maintenance" in answer.error


def test_a_message_may_be_readable_a_little_late(put, script):
    script.on("GET", MESSAGE, *[(404, {"message": "not yet"})] * 3, status("COMPLETED"))
    assert put().status is AnswerStatus.COMPLETED


def test_a_message_that_is_gone_fails_the_answer(put, script):
    script.on("GET", MESSAGE, (404, {"message": "gone"}))
    answer = put()
    assert (answer.status, answer.error_type) == (AnswerStatus.FAILED, "MESSAGE_NOT_FOUND")


def test_slow_down_is_waited_for_by_all_and_the_question_asked_again(put, script, clock, workspace, settings):
    script.on("POST", START, (429, {"message": "slow"}, {"Retry-After": "20"}), STARTED)
    script.on("GET", MESSAGE, status("COMPLETED"))
    before = clock.monotonic()
    answer = put()
    assert (answer.status, answer.tries) == (AnswerStatus.COMPLETED, 1)
    assert clock.monotonic() - before == pytest.approx(20)
    assert answer.latency_seconds == 0


def test_slow_down_without_end_gives_up_within_the_budget(put, script, clock):
    script.on("POST", START, (429, {"message": "slow"}))
    before = clock.monotonic()
    with pytest.raises(RateLimitedError):
        put(rate_limit_wait_seconds=200)
    assert clock.monotonic() - before <= 200
    assert asked(script) < 10


@pytest.mark.parametrize(
    ("kind", "text", "pause"),
    [
        ("RATE_LIMIT_EXCEEDED_SPECIFIED_WAIT_EXCEPTION", "Please wait 30 seconds", 30),
        ("RATE_LIMIT_EXCEEDED_SPECIFIED_WAIT_EXCEPTION", "try again in 2 minutes", 120),
        ("RATE_LIMIT_EXCEEDED_GENERIC_EXCEPTION", "too many", 1),
        ("RATE_LIMIT_BRAND_NEW", "too many", 1),
    ],
)
def test_a_message_failed_by_rate_limit_is_asked_again_after_a_pause(put, script, clock, kind, text, pause):
    script.on("GET", MESSAGE, failed(kind, text), status("COMPLETED"))
    before = clock.monotonic()
    answer = put()
    assert (answer.status, answer.tries) == (AnswerStatus.COMPLETED, 2)
    assert clock.monotonic() - before == pytest.approx(pause)
    assert asked(script) == 2


def test_messages_failed_by_rate_limit_without_end_give_up(put, script, clock):
    script.on("GET", MESSAGE, failed("RATE_LIMIT_EXCEEDED_GENERIC_EXCEPTION"))
    with pytest.raises(RateLimitedError, match="rate limit"):
        put(rate_limit_wait_seconds=100)
    assert asked(script) < 10


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, {"message": "expired"}), NotSignedInError),
        ((403, {"error_code": "PERMISSION_DENIED", "message": "no"}), PermissionDeniedError),
        ((404, {"message": "trashed"}), SpaceNotFoundError),
    ],
)
def test_what_concerns_the_whole_session_is_raised(put, script, answer, error):
    script.on("POST", START, answer)
    with pytest.raises(error):
        put()
    assert asked(script) == 1


def test_a_token_that_expires_while_polling_is_raised(put, script):
    script.on("GET", MESSAGE, status("ASKING_AI"), (401, {"message": "expired"}))
    with pytest.raises(NotSignedInError):
        put()


def test_a_lost_question_is_an_errored_answer_and_not_asked_again(put, script):
    script.on("POST", START, "drop")
    script.on("GET", f"{BASE}/conversations", (200, {}))
    answer = put()
    assert (answer.status, answer.error_type) == (AnswerStatus.FAILED, "UNCONFIRMED_REQUEST")
    assert asked(script) == 1


def test_a_refused_question_is_an_errored_answer(put, script):
    script.on("POST", START, (400, {"error_code": "BAD_REQUEST", "message": "too long"}))
    answer = put()
    assert answer.status is AnswerStatus.FAILED
    assert "too long" in answer.error


def test_an_unreachable_workspace_is_raised_after_two_minutes(clean_environment, monkeypatch, clock, settings):
    from mlflow_genie_plugin.workspace.auth import connect

    monkeypatch.setenv("DATABRICKS_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("DATABRICKS_TOKEN", "planted-token-4711")
    workspace = connect(settings=settings, clock=clock, prove=False)
    before = clock.monotonic()
    with pytest.raises(WorkspaceUnavailableError):
        ask(workspace.asker, SPACE, "q", clock=clock, settings=settings, throttle=Throttle("h", settings, clock))
    assert 60 < clock.monotonic() - before <= 120


def test_ctrl_c_passes_through(put, script, clock, monkeypatch):
    script.on("GET", MESSAGE, status("ASKING_AI"))

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(clock, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        put()
    assert asked(script) == 1
