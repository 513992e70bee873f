"""Asks questions through the conversation API, each exactly once, and reads what came back."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import GenieError, SqlFailedError, UnconfirmedRequestError, WorkspaceRefusedError
from mlflow_genie_plugin.settings import Settings
from mlflow_genie_plugin.workspace.answer import AnswerStatus, Message, MessageRef, QueryResult
from mlflow_genie_plugin.workspace.calls import Calls, Doing
from mlflow_genie_plugin.workspace.messages import message_of
from mlflow_genie_plugin.workspace.results import RUNNING, read_response, state_of
from mlflow_genie_plugin.workspace.space_requests import about_space, space_path

Json = Mapping[str, Any]

_WAIT_FOR_LOOK_UP_SECONDS = (1.0, 3.0, 9.0)
_CLOCK_SKEW = timedelta(minutes=5)
_LOOK_UP_PAGES = 5
_FIRST_POLL_SECONDS = 0.25
_SLOWEST_POLL_SECONDS = 5.0


class GenieAsker:
    """Asks in one workspace, one conversation a question; safe to share between threads."""

    def __init__(self, calls: Calls, clock: Clock, settings: Settings) -> None:
        self._calls = calls
        self._clock = clock
        self._settings = settings
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def start(self, space_id: str, question: str) -> MessageRef:
        """Ask ``question`` in a new conversation, exactly once.

        Raises:
            RateLimitedError: The workspace says "slow down" (HTTP 429); the question was not asked.
            UnconfirmedRequestError: No answer came, and the question cannot be found; it may have been asked.
            WorkspaceUnavailableError: The workspace could not be reached; the question was not asked.
        """
        doing = about_space("ask a question in space", space_id, needs="CAN RUN")
        path = f"{space_path(space_id)}/start-conversation"
        started = self._clock.now()
        try:
            payload = self._calls.write_once(doing, "POST", path, {"content": question})
        except UnconfirmedRequestError as error:
            ref = self._find_asked(space_id, question, started.timestamp(), error)
        else:
            ref = _ref_of(space_id, payload, doing)
        with self._lock:
            self._known.add(ref.conversation_id)
        return ref

    def poll(self, ref: MessageRef) -> Message:
        """Return the message as it is now; one request, never repeated here (the caller polls anyway)."""
        doing = about_space("read an answer in space", ref.space_id, needs="CAN RUN")
        return message_of(ref, self._calls.read_once(doing, _message_path(ref)))

    def read_result(self, message: Message) -> QueryResult:
        """Return the rows of the message's query, typed by the manifest, at most what the API returns (5,000).

        A result that has expired is made once more by running the query again.

        Raises:
            SqlFailedError: The message has no query, the query failed, or its result does not become available.
        """
        if message.sql is None or not message.attachment_id:
            raise SqlFailedError("the answer has no query to read a result of", next_step="read its text")
        base = f"{_message_path(message.ref)}/attachments/{message.attachment_id}"
        doing = Doing(
            f"read the result of an answer in space {message.ref.space_id}",
            denied_step="ask for access to the tables the query reads",
            space_id=message.ref.space_id,
        )
        deadline = self._clock.monotonic() + self._settings.answer_timeout_seconds
        if message.status == AnswerStatus.QUERY_RESULT_EXPIRED:
            response = self._run_again(base, doing, deadline)
        else:
            try:
                response = self._finished(base, doing, deadline)
            except WorkspaceRefusedError as error:
                if "EXPIRED" not in error.what.upper() and "no longer available" not in error.what:
                    raise
                response = self._run_again(base, doing, deadline)
            else:
                if state_of(response) == "CLOSED":
                    response = self._run_again(base, doing, deadline)
        return read_response(response, self._chunk, truncated=message.truncated, row_count=message.row_count)

    def _finished(self, base: str, doing: Doing, deadline: float) -> Json:
        pause = _FIRST_POLL_SECONDS
        while True:
            answer = self._calls.read(doing, f"{base}/query-result")
            response: Json = answer.get("statement_response") or {}
            if state_of(response) not in RUNNING:
                if not response:
                    raise SqlFailedError("the workspace returned no result for the query", next_step="ask again")
                return response
            if self._clock.monotonic() + pause > deadline:
                raise SqlFailedError(
                    f"the query's result was not ready after {self._settings.answer_timeout_seconds:g} s",
                    next_step="raise GENIE_ANSWER_TIMEOUT_SECONDS, or look at the warehouse",
                )
            self._clock.sleep(pause)
            pause = min(pause * 1.3, _SLOWEST_POLL_SECONDS)

    def _run_again(self, base: str, doing: Doing, deadline: float) -> Json:
        # Running a read-only query twice harms nobody, so this POST may be repeated.
        self._calls.harmless(doing, "POST", f"{base}/execute-query")
        return self._finished(base, doing, deadline)

    def _chunk(self, statement_id: str, index: int) -> Json:
        return self._calls.read(
            Doing("read a further part of a result"), f"/api/2.0/sql/statements/{statement_id}/result/chunks/{index}"
        )

    def newest(self, space_id: str) -> float:
        """Return when our newest conversation in the space was made, by the workspace's clock; 0 without one."""
        page = self._calls.read(
            about_space("list conversations of space", space_id, needs="CAN RUN"),
            f"{space_path(space_id)}/conversations",
            {"page_size": 1},
        )
        return max((_seconds(item.get("created_timestamp")) for item in page.get("conversations") or []), default=0.0)

    def find(self, space_id: str, question: str, *, after_seconds: float, known: Collection[str]) -> MessageRef | None:
        """Return the oldest message that asks ``question`` in a conversation of ours, or None; see the port."""
        found = self._candidates(space_id, question, math.nextafter(after_seconds, math.inf), known)
        return found[-1] if found else None

    def _find_asked(self, space_id: str, question: str, started: float, error: UnconfirmedRequestError) -> MessageRef:
        """Find the conversation of a request that got no answer: made since, with this question, not known to us."""
        found: list[MessageRef] = []
        for wait in _WAIT_FOR_LOOK_UP_SECONDS:
            self._clock.sleep(wait)
            try:
                found = self._candidates(space_id, question, started - _CLOCK_SKEW.total_seconds())
            except GenieError as failure:
                raise UnconfirmedRequestError(
                    f"{error.what}; looking it up failed too: {failure.what}", next_step=error.next_step
                ) from error
            if len(found) == 1:
                return found[0]
        raise UnconfirmedRequestError(
            f"{error.what}; {len(found) or 'no'} conversations with this question were found",
            next_step="it is not asked again by itself; repeat it when the workspace answers",
            space_id=space_id,
        ) from error

    def _candidates(
        self, space_id: str, question: str, since: float, excluded: Collection[str] = ()
    ) -> list[MessageRef]:
        """Return messages with this question in conversations made since, newest first."""
        doing = about_space("list conversations of space", space_id, needs="CAN RUN")
        found: list[MessageRef] = []
        token: str | None = None
        for _ in range(_LOOK_UP_PAGES):  # newest first
            query = {"page_size": 100, **({"page_token": token} if token else {})}
            page = self._calls.read(doing, f"{space_path(space_id)}/conversations", query)
            for item in page.get("conversations") or []:
                conversation = str(item.get("conversation_id") or "")
                with self._lock:
                    known = conversation in self._known or conversation in excluded
                if conversation and not known and _seconds(item.get("created_timestamp")) >= since:
                    found.extend(self._first_message(doing, space_id, conversation, question))
            token = page.get("next_page_token") or None
            if token is None:
                break
        return found

    def _first_message(self, doing: Doing, space_id: str, conversation: str, question: str) -> list[MessageRef]:
        path = f"{space_path(space_id)}/conversations/{conversation}/messages"
        messages = self._calls.read(doing, path, {"page_size": 10}).get("messages") or []
        return [
            MessageRef(space_id, conversation, str(item.get("message_id") or item.get("id")))
            for item in messages
            if item.get("content") == question
        ][:1]


def _ref_of(space_id: str, payload: Json, doing: Doing) -> MessageRef:
    message = payload.get("message") or {}
    conversation = payload.get("conversation_id") or message.get("conversation_id")
    message_id = payload.get("message_id") or message.get("message_id") or message.get("id")
    if not conversation or not message_id:
        raise UnconfirmedRequestError(
            f"the answer to the request to {doing.text} names no conversation; the question may have been asked",
            next_step="look at the space's history before you repeat the command",
        )
    return MessageRef(space_id, str(conversation), str(message_id))


def _message_path(ref: MessageRef) -> str:
    return f"{space_path(ref.space_id)}/conversations/{ref.conversation_id}/messages/{ref.message_id}"


def _seconds(milliseconds: Any) -> float:
    return float(milliseconds) / 1000 if isinstance(milliseconds, int | float) else 0.0
