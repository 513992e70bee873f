"""Rules on the columns of a table: unique, in order, with flags of the document's version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.space.limits import Limits
from mlflow_genie_plugin.space.order_rules import _order
from mlflow_genie_plugin.space.shape import COLUMN, DATA_SOURCES, V1_FLAGS, V2_FLAGS, dicts_of, dotted, items_of


def column_violations(document: dict[str, Any], limits: Limits) -> Iterator[Violation]:
    """Columns are unique and in order; flags are of the document's version; entity matching has its basis."""
    version = document.get("version")
    foreign, known_version = (V1_FLAGS, 1) if version == 1 else (V2_FLAGS, 2)
    formatted, matched = tuple(V2_FLAGS) if version == 1 else tuple(V2_FLAGS.values())
    check_flags = version in (1, 2)
    foreign_one, foreign_two = foreign
    matching = 0
    for kind in DATA_SOURCES:
        for table, source in dicts_of(document, kind.path):
            columns = items_of(source, ("column_configs",))
            base = f"{dotted(kind)}[{table}].column_configs"
            names = [column.get("column_name") if type(column) is dict else None for column in columns]
            yield from _column_names(names, base)
            for index, column in enumerate(columns):
                if type(column) is not dict:
                    continue
                if check_flags and (foreign_one in column or foreign_two in column):
                    yield from _foreign_flags(column, foreign, known_version, f"{base}[{index}]")
                if column.get(matched) is True:
                    matching += 1
                    if column.get(formatted) is not True:
                        yield Violation(
                            f"{base}[{index}].{matched}",
                            "entity-matching",
                            f"{matched} needs {formatted} on the same column",
                            fix=f'add "{formatted}": true',
                        )
    if matching > limits.entity_matching_columns:
        yield Violation(
            "$.data_sources",
            "limit-entity-matching",
            f"{matching} columns match entities; the limit is {limits.entity_matching_columns}",
            fix="keep it on the columns people name values of",
        )


def _column_names(names: list[Any], base: str) -> Iterator[Violation]:
    if not all(type(name) is str for name in names):
        names = [name if isinstance(name, str) else None for name in names]
        known = [name for name in names if name is not None]
    else:
        known = names
    if len(set(known)) != len(known):
        first: dict[str, int] = {}
        for index, name in enumerate(names):
            if name is None:
                continue
            if name in first:
                message = f"the column {name!r} stands twice in this table, first at index {first[name]}"
                yield Violation(f"{base}[{index}].column_name", "column-unique", message, fix="merge the two")
            first.setdefault(name, index)
    if known and min(known) == "":
        yield Violation(
            f"{base}[{names.index('')}].column_name", "empty-text", "column_name is empty", fix="name the column"
        )
    if len(known) == len(names) and known != sorted(known):
        yield from _order([{COLUMN.key: name} for name in names], COLUMN, base)


def _foreign_flags(column: dict[str, Any], foreign: dict[str, str], version: int, path: str) -> Iterator[Violation]:
    for flag, ours in foreign.items():
        if flag in column:
            message = f"{flag} is a flag of version {3 - version} and the document is version {version}"
            yield Violation(f"{path}.{flag}", "flag-version", message, fix=f"use {ours}")
