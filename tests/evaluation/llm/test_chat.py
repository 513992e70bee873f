from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from mlflow_genie_plugin.evaluation.llm.chat import chat_url
from mlflow_genie_plugin.evaluation.llm.completion import NoAnswerError

ASK = [{"role": "user", "content": "hello"}]


def problem_of(endpoint):
    with pytest.raises(NoAnswerError) as caught:
        endpoint.complete(ASK)
    return caught.value


def test_a_request_has_the_model_temperature_zero_and_the_key(language_model, make_endpoint, key):
    language_model.answer("fine")
    assert make_endpoint().complete(ASK) == "fine"
    (request,) = language_model.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["headers"]["Authorization"] == f"Bearer {key}"
    assert (request["body"]["model"], request["body"]["temperature"]) == ("test-model", 0)
    assert request["body"]["messages"] == ASK


def test_without_a_key_none_is_sent_even_where_netrc_has_one(language_model, make_endpoint, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    language_model.answer("fine")
    make_endpoint(headers=dict).complete(ASK)
    assert "Authorization" not in language_model.requests[0]["headers"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_endpoint_is_asked_again(language_model, make_endpoint, fault, status):
    language_model.answer(fault(status), fault(status), "third time")
    assert make_endpoint().complete(ASK) == "third time"
    assert len(language_model.requests) == 3


def test_tries_are_bounded(language_model, make_endpoint, fault):
    language_model.answer(fault(503))
    error = problem_of(make_endpoint())
    assert error.problem == "unavailable"
    assert str(error) == "its endpoint answered with HTTP 503 (3 tries)"
    assert len(language_model.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_rejected_request_is_not_repeated_and_says_why(language_model, make_endpoint, fault, status):
    language_model.answer(fault(status, b'{"error": {"message": "model not found"}}'))
    error = problem_of(make_endpoint())
    assert (error.problem, len(language_model.requests)) == ("rejected", 1)
    assert str(error) == f"its endpoint answered with HTTP {status}: model not found"


def test_retry_after_is_kept_and_bounded_by_the_deadline(language_model, make_endpoint, fault):
    language_model.answer(fault(429, headers={"Retry-After": "1"}), "fine")
    started = time.monotonic()
    assert make_endpoint().complete(ASK) == "fine"
    assert time.monotonic() - started >= 1
    language_model.answer(fault(429, headers={"Retry-After": "3600"}))
    started = time.monotonic()
    assert problem_of(make_endpoint()).problem == "unavailable"
    assert time.monotonic() - started < 60


def test_a_retry_after_date_is_understood_and_nonsense_is_not_waited_for(language_model, make_endpoint, fault):
    late = format_datetime(datetime.now(UTC) + timedelta(hours=1))
    language_model.answer(fault(429, headers={"Retry-After": late}))
    assert problem_of(make_endpoint()).problem == "unavailable"
    assert len(language_model.requests) == 1
    language_model.answer(fault(429, headers={"Retry-After": "soon"}), "fine")
    assert make_endpoint().complete(ASK) == "fine"


def test_a_slow_endpoint_times_out(language_model, make_endpoint, fault):
    language_model.answer(fault(seconds=60))
    started = time.monotonic()
    error = problem_of(make_endpoint(timeout_seconds=0.3, deadline_seconds=0.5))
    assert error.problem == "timeout"
    assert time.monotonic() - started < 30


def test_an_answer_that_trickles_in_cannot_outlive_the_timeout(language_model, make_endpoint, fault):
    language_model.answer(fault(body=b"x" * 1200, drip=True))
    started = time.monotonic()
    error = problem_of(make_endpoint(timeout_seconds=0.4, deadline_seconds=0.8))
    assert error.problem == "timeout"
    assert time.monotonic() - started < 30


def test_nobody_listening_is_unavailable(make_endpoint):
    error = problem_of(make_endpoint(url="http://127.0.0.1:9/v1/chat/completions"))
    assert (error.problem, str(error)) == ("unavailable", "its endpoint could not be reached (3 tries)")


def test_a_connection_that_breaks_is_unavailable(language_model, make_endpoint, fault):
    language_model.answer(fault(close=True))
    assert problem_of(make_endpoint()).problem == "unavailable"


def test_a_huge_answer_is_not_read_to_its_end(language_model, make_endpoint, fault):
    language_model.answer(fault(body=b"x" * 5_000_000))
    assert problem_of(make_endpoint()).problem == "too_long"


def test_a_redirect_is_not_followed(language_model, make_endpoint, fault):
    language_model.answer(fault(307, headers={"Location": f"{language_model.url}/elsewhere"}))
    assert problem_of(make_endpoint()).problem == "rejected"
    assert [request["path"] for request in language_model.requests] == ["/v1/chat/completions"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html>sign in</html>", "garbage"),
        (b"[]", "garbage"),
        (b"{}", "garbage"),
        (b'{"choices": []}', "garbage"),
        (b'{"choices": [{"message": {"content": 3}}]}', "garbage"),
        (b'{"choices": [{"message": {"refusal": "I will not", "content": null}}]}', "refused"),
        (b'{"choices": [{"finish_reason": "content_filter", "message": {"content": ""}}]}', "refused"),
        (b'{"choices": [{"finish_reason": "length", "message": {"content": "{"}}]}', "cut_off"),
    ],
)
def test_what_is_not_a_whole_completion_is_no_answer(language_model, make_endpoint, fault, body, problem):
    language_model.answer(fault(body=body))
    assert problem_of(make_endpoint()).problem == problem
    assert len(language_model.requests) == 1


def test_the_text_parts_of_a_reasoning_model_are_the_answer(language_model, make_endpoint, make_completion):
    parts = [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "fi"}, {"type": "text", "text": "ne"}]
    language_model.answer(make_completion(parts))
    assert make_endpoint().complete(ASK) == "fine"


def test_no_more_requests_are_open_at_once_than_allowed(language_model, make_endpoint):
    language_model.answer("fine")
    language_model.seconds = 0.1
    # Two endpoints: the limit is the process's, not one object's.
    endpoints = [make_endpoint(concurrency=2), make_endpoint(concurrency=2)]
    threads = [threading.Thread(target=endpoints[i % 2].complete, args=(ASK,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(language_model.requests) == 8
    assert language_model.most_at_once == 2


def test_the_key_shows_nowhere(language_model, make_endpoint, fault, key, caplog):
    caplog.set_level(logging.DEBUG)
    language_model.answer(fault(401, f'{{"error": {{"message": "Incorrect API key: {key}"}}}}'.encode()))
    endpoint = make_endpoint()
    error = problem_of(endpoint)
    assert "Incorrect API key: ***" in str(error)
    assert error.__cause__ is None
    for text in (repr(endpoint), str(error), repr(error), caplog.text):
        assert key not in text


def test_a_token_that_cannot_be_had_is_a_rejection_without_its_words(make_endpoint, key):
    def expired():
        raise ValueError(f"token {key} has expired")

    error = problem_of(make_endpoint(headers=expired))
    assert (error.problem, key in str(error)) == ("rejected", False)


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        ("https://a.b/v1", "https://a.b/v1/chat/completions"),
        ("https://a.b/v1/", "https://a.b/v1/chat/completions"),
        ("https://a.b/v1/chat/completions", "https://a.b/v1/chat/completions"),
        ("https://a.b/x?api-version=1", "https://a.b/x/chat/completions?api-version=1"),
    ],
)
def test_the_address_is_made_from_the_base(base, wanted):
    assert chat_url(base) == wanted
