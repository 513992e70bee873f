"""Unique keys and references of generated rows: made to hold, and checked when rows are taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlflow_genie_plugin.evaluation.refuter.constants import coerce
from mlflow_genie_plugin.evaluation.refuter.tables import Column, ForeignKey, Table
from mlflow_genie_plugin.evaluation.refuter.values import numbered

Row = list[Any]
Data = dict[str, list[Row]]

_MOST_ATTEMPTS = 4


def fit(value: Any, column: Column) -> Any:
    """Return a value as a column holds it; None when it cannot."""
    return coerce(value, column.kind, column.scale, column.digits)


class Integrity:
    """The keys and references of a set of tables, as far as their columns are there.

    Args:
        tables: By full name.
        foreign_keys: References; those with a table or column that is not there are left out.
    """

    def __init__(self, tables: Mapping[str, Table], foreign_keys: Sequence[ForeignKey]) -> None:
        self._tables = tables
        self._keys = {
            name: [key for key in table.keys if all(column in table.columns for column in key)]
            for name, table in tables.items()
        }
        self._references = [key for key in foreign_keys if self._is_visible(key)]
        self._referring = {(key.table, column) for key in self._references for column in key.columns}

    def has_key(self, table: str) -> bool:
        return bool(self._keys[table])

    def _is_visible(self, key: ForeignKey) -> bool:
        sides = ((key.table, key.columns), (key.parent, key.parent_columns))
        return all(name in self._tables and set(columns) <= set(self._tables[name].columns) for name, columns in sides)

    def holds(self, data: Data) -> bool:
        """Return whether all references still hold, after rows were taken away."""
        for key in self._references:
            child, parent = self._positions(key.table, key.columns), self._positions(key.parent, key.parent_columns)
            there = {tuple(row[i] for i in parent) for row in data[key.parent]}
            for row in data[key.table]:
                value = tuple(row[i] for i in child)
                if None not in value and value not in there:
                    return False
        return True

    def _positions(self, table: str, columns: Sequence[str]) -> list[int]:
        names = list(self._tables[table].columns)
        return [names.index(column) for column in columns]

    def keep_keys(self, data: Data) -> None:
        """Give rows that repeat a key another value of it; drop the row where no column of the key is free."""
        for name, keys in self._keys.items():
            for key in keys:
                positions = self._positions(name, key)
                taken: set[tuple[Any, ...]] = set()
                kept = []
                for row in data[name]:
                    if self._is_free(row, positions, taken) or self._renew(name, row, key, positions, taken):
                        taken.add(tuple(row[i] for i in positions))
                        kept.append(row)
                data[name] = kept

    @staticmethod
    def _is_free(row: Row, positions: list[int], taken: set[tuple[Any, ...]]) -> bool:
        value = tuple(row[i] for i in positions)
        return None not in value and value not in taken

    def _renew(
        self,
        name: str,
        row: Row,
        key: Sequence[str],
        positions: list[int],
        taken: set[tuple[Any, ...]],
    ) -> bool:
        for column, position in zip(key, positions, strict=True):
            if (name, column) in self._referring and len(key) > 1:
                continue
            kind = self._tables[name].columns[column]
            for step in range(len(taken) + 2):
                row[position] = fit(numbered(kind.kind, len(taken) + 20 + step), kind)
                if self._is_free(row, positions, taken):
                    return True
        return False

    def keep_references(self, data: Data, make_row: Callable[[Table], Row]) -> None:
        """Add the parent of a row without one, or point it to another parent; what still has none is dropped."""
        for _ in range(_MOST_ATTEMPTS):
            changed = False
            for key in self._references:
                child, parent = self._positions(key.table, key.columns), self._positions(key.parent, key.parent_columns)
                there = {tuple(row[i] for i in parent) for row in data[key.parent]}
                for row in data[key.table]:
                    value = tuple(row[i] for i in child)
                    if None in value or value in there:
                        continue
                    changed = True
                    added = make_row(self._tables[key.parent])
                    for position, column, each in zip(parent, key.parent_columns, value, strict=True):
                        added[position] = fit(each, self._tables[key.parent].columns[column])
                    data[key.parent].append(added)
                    there.add(value)
            if not changed:
                return
            self.keep_keys(data)
        data.update(self.without_orphans(data))

    def without_orphans(self, data: Data) -> Data:
        """Return the data without the rows whose references lead nowhere."""
        kept = dict(data)
        while not self.holds(kept):
            for key in self._references:
                child, parent = self._positions(key.table, key.columns), self._positions(key.parent, key.parent_columns)
                there = {tuple(row[i] for i in parent) for row in kept[key.parent]}
                kept[key.table] = [
                    row for row in kept[key.table] if None in (value := tuple(row[i] for i in child)) or value in there
                ]
        return kept
