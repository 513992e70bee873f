"""What one query does: the parts of all its levels, pooled."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

from mlflow_genie_plugin.evaluation.facets.condition import Atom, Condition
from mlflow_genie_plugin.evaluation.facets.level import Edge, Filter, Part
from mlflow_genie_plugin.evaluation.facets.tokens import TOKEN, tokens_in

_COUNTED = re.compile(r"count\((distinct )?(⟦[^⟧]*⟧)\)")


@dataclass(frozen=True, slots=True)
class Predicate:
    """A filter under its final names."""

    filter: Filter
    is_temporal: bool

    @property
    def form(self) -> str:
        clause, condition = self.filter.clause, _counted(self.filter.condition)
        # WHERE, HAVING and QUALIFY differ by what they speak of; ON of an outer join filters only one side.
        return f"{clause}: {condition.form}" if clause.startswith("ON") else condition.form


def _counted(condition: Condition) -> Condition:
    """Write a bound of a count in one way: ``COUNT(*) > 55`` is ``COUNT(*) >= 56``."""
    if not isinstance(condition, Atom) or not condition.subject.startswith("count(") or not condition.value.isdigit():
        return condition
    operator = {">": ">=", "<=": "<"}.get(condition.operator)
    if operator is None:
        return condition
    return replace(condition, operator=operator, value=str(int(condition.value) + 1))


@dataclass(frozen=True, slots=True)
class Ranking:
    """A LIMIT with the order it cuts by."""

    limit: Part | None
    offset: Part | None
    order: tuple[Part, ...]


@dataclass(slots=True)
class Summary:
    """What one query does, whatever it calls its tables and however it nests what need not be nested.

    Attributes:
        tables: How often each table stands in one level, at most.
        edges: Pairs of columns that joins equate.
        nullable: Tables that an outer join may fill with NULL, with the kind of the join.
        dropped: The same for tables whose rows of NULL a filter drops again.
        predicates: Conditions of WHERE, HAVING, QUALIFY and of inner joins, from all levels.
        aggregates: Aggregate calls of all levels, by form.
        windows: Window calls of all levels, by form.
        group: Group keys of all levels, by form; None when no level groups.
        distinct: How many levels drop duplicates that there can be.
        rankings: Levels with LIMIT or OFFSET.
        order: ORDER BY of the outermost level.
        select: Output columns.
        subqueries: Subqueries that could not be merged into the query around them, by kind.
        calls: Arguments of table functions, by function.
        others: Clauses without a facet of their own.
        levels: Kind of each level with the forms that decide about its rows.
    """

    tables: Counter[str] = field(default_factory=Counter)
    edges: list[Edge] = field(default_factory=list)
    nullable: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    predicates: list[Predicate] = field(default_factory=list)
    aggregates: dict[str, Part] = field(default_factory=dict)
    windows: dict[str, Part] = field(default_factory=dict)
    group: dict[str, Part] | None = None
    distinct: int = 0
    set_operations: Counter[str] = field(default_factory=Counter)
    rankings: list[Ranking] = field(default_factory=list)
    order: tuple[Part, ...] = ()
    select: list[Part] = field(default_factory=list)
    subqueries: Counter[str] = field(default_factory=Counter)
    calls: dict[str, dict[str, str]] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    levels: list[tuple[str, list[str]]] = field(default_factory=list)

    def columns(self) -> frozenset[str]:
        """Return every column that the query names, as ``table.column``."""
        forms = [edge.left for edge in self.edges] + [edge.right for edge in self.edges]
        forms += [item.form for item in self.predicates] + [*self.aggregates, *self.windows, *(self.group or ())]
        forms += [part.form for part in (*self.select, *self.order)]
        forms += [part.form for ranking in self.rankings for part in ranking.order]
        return frozenset(tokens_in(*forms))


def with_plain_counts(form: str, never_null: frozenset[str], only_key: frozenset[str]) -> str:
    """Write ``COUNT(key)`` as ``COUNT(*)``, and ``COUNT(DISTINCT key)`` too for the key of the only table.

    Args:
        form: A normal form.
        never_null: Columns that are never NULL in any row of the query.
        only_key: Columns that identify a row of the query.
    """

    def change(match: re.Match[str]) -> str:
        column = TOKEN.findall(match.group(2))[0]
        allowed = only_key if match.group(1) else never_null
        return "count(*)" if column in allowed else match.group(0)

    return _COUNTED.sub(change, form)
