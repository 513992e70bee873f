"""One generated database: random rows, rows that the queries keep or just miss, keys and references kept."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlflow_genie_plugin.evaluation.refuter.constants import coerce
from mlflow_genie_plugin.evaluation.refuter.facts import Facts, Place
from mlflow_genie_plugin.evaluation.refuter.integrity import Data, Integrity, Row, fit
from mlflow_genie_plugin.evaluation.refuter.joined_row import NULL, JoinedRow
from mlflow_genie_plugin.evaluation.refuter.moods import MOODS, Mood
from mlflow_genie_plugin.evaluation.refuter.rows import RowMaker
from mlflow_genie_plugin.evaluation.refuter.tables import Column, ForeignKey, Table
from mlflow_genie_plugin.evaluation.refuter.values import generic_values

# Rows that a join of everything may have at most, and the most rows of one table.
_MOST_JOINED = 60_000
_MOST_ROWS = 120


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
        self._integrity = Integrity(tables, foreign_keys)
        self._classes: dict[Place, list[Place]] = {}
        for name, table in tables.items():
            for column in table.columns:
                self._classes.setdefault(facts.class_of((name, column)), []).append((name, column))

    def database(self, number: int) -> Data:
        """Return the rows of every table."""
        rng = random.Random(self._seed * 1_000_003 + number)  # noqa: S311 reproducible, nothing secret
        mood = MOODS[number % len(MOODS)]
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
            if not self._integrity.has_key(name):
                rows += [list(rng.choice(rows)) for _ in range(int(len(rows) * mood.repeats))] if rows else []
            rng.shuffle(rows)
        self._integrity.keep_keys(data)
        self._integrity.keep_references(data, lambda table: self._random_row(table, pools, mood, rng))
        return data

    def holds(self, data: Data) -> bool:
        """Return whether all references still hold, after rows were taken away."""
        return self._integrity.holds(data)

    def halved(self, data: Data) -> Data:
        """Return the first half of each table's rows, without those whose references lead nowhere then."""
        return self._integrity.without_orphans({name: rows[: (len(rows) + 1) // 2] for name, rows in data.items()})

    def told_apart(self, data: Data, tables: Iterable[str]) -> Data:
        """Return the data with one row for each value that the queries look some tables' rows up by."""
        kept = dict(data)
        for name in tables:
            columns = list(self._tables[name].columns)
            for position in [columns.index(each) for table, each in self._facts.constants if table == name]:
                first: dict[Any, Row] = {}
                for row in kept[name]:
                    first.setdefault(row[position], row)
                kept[name] = list(first.values())
        return self._integrity.without_orphans(kept)

    def _occurrences(self) -> int:
        return max((len(reading.tables) for reading in self._facts.readings), default=1)

    # --- values

    def _pool(self, place: Place, column: Column, mood: Mood, rng: random.Random) -> list[Any]:
        """Return the values of a column in one database: constants of the queries, then others."""
        places = self._classes[self._facts.class_of(place)] if mood.shared else [place]
        wanted = [value for each in places for value in self._facts.constants.get(each, ())]
        values = [each for value in wanted if (each := fit(value, column)) is not None]
        # Columns of one class draw the same others, else joins of wide domains would find no partner.
        others = random.Random(f"{self._seed} {mood} {sorted(places)}" if mood.shared else rng.random())  # noqa: S311
        # A narrow domain makes groups and repeats, but hides the loss of a row behind another one with its value.
        wide = len(places) == 1 and not wanted and rng.random() < 0.5
        width = max(mood.width, 25) if wide else mood.width
        kind = self._flavour(place, column)
        generic = [fit(value, column) for value in generic_values(kind, width, others, self._facts.years)]
        if kind != column.kind:
            values = [value for value in values if coerce(value, kind) is not None]
        kept = rng.sample(values, min(len(values), max(mood.width, 4))) if mood.constants else []
        return kept + [value for value in generic if value is not None]

    def _flavour(self, place: Place, column: Column) -> str:
        """Return the kind that the queries read out of a column: text may hold dates or numbers."""
        if column.kind != "text":
            return column.kind
        hints = self._facts.hints_of(place)
        if hints["date"] or hints["datetext"] or hints["timestamp"]:
            return "date"
        return "int" if (hints["int"] or hints["decimal"]) and not hints["text"] else "text"

    def _is_read_as(self, value: Any, place: Place, column: Column) -> bool:
        """Return whether a value does not break a query that reads a text column as dates or numbers."""
        kind = self._flavour(place, column)
        return kind == column.kind or coerce(value, kind) is not None

    def _random_row(self, table: Table, pools: Mapping[Place, list[Any]], mood: Mood, rng: random.Random) -> Row:
        return [
            None
            if column.nullable and mood.nulls and rng.random() < mood.nulls
            else rng.choice(pools[table.name, name])
            for name, column in table.columns.items()
        ]

    # --- rows made for the queries

    def _add_made_rows(
        self, data: Data, pools: Mapping[Place, list[Any]], mood: Mood, rng: random.Random, most: int
    ) -> None:
        makers = [
            (reading, RowMaker(reading, rng, self._facts.years, mood), list(reading.selects()))
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
        mood: Mood,
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
            if (
                table is None
                or source == left_out
                or len(data[table.name]) >= max(most * 1.5, mood.copies * (mood.copies > most) * 2)
            ):
                continue
            row = self._random_row(table, pools, mood, rng)
            for position, (name, column) in enumerate(table.columns.items()):
                cell = next(
                    (made.cells[slot] for slot in made.cells if slot.source == source and slot.column == name), None
                )
                if cell is not None and cell.value is NULL:
                    row[position] = None if column.nullable else row[position]
                elif cell is not None and self._is_read_as(cell.value, (table.name, name), column):
                    fitted = fit(cell.value, column)
                    row[position] = row[position] if fitted is None else fitted
            copies = [list(row) for _ in range(made.copies.get(source, 1))]
            for slot, values in made.spread.items():
                if slot.source == source and slot.column in table.columns:
                    position = list(table.columns).index(slot.column)
                    for copy, value in zip(copies, values, strict=False):
                        fitted = fit(value, table.columns[slot.column])
                        copy[position] = copy[position] if fitted is None else fitted
            data[table.name] += copies
