"""From a question to attachments: ask the answerer, run its query, shape what the API shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from mlflow_genie_plugin.emulator.behaviour import ScriptedAnswer
from mlflow_genie_plugin.emulator.export_rules import items_at
from mlflow_genie_plugin.emulator.identifiers import IdSource
from mlflow_genie_plugin.emulator.messages import milliseconds
from mlflow_genie_plugin.emulator.statements import Statement, Statements
from mlflow_genie_plugin.emulator.wire_values import typed_parameter

if TYPE_CHECKING:
    from mlflow_genie_plugin.emulator.catalog_view import CatalogView


class GeneratedLike(Protocol):
    """What an answerer returns: a query or words, never neither."""

    @property
    def sql(self) -> str | None: ...

    @property
    def text(self) -> str | None: ...

    @property
    def is_clarification(self) -> bool: ...

    @property
    def parameters(self) -> Mapping[str, str]: ...

    @property
    def parameter_types(self) -> Mapping[str, str]: ...

    @property
    def thoughts(self) -> tuple[str, ...]: ...


_ASSETS: Final = ("data_sources.tables", "data_sources.metric_views", "instructions.sql_functions")

Answerer = Callable[[str, "dict[str, Any]", "CatalogView"], GeneratedLike]


@dataclass(frozen=True, slots=True)
class _Scripted:
    sql: str | None
    text: str | None
    is_clarification: bool
    parameters: Mapping[str, str] = field(default_factory=dict)
    parameter_types: Mapping[str, str] = field(default_factory=dict)
    thoughts: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """How a question ends: the terminal status with attachments, query and error."""

    status: str
    attachments: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, str] | None = None
    query: dict[str, Any] | None = None
    statement_id: str | None = None


def failed(error_type: str, message: str) -> Outcome:
    """A failed message."""
    return Outcome("FAILED", error={"error": message, "type": error_type})


class AnswerDesk:
    """Works out the outcome of a question; called on worker threads."""

    def __init__(self, answerer: Answerer, view: CatalogView, statements: Statements, ids: IdSource) -> None:
        self._answerer = answerer
        self._view = view
        self._statements = statements
        self._ids = ids

    def outcome_of(
        self, question: str, document: dict[str, Any], now: float, scripted: ScriptedAnswer | None = None
    ) -> Outcome:
        """Return how ``question`` ends on a space with this configuration."""
        if scripted is not None and scripted.status == "FAILED":
            return failed(
                scripted.error_type or "GENERIC_CHAT_COMPLETION_EXCEPTION", scripted.error or "The answer failed."
            )
        if scripted is not None and scripted.status == "CANCELLED":
            return Outcome("CANCELLED")
        generated: GeneratedLike
        if scripted is not None and (scripted.sql or scripted.text):
            generated = _Scripted(scripted.sql, scripted.text, scripted.is_clarification)
        else:
            if not any(items_at(document, path) for path in _ASSETS):
                return failed("NO_TABLES_TO_QUERY_EXCEPTION", "There are no tables to query in this space.")
            generated = self._answerer(question, document, self._view)
        outcome = self._in_attachments(generated, now)
        if scripted is not None and outcome.status == "COMPLETED":
            outcome.status = scripted.status
        return outcome

    def run_again(self, query: Mapping[str, Any], statement_id: str) -> Statement:
        """Run an answer's query again under its statement id, and wait for it."""
        statement = self._statements.submit(query["sql"], _values(query["parameters"]), statement_id=statement_id)
        return self._statements.wait(statement, None)

    def _in_attachments(self, generated: GeneratedLike, now: float) -> Outcome:
        attachments: list[dict[str, Any]] = []
        if generated.text:
            text_id = self._ids.hex32()
            purpose = "FOLLOW_UP_QUESTION" if generated.is_clarification else "TEXT_ATTACHMENT_PURPOSE_ANSWER"
            text = {"id": text_id, "content": generated.text, "purpose": purpose}
            attachments.append({"attachment_id": text_id, "text": text})
        if not generated.sql:
            if not attachments:
                return failed("MISSING_SQL_QUERY_EXCEPTION", "The answer has neither a query nor a text.")
            return Outcome("COMPLETED", attachments)
        types = generated.parameter_types
        parameters = [
            {"keyword": name, "sql_type": types.get(name) or "STRING", "value": value}
            for name, value in generated.parameters.items()
        ]
        query = {"sql": generated.sql, "parameters": parameters}
        statement = self._statements.wait(self._statements.submit(generated.sql, _values(parameters)), None)
        attachment: dict[str, Any] = {
            "id": self._ids.hex32(),
            "query": generated.sql,
            "description": generated.thoughts[0] if generated.thoughts else "",
            "title": "",
            "statement_id": statement.statement_id,
            "last_updated_timestamp": milliseconds(now),
            "thoughts": [{"content": thought, "thought_type": "THOUGHT_TYPE_STEPS"} for thought in generated.thoughts],
        }
        if parameters:
            attachment["parameters"] = parameters
        attachments.insert(0, {"attachment_id": attachment["id"], "query": attachment})
        if statement.state != "SUCCEEDED":
            outcome = failed("SQL_EXECUTION_EXCEPTION", statement.error or f"The query was {statement.state.lower()}.")
            outcome.attachments = attachments
            return outcome
        attachment["query_result_metadata"] = {"row_count": len(statement.rows), "is_truncated": statement.truncated}
        return Outcome("COMPLETED", attachments, query=query, statement_id=statement.statement_id)


def _values(parameters: list[dict[str, str]]) -> dict[str, Any] | None:
    values = {p["keyword"]: typed_parameter(p["keyword"], p["sql_type"], p["value"]) for p in parameters}
    return values or None
