"""One rule per part of a query: what in the configuration lets an answer go wrong there, and what to change.

Only what the configuration really holds, or demonstrably lacks, is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mlflow_genie_plugin.evaluation.blame.blame import Blame
from mlflow_genie_plugin.evaluation.blame.configuration import Configuration
from mlflow_genie_plugin.evaluation.blame.snippets import has_aggregate, is_of_columns, snippet_of
from mlflow_genie_plugin.evaluation.facets.facet import Facet
from mlflow_genie_plugin.space.shape import (
    EXPRESSION,
    FILTER,
    FUNCTION,
    INSTRUCTION,
    JOIN,
    MEASURE,
    items_of,
    text_of,
)
from mlflow_genie_plugin.sql_dialect import normalise_name


def _tables(facet: Facet, config: Configuration, _question: str) -> Blame:
    wanted = set((facet.expected or "").split(", "))
    for name in facet.objects:
        if name not in wanted:
            continue
        if name not in config.assets:
            return Blame((f"table {name} (not in the space)",), f"add {name} to the space")
        kind, item = config.assets[name]
        named = f"{kind.name} {name}"
        if not text_of(item.get("description")).strip() and kind is not FUNCTION:
            return Blame((named,), f"describe what {name} holds and which questions it answers")
        return Blame(
            (named,), f"add an example SQL for this question that uses {name}, or an instruction when to use it"
        )
    extra = [name for name in facet.objects if name in config.assets]
    named_extra = tuple(f"{config.assets[name][0].name} {name}" for name in extra)
    return Blame(named_extra, "add an example SQL for this question that does without it")


def _joins(facet: Facet, config: Configuration, _question: str) -> Blame:
    tables = list(dict.fromkeys(_owner(name, config) for name in facet.objects))
    if len(tables) == 1:
        short = _short(tables[0])
        return Blame((f"table {tables[0]}",), f"add an example SQL that joins {short} as in: {facet.expected}")
    first, second = tables[:2] if len(tables) >= 2 else ("", "")
    if not first:
        return Blame(fix="add an example SQL for this question")
    label = f"{_short(first)} to {_short(second)}"
    columns = {name.rpartition(".")[2] for name in facet.objects}
    for item in config.items(JOIN):
        sides = [item.get(side) for side in ("left", "right")]
        names = {normalise_name(str(side.get("identifier", ""))) for side in sides if isinstance(side, dict)}
        if names != {first, second}:
            continue
        condition = text_of(item.get("sql")).partition("--rt=")[0].lower()
        if all(re.search(rf"\b{re.escape(column)}\b", condition) for column in columns):
            return Blame(
                (f"join {label}",), "the space has this join; add an example SQL for this question that uses it"
            )
        return Blame((f"join {label}",), f"correct the join of the space to: {facet.expected or condition.strip()}")
    if facet.expected is None:
        return Blame((f"no join {label}",), "add an example SQL for this question without that join")
    return Blame((f"no join {label}",), f"add the join {facet.expected} to the space")


def _filters(facet: Facet, config: Configuration, _question: str) -> Blame:
    if facet.expected is not None and (snippet := snippet_of(FILTER, facet.expected, config)) is not None:
        named = f"filter {snippet!r}"
        return Blame((named,), f"add an example SQL for this question that uses the {named}")
    if facet.actual is not None and (wrong := snippet_of(FILTER, facet.actual, config)) is not None:
        named = f"filter {wrong!r}"
        if facet.expected is not None:
            return Blame((named,), f"the answer follows the {named}; correct it to: {facet.expected}")
        return Blame((named,), f"say in the {named} when it does not apply")
    if facet.expected is None:
        return _instruction_or_example(facet, config)
    found = _columns(facet, config)
    for name in facet.objects:
        looked_up = config.column(name)
        item = looked_up[1] if looked_up is not None else None
        texts = [value for value in facet.values if not value.replace(".", "").isdigit()]
        if item is not None and texts and not _is_matched(item) and not _mentions(item, texts):
            return Blame(found.items, f"turn on entity matching for the column {name}, or describe its values")
    return found


def _is_matched(item: dict[str, Any]) -> bool:
    return bool(item.get("enable_entity_matching") or item.get("build_value_dictionary"))


def _mentions(item: dict[str, Any], values: list[str]) -> bool:
    text = f"{text_of(item.get('description'))} {' '.join(map(str, items_of(item, ('synonyms',))))}"
    return any(re.search(rf"\b{re.escape(value)}\b", text) for value in values)


def _temporal(facet: Facet, config: Configuration, question: str) -> Blame:
    found = _filters(facet, config, question)
    column = next((name for name in facet.objects if config.column(name) is not None), None)
    if column is None or facet.expected is None:
        return found
    for item in config.items(INSTRUCTION):
        if re.search(rf"\b{re.escape(column.rpartition('.')[2])}\b", text_of(item.get("content")).lower()):
            return Blame(
                (f"column {column}", "text instruction"), "add an example SQL for this question with its period"
            )
    return Blame((f"column {column}",), f"say in an instruction that periods are meant by {column.rpartition('.')[2]}")


def _values(facet: Facet, config: Configuration, _question: str) -> Blame:
    for kind in (MEASURE, EXPRESSION):
        snippet = snippet_of(kind, facet.expected or "", config) if facet.expected else None
        if snippet is not None:
            named = f"{kind.name} {snippet!r}"
            return Blame((named,), f"add an example SQL for this question that uses the {named}")
        wrong = snippet_of(kind, facet.actual or "", config) if facet.expected and facet.actual else None
        if wrong is not None:
            named = f"{kind.name} {wrong!r}"
            return Blame((named,), f"the answer follows the {named}; correct it to: {facet.expected}")
    found = _columns(facet, config)
    if facet.failure_type in ("wrong_column", "missing_column"):
        return found
    is_metric = any(config.column(name) is not None and _kind(name, config) == "metric view" for name in facet.objects)
    if facet.expected is None:
        return Blame(found.items, "add an example SQL for this question")
    if is_metric:
        return Blame(found.items, "describe the measures of the metric view so that they cannot be confused")
    is_column = facet.expected.isidentifier()
    if is_column or not is_of_columns(facet.expected, facet.objects):
        return Blame(found.items, "add an example SQL for this question")
    word = "measure" if facet.name == "aggregates" or has_aggregate(facet.expected) else "expression"
    return Blame(found.items, f"add the {word} {facet.expected} to the space, or an example SQL for this question")


def _columns(facet: Facet, config: Configuration) -> Blame:
    """Blame the columns: hidden, without description, or known and still not chosen."""
    blamed, fix = [], None
    for name in facet.objects:
        looked_up = config.column(name)
        if looked_up is None:
            continue
        _, item = looked_up
        blamed.append(f"column {name}")
        # What the space should make plain is the column that was not used, not the one that was.
        is_wanted = facet.expected is None or re.search(
            rf"\b{re.escape(name.rpartition('.')[2])}\b", facet.expected, re.IGNORECASE
        )
        if fix is not None or not is_wanted:
            continue
        if item is not None and item.get("exclude"):
            fix = f"show the column {name}, which the space hides"
        elif item is None or not text_of(item.get("description")).strip():
            fix = f"describe the column {name}"
        elif facet.failure_type != "wrong_filter" and not items_of(item, ("synonyms",)):
            fix = f"add synonyms to the column {name}"
    return Blame(tuple(blamed), fix or "add an example SQL for this question")


def by_example(facet: Facet, config: Configuration, _question: str) -> Blame:
    found = _columns(facet, config)
    return Blame(found.items, "add an example SQL for this question")


def _functions(facet: Facet, config: Configuration, _question: str) -> Blame:
    named = tuple(f"function {name}" for name in facet.objects if name in config.assets)
    return Blame(named, "describe the parameters of the function, or add an example SQL that calls it")


def _instruction_or_example(facet: Facet, config: Configuration) -> Blame:
    """Blame an instruction that names the column of a filter that nobody asked for."""
    for name in facet.objects:
        column = name.rpartition(".")[2]
        for item in config.items(INSTRUCTION):
            if re.search(rf"\b{re.escape(column)}\b", text_of(item.get("content")).lower()):
                return Blame(
                    (f"column {name}", "text instruction"), f"say in the instruction when {column} is not to be used"
                )
    return Blame(_columns(facet, config).items, "add an example SQL for this question without that filter")


def _owner(name: str, config: Configuration) -> str:
    """Return the table of a column's name, or the name itself when it is a table."""
    return name if name in config.assets else name.rpartition(".")[0]


def _kind(name: str, config: Configuration) -> str:
    return config.assets[name.rpartition(".")[0]][0].name


def _short(name: str) -> str:
    return name.rpartition(".")[2]


BY_FACET: dict[str, Callable[[Facet, Configuration, str], Blame]] = {
    "tables": _tables,
    "function_arguments": _functions,
    "joins": _joins,
    "filters": _filters,
    "operators": _filters,
    "temporal_filters": _temporal,
    "aggregates": _values,
    "select": _values,
}
