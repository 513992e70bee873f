"""What a message of the Genie API says: its answer, its SQL, its clarification, its error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlflow_genie_plugin.workspace.answer import Message, MessageRef

_CLARIFICATION = "FOLLOW_UP_QUESTION"
UNKNOWN_STATUS = "UNKNOWN"


def message_of(ref: MessageRef, payload: Mapping[str, Any]) -> Message:
    """Read a message as the API returns it.

    A completed message may carry a query, text, a clarifying question, several texts, or nothing. Texts that are an
    answer are joined; a clarifying question is the text only when nothing else answers.
    """
    attachments = [item for item in payload.get("attachments") or [] if isinstance(item, Mapping)]
    # The last query is the one that answers: earlier ones are steps on the way.
    queries = [item for item in attachments if (item.get("query") or {}).get("query")]
    query: Mapping[str, Any] = queries[-1]["query"] if queries else {}
    metadata = query.get("query_result_metadata") or {}
    answers, questions = _texts(attachments)
    error = payload.get("error") or {}
    sql = str(query["query"]) if query else None
    return Message(
        ref=ref,
        status=str(payload.get("status") or UNKNOWN_STATUS),
        sql=sql,
        text="\n\n".join(answers or questions) or None,
        is_clarification=bool(questions) and not answers and sql is None,
        attachment_id=_id_of(queries[-1]) if queries else None,
        statement_id=query.get("statement_id"),
        parameters={
            str(item.get("keyword")): str(item.get("value", ""))
            for item in query.get("parameters") or []
            if item.get("keyword")
        },
        row_count=_number(metadata.get("row_count")),
        truncated=metadata.get("is_truncated"),
        suggested_questions=tuple(
            str(text) for item in attachments for text in (item.get("suggested_questions") or {}).get("questions") or []
        ),
        error=str(error.get("error") or error.get("message") or "") or None,
        error_type=str(error.get("type") or "") or None,
    )


def _texts(attachments: list[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    answers: list[str] = []
    questions: list[str] = []
    for item in attachments:
        text = item.get("text") or {}
        if content := str(text.get("content") or "").strip():
            (questions if text.get("purpose") == _CLARIFICATION else answers).append(content)
    return answers, questions


def _id_of(attachment: Mapping[str, Any]) -> str | None:
    found = attachment.get("attachment_id") or (attachment.get("query") or {}).get("id")
    return str(found) if found else None


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
