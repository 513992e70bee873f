"""Final names of tables and columns, so that the forms of two queries can be compared."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from mlflow_genie_plugin.evaluation.facets.condition import Condition
from mlflow_genie_plugin.evaluation.facets.level import Level
from mlflow_genie_plugin.evaluation.facets.scope import Source
from mlflow_genie_plugin.evaluation.facets.tokens import UNKNOWN_SOURCE, renamed, sorted_forms

Rename = Callable[[str], str]


def table_names(levels: Iterable[Level]) -> frozenset[str]:
    """Return the names of all tables that the levels read."""
    return frozenset(source.table for level in levels for source in level.sources if source.table is not None)


def reconciled(one: frozenset[str], other: frozenset[str]) -> dict[str, str]:
    """Return a full name for every name written in part, where only one of the names can be meant.

    ``orders`` in one query and ``samples.tpch.orders`` in the other are the same table.
    """
    every = one | other
    found = {}
    for name in every:
        longer = [full for full in every if full.endswith(f".{name}")]
        found[name] = max(longer, key=len) if longer and len({full.split(".")[0] for full in longer}) == 1 else name
    return found


def renaming(levels: list[Level], names: Mapping[str, str]) -> Rename:
    """Return what turns the inside of a token of these levels into ``table.column``.

    A table that stands twice in one level becomes ``table`` and ``table#2``; which is which follows from what the
    query does with them, not from the order in which it names them.
    """
    final = {UNKNOWN_SOURCE: UNKNOWN_SOURCE}
    for level in levels:
        occurrences: dict[str, list[Source]] = defaultdict(list)
        for source in level.sources:
            if source.table is not None:
                occurrences[names[source.table]].append(source)
        for table, sources in occurrences.items():
            if len(sources) > 1:
                sources = sorted(sources, key=lambda source: _signature(source, levels))
            for position, source in enumerate(sources):
                final[str(source.number)] = table if position == 0 else f"{table}#{position + 1}"

    def rename(name: str) -> str:
        source, _, column = name.partition(":")
        return f"{final[source]}.{column}"

    return rename


def _signature(source: Source, levels: list[Level]) -> list[str]:
    """Return what the query says about one occurrence of a table, without its number and those of others."""
    mine = f"⟦{source.number}:"
    said = [form for level in levels for form in forms_of(level) if mine in form]
    return sorted_forms(re.sub(r"⟦\d+:", "⟦", form.replace(mine, "⟦this:")) for form in said)


def forms_of(level: Level) -> Iterator[str]:
    """Yield every normal form of a level."""
    for edge in level.edges:
        yield from sorted_forms((f"{edge.left} = {edge.right}", f"{edge.right} = {edge.left}"))
    yield from (item.condition.form for item in level.filters)
    for parts in (level.aggregates, level.windows, level.group or (), level.order, level.select):
        yield from (part.form for part in parts)


def renamed_condition(condition: Condition, change: Callable[[str], str]) -> Condition:
    """Return the condition with every normal form in it changed."""
    from dataclasses import replace

    from mlflow_genie_plugin.evaluation.facets.condition import Atom

    if isinstance(condition, Atom):
        return replace(condition, subject=change(condition.subject), value=change(condition.value))
    return replace(condition, parts=tuple(renamed_condition(part, change) for part in condition.parts))


def without_unknown_sources(unknown: frozenset[str]) -> Callable[[str], str]:
    """Return what drops the table of every column whose table one of the two queries leaves open."""

    def change(form: str) -> str:
        return renamed(form, rename) if unknown else form

    def rename(name: str) -> str:
        column = name.rpartition(".")[2]
        return f"{UNKNOWN_SOURCE}.{column}" if column.removesuffix("^") in unknown else name

    return change
