"""What a space says about its data: tables, columns, joins, snippets, examples and functions, joined with the catalog.

Built from the ``serialized_space`` and the catalog view alone. Benchmarks are never read: they are the exam, not the
lesson.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.emulator.answering.document import entries, text_of, texts_of
from mlflow_genie_plugin.emulator.answering.sql_text import parts_of
from mlflow_genie_plugin.emulator.answering.steering import Steering, read_steering
from mlflow_genie_plugin.emulator.catalog_view import CatalogColumn, CatalogView, Routine

_NUMERIC = re.compile(
    r"^(tinyint|smallint|int|integer|bigint|long|short|byte|float|double|real|decimal|numeric)\b", re.IGNORECASE
)
_BOOKKEEPING = re.compile(r"(record|row|etl|_?dw)_|ingest|(^|_)(load|insert|updat|modifi)(ed)?_", re.IGNORECASE)
_TEMPORAL = re.compile(r"^(date|timestamp)", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A visible column of a table, or a dimension or measure of a metric view."""

    table: str
    name: str
    type_text: str
    description: str = ""
    synonyms: tuple[str, ...] = ()
    matches_values: bool = False
    is_measure: bool = False

    @property
    def is_numeric(self) -> bool:
        return bool(_NUMERIC.match(self.type_text))

    @property
    def is_temporal(self) -> bool:
        return bool(_TEMPORAL.match(self.type_text))

    @property
    def is_boolean(self) -> bool:
        return self.type_text.lower().startswith("boolean")


@dataclass(frozen=True)
class Table:
    """A table or metric view of the space; ``columns`` leaves out what the space hides."""

    identifier: str
    description: str
    columns: dict[str, Column]
    is_metric_view: bool = False

    @property
    def name(self) -> str:
        return parts_of(self.identifier)[-1]


@dataclass(frozen=True)
class Join:
    """One join the space allows; ``to_one``: a left row meets at most one right row, ``from_one``: the reverse."""

    left: str
    right: str
    left_alias: str
    right_alias: str
    condition: str
    to_one: bool
    from_one: bool


@dataclass(frozen=True)
class Snippet:
    """A measure, filter or expression that the space defines."""

    kind: str
    name: str
    sql: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parameter:
    """A parameter of a trusted example."""

    name: str
    type_hint: str
    description: str
    default: str | None


@dataclass(frozen=True)
class Example:
    """A trusted example: a question with its verified SQL."""

    question: str
    sql: str
    parameters: tuple[Parameter, ...]
    guidance: str


@dataclass(frozen=True)
class Function:
    """A table function attached to the space that the catalog knows."""

    identifier: str
    routine: Routine


@dataclass(frozen=True)
class SpaceKnowledge:
    """All a space says. Tables are keyed by identifier in lower case."""

    tables: dict[str, Table] = field(default_factory=dict)
    joins: tuple[Join, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    examples: tuple[Example, ...] = ()
    functions: tuple[Function, ...] = ()
    steering: Steering = field(default_factory=Steering)

    def table_named(self, name: str) -> Table | None:
        """Return the table of an identifier or of the last part of one, when that is unambiguous."""
        wanted = ".".join(parts_of(name)).lower()
        if wanted in self.tables:
            return self.tables[wanted]
        found = [table for key, table in self.tables.items() if key.endswith("." + wanted)]
        return found[0] if len(found) == 1 else None

    def columns_named(self, name: str) -> list[Column]:
        """Return the visible columns of that name in all tables (metric views aside)."""
        wanted = name.lower()
        return [t.columns[wanted] for t in self.tables.values() if not t.is_metric_view and wanted in t.columns]


def dates_among(columns: Iterable[Column]) -> list[Column]:
    """Return the date columns that say when something happened, not when its row was written, if there are any."""
    dates = [column for column in columns if column.is_temporal]
    return [column for column in dates if not _BOOKKEEPING.search(column.name)] or dates


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
