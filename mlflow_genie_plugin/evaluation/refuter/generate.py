"""One generated database: random rows, rows that the queries keep or just miss, keys and references kept."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from mlflow_genie_plugin.evaluation.refuter.constants import coerce
from mlflow_genie_plugin.evaluation.refuter.facts import Facts, Place
from mlflow_genie_plugin.evaluation.refuter.rows import NULL, JoinedRow, RowMaker
from mlflow_genie_plugin.evaluation.refuter.tables import Column, ForeignKey, Table

Row = list[Any]
Data = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class _Mood:
    """What a database is like: random rows per table, made rows per SELECT, NULL rate, width of domains, repeats."""

    size: int
    made: int
    nulls: float
    width: int
    repeats: float
    shared: bool = True
    copies: int = 60


# Small ones first: they refute most, and a small witness needs less shrinking.
_MOODS = (
    _Mood(3, 3, 0.0, 3, 0.2),
    _Mood(6, 4, 0.2, 4, 0.2),
    _Mood(2, 8, 0.05, 30, 0.0),
    _Mood(2, 1, 0.8, 3, 0.0),
    # Groups of an exact size, undisturbed by other rows.
    _Mood(0, 10, 0.0, 40, 0.0, copies=1200),
    _Mood(20, 6, 0.1, 6, 0.1, shared=False),
    _Mood(40, 8, 0.4, 12, 0.1),
    _Mood(5, 14, 0.3, 50, 0.1),
)
# Rows that a join of everything may have at most, and the most rows of one table.
_MOST_JOINED = 60_000
_MOST_ROWS = 120
_MOST_ATTEMPTS = 4


class Generator:
    """Makes databases 0, 1, 2, … of one pair of queries; the same number gives the same rows.

    Args:
        facts: What the queries say about the data.
        tables: The tables to fill, by full name.
        foreign_keys: References that hold in every database.
        seed: Of the pair.
        few_ties: Draw from wider domains, because ties would decide what a query with a LIMIT returns.
    """

    def __init__(
        self,
        facts: Facts,
        tables: Mapping[str, Table],
        foreign_keys: Sequence[ForeignKey],
        seed: int,
        *,
        few_ties: bool = False,
    ) -> None:
        self._few_ties = few_ties
        self._facts = facts
        self._tables = tables
        self._seed = seed
        self._keys = {
            name: [key for key in table.keys if all(column in table.columns for column in key)]
            for name, table in tables.items()
        }
        self._references = [key for key in foreign_keys if self._is_visible(key)]
        self._referring = {(key.table, column) for key in self._references for column in key.columns}
        self._classes: dict[Place, list[Place]] = {}
        for name, table in tables.items():
            for column in table.columns:
                self._classes.setdefault(facts.class_of((name, column)), []).append((name, column))

    def _is_visible(self, key: ForeignKey) -> bool:
        sides = ((key.table, key.columns), (key.parent, key.parent_columns))
        return all(name in self._tables and set(columns) <= set(self._tables[name].columns) for name, columns in sides)

    def database(self, number: int) -> Data:
        """Return the rows of every table."""
        rng = random.Random(self._seed * 1_000_003 + number)  # noqa: S311 reproducible, nothing secret
        mood = _MOODS[number % len(_MOODS)]
        if self._few_ties:
            mood = replace(
                mood, width=max(mood.width, 40), repeats=0.0, nulls=mood.nulls if mood.size < 4 else mood.nulls / 8
            )
        most = max(4, min(_MOST_ROWS, int(_MOST_JOINED ** (1 / max(self._occurrences(), 1)))))
        pools = {
            (name, column.name.lower()): self._pool((name, column.name.lower()), column, mood, rng)
            for name, table in self._tables.items()
            for column in table.columns.values()
        }
        data: Data = {
            name: [self._random_row(table, pools, mood, rng) for _ in range(min(mood.size, most))]
            for name, table in self._tables.items()
        }
        self._add_made_rows(data, pools, mood, rng, most)
        for name, rows in data.items():
            if not self._keys[name]:
                rows += [list(rng.choice(rows)) for _ in range(int(len(rows) * mood.repeats))] if rows else []
            rng.shuffle(rows)
        self._keep_keys(data)
        self._keep_references(data, pools, mood, rng)
        return data

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

    def _occurrences(self) -> int:
        return max((len(reading.tables) for reading in self._facts.readings), default=1)

    # --- values

    def _pool(self, place: Place, column: Column, mood: _Mood, rng: random.Random) -> list[Any]:
        """Return the values of a column in one database: constants of the queries, then others."""
        places = self._classes[self._facts.class_of(place)] if mood.shared else [place]
        wanted = [value for each in places for value in self._facts.constants.get(each, ())]
        values = [each for value in wanted if (each := self._fit(value, column)) is not None]
        # Columns of one class draw the same others, else joins of wide domains would find no partner.
        others = random.Random(f"{self._seed} {mood} {sorted(places)}" if mood.shared else rng.random())  # noqa: S311
        # A narrow domain makes groups and repeats, but hides the loss of a row behind another one with its value.
        wide = len(places) == 1 and not wanted and rng.random() < 0.5
        width = max(mood.width, 25) if wide else mood.width
        kind = self._flavour(place, column)
        generic = [self._fit(value, column) for value in _generic(kind, width, others, self._facts.years)]
        if kind != column.kind:
            values = [value for value in values if coerce(value, kind) is not None]
        kept = rng.sample(values, min(len(values), max(mood.width, 4)))
        return kept + [value for value in generic if value is not None]

    def _flavour(self, place: Place, column: Column) -> str:
        """Return the kind that the queries read out of a column: text may hold dates or numbers."""
        if column.kind != "text":
            return column.kind
        hints = self._facts.hints_of(place)
        if hints["date"] or hints["datetext"] or hints["timestamp"]:
            return "date"
        return "int" if (hints["int"] or hints["decimal"]) and not hints["text"] else "text"

    @staticmethod
    def _fit(value: Any, column: Column) -> Any:
        return coerce(value, column.kind, column.scale, column.digits)

    def _random_row(self, table: Table, pools: Mapping[Place, list[Any]], mood: _Mood, rng: random.Random) -> Row:
        return [
            None
            if column.nullable and mood.nulls and rng.random() < mood.nulls
            else rng.choice(pools[table.name, name])
            for name, column in table.columns.items()
        ]

    # --- rows made for the queries

    def _add_made_rows(
        self, data: Data, pools: Mapping[Place, list[Any]], mood: _Mood, rng: random.Random, most: int
    ) -> None:
        makers = [
            (reading, RowMaker(reading, rng, self._facts.years, mood.copies), list(reading.selects()))
            for reading in self._facts.readings
        ]
        for step in range(mood.made):
            for reading, maker, selects in makers:
                for select in selects[:6]:
                    # Not every time: as many rows for one query as for the other would hide a difference of counts.
                    if step > 1 and rng.random() < 0.3:
                        continue
                    made = maker.make(select, miss=step % 2 == 1)
                    self._place_made(data, reading.tables, made, pools, mood, rng, most)

    def _place_made(
        self,
        data: Data,
        tables: Mapping[int, str],
        made: JoinedRow,
        pools: Mapping[Place, list[Any]],
        mood: _Mood,
        rng: random.Random,
        most: int,
    ) -> None:
        left_out = rng.choice(sorted(made.touched)) if len(made.touched) > 1 and rng.random() < 0.15 else -1
        for slot in sorted(made.cells, key=lambda slot: (slot.source, slot.column)):
            wanted = made.cells[slot]
            place = (tables[slot.source], slot.column)
            if wanted.value is None and pools.get(place):
                wanted.value = rng.choice(pools[place])
        for source in sorted(made.touched):
            table = self._tables.get(tables[source])
            if table is None or source == left_out or len(data[table.name]) >= max(most * 1.5, mood.copies * (mood.copies > most) * 2):
                continue
            row = self._random_row(table, pools, mood, rng)
            for position, (name, column) in enumerate(table.columns.items()):
                cell = next(
                    (made.cells[slot] for slot in made.cells if slot.source == source and slot.column == name), None
                )
                if cell is not None and cell.value is NULL:
                    row[position] = None if column.nullable else row[position]
                elif cell is not None and (fitted := self._fit(cell.value, column)) is not None:
                    row[position] = fitted
            copies = [list(row) for _ in range(made.copies.get(source, 1))]
            for slot, values in made.spread.items():
                if slot.source == source and slot.column in table.columns:
                    position = list(table.columns).index(slot.column)
                    for copy, value in zip(copies, values, strict=False):
                        fitted = self._fit(value, table.columns[slot.column])
                        copy[position] = copy[position] if fitted is None else fitted
            data[table.name] += copies

    # --- keys and references

    def _positions(self, table: str, columns: Sequence[str]) -> list[int]:
        names = list(self._tables[table].columns)
        return [names.index(column) for column in columns]

    def _keep_keys(self, data: Data) -> None:
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
                row[position] = self._fit(_numbered(kind.kind, len(taken) + 20 + step), kind)
                if self._is_free(row, positions, taken):
                    return True
        return False

    def _keep_references(self, data: Data, pools: Mapping[Place, list[Any]], mood: _Mood, rng: random.Random) -> None:
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
                    added = self._random_row(self._tables[key.parent], pools, mood, rng)
                    for position, column, each in zip(parent, key.parent_columns, value, strict=True):
                        added[position] = self._fit(each, self._tables[key.parent].columns[column])
                    data[key.parent].append(added)
                    there.add(value)
            if not changed:
                return
            self._keep_keys(data)
        while not self.holds(data):
            for key in self._references:
                child, parent = self._positions(key.table, key.columns), self._positions(key.parent, key.parent_columns)
                there = {tuple(row[i] for i in parent) for row in data[key.parent]}
                data[key.table] = [
                    row for row in data[key.table] if None in (value := tuple(row[i] for i in child)) or value in there
                ]


def _numbered(kind: str, number: int) -> Any:
    if kind in ("date", "timestamp"):
        return dt.date(2023, 1, 1) + dt.timedelta(days=number)
    return f"k{number}" if kind == "text" else number


_WORDS = ("a", "b", "A", "c", "north", "south", "x y", "", "Z9", "b-1")
_START = dt.date(2023, 1, 1)


def _generic(kind: str, width: int, rng: random.Random, years: Sequence[int]) -> list[Any]:
    """Return values of a kind that no constant suggests."""
    if kind == "bool":
        return [True, False]
    if kind == "int":
        return (
            list(range(1, min(width, 5) + 1))
            + ([0, -1] if width > 4 else [])
            + rng.sample(range(5, 500), max(width - 7, 0))
        )
    if kind in ("float", "decimal"):
        return [Decimal(rng.randrange(-200, 4000)) / 4 for _ in range(width)] + [Decimal(1), Decimal(2)]
    if kind == "text":
        return list(_WORDS[: min(width, len(_WORDS))]) + [f"w{rng.randrange(1000)}" for _ in range(width - len(_WORDS))]
    starts = [dt.date(year, 1, 1) for year in years if 1 < year < 9998] or [_START]
    days = [
        rng.choice(starts) + dt.timedelta(days=rng.choice((0, 14, 30, 58, 59, rng.randrange(366), 365)))
        for _ in range(width)
    ]
    if kind == "timestamp":
        return [dt.datetime.combine(day, dt.time(rng.choice((0, 0, 9, 23)), rng.choice((0, 59)))) for day in days]
    return days
