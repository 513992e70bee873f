"""Small rows for planned tables: deterministic, with the literals of the space's SQL among the values."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlflow_genie_plugin.emulator.generating.literals import Literal

Value = str | int | float | bool | dt.date | dt.datetime | tuple[str, ...]
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?))?")
_FILLERS = 6  # further texts beside the literals, so that filters also leave something out


@dataclass
class PlannedColumn:
    """A column to fill; ``domain``: the keys it shares with columns it is joined to, ``unique``: each key once."""

    name: str
    type_text: str
    description: str = ""
    literals: tuple[Literal, ...] = ()
    domain: str = ""
    unique: bool = False


@dataclass
class PlannedTable:
    """A table to fill. ``recipes``: (number, values): rows that satisfy a query of the space; equal numbers join."""

    identifier: str
    columns: list[PlannedColumn]
    description: str = ""
    recipes: list[tuple[int, dict[str, Literal]]] = field(default_factory=list)


def make_rows(table: PlannedTable, count: int, domain_size: int, today: dt.date) -> list[list[Value]]:
    """Return the rows of a table in column order.

    A table with a unique key has one row for each key of its domain; any other has ``count`` rows and two for each
    recipe.
    """
    key_column = next((column for column in table.columns if column.unique), None)
    plans: list[tuple[int, dict[str, Literal]]] = []
    if key_column is not None:
        by_key: dict[int, dict[str, Literal]] = {}
        for number, values in table.recipes:
            wanted = values.get(key_column.name.lower())
            places = (2 * number, 2 * number + 1) if wanted is None else (_place(key_column, wanted),)
            for place in places:
                by_key.setdefault(place % domain_size, values)
        plans = [(key, by_key.get(key, {})) for key in range(domain_size)]
    else:
        plans = [(-1, {})] * count + [
            (2 * number + half, values) for number, values in table.recipes for half in (0, 1)
        ]
    return [
        [_cell(table.identifier, column, index, key, values, domain_size, today) for column in table.columns]
        for index, (key, values) in enumerate(plans)
    ]


def _cell(
    table: str,
    column: PlannedColumn,
    index: int,
    key: int,
    values: dict[str, Literal],
    domain_size: int,
    today: dt.date,
) -> Value:
    wanted = None if column.unique else values.get(column.name.lower())
    if wanted is not None and (fitting := _converted(wanted, column.type_text)) is not None:
        return fitting
    chance = _chance(table, column.name, index)
    if column.domain:
        position = index if column.unique else key if key >= 0 else chance % domain_size
        return _key(column, position % domain_size, today)
    return _value(column, chance, today)


def _place(column: PlannedColumn, wanted: Literal) -> int:
    """Return the position of a literal in its key domain, which starts with the literals."""
    literals = _key_literals(column)
    value = _converted(wanted, column.type_text)
    return literals.index(value) if value in literals else 0


def _key_literals(column: PlannedColumn) -> list[Value]:
    values = (_converted(literal, column.type_text) for literal in column.literals)
    return list(dict.fromkeys(value for value in values if value is not None))


def _key(column: PlannedColumn, position: int, today: dt.date) -> Value:
    literals = _key_literals(column)
    if position < len(literals):
        return literals[position]
    if column.type_text in {"BIGINT", "DOUBLE"}:
        return position + 1
    if column.type_text == "DATE":
        return today - dt.timedelta(days=position)
    if column.type_text == "TIMESTAMP":
        return dt.datetime.combine(today, dt.time(12)) - dt.timedelta(days=position)
    if column.type_text == "BOOLEAN":
        return position % 2 == 0
    return f"{column.domain.rsplit('.', 1)[-1].upper()}-{position + 1:04d}"


def _value(column: PlannedColumn, chance: int, today: dt.date) -> Value:
    name = column.name.lower()
    if column.type_text == "BOOLEAN":
        return chance % 3 > 0
    if column.type_text in {"DATE", "TIMESTAMP"}:
        return _day(column, chance, today)
    if column.type_text in {"STRING", "ARRAY<STRING>"}:
        known = [str(_converted(literal, "STRING")) for literal in column.literals]
        spoken = column.name.replace("_", " ").strip().title()
        pool = [*known, *(f"{spoken} {letter}" for letter in "ABCDEFGHIJKL"[:_FILLERS])]
        if column.type_text == "STRING":
            return pool[chance % len(pool)]
        return tuple(dict.fromkeys(pool[(chance >> shift) % len(pool)] for shift in (0, 8)))
    numbers = [float(literal) for literal in column.literals if isinstance(literal, float)]
    if numbers and chance % 2:
        base = numbers[chance // 2 % len(numbers)]
        value = base + (chance // 16 % 5 - 2) * max(abs(base) * 0.1, 1.0)
    elif re.search(r"(^|_)year$", name):
        value = float(today.year - chance % 4)
    elif re.search(r"(^|_)month$|^month_", name):
        value = float(chance % 12 + 1)
    elif re.search(r"(rate|pct|percent|ratio|share|probability|confidence)", name) and max(numbers, default=0.0) <= 1:
        value = chance % 1000 / 1000
    else:
        value = 5 + chance % 49_500 / 100
    return round(value, 3) if column.type_text == "DOUBLE" else round(value)


def _day(column: PlannedColumn, chance: int, today: dt.date) -> Value:
    # Half of the days lie around the dates that the SQL names, the other half in the year before today.
    named = [day for literal in column.literals if isinstance(day := _converted(literal, "DATE"), dt.date)]
    if named and chance % 2:
        day = named[chance // 2 % len(named)] + dt.timedelta(days=chance // 64 % 41 - 10)
    else:
        day = today - dt.timedelta(days=(chance // 2 % 14) if chance % 4 == 0 else chance // 4 % 400)
    if column.type_text == "DATE":
        return day
    return dt.datetime.combine(day, dt.time(chance // 8 % 24, chance // 512 % 60))


def _converted(literal: Literal, type_text: str) -> Value | None:
    """Return a literal as a value of the type, or None when it is no such value."""
    if type_text == "BOOLEAN":
        return literal if isinstance(literal, bool) else None
    if type_text == "STRING":
        if isinstance(literal, bool):
            return str(literal).lower()
        return str(int(literal)) if isinstance(literal, float) and literal.is_integer() else str(literal)
    if type_text == "ARRAY<STRING>":
        return (str(literal),)
    if type_text in {"BIGINT", "DOUBLE"}:
        if isinstance(literal, bool):
            return int(literal)
        if isinstance(literal, str):
            return float(literal) if re.fullmatch(r"-?\d+(\.\d+)?", literal) else None
        return round(literal) if type_text == "BIGINT" else literal
    match = _DATE.match(literal) if isinstance(literal, str) else None
    if match is None:
        return None
    try:
        day = dt.date.fromisoformat(match.group(1))
        time = dt.time.fromisoformat(match.group(2)) if match.group(2) else dt.time()
    except ValueError:
        return None
    return day if type_text == "DATE" else dt.datetime.combine(day, time)


def _chance(*parts: object) -> int:
    digest = hashlib.sha256("|".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:6])


def as_duckdb(values: Sequence[Value]) -> str:
    """Return a row as a parenthesised list of DuckDB literals."""
    return "(" + ", ".join(_literal(value) for value in values) + ")"


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, dt.date):
        return f"DATE '{value.isoformat()}'"
    return "'" + value.replace("'", "''").replace("\0", "") + "'"
