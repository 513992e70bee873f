"""The parts of one level of a query, as read from its tree, before tables get their final names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.condition import Condition
from mlflow_genie_plugin.evaluation.facets.scope import Source


@dataclass(frozen=True, slots=True)
class Part:
    """One expression with its normal form; ``name`` is that of an output column."""

    form: str
    node: exp.Expr
    name: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """Two columns that a join equates."""

    left: str
    right: str
    node: exp.Expr


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition that rows must meet; ``clause`` is WHERE, HAVING, QUALIFY, or ON of an outer join."""

    condition: Condition
    clause: str


@dataclass(slots=True, eq=False)
class Level:
    """One SELECT with the subqueries that could be merged into it, or the frame of a set operation.

    Attributes:
        kind: query, branch (of a set operation), derived (subquery in FROM), scalar, in, exists.
        nullable: Numbers of the sources that an outer join may fill with NULL, with the kind of the join.
        group: The group keys; None without GROUP BY.
        order: The ORDER BY keys with their direction as form.
        select: The output columns.
        others: Clauses that have no facet of their own, in normal form.
    """

    kind: str
    sources: list[Source] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    nullable: dict[int, str] = field(default_factory=dict)
    filters: list[Filter] = field(default_factory=list)
    aggregates: list[Part] = field(default_factory=list)
    windows: list[Part] = field(default_factory=list)
    group: list[Part] | None = None
    distinct: bool = False
    set_operation: str | None = None
    limit: Part | None = None
    offset: Part | None = None
    order: list[Part] = field(default_factory=list)
    select: list[Part] = field(default_factory=list)
    calls: dict[str, dict[str, str]] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
