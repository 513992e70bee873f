"""The SQL a space carries, read for what it says about tables: which columns they have and how they are used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

from mlflow_genie_plugin.emulator.answering.document import entries, text_of
from mlflow_genie_plugin.sql_dialect import SqlParseError, parse_query
from mlflow_genie_plugin.sql_dialect.parse import parse_fragment


@dataclass(frozen=True)
class OwnStatement:
    """A query that the space itself holds: a trusted example or the answer to a benchmark.

    ``parameters`` are the default values of an example's parameters, as (value, type hint).
    """

    kind: str
    question: str
    sql: str
    parameters: dict[str, tuple[str, str]] = field(default_factory=dict)


def own_statements(document: dict[str, Any]) -> list[OwnStatement]:
    """Return the queries of a space, examples first."""
    found = []
    for entry in entries(document, "instructions", "example_question_sqls"):
        parameters = {}
        for parameter in entries(entry, "parameters"):
            default = parameter.get("default_value")
            values = default.get("values") if isinstance(default, dict) else None
            if isinstance(values, list) and values:
                parameters[str(parameter.get("name"))] = (str(values[0]), str(parameter.get("type_hint") or "STRING"))
        found.append(OwnStatement("example", text_of(entry.get("question")), text_of(entry.get("sql")), parameters))
    for entry in entries(document, "benchmarks", "questions"):
        for answer in entries(entry, "answer"):
            if answer.get("format", "SQL") == "SQL":
                found.append(OwnStatement("benchmark", text_of(entry.get("question")), text_of(answer.get("content"))))
    return [statement for statement in found if statement.sql.strip()]


def trees_in(document: dict[str, Any]) -> Iterator[exp.Expr]:
    """Yield the syntax tree of every query and snippet that can be read; the others say nothing about columns."""
    for statement in own_statements(document):
        try:
            yield parse_query(statement.sql)
        except SqlParseError:
            continue
    for kind in ("filters", "expressions", "measures"):
        for entry in entries(document, "instructions", "sql_snippets", kind):
            sql = text_of(entry.get("sql")).strip()
            try:
                yield parse_query(f"SELECT {sql}") if sql else exp.Null()
            except (SqlParseError, SqlglotError):
                continue


def condition_of(sql: str) -> exp.Expr | None:
    """Return the tree of a join condition, or None when it cannot be read."""
    try:
        return parse_fragment(sql)
    except (SqlParseError, SqlglotError):
        return None
