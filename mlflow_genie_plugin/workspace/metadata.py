"""Reads the Unity Catalog metadata of a space's assets through information_schema."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlflow_genie_plugin.errors import SqlFailedError, UsageError
from mlflow_genie_plugin.sql_dialect import split_name
from mlflow_genie_plugin.workspace.port import SqlPort

Name = tuple[str, str, str]
Row = dict[str, Any]

# A statement takes at most 256 parameters; two go to each asset.
_BATCH = 50
_ROW_LIMIT = 100_000
_TIMEOUT_SECONDS = 300.0

_COLUMNS = """SELECT table_catalog, table_schema, table_name, column_name, ordinal_position,
  full_data_type AS data_type, comment
FROM {catalog}.information_schema.columns
WHERE {condition}
ORDER BY table_schema, table_name, ordinal_position, column_name"""
_TABLE_TAGS = """SELECT catalog_name, schema_name, table_name, tag_name, tag_value
FROM {catalog}.information_schema.table_tags
WHERE {condition}
ORDER BY schema_name, table_name, tag_name"""
_COLUMN_TAGS = """SELECT catalog_name, schema_name, table_name, column_name, tag_name, tag_value
FROM {catalog}.information_schema.column_tags
WHERE {condition}
ORDER BY schema_name, table_name, column_name, tag_name"""
_ROUTINES = """SELECT specific_name, routine_catalog, routine_schema, routine_name, routine_definition,
  full_data_type AS data_type, comment
FROM {catalog}.information_schema.routines
WHERE {condition}
ORDER BY routine_schema, routine_name, specific_name"""
_PARAMETERS = """SELECT specific_schema, specific_name, parameter_name, full_data_type AS data_type
FROM {catalog}.information_schema.parameters
WHERE {condition}
ORDER BY specific_schema, specific_name, ordinal_position"""


class UnityCatalog:
    """Reads catalog metadata by statements, in batches; whatever cannot be read completely is an error."""

    def __init__(self, sql: SqlPort) -> None:
        self._sql = sql

    def columns(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a column, in the tables' column order.

        Keys: table_catalog, table_schema, table_name, column_name, ordinal_position, data_type (the full one,
        ``decimal(10,2)``), comment.
        """
        return self._rows(_COLUMNS, ("table_schema", "table_name"), identifiers, warehouse_id)

    def tags(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a tag of a table or of one of its columns.

        Keys: catalog_name, schema_name, table_name, column_name (None for the table's own), tag_name, tag_value.
        """
        keys = ("schema_name", "table_name")
        of_tables = self._rows(_TABLE_TAGS, keys, identifiers, warehouse_id)
        of_columns = self._rows(_COLUMN_TAGS, keys, identifiers, warehouse_id)
        order = ("catalog_name", "schema_name", "table_name", "column_name", "tag_name", "tag_value")
        rows: list[Row] = [{key: row.get(key) for key in order} for row in [*of_tables, *of_columns]]
        return sorted(rows, key=lambda row: tuple(str(row[key] or "") for key in order))

    def routines(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a function.

        Keys: routine_catalog, routine_schema, routine_name, routine_definition, data_type, comment, parameters (a list
        of ``{"name", "data_type"}`` in order).
        """
        rows = self._rows(_ROUTINES, ("routine_schema", "routine_name"), identifiers, warehouse_id)
        if not rows:
            return []
        parameters: dict[tuple[str, str], list[Row]] = defaultdict(list)
        specific = [f"`{row['routine_catalog']}`.`{row['routine_schema']}`.`{row['specific_name']}`" for row in rows]
        for row in self._rows(_PARAMETERS, ("specific_schema", "specific_name"), specific, warehouse_id):
            key = (str(row["specific_schema"]).lower(), str(row["specific_name"]).lower())
            parameters[key].append({"name": row["parameter_name"], "data_type": row["data_type"]})
        return [
            {
                **{key: value for key, value in row.items() if key != "specific_name"},
                "parameters": parameters[(str(row["routine_schema"]).lower(), str(row["specific_name"]).lower())],
            }
            for row in rows
        ]

    def _rows(
        self, template: str, keys: tuple[str, str], identifiers: Sequence[str], warehouse_id: str | None
    ) -> list[Row]:
        rows: list[Row] = []
        for catalog, batch in _batches(identifiers):
            sql, parameters = _statement(template, keys, catalog, batch)
            result = self._sql.execute(
                sql,
                warehouse_id=warehouse_id,
                parameters=parameters,
                row_limit=_ROW_LIMIT,
                timeout_seconds=_TIMEOUT_SECONDS,
            )
            if result.truncated:
                raise SqlFailedError(
                    f"the metadata of catalog {catalog} has more than {len(result.rows)} rows and was cut",
                    next_step="take the snapshot without catalog metadata, or split the space",
                )
            names = [column.name for column in result.columns]
            rows.extend(dict(zip(names, row, strict=True)) for row in result.rows)
        return rows


def _batches(identifiers: Sequence[str]) -> Iterator[tuple[str, list[Name]]]:
    by_catalog: dict[str, set[Name]] = defaultdict(set)
    for identifier in identifiers:
        name = three_parts(identifier)
        by_catalog[name[0]].add(name)
    for catalog in sorted(by_catalog):
        names = sorted(by_catalog[catalog])
        for start in range(0, len(names), _BATCH):
            yield catalog, names[start : start + _BATCH]


def _statement(
    template: str, keys: tuple[str, str], catalog: str, names: Sequence[Name]
) -> tuple[str, Mapping[str, str]]:
    """Return the statement and its parameters; only the catalog is written into the text, as a quoted identifier."""
    conditions = []
    parameters: dict[str, str] = {}
    for index, (_, schema, name) in enumerate(names):
        conditions.append(f"(lower({keys[0]}) = :s{index} AND lower({keys[1]}) = :n{index})")
        parameters[f"s{index}"], parameters[f"n{index}"] = schema, name
    quoted = "`" + catalog.replace("`", "``") + "`"
    return template.format(catalog=quoted, condition="\n   OR ".join(conditions)), parameters


def three_parts(identifier: str) -> Name:
    """Return catalog, schema and name in lower case.

    Raises:
        UsageError: The identifier does not have three parts.
    """
    parts = tuple(part.lower() for part in split_name(identifier))
    if len(parts) != 3 or not all(parts):
        raise UsageError(
            f"{identifier!r} is not a three-part name",
            next_step="write catalog.schema.name in the space's data sources",
        )
    return parts[0], parts[1], parts[2]
