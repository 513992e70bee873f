"""The tables to generate: columns with kinds, keys, and which column refers to which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.sql_dialect import normalise_name
from mlflow_genie_plugin.sql_dialect.parse import split_name

if TYPE_CHECKING:
    from mlflow_genie_plugin.space.config import SpaceConfig

# Kinds of columns that values can be made for, with the DuckDB type that holds them.
_KINDS = {
    "tinyint": ("int", "TINYINT"),
    "smallint": ("int", "SMALLINT"),
    "int": ("int", "INTEGER"),
    "integer": ("int", "INTEGER"),
    "bigint": ("int", "BIGINT"),
    "long": ("int", "BIGINT"),
    "float": ("float", "FLOAT"),
    "real": ("float", "FLOAT"),
    "double": ("float", "DOUBLE"),
    "string": ("text", "VARCHAR"),
    "varchar": ("text", "VARCHAR"),
    "char": ("text", "VARCHAR"),
    "date": ("date", "DATE"),
    "timestamp": ("timestamp", "TIMESTAMP"),
    "timestamp_ntz": ("timestamp", "TIMESTAMP"),
    "boolean": ("bool", "BOOLEAN"),
}
_DECIMAL = re.compile(r"(?:decimal|numeric|dec)(?:\((\d+)(?:,\s*(\d+))?\))?\Z")


@dataclass(slots=True)
class Column:
    """A column to generate: ``kind`` decides the values, ``type_text`` is DuckDB's, ``scale`` of decimals."""

    name: str
    kind: str
    type_text: str
    nullable: bool = True
    scale: int = 0
    digits: int = 18


@dataclass(slots=True)
class Table:
    """A table to generate: its name as in the schema, columns by lower-case name, and keys."""

    name: str
    columns: dict[str, Column]
    keys: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Every value of ``columns`` in ``table`` stands in ``parent_columns`` of ``parent``, or is NULL."""

    table: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constraints:
    """What is known of the data besides the schema: names in lower case, tables by full name.

    Attributes:
        unique_keys: By table, sets of columns that identify a row.
        foreign_keys: References that always hold.
        not_null: By table, columns that are never NULL.
    """

    unique_keys: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    foreign_keys: tuple[ForeignKey, ...] = ()
    not_null: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, config: SpaceConfig) -> Constraints:
        """Return what a space's joins declare.

        Of MANY_TO_ONE, the one-side is unique in its column, and every row of the many-side has a partner: whoever
        joins that way means to look something up, not to lose rows. Two queries that differ only where a partner is
        missing are therefore not told apart here; where partners really are missing, the results on the real data
        differ, and those are compared as well.
        """
        keys: dict[str, tuple[tuple[str, ...], ...]] = {}
        references: list[ForeignKey] = []
        not_null: dict[str, frozenset[str]] = {}
        instructions = config.document.get("instructions") or {}
        for join in instructions.get("join_specs") or ():
            many, one = _sides(join)
            for table, column in one:
                keys[table] = (*keys.get(table, ()), (column,))
            for table, column in many:
                references += [ForeignKey(table, (column,), parent, (key,)) for parent, key in one if parent != table]
                not_null[table] = not_null.get(table, frozenset()) | {column}
        return cls(keys, tuple(references), not_null)

    def to_json(self) -> dict[str, Any]:
        """Return the constraints in an order of their own: seeds are made of it, in every process the same."""
        return {
            "unique_keys": {name: sorted(map(list, keys)) for name, keys in self.unique_keys.items()},
            "foreign_keys": sorted(
                [key.table, *key.columns, key.parent, *key.parent_columns] for key in self.foreign_keys
            ),
            "not_null": {name: sorted(columns) for name, columns in self.not_null.items()},
        }


_CONDITION = re.compile(r"\s*(.+?)\s*=\s*(.+?)\s*\Z")
_MARKER = re.compile(r"--rt=FROM_RELATIONSHIP_TYPE_([A-Z]+)_TO_([A-Z]+)--")


def _sides(join: Mapping[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return (table, column) of the sides that a row of the other side meets often, and of those it meets once."""
    sql = join.get("sql") or []
    text = "".join(sql) if isinstance(sql, list) else str(sql)
    marker = _MARKER.search(text)
    condition = _CONDITION.match(text[: marker.start()] if marker else text)
    many: list[tuple[str, str]] = []
    one: list[tuple[str, str]] = []
    if marker is None or condition is None:
        return many, one
    sides = {}
    for name, number in zip(("left", "right"), marker.groups(), strict=True):
        side = join.get(name) or {}
        identifier = str(side.get("identifier") or "")
        sides[str(side.get("alias") or split_name(identifier)[-1]).lower()] = (normalise_name(identifier), number)
    for reference in condition.groups():
        parts = split_name(reference)
        table, number = sides.get(parts[-2].lower() if len(parts) > 1 else "", ("", ""))
        if table:
            (one if number == "ONE" else many).append((table, parts[-1].lower()))
    return many, one


def make_column(name: str, type_text: str, *, nullable: bool = True) -> Column | None:
    """Return a column to generate; None for a type that no values are made for (nested, binary, variant)."""
    wanted = type_text.strip().lower()
    if match := _DECIMAL.match(wanted):
        digits, scale = int(match[1] or 10), int(match[2] or 0)
        return Column(name, "decimal", f"DECIMAL({digits},{scale})", nullable, scale, digits)
    found = _KINDS.get(re.sub(r"\(.*\)", "", wanted))
    return None if found is None else Column(name, found[0], found[1], nullable)
