"""The server's limits on a space config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server accepts; numbers move with its releases, so callers may pass their own.

    Attributes:
        data_sources: Tables, views and metric views together. 50 since September 2026; 30 before.
        data_sources_advised: More than this still works only on workspaces that have the higher limit.
        instructions: Example SQLs, plus functions, plus one for the text block.
        snippets: Described tables, plus joins, plus filters, expressions and measures.
        functions: SQL functions.
        text_instructions: Blocks of general instructions.
        benchmarks: Benchmark questions.
        entity_matching_columns: Columns with entity matching (v1: a value dictionary).
        string_characters: Characters of one string.
        array_items: Items of one list.
    """

    data_sources: int = 50
    data_sources_advised: int = 30
    instructions: int = 100
    snippets: int = 200
    functions: int = 50
    text_instructions: int = 1
    benchmarks: int = 500
    entity_matching_columns: int = 120
    string_characters: int = 25_000
    array_items: int = 10_000


DEFAULT_LIMITS: Final = Limits()
