"""How much of everything the server takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.schemas import json_path
from mlflow_genie_plugin.space.limits import Limits
from mlflow_genie_plugin.space.shape import (
    BENCHMARK,
    DATA_SOURCES,
    EXAMPLE,
    FUNCTION,
    INSTRUCTION,
    JOIN,
    KINDS,
    SNIPPETS,
    Kind,
    dicts_of,
    items_of,
    text_of,
)


def size_violations(document: dict[str, Any], limits: Limits) -> Iterator[Violation]:
    """The numbers of items stay within the server's limits."""

    def count(kind: Kind) -> int:
        return len(items_of(document, kind.path))

    def over(path: str, rule: str, seen: int, limit: int, what: str, fix: str = "") -> Iterator[Violation]:
        if seen > limit:
            yield Violation(path, rule, f"{seen} {what}; the limit is {limit}", fix=fix or f"remove {seen - limit}")

    sources = sum(map(count, DATA_SOURCES))
    if sources > limits.data_sources:
        yield from over(
            "$.data_sources", "limit-data-sources", sources, limits.data_sources, "tables, views and metric views"
        )
    elif sources > limits.data_sources_advised:
        advised = limits.data_sources_advised
        message = f"{sources} tables, views and metric views; workspaces with an older limit accept {advised}"
        fix = "Genie answers better from few tables: join some into a view"
        yield Violation("$.data_sources", "many-data-sources", message, severity="warning", fix=fix)
    if sources == 0 and not count(FUNCTION):
        message = "the space has no table, metric view or function to answer from"
        yield Violation("$.data_sources", "no-data-source", message, severity="warning", fix="add one")
    texts = count(INSTRUCTION)
    yield from over(
        "$.instructions.text_instructions",
        "limit-text-instructions",
        texts,
        limits.text_instructions,
        "text instructions",
        fix="put all general instructions into one",
    )
    used = count(EXAMPLE) + count(FUNCTION) + min(texts, 1)
    what = "instructions (each example SQL and function, and one for the text)"
    yield from over("$.instructions", "limit-instructions", used, limits.instructions, what)
    yield from over("$.instructions.sql_functions", "limit-functions", count(FUNCTION), limits.functions, "functions")
    yield from over("$.benchmarks.questions", "limit-benchmarks", count(BENCHMARK), limits.benchmarks, "questions")
    described = sum(
        bool(text_of(item.get("description"))) for kind in DATA_SOURCES for _, item in dicts_of(document, kind.path)
    )
    snippets = sum(count(kind) for kind in KINDS if kind.path[: len(SNIPPETS)] == SNIPPETS) + count(JOIN) + described
    what = "snippets (described tables, joins, filters, expressions, measures)"
    yield from over("$.instructions.sql_snippets", "limit-snippets", snippets, limits.snippets, what)


def long_violations(value: Any, limits: Limits, path: list[str | int]) -> Iterator[Violation]:
    """Yield every string and list that is longer than the server accepts."""
    if isinstance(value, str):
        if len(value) > limits.string_characters:
            message = f"{len(value):,} characters in one string; the limit is {limits.string_characters:,}"
            yield Violation(
                json_path(path), "limit-characters", message, fix="split it at a line break into several strings"
            )
    elif isinstance(value, list):
        if len(value) > limits.array_items:
            message = f"{len(value):,} items in one list; the limit is {limits.array_items:,}"
            yield Violation(json_path(path), "limit-items", message, fix="join short lines into longer strings")
        for index, inner in enumerate(value):
            yield from long_violations(inner, limits, [*path, index])
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from long_violations(inner, limits, [*path, key])
