"""The statements that read Unity Catalog metadata, a catalog and a batch of assets at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.sql_dialect import split_name

Name = tuple[str, str, str]

# A statement takes at most 256 parameters; two go to each asset.
_BATCH = 50

COLUMNS = """SELECT table_catalog, table_schema, table_name, column_name, ordinal_position,
  full_data_type AS data_type, is_nullable, comment
FROM {catalog}.information_schema.columns
WHERE {condition}
ORDER BY table_schema, table_name, ordinal_position, column_name"""
TABLE_TAGS = """SELECT catalog_name, schema_name, table_name, tag_name, tag_value
FROM {catalog}.information_schema.table_tags
WHERE {condition}
ORDER BY schema_name, table_name, tag_name"""
COLUMN_TAGS = """SELECT catalog_name, schema_name, table_name, column_name, tag_name, tag_value
FROM {catalog}.information_schema.column_tags
WHERE {condition}
ORDER BY schema_name, table_name, column_name, tag_name"""
ROUTINES = """SELECT specific_name, routine_catalog, routine_schema, routine_name, routine_definition,
  full_data_type AS data_type, comment
FROM {catalog}.information_schema.routines
WHERE {condition}
ORDER BY routine_schema, routine_name, specific_name"""
PARAMETERS = """SELECT specific_schema, specific_name, parameter_name, full_data_type AS data_type
FROM {catalog}.information_schema.parameters
WHERE {condition}
ORDER BY specific_schema, specific_name, ordinal_position"""
TABLE_TYPES = """SELECT table_catalog, table_schema, table_name, table_type
FROM {catalog}.information_schema.tables
WHERE {condition}
ORDER BY table_schema, table_name"""
KEYS = """SELECT k.table_catalog, k.table_schema, k.table_name, k.constraint_name, k.column_name
FROM {catalog}.information_schema.table_constraints AS c
JOIN {catalog}.information_schema.key_column_usage AS k
  ON k.constraint_schema = c.constraint_schema AND k.constraint_name = c.constraint_name
  AND k.table_schema = c.table_schema AND k.table_name = c.table_name
WHERE c.constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND ({condition})
ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position"""
SIGNATURE_PARAMETERS = """SELECT specific_schema, specific_name, parameter_name, full_data_type AS data_type,
  parameter_default
FROM {catalog}.information_schema.parameters
WHERE {condition}
ORDER BY specific_schema, specific_name, ordinal_position"""
ROUTINE_COLUMNS = """SELECT specific_schema, specific_name, column_name, full_data_type AS data_type
FROM {catalog}.information_schema.routine_columns
WHERE {condition}
ORDER BY specific_schema, specific_name, ordinal_position"""


def batches(identifiers: Sequence[str]) -> Iterator[tuple[str, list[Name]]]:
    """Yield each catalog with as many of its assets as one statement takes."""
    by_catalog: dict[str, set[Name]] = defaultdict(set)
    for identifier in identifiers:
        name = three_parts(identifier)
        by_catalog[name[0]].add(name)
    for catalog in sorted(by_catalog):
        names = sorted(by_catalog[catalog])
        for start in range(0, len(names), _BATCH):
            yield catalog, names[start : start + _BATCH]


def statement(
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
