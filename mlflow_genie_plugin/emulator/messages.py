"""A question and its answer: what is stored of it, and which status a poll sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

TERMINAL: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED", "QUERY_RESULT_EXPIRED"})
# The way to an answer with a query; an answer in words leaves out the last two.
STEPS: Final = (
    "SUBMITTED",
    "FETCHING_METADATA",
    "FILTERING_CONTEXT",
    "ASKING_AI",
    "PENDING_WAREHOUSE",
    "EXECUTING_QUERY",
)
_QUERY_STEPS: Final = frozenset({"PENDING_WAREHOUSE", "EXECUTING_QUERY"})


@dataclass(slots=True)
class Message:
    """A question as stored, with what will be its answer.

    Attributes:
        outcome: Terminal status that the answer reaches; None while it is being worked out.
        latency: Seconds from creation until the outcome may be seen.
        polls_needed: When set, the outcome is seen at this poll instead.
        polls: Polls so far.
        attachments: The answer's attachments as the API sends them.
        query: SQL and parameters of the query attachment, to run it again.
        executed_at: When the query last ran, for expiry.
    """

    message_id: str
    conversation_id: str
    space_id: str
    content: str
    user_id: int
    created: float
    latency: float = 0.0
    polls_needed: int | None = None
    polls: int = 0
    outcome: str | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, str] | None = None
    query: dict[str, Any] | None = None
    statement_id: str | None = None
    executed_at: float | None = None
    updated: float = 0.0
    feedback: dict[str, str] | None = None
    comments: list[dict[str, Any]] = field(default_factory=list)

    def status(self, now: float, result_ttl: float | None) -> str:
        """Return the status a poll sees at ``now``."""
        if self.outcome == "CANCELLED":
            return "CANCELLED"
        reached = self._progress(now)
        if reached < 1 or self.outcome is None:
            steps = STEPS if self.query else STEPS[:4]
            return steps[min(int(reached * len(steps)), len(steps) - 1)]
        if self.outcome == "COMPLETED" and self.query and result_ttl is not None and self.executed_at is not None:
            shown_since = max(self.executed_at, self.created + self.latency)
            if now > shown_since + result_ttl:
                return "QUERY_RESULT_EXPIRED"
        return self.outcome

    def _progress(self, now: float) -> float:
        if self.polls_needed is not None:
            return self.polls / self.polls_needed if self.polls_needed else 1.0
        return (now - self.created) / self.latency if self.latency else 1.0


@dataclass(slots=True)
class Conversation:
    """A conversation: its messages are kept in the order they were asked."""

    conversation_id: str
    space_id: str
    title: str
    user_id: int
    created: float
    updated: float
    message_ids: list[str] = field(default_factory=list)


def conversation_body(conversation: Conversation) -> dict[str, Any]:
    """Return the conversation as the API answers it."""
    return {
        "id": conversation.conversation_id,
        "conversation_id": conversation.conversation_id,
        "space_id": conversation.space_id,
        "title": conversation.title,
        "user_id": conversation.user_id,
        "created_timestamp": milliseconds(conversation.created),
        "last_updated_timestamp": milliseconds(conversation.updated),
    }


def message_body(message: Message, status: str) -> dict[str, Any]:
    """Return the message as the API answers it in ``status``; nothing of the answer shows before its time."""
    body: dict[str, Any] = {
        "id": message.message_id,
        "message_id": message.message_id,
        "conversation_id": message.conversation_id,
        "space_id": message.space_id,
        "content": message.content,
        "user_id": message.user_id,
        "status": status,
        "created_timestamp": milliseconds(message.created),
        "last_updated_timestamp": milliseconds(max(message.updated, message.created)),
    }
    if status in TERMINAL or (status in _QUERY_STEPS and message.query):
        body["attachments"] = message.attachments
    if status == "FAILED" and message.error:
        body["error"] = message.error
    if status in {"COMPLETED", "EXECUTING_QUERY"} and message.statement_id:
        no_metadata: dict[str, Any] = {}
        metadata = next((a["query"]["query_result_metadata"] for a in message.attachments if "query" in a), no_metadata)
        body["query_result"] = {"statement_id": message.statement_id, **metadata}
    if message.feedback:
        body["feedback"] = message.feedback
    return body


def milliseconds(seconds: float) -> int:
    """Return epoch milliseconds."""
    return int(seconds * 1000)
