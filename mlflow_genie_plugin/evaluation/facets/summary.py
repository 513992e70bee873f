"""The facets of one query: the parts of all its levels, pooled, under names that two queries share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.condition import Atom, Condition
from mlflow_genie_plugin.evaluation.facets.level import Edge, Filter, Level, Part
from mlflow_genie_plugin.evaluation.facets.naming import Rename, renamed_condition
from mlflow_genie_plugin.evaluation.facets.period_bounds import TypeOf
from mlflow_genie_plugin.evaluation.facets.periods import as_periods, is_temporal
from mlflow_genie_plugin.evaluation.facets.read import Reader
from mlflow_genie_plugin.evaluation.facets.tokens import TOKEN, renamed, tokens_in


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


def summarised(reader: Reader, rename: Rename) -> Summary:
    """Pool the levels of a query that was read."""
    summary = Summary()
    types = {str(source.number): source.types for level in reader.levels for source in level.sources}

    def type_of(name: str) -> str | None:
        source, _, column = name.partition(":")
        return (types.get(source) or {}).get(column.removesuffix("^"))

    def final(form: str) -> str:
        return renamed(form, rename)

    for position, level in enumerate(reader.levels):
        _add_level(summary, level, final, type_of, rename, is_outermost=position == 0)
    summary.levels = [(level.kind, [final(form) for form in _rows_of(level)]) for level in reader.levels]
    return summary


def _add_level(
    summary: Summary,
    level: Level,
    final: Callable[[str], str],
    type_of: TypeOf,
    rename: Rename,
    *,
    is_outermost: bool,
) -> None:
    names = {source.number: rename(f"{source.number}:").removesuffix(".") for source in level.sources}
    summary.tables |= Counter(name.partition("#")[0] for name in names.values())
    summary.edges += [replace(edge, left=final(edge.left), right=final(edge.right)) for edge in level.edges]
    filters = as_periods(level.filters, type_of)
    for number, kind in level.nullable.items():
        kinds = summary.dropped if _is_filtered(number, kind, filters) else summary.nullable
        kinds[names[number]] = kind
    for item in filters:
        condition = renamed_condition(item.condition, final)
        summary.predicates.append(Predicate(replace(item, condition=condition), is_temporal(item.condition, type_of)))
    summary.aggregates |= _by_form(level.aggregates, final)
    summary.windows |= _by_form(level.windows, final)
    group, distinct = _grain(level)
    if group is not None:
        summary.group = (summary.group or {}) | _by_form(group, final)
    summary.distinct += distinct
    if level.set_operation is not None:
        summary.set_operations[level.set_operation] += 1
    order = tuple(_renamed_part(part, final) for part in level.order)
    if level.limit is not None or level.offset is not None:
        summary.rankings.append(Ranking(level.limit, level.offset, order))
    elif is_outermost:
        summary.order = order
    if is_outermost:
        summary.select = [_renamed_part(part, final) for part in level.select]
    elif level.kind != "branch":
        summary.subqueries[level.kind] += 1
    summary.calls |= {
        name: {key: final(value) for key, value in arguments.items()} for name, arguments in level.calls.items()
    }
    summary.others.update({final(form): count for form, count in level.others.items()})


def _rows_of(level: Level) -> list[str]:
    forms = [item.condition.form for item in level.filters]
    forms += [f"group by {part.form}" for part in level.group or ()]
    return forms + [f"limit {part.form}" for part in (level.limit, level.offset) if part is not None]


def _renamed_part(part: Part, final: Callable[[str], str]) -> Part:
    return replace(part, form=final(part.form))


def _by_form(parts: Iterable[Part], final: Callable[[str], str]) -> dict[str, Part]:
    return {(found := _renamed_part(part, final)).form: found for part in parts}


def _is_filtered(number: int, kind: str, filters: list[Filter]) -> bool:
    """Return whether WHERE drops the rows that an outer join fills with NULL, which makes the join an inner one."""
    if kind != "LEFT":
        return False
    mine = f"⟦{number}:"
    return any(
        item.clause == "WHERE"
        and mine in item.condition.form
        and not any(word in item.condition.form for word in ("IS NULL", " OR ", "coalesce", "<=>", "case(", "isnull"))
        for item in filters
    )


def _grain(level: Level) -> tuple[list[Part] | None, bool]:
    """Return the group keys and whether DISTINCT changes anything; ``GROUP BY`` of all outputs is DISTINCT."""
    group, distinct = level.group, level.distinct
    selected = {part.form for part in level.select}
    if group is not None and not level.aggregates and selected == {part.form for part in group}:
        has_having = any(item.clause == "HAVING" for item in level.filters)
        if not has_having:
            return None, level.kind not in ("in", "exists")
    if level.kind in ("in", "exists"):
        return group, False
    if distinct and group is not None and {part.form for part in group} <= selected:
        distinct = False
    if distinct and group is None and level.aggregates and not level.windows:
        distinct = not all(isinstance(part.node.unalias(), exp.AggFunc) for part in level.select)
    return group, distinct


_COUNTED = re.compile(r"count\((distinct )?(⟦[^⟧]*⟧)\)")


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
