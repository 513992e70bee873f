"""Looking things up in a space config: its assets, columns, snippets, examples and words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from mlflow_genie_plugin.evaluation.blame.words import words_of
from mlflow_genie_plugin.evaluation.question import normalise_question
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.shape import (
    COLUMN,
    DATA_SOURCES,
    EXAMPLE,
    FUNCTION,
    Kind,
    dicts_of,
    text_of,
)
from mlflow_genie_plugin.sql_dialect import normalise_name


class Configuration:
    """Looks things up in a space config."""

    def __init__(self, config: SpaceConfig, schema: SpaceSchema | None = None) -> None:
        self.document = config.document
        self._schema = schema

    @cached_property
    def assets(self) -> dict[str, tuple[Kind, dict[str, Any]]]:
        """Tables, metric views and functions by name."""
        found = {}
        for kind in (*DATA_SOURCES, FUNCTION):
            for _, item in dicts_of(self.document, kind.path):
                if isinstance(item.get("identifier"), str):
                    found[normalise_name(item["identifier"])] = (kind, item)
        return found

    def column(self, name: str) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
        """Return the asset of a column and what is configured for the column; None when the asset is not there."""
        table, _, column = name.rpartition(".")
        if table not in self.assets or self._lacks(table, column):
            return None
        _, asset = self.assets[table]
        for _, item in dicts_of(asset, (COLUMN.path[-1],)):
            if str(item.get(COLUMN.key, "")).lower() == column:
                return asset, item
        return asset, None

    def _lacks(self, table: str, column: str) -> bool:
        asset = None if self._schema is None else self._schema.assets.get(table)
        columns = None if asset is None else asset.columns
        return columns is not None and all(each.name.lower() != column for each in columns)

    def items(self, kind: Kind) -> Iterator[dict[str, Any]]:
        return (item for _, item in dicts_of(self.document, kind.path))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word the configuration uses, in names, synonyms, descriptions, snippets, examples and instructions."""
        found: set[str] = set()
        for part in ("data_sources", "instructions"):
            found |= words_of(self.document.get(part))
        return frozenset(found)

    def example_for(self, question: str) -> dict[str, Any] | None:
        wanted = normalise_question(question)
        return next(
            (item for item in self.items(EXAMPLE) if normalise_question(text_of(item.get("question"))) == wanted), None
        )
