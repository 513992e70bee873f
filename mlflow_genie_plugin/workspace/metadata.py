"""Reads the Unity Catalog metadata of a space's assets through information_schema."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.sql_dialect.data_type import type_from_json
from mlflow_genie_plugin.workspace.data_port import SqlPort
from mlflow_genie_plugin.workspace.metadata_statements import (
    COLUMN_TAGS,
    COLUMNS,
    KEYS,
    PARAMETERS,
    ROUTINE_COLUMNS,
    ROUTINES,
    SIGNATURE_PARAMETERS,
    TABLE_TAGS,
    TABLE_TYPES,
    batches,
    statement,
)

Row = dict[str, Any]

_ROW_LIMIT = 100_000
_TIMEOUT_SECONDS = 300.0


class UnityCatalog:
    """Reads catalog metadata by statements, in batches; whatever cannot be read completely is an error."""

    def __init__(self, sql: SqlPort) -> None:
        self._sql = sql

    def columns(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a column, in the tables' column order.

        Keys: table_catalog, table_schema, table_name, column_name, ordinal_position, data_type (the full one,
        ``decimal(10,2)``), is_nullable (YES or NO), comment.
        """
        return self._rows(COLUMNS, ("table_schema", "table_name"), identifiers, warehouse_id)

    def tags(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a tag of a table or of one of its columns.

        Keys: catalog_name, schema_name, table_name, column_name (None for the table's own), tag_name, tag_value.
        """
        keys = ("schema_name", "table_name")
        of_tables = self._rows(TABLE_TAGS, keys, identifiers, warehouse_id)
        of_columns = self._rows(COLUMN_TAGS, keys, identifiers, warehouse_id)
        order = ("catalog_name", "schema_name", "table_name", "column_name", "tag_name", "tag_value")
        rows: list[Row] = [{key: row.get(key) for key in order} for row in [*of_tables, *of_columns]]
        return sorted(rows, key=lambda row: tuple(str(row[key] or "") for key in order))

    def routines(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a function.

        Keys: routine_catalog, routine_schema, routine_name, routine_definition, data_type, comment, parameters (a list
        of ``{"name", "data_type"}`` in order).
        """
        rows = self._rows(ROUTINES, ("routine_schema", "routine_name"), identifiers, warehouse_id)
        if not rows:
            return []
        parameters = self._of_routines(PARAMETERS, ("specific_schema", "specific_name"), rows, warehouse_id)
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
        return self._rows(TABLE_TYPES, ("table_schema", "table_name"), identifiers, warehouse_id)

    def unique_keys(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a primary key or unique constraint.

        Keys: table_catalog, table_schema, table_name, constraint_name, columns (their names in the key's order).
        """
        keys: dict[tuple[str, ...], Row] = {}
        names = ("table_catalog", "table_schema", "table_name", "constraint_name")
        for row in self._rows(KEYS, ("k.table_schema", "k.table_name"), identifiers, warehouse_id):
            found = {name: row[name] for name in names}
            keys.setdefault(tuple(found.values()), {**found, "columns": []})["columns"].append(row["column_name"])
        return list(keys.values())

    def signatures(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[Row]:
        """Return a row a function, with how it is called and what it returns.

        Keys: routine_catalog, routine_schema, routine_name, routine_definition, data_type, parameters (a list of
        ``{"name", "data_type", "default"}`` in order; ``default`` is SQL text, None when the argument is required),
        columns (of a table function, ``{"name", "data_type"}`` in order).
        """
        rows = self._rows(ROUTINES, ("routine_schema", "routine_name"), identifiers, warehouse_id)
        if not rows:
            return []
        keys = ("specific_schema", "specific_name")
        parameters, columns = (
            self._of_routines(template, keys, rows, warehouse_id)
            for template in (SIGNATURE_PARAMETERS, ROUTINE_COLUMNS)
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
        for catalog, batch in batches(identifiers):
            sql, parameters = statement(template, keys, catalog, batch)
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
