"""The views of ``information_schema`` that tools read, made from the catalog's own metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from sqlglot import exp

from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.sql_engine.catalog_objects import ColumnInfo, TableInfo
from mlflow_genie_plugin.sql_engine.routines import Routine

Row = tuple[str | int | None, ...]


class Metadata(Protocol):
    """What the views are made from; the engine's catalog has it."""

    def tables(self) -> Sequence[TableInfo]: ...
    def columns(self, name: str) -> Sequence[ColumnInfo]: ...
    def routines(self) -> Sequence[Routine]: ...
    def primary_keys(self) -> Sequence[tuple[TableInfo, tuple[str, ...]]]: ...
    def tags(self) -> Sequence[tuple[TableInfo, str, str, str]]: ...


def query(view: str, catalog: Metadata, wanted: str | None) -> exp.Query | None:
    """Return a query with the rows of one view, or None when there is no such view.

    Args:
        view: Name of the view, lower case.
        catalog: Where the metadata is.
        wanted: Only this catalog (lower case), or all of them.
    """
    if view not in _VIEWS:
        return None
    columns, rows_of = _VIEWS[view]
    rows = [row for row in rows_of(catalog) if wanted is None or str(row[0]).lower() == wanted]
    filler: Row = tuple(None for _ in columns)
    shown = rows or [filler]
    values = exp.values([tuple(row) for row in shown], alias="_rows", columns=list(columns))
    # Every column is text except the positions, also when all its values are NULL.
    projections = [
        exp.alias_(exp.Cast(this=exp.column(name), to=exp.DataType.build("INT" if name in _NUMBERS else "TEXT")), name)
        for name in columns
    ]
    made = exp.select(*projections).from_(values)
    return made if rows else made.limit(0)


def _tables(catalog: Metadata) -> Iterator[Row]:
    for info in catalog.tables():
        kind = {"TABLE": "MANAGED"}.get(info.kind, info.kind)
        yield info.catalog, info.schema, info.name, kind, info.comment or None


def _columns(catalog: Metadata) -> Iterator[Row]:
    for info in catalog.tables():
        for position, column in enumerate(_columns_of(info, catalog)):
            nullable = "YES" if column.nullable else "NO"
            short = column.type_text.split("(")[0].split("<")[0]
            yield (info.catalog, info.schema, info.name, column.name, position, nullable, short,
                   column.type_text.lower(), column.comment or None)  # fmt: skip


def _columns_of(info: TableInfo, catalog: Metadata) -> Iterable[ColumnInfo]:
    name = ".".join("`" + part.replace("`", "``") + "`" for part in (info.catalog, info.schema, info.name))
    try:
        return catalog.columns(name)
    except SqlFailedError as exc:
        # One broken metric view must not hide every other table; the row says what is wrong with this one.
        return [ColumnInfo("", "", "", f"the definition does not work: {exc.what}")]


def _schemata(catalog: Metadata) -> Iterator[Row]:
    yield from sorted({(info.catalog, info.schema) for info in catalog.tables()})


def _routines(catalog: Metadata) -> Iterator[Row]:
    for routine in catalog.routines():
        parts = routine.name.split(".")
        returns = ", ".join(f"{column.name} {column.type_text}" for column in routine.returns)
        yield (*parts, *parts, "FUNCTION", "TABLE", f"TABLE({returns})", "SQL", routine.sql, routine.comment or None)


def _parameters(catalog: Metadata) -> Iterator[Row]:
    for routine in catalog.routines():
        for position, each in enumerate(routine.parameters):
            name = routine.name.split(".")
            yield (*name, position, "IN", each.name, each.type_text.lower(), each.default, each.comment or None)


def _routine_columns(catalog: Metadata) -> Iterator[Row]:
    for routine in catalog.routines():
        for position, each in enumerate(routine.returns):
            short = each.type_text.split("(")[0].split("<")[0].upper()
            yield (*routine.name.split("."), each.name, position, short, each.type_text.lower(), each.comment or None)


def _table_constraints(catalog: Metadata) -> Iterator[Row]:
    for info, _ in catalog.primary_keys():
        table = (info.catalog, info.schema, info.name)
        yield info.catalog, info.schema, _key_name(info), *table, "PRIMARY KEY", "NO"


def _key_column_usage(catalog: Metadata) -> Iterator[Row]:
    for info, columns in catalog.primary_keys():
        table = (info.catalog, info.schema, info.name)
        for position, column in enumerate(columns, 1):
            yield info.catalog, info.schema, _key_name(info), *table, column, position


def _key_name(info: TableInfo) -> str:
    return f"{info.name}_pk"


def _table_tags(catalog: Metadata) -> Iterator[Row]:
    for info, column, tag, value in catalog.tags():
        if not column:
            yield info.catalog, info.schema, info.name, tag, value


def _column_tags(catalog: Metadata) -> Iterator[Row]:
    for info, column, tag, value in catalog.tags():
        if column:
            yield info.catalog, info.schema, info.name, column, tag, value


_NUMBERS = frozenset({"ordinal_position"})

_VIEWS: dict[str, tuple[tuple[str, ...], Callable[[Metadata], Iterator[Row]]]] = {
    "tables": (("table_catalog", "table_schema", "table_name", "table_type", "comment"), _tables),
    "columns": (
        ("table_catalog", "table_schema", "table_name", "column_name", "ordinal_position", "is_nullable", "data_type",
         "full_data_type", "comment"), _columns),
    "schemata": (("catalog_name", "schema_name"), _schemata),
    "routines": (
        ("specific_catalog", "specific_schema", "specific_name", "routine_catalog", "routine_schema", "routine_name",
         "routine_type", "data_type", "full_data_type", "routine_body", "routine_definition", "comment"), _routines),
    "parameters": (
        ("specific_catalog", "specific_schema", "specific_name", "ordinal_position", "parameter_mode", "parameter_name",
         "full_data_type", "parameter_default", "comment"), _parameters),
    "routine_columns": (
        ("specific_catalog", "specific_schema", "specific_name", "column_name", "ordinal_position", "data_type",
         "full_data_type", "comment"), _routine_columns),
    "table_constraints": (
        ("constraint_catalog", "constraint_schema", "constraint_name", "table_catalog", "table_schema", "table_name",
         "constraint_type", "enforced"), _table_constraints),
    "key_column_usage": (
        ("constraint_catalog", "constraint_schema", "constraint_name", "table_catalog", "table_schema", "table_name",
         "column_name", "ordinal_position"), _key_column_usage),
    "table_tags": (("catalog_name", "schema_name", "table_name", "tag_name", "tag_value"), _table_tags),
    "column_tags": (
        ("catalog_name", "schema_name", "table_name", "column_name", "tag_name", "tag_value"), _column_tags),
}  # fmt: skip
