"""Pooling the levels of a query that was read into its summary, under names that two queries share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.level import Filter, Level, Part
from mlflow_genie_plugin.evaluation.facets.naming import Rename, renamed_condition
from mlflow_genie_plugin.evaluation.facets.period_bounds import TypeOf
from mlflow_genie_plugin.evaluation.facets.periods import as_periods, is_temporal
from mlflow_genie_plugin.evaluation.facets.read import Reader
from mlflow_genie_plugin.evaluation.facets.summary import Predicate, Ranking, Summary
from mlflow_genie_plugin.evaluation.facets.tokens import renamed


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
