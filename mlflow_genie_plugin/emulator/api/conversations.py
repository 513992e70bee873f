"""Routes of conversations: asking, polling, results, feedback and comments."""

from __future__ import annotations

from typing import Any

from mlflow_genie_plugin.emulator.api.routing import ApiRequest, Route, page_of
from mlflow_genie_plugin.emulator.api_errors import denied
from mlflow_genie_plugin.emulator.messages import Conversation, Message, conversation_body, message_body, milliseconds
from mlflow_genie_plugin.emulator.permissions import allows, level_of
from mlflow_genie_plugin.emulator.space import Space
from mlflow_genie_plugin.emulator.statements import Statement, statement_body


def start_conversation(request: ApiRequest) -> Any:
    space = _space(request, "CAN_RUN")
    content = request.text("content", required=True) or ""
    conversation, message = request.world.conversations.start(space, request.identity, content)
    return {
        "conversation": conversation_body(conversation),
        "conversation_id": conversation.conversation_id,
        "message": message_body(message, "SUBMITTED"),
        "message_id": message.message_id,
    }


def create_message(request: ApiRequest) -> Any:
    content = request.text("content", required=True) or ""
    message = request.world.conversations.ask(_conversation(request), request.identity, content)
    return message_body(message, "SUBMITTED")


def get_message(request: ApiRequest) -> Any:
    message = message_of(request)
    with request.world.lock:
        return message_body(message, request.world.conversations.poll(message))


def list_conversation_messages(request: ApiRequest) -> Any:
    conversation = _conversation(request)
    conversations = request.world.conversations
    with request.world.lock:
        bodies = [
            message_body(message, conversations.status(message)) for message in conversations.messages(conversation)
        ]
    return page_of(bodies, request.page(), "messages")


def list_conversations(request: ApiRequest) -> Any:
    space = _space(request, "CAN_RUN")
    everyone = request.query.get("include_all", "").lower() == "true"
    if everyone and not allows(level_of(request.identity, space.access), "CAN_MANAGE"):
        raise denied("include_all requires CAN MANAGE permission on the space.")
    with request.world.lock:
        found = request.world.conversations.conversations(
            space.space_id, None if everyone else request.identity.user_id
        )
        bodies = [
            {
                "conversation_id": conversation.conversation_id,
                "title": conversation.title,
                "created_timestamp": milliseconds(conversation.created),
            }
            for conversation in found
        ]
    return page_of(bodies, request.page(), "conversations")


def delete_conversation(request: ApiRequest) -> Any:
    request.world.conversations.delete(_conversation(request))
    return {}


def delete_conversation_message(request: ApiRequest) -> Any:
    request.world.conversations.delete_message(message_of(request))
    return {}


def cancel_response(request: ApiRequest) -> Any:
    path = request.path
    conversations = request.world.conversations
    _space(request, "CAN_RUN")
    message = conversations.message(path["space_id"], path["conversation_id"], path["message_id"])
    conversations.cancel(message)
    return message_body(message, conversations.status(message))


def get_query_result(request: ApiRequest) -> Any:
    return _result(request, request.world.conversations.result(message_of(request), request.path.get("attachment_id")))


def execute_query(request: ApiRequest) -> Any:
    return _result(request, request.world.conversations.execute(message_of(request), request.path.get("attachment_id")))


def send_feedback(request: ApiRequest) -> Any:
    request.world.conversations.rate(
        message_of(request), request.text("rating", required=True) or "", request.text("comment")
    )
    return {}


def create_comment(request: ApiRequest) -> Any:
    content = request.text("content", required=True) or ""
    return request.world.conversations.comment(message_of(request), request.identity, content)


def list_message_comments(request: ApiRequest) -> Any:
    return page_of(list(message_of(request).comments), request.page(), "comments")


def list_conversation_comments(request: ApiRequest) -> Any:
    messages = request.world.conversations.messages(_conversation(request))
    return page_of([comment for message in messages for comment in message.comments], request.page(), "comments")


def _space(request: ApiRequest, needed: str) -> Space:
    with request.world.lock:
        return request.world.spaces.find(request.path["space_id"], request.identity, needed)


def _conversation(request: ApiRequest) -> Conversation:
    space = _space(request, "CAN_RUN")
    found = request.world.conversations.conversation(space.space_id, request.path["conversation_id"])
    _require_own(request, space, found.user_id)
    return found


def message_of(request: ApiRequest) -> Message:
    """Return the message that the path names, for who may see it."""
    _conversation(request)
    path = request.path
    return request.world.conversations.message(path["space_id"], path["conversation_id"], path["message_id"])


def _require_own(request: ApiRequest, space: Space, user_id: int) -> None:
    if user_id != request.identity.user_id and not allows(level_of(request.identity, space.access), "CAN_MANAGE"):
        raise denied("You can only view your own conversations.")


def _result(request: ApiRequest, statement: Statement) -> Any:
    body = statement_body(statement, row_cap=request.world.controls.behaviour.row_cap)
    return {"statement_response": body}


_SPACE = "/api/2.0/genie/spaces/{space_id}"
_CONVERSATION = _SPACE + "/conversations/{conversation_id}"
_MESSAGE = _CONVERSATION + "/messages/{message_id}"
ATTACHMENT = _MESSAGE + "/attachments/{attachment_id}"
_CANCEL = "/api/2.0/genie/agents/{space_id}/conversations/{conversation_id}/responses/{message_id}/cancel"
ROUTES = [
    Route("genie.start_conversation", "POST", _SPACE + "/start-conversation", start_conversation, blocking=True),
    Route("genie.create_message", "POST", _CONVERSATION + "/messages", create_message, blocking=True),
    Route("genie.get_message", "GET", _MESSAGE, get_message),
    Route("genie.list_conversation_messages", "GET", _CONVERSATION + "/messages", list_conversation_messages),
    Route("genie.list_conversations", "GET", _SPACE + "/conversations", list_conversations),
    Route("genie.delete_conversation", "DELETE", _CONVERSATION, delete_conversation),
    Route("genie.delete_conversation_message", "DELETE", _MESSAGE, delete_conversation_message),
    Route("genie.genie_cancel_response", "POST", _CANCEL, cancel_response),
    Route(
        "genie.get_message_attachment_query_result",
        "GET",
        ATTACHMENT + "/query-result",
        get_query_result,
        blocking=True,
    ),
    Route("genie.get_message_query_result", "GET", _MESSAGE + "/query-result", get_query_result, blocking=True),
    Route(
        "genie.get_message_query_result_by_attachment",
        "GET",
        _MESSAGE + "/query-result/{attachment_id}",
        get_query_result,
        blocking=True,
    ),
    Route(
        "genie.execute_message_attachment_query", "POST", ATTACHMENT + "/execute-query", execute_query, blocking=True
    ),
    Route("genie.execute_message_query", "POST", _MESSAGE + "/execute-query", execute_query, blocking=True),
    Route("genie.send_message_feedback", "POST", _MESSAGE + "/feedback", send_feedback),
    Route("genie.create_message_comment", "POST", _MESSAGE + "/comments", create_comment),
    Route("genie.list_message_comments", "GET", _MESSAGE + "/comments", list_message_comments),
    Route("genie.list_conversation_comments", "GET", _CONVERSATION + "/list-comments", list_conversation_comments),
]
