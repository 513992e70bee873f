"""What FROM offers a query: tables, and what the columns of queries in their place stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Slot:
    """A column of one occurrence of a table in a query; a table that is joined to itself occurs twice."""

    source: int
    column: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A column that is an aggregate of a derived table: ``SUM(x) AS total``."""

    call: exp.Expr
    select: exp.Select


Trace = Slot | Aggregate | None


@dataclass(slots=True)
class Source:
    """What a FROM item offers: a table's columns, or those that a query in its place puts out."""

    alias: str
    table: str | None = None
    number: int = -1
    columns: dict[str, Trace] = field(default_factory=dict)
    through: list[Source] = field(default_factory=list)
    query: exp.Expr | None = None


@dataclass(frozen=True, slots=True)
class BaseTable:
    """A table: full name, and its columns in lower case or None when the schema does not tell them."""

    name: str
    columns: tuple[str, ...] | None


# What stands behind a name in FROM: a table, the query of a metric view or function, or nothing to look into.
Lookup = Callable[[exp.Table], "BaseTable | exp.Expr | None"]


def renamed(source: Source, alias: exp.Expr | None, name: str) -> Source:
    labels = [label.name.lower() for label in (alias.args.get("columns") or ())] if alias is not None else []
    columns = dict(source.columns)
    if labels and source.table is None and not source.through:
        columns = dict(zip(labels, source.columns.values(), strict=False))
    return Source(name, source.table, source.number, columns, source.through, source.query)


def opaque(item: exp.Expr) -> Source:
    alias = item.args.get("alias")
    labels = (alias.args.get("columns") or ()) if alias is not None else ()
    return Source((item.alias_or_name or "").lower(), columns={label.name.lower(): None for label in labels})
