"""Conversations of all spaces: asking, polling, results, feedback, and what a restart must bring back."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from typing import Any, Final

from mlflow_genie_plugin.emulator.answers import AnswerDesk, Outcome, failed
from mlflow_genie_plugin.emulator.api_errors import ApiError, bad_request, invalid, missing, too_many
from mlflow_genie_plugin.emulator.behaviour import Controls
from mlflow_genie_plugin.emulator.identifiers import IdSource
from mlflow_genie_plugin.emulator.identities import Identity
from mlflow_genie_plugin.emulator.messages import TERMINAL, Conversation, Message
from mlflow_genie_plugin.emulator.space import Space
from mlflow_genie_plugin.emulator.statements import Statement, Statements
from mlflow_genie_plugin.emulator.store import Store

KIND: Final = "conversation"
MESSAGE_KIND: Final = "message"
MOST_MESSAGES: Final = 10_000
# A question without latency is answered before its request is; one that takes longer goes on in the background.
_PATIENCE_SECONDS: Final = 2.0


class Conversations:
    """All conversations. State changes hold the world's lock; answers are worked out outside it."""

    def __init__(
        self,
        store: Store,
        ids: IdSource,
        controls: Controls,
        lock: threading.RLock,
        desk: AnswerDesk,
        statements: Statements,
        space_of: Callable[[str], Space | None],
        has_warehouse: Callable[[str], bool],
    ) -> None:
        self._store = store
        self._ids = ids
        self._controls = controls
        self._lock = lock
        self._desk = desk
        self._statements = statements
        self._space_of = space_of
        self._has_warehouse = has_warehouse
        self._closed = False
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="answer")
        self._conversations = {r["conversation_id"]: Conversation(**r) for r in store.all(KIND)}
        self._messages = {r["message_id"]: Message(**r) for r in store.all(MESSAGE_KIND)}
        for message in self._messages.values():
            if message.outcome is None:
                self._begin(message)

    # --- asking -----------------------------------------------------------------------------------------------------

    def start(self, space: Space, identity: Identity, content: str) -> tuple[Conversation, Message]:
        """Ask ``content`` in a new conversation."""
        over = self._count_question(content)
        with self._lock:
            now = self._controls.now()
            conversation = Conversation(self._ids.hex32(), space.space_id, content[:100], identity.user_id, now, now)
            self._conversations[conversation.conversation_id] = conversation
            message = self._add(conversation, identity, content, now)
        self._begin(message, over)
        return conversation, message

    def ask(self, conversation: Conversation, identity: Identity, content: str) -> Message:
        """Ask ``content`` in a conversation."""
        over = self._count_question(content)
        with self._lock:
            if len(conversation.message_ids) >= MOST_MESSAGES:
                raise ApiError(400, "RESOURCE_EXHAUSTED", f"Conversation has reached {MOST_MESSAGES} messages.")
            message = self._add(conversation, identity, content, self._controls.now())
        self._begin(message, over)
        return message

    def _count_question(self, content: str) -> float:
        if not content.strip():
            raise bad_request("Missing required field: content")
        over = self._controls.seconds_over_quota()
        behaviour = self._controls.behaviour
        if over and not behaviour.quota_in_message:
            wait = math.ceil(over) if behaviour.retry_after_header else None
            raise too_many("Request rate limit exceeded. Please retry later.", wait)
        return over

    def _add(self, conversation: Conversation, identity: Identity, content: str, now: float) -> Message:
        behaviour = self._controls.behaviour
        message = Message(
            message_id=self._ids.hex32(),
            conversation_id=conversation.conversation_id,
            space_id=conversation.space_id,
            content=content,
            user_id=identity.user_id,
            created=now,
            latency=behaviour.latency_seconds,
            polls_needed=behaviour.polls_until_done,
        )
        conversation.message_ids.append(message.message_id)
        conversation.updated = now
        self._messages[message.message_id] = message
        self._store.put(KIND, {conversation.conversation_id: conversation})
        self._store.put(MESSAGE_KIND, {message.message_id: message})
        return message

    def _begin(self, message: Message, over_quota: float = 0.0) -> None:
        work: Future[None] = self._pool.submit(self._answer, message, over_quota)
        if not message.latency and message.polls_needed is None:
            try:
                work.result(_PATIENCE_SECONDS)
            except FutureTimeoutError:
                return

    def _answer(self, message: Message, over_quota: float) -> None:
        try:
            outcome = self._outcome(message, over_quota)
        except Exception as error:  # noqa: BLE001 - whatever an answerer raises is a failed message, as in the cloud
            outcome = failed("UNEXPECTED_REPLY_PROCESS_EXCEPTION", f"{type(error).__name__}: {error}")
        with self._lock:
            # After a reset or a stop the store is no longer this object's to write.
            if self._closed or message.outcome is not None or message.message_id not in self._messages:
                return
            self._take(message, outcome)
            self._store.put(MESSAGE_KIND, {message.message_id: message})

    def _outcome(self, message: Message, over_quota: float) -> Outcome:
        if over_quota:
            return failed(
                "RATE_LIMIT_EXCEEDED_SPECIFIED_WAIT_EXCEPTION",
                f"Rate limit exceeded. Please try again in {math.ceil(over_quota)} seconds.",
            )
        space = self._space_of(message.space_id)
        if space is None:
            return failed("UNEXPECTED_REPLY_PROCESS_EXCEPTION", "The space no longer exists.")
        if not self._has_warehouse(space.warehouse_id):
            return failed("WAREHOUSE_NOT_FOUND_EXCEPTION", f"Warehouse {space.warehouse_id} was not found.")
        scripted = self._controls.take_scripted(message.content)
        return self._desk.outcome_of(message.content, space.document, self._controls.now(), scripted)

    def _take(self, message: Message, outcome: Outcome) -> None:
        message.attachments = outcome.attachments
        message.error = outcome.error
        message.query = outcome.query
        message.statement_id = outcome.statement_id
        message.executed_at = self._controls.now()
        message.updated = message.executed_at
        message.outcome = outcome.status

    # --- reading ----------------------------------------------------------------------------------------------------

    def conversation(self, space_id: str, conversation_id: str) -> Conversation:
        """Return the conversation of a space.

        Raises:
            ApiError: 404.
        """
        found = self._conversations.get(conversation_id)
        if found is None or found.space_id != space_id:
            raise missing(f"Conversation {conversation_id} does not exist in space {space_id}.")
        return found

    def conversations(self, space_id: str, user_id: int | None) -> list[Conversation]:
        """Return the space's conversations, newest first; only this user's unless ``user_id`` is None."""
        found = [c for c in self._conversations.values() if c.space_id == space_id]
        return [c for c in reversed(found) if user_id in {None, c.user_id}]

    def message(self, space_id: str, conversation_id: str, message_id: str) -> Message:
        """Return the message of a conversation.

        Raises:
            ApiError: 404.
        """
        self.conversation(space_id, conversation_id)
        found = self._messages.get(message_id)
        if found is None or found.conversation_id != conversation_id:
            raise missing(f"Message {message_id} does not exist in conversation {conversation_id}.")
        return found

    def messages(self, conversation: Conversation) -> list[Message]:
        """Return the messages of a conversation in the order they were asked."""
        return [self._messages[message_id] for message_id in conversation.message_ids]

    def status(self, message: Message) -> str:
        """Return the status a poll sees now."""
        return message.status(self._controls.now(), self._controls.behaviour.result_ttl_seconds)

    def poll(self, message: Message) -> str:
        """Count a poll and return the status it sees."""
        if message.polls_needed is not None:
            message.polls += 1
        return self.status(message)

    def result(self, message: Message, attachment_id: str | None = None) -> Statement:
        """Return the message's query result; a result no longer held is worked out again.

        Raises:
            ApiError: 404 without such an attachment, 400 while there is no result yet.
        """
        query = self._query_attachment(message, attachment_id)
        status = self.status(message)
        if status not in {"EXECUTING_QUERY", "COMPLETED", "QUERY_RESULT_EXPIRED"} or message.query is None:
            raise ApiError(400, "INVALID_STATE", f"The query result is not available in status {status}.")
        if status == "QUERY_RESULT_EXPIRED":
            return Statement(query["statement_id"], query["query"], None, 0, state="CLOSED")
        held = self._statements.held(query["statement_id"])
        if held is None:
            held = self._desk.run_again(message.query, query["statement_id"])
        return self._statements.wait(held, None)

    def execute(self, message: Message, attachment_id: str | None = None) -> Statement:
        """Run the message's query again, which also ends an expiry."""
        query = self._query_attachment(message, attachment_id)
        if message.query is None:
            raise ApiError(400, "INVALID_STATE", "The message has no query that ran.")
        statement = self._desk.run_again(message.query, query["statement_id"])
        with self._lock:
            message.executed_at = self._controls.now()
            if message.outcome == "QUERY_RESULT_EXPIRED":
                message.outcome = "COMPLETED"
            self._store.put(MESSAGE_KIND, {message.message_id: message})
        return statement

    def _query_attachment(self, message: Message, attachment_id: str | None) -> dict[str, Any]:
        for attachment in message.attachments:
            if "query" in attachment and attachment_id in {None, attachment["attachment_id"]}:
                query: dict[str, Any] = attachment["query"]
                return query
        named = f"Attachment {attachment_id}" if attachment_id else "A query attachment"
        raise missing(f"{named} does not exist in message {message.message_id}.")

    # --- changing ---------------------------------------------------------------------------------------------------

    def cancel(self, message: Message) -> None:
        """Cancel an answer that is still on its way."""
        with self._lock:
            if self.status(message) not in TERMINAL:
                message.outcome = "CANCELLED"
                message.updated = self._controls.now()
                self._store.put(MESSAGE_KIND, {message.message_id: message})

    def rate(self, message: Message, rating: str, comment: str | None) -> None:
        """Keep feedback."""
        if rating not in {"POSITIVE", "NEGATIVE", "NONE"}:
            raise invalid(f"Invalid rating '{rating}'")
        with self._lock:
            message.feedback = {"rating": rating, **({"comment": comment} if comment else {})}
            self._store.put(MESSAGE_KIND, {message.message_id: message})

    def comment(self, message: Message, identity: Identity, content: str) -> dict[str, Any]:
        """Keep a comment and return it as the API answers it."""
        with self._lock:
            comment = {
                "message_comment_id": self._ids.hex32(),
                "message_id": message.message_id,
                "conversation_id": message.conversation_id,
                "space_id": message.space_id,
                "content": content,
                "user_id": identity.user_id,
                "created_timestamp": int(self._controls.now() * 1000),
            }
            message.comments.append(comment)
            self._store.put(MESSAGE_KIND, {message.message_id: message})
        return comment

    def delete_message(self, message: Message) -> None:
        """Forget a message."""
        with self._lock:
            conversation = self._conversations[message.conversation_id]
            kept = [message_id for message_id in conversation.message_ids if message_id != message.message_id]
            self._conversations[conversation.conversation_id] = replace(conversation, message_ids=kept)
            del self._messages[message.message_id]
            self._store.put(KIND, {conversation.conversation_id: self._conversations[conversation.conversation_id]})
            self._store.put(MESSAGE_KIND, {message.message_id: None})

    def delete(self, conversation: Conversation) -> None:
        """Forget a conversation with its messages."""
        with self._lock:
            for message_id in conversation.message_ids:
                del self._messages[message_id]
            del self._conversations[conversation.conversation_id]
            self._store.put(MESSAGE_KIND, dict.fromkeys(conversation.message_ids))
            self._store.put(KIND, {conversation.conversation_id: None})

    def delete_of_space(self, space_id: str) -> None:
        """Forget all conversations of a space that goes to the trash."""
        for conversation in self.conversations(space_id, None):
            self.delete(conversation)

    def close(self) -> None:
        """Take no more questions."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
