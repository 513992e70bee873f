"""Reading a space's document, with the catalog beside it, into what the space says about its data.

Benchmarks are never read: they are the exam, not the lesson.
"""

from __future__ import annotations

from typing import Any

from mlflow_genie_plugin.emulator.answering.document import entries, text_of, texts_of
from mlflow_genie_plugin.emulator.answering.knowledge import (
    Column,
    Example,
    Function,
    Join,
    Parameter,
    Snippet,
    SpaceKnowledge,
    Table,
)
from mlflow_genie_plugin.emulator.answering.sql_text import parts_of
from mlflow_genie_plugin.emulator.answering.steering import read_steering
from mlflow_genie_plugin.emulator.catalog_view import CatalogColumn, CatalogView


def read_knowledge(document: Any, catalog: CatalogView) -> SpaceKnowledge:
    """Return what ``document`` says, broken entries left out; columns are the catalog's where it knows the table."""
    tables: dict[str, Table] = {}
    for group in ("tables", "metric_views"):
        for entry in entries(document, "data_sources", group):
            identifier = entry.get("identifier")
            if isinstance(identifier, str) and identifier.strip():
                table = _read_table(identifier.strip(), entry, catalog)
                tables.setdefault(".".join(parts_of(table.identifier)).lower(), table)
    contents = [text_of(entry.get("content")) for entry in entries(document, "instructions", "text_instructions")]
    return SpaceKnowledge(
        tables=tables,
        joins=tuple(join for entry in entries(document, "instructions", "join_specs") if (join := _read_join(entry))),
        snippets=tuple(
            snippet
            for kind in ("measures", "filters", "expressions")
            for entry in entries(document, "instructions", "sql_snippets", kind)
            if (snippet := _read_snippet(kind[:-1], entry))
        ),
        examples=tuple(
            example
            for entry in entries(document, "instructions", "example_question_sqls")
            if (example := _read_example(entry))
        ),
        functions=tuple(_functions(document, catalog)),
        steering=read_steering("\n".join(contents)),
    )


def _read_table(identifier: str, entry: dict[str, Any], catalog: CatalogView) -> Table:
    configs = {
        name.lower(): config
        for config in entries(entry, "column_configs")
        if isinstance(name := config.get("column_name"), str) and name
    }
    metric_view = catalog.metric_view(identifier)
    known: list[tuple[CatalogColumn, bool]]
    if metric_view is not None:
        known = [(column, False) for column in metric_view.dimensions] + [
            (column, True) for column in metric_view.measures
        ]
    else:
        known = [(column, False) for column in catalog.columns(identifier)]
    if not known:  # the catalog lost the table: what the space wrote down is all there is
        known = [(CatalogColumn(str(config["column_name"]), ""), False) for config in configs.values()]
    columns = {}
    for column, is_measure in known:
        config = configs.get(column.name.lower(), {})
        if config.get("exclude") is True:
            continue
        columns[column.name.lower()] = Column(
            table=".".join(parts_of(identifier)).lower(),
            name=column.name,
            type_text=column.type_text,
            description=text_of(config.get("description")) or column.comment,
            synonyms=texts_of(config.get("synonyms")),
            matches_values=bool(config.get("enable_entity_matching") or config.get("build_value_dictionary")),
            is_measure=is_measure,
        )
    return Table(identifier, text_of(entry.get("description")), columns, metric_view is not None)


def _read_join(entry: dict[str, Any]) -> Join | None:
    left, right, sql = entry.get("left"), entry.get("right"), texts_of(entry.get("sql"))
    if not isinstance(left, dict) or not isinstance(right, dict) or not sql:
        return None
    names = [side.get("identifier") for side in (left, right)]
    if not all(isinstance(name, str) and name for name in names):
        return None
    keys = [".".join(parts_of(str(name))).lower() for name in names]
    aliases = [
        str(side.get("alias") or parts_of(str(name))[-1]) for side, name in zip((left, right), names, strict=True)
    ]
    kind = " ".join(sql[1:]).upper()
    return Join(
        left=keys[0],
        right=keys[1],
        left_alias=aliases[0],
        right_alias=aliases[1],
        condition=sql[0],
        to_one="MANY_TO_ONE" in kind or "ONE_TO_ONE" in kind,
        from_one="ONE_TO_MANY" in kind or "ONE_TO_ONE" in kind,
    )


def _read_snippet(kind: str, entry: dict[str, Any]) -> Snippet | None:
    sql = text_of(entry.get("sql")).strip()
    names = [name for key in ("display_name", "alias") if isinstance(name := entry.get(key), str) and name.strip()]
    if not sql or not names:
        return None
    return Snippet(kind, names[0], sql, (*names[1:], *texts_of(entry.get("synonyms"))))


def _read_example(entry: dict[str, Any]) -> Example | None:
    question, sql = text_of(entry.get("question")).strip(), text_of(entry.get("sql")).strip()
    if not question or not sql:
        return None
    parameters = []
    for parameter in entries(entry, "parameters"):
        name = parameter.get("name")
        if isinstance(name, str) and name:
            default = parameter.get("default_value")
            values = texts_of(default.get("values")) if isinstance(default, dict) else ()
            hint = parameter.get("type_hint")
            parameters.append(
                Parameter(
                    name,
                    hint.upper() if isinstance(hint, str) else "STRING",
                    text_of(parameter.get("description")),
                    values[0] if values else None,
                )
            )
    return Example(question, sql, tuple(parameters), text_of(entry.get("usage_guidance")))


def _functions(document: Any, catalog: CatalogView) -> list[Function]:
    found = []
    for entry in entries(document, "instructions", "sql_functions"):
        identifier = entry.get("identifier")
        if isinstance(identifier, str) and (routine := catalog.routine(identifier)) is not None:
            found.append(Function(identifier, routine))
    return found
