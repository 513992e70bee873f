"""Reads the Unity Catalog metadata of a space's assets through information_schema."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlflow_genie_plugin.errors import SqlFailedError, UsageError
from mlflow_genie_plugin.sql_dialect import split_name
from mlflow_genie_plugin.sql_dialect.data_type import type_from_json
from mlflow_genie_plugin.workspace.data_port import SqlPort

Name = tuple[str, str, str]
Row = dict[str, Any]

# A statement takes at most 256 parameters; two go to each asset.
_BATCH = 50
_ROW_LIMIT = 100_000
_TIMEOUT_SECONDS = 300.0

_COLUMNS = """SELECT table_catalog, table_schema, table_name, column_name, ordinal_position,
  full_data_type AS data_type, is_nullable, comment
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
_TABLE_TYPES = """SELECT table_catalog, table_schema, table_name, table_type
FROM {catalog}.information_schema.tables
WHERE {condition}
ORDER BY table_schema, table_name"""
_KEYS = """SELECT k.table_catalog, k.table_schema, k.table_name, k.constraint_name, k.column_name
FROM {catalog}.information_schema.table_constraints AS c
JOIN {catalog}.information_schema.key_column_usage AS k
  ON k.constraint_schema = c.constraint_schema AND k.constraint_name = c.constraint_name
  AND k.table_schema = c.table_schema AND k.table_name = c.table_name
WHERE c.constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND ({condition})
ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position"""
_SIGNATURE_PARAMETERS = """SELECT specific_schema, specific_name, parameter_name, full_data_type AS data_type,
  parameter_default
FROM {catalog}.information_schema.parameters
WHERE {condition}
ORDER BY specific_schema, specific_name, ordinal_position"""
_ROUTINE_COLUMNS = """SELECT specific_schema, specific_name, column_name, full_data_type AS data_type
FROM {catalog}.information_schema.routine_columns
WHERE {condition}
ORDER BY specific_schema, specific_name, ordinal_position"""


class UnityCatalog:
    """Reads catalog metadata by statements, in batches; whatever cannot be read completely is an error."""

    def __init__(self, sql: SqlPort) -> None:
        self._sql = sql

    def columns(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a column, in the tables' column order.

        Keys: table_catalog, table_schema, table_name, column_name, ordinal_position, data_type (the full one,
        ``decimal(10,2)``), is_nullable (YES or NO), comment.
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
        parameters = self._of_routines(_PARAMETERS, ("specific_schema", "specific_name"), rows, warehouse_id)
        return [
            {
                **{key: value for key, value in row.items() if key != "specific_name"},
                "parameters": [
                    {"name": item["parameter_name"], "data_type": item["data_type"]}
                    for item in parameters[(str(row["routine_schema"]).lower(), str(row["specific_name"]).lower())]
                ],
            }
            for row in rows
        ]

    def table_types(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a table or view.

        Keys: table_catalog, table_schema, table_name, table_type (MANAGED, EXTERNAL, VIEW, METRIC_VIEW, …).
        """
        return self._rows(_TABLE_TYPES, ("table_schema", "table_name"), identifiers, warehouse_id)

    def unique_keys(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a primary key or unique constraint.

        Keys: table_catalog, table_schema, table_name, constraint_name, columns (their names in the key's order).
        """
        keys: dict[tuple[str, ...], Row] = {}
        names = ("table_catalog", "table_schema", "table_name", "constraint_name")
        for row in self._rows(_KEYS, ("k.table_schema", "k.table_name"), identifiers, warehouse_id):
            found = {name: row[name] for name in names}
            keys.setdefault(tuple(found.values()), {**found, "columns": []})["columns"].append(row["column_name"])
        return list(keys.values())

    def signatures(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a function, with how it is called and what it returns.

        Keys: routine_catalog, routine_schema, routine_name, routine_definition, data_type, parameters (a list of
        ``{"name", "data_type", "default"}`` in order; ``default`` is SQL text, None when the argument is required),
        columns (of a table function, ``{"name", "data_type"}`` in order).
        """
        rows = self._rows(_ROUTINES, ("routine_schema", "routine_name"), identifiers, warehouse_id)
        if not rows:
            return []
        keys = ("specific_schema", "specific_name")
        parameters, columns = (
            self._of_routines(template, keys, rows, warehouse_id)
            for template in (_SIGNATURE_PARAMETERS, _ROUTINE_COLUMNS)
        )
        found = []
        for row in rows:
            key = (str(row["routine_schema"]).lower(), str(row["specific_name"]).lower())
            kept = ("routine_catalog", "routine_schema", "routine_name", "routine_definition", "data_type")
            found.append(
                {
                    **{name: row[name] for name in kept},
                    "parameters": [
                        {"name": item["parameter_name"], "data_type": item["data_type"],
                         "default": item["parameter_default"]}
                        for item in parameters[key]
                    ],
                    "columns": [
                        {"name": item["column_name"], "data_type": item["data_type"]} for item in columns[key]
                    ],
                }
            )  # fmt: skip
        return found

    def metric_view(self, identifier: str, *, warehouse_id: str | None = None) -> Row:
        """Return what a metric view offers.

        Keys: columns (a list of ``{"name", "data_type", "is_measure"}`` in order; ``is_measure`` is None when the
        catalog does not say), definition (its YAML, None when it is not shown).

        Raises:
            SqlFailedError: There is no such view, or its description is not what this package knows.
        """
        described = self._sql.describe(identifier, warehouse_id=warehouse_id)
        columns = described.get("columns")
        if not isinstance(columns, list) or not all(isinstance(item, dict) and item.get("name") for item in columns):
            raise SqlFailedError(
                f"the description of {identifier} names no columns",
                next_step="look at DESCRIBE TABLE EXTENDED … AS JSON of the view",
            )
        text = described.get("view_text") or described.get("view_original_text")
        return {
            "columns": [
                {
                    "name": str(item["name"]),
                    "data_type": str(type_from_json(item.get("type"))),
                    "is_measure": _is_measure(item),
                }
                for item in columns
            ],
            "definition": str(text) if text else None,
        }

    def _of_routines(
        self, template: str, keys: tuple[str, str], routines: Sequence[Row], warehouse_id: str | None
    ) -> dict[tuple[str, str], list[Row]]:
        """Read what belongs to functions that were found, by schema and specific name in lower case."""
        names = [f"`{row['routine_catalog']}`.`{row['routine_schema']}`.`{row['specific_name']}`" for row in routines]
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self._rows(template, keys, names, warehouse_id):
            found[(str(row["specific_schema"]).lower(), str(row["specific_name"]).lower())].append(row)
        return found

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


def _is_measure(column: Mapping[str, Any]) -> bool | None:
    """Return what the description of a metric view's column says it is; None when it says nothing."""
    if isinstance(column.get("is_measure"), bool):
        return bool(column["is_measure"])
    metadata = column.get("metadata")
    kind = metadata.get("metric_view.type") if isinstance(metadata, Mapping) else None
    return None if kind is None else str(kind).lower() == "measure"


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
