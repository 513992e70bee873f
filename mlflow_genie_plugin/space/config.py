"""A space config as it was read: nothing added, nothing dropped; what it holds, and its hashes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mlflow_genie_plugin.space.fingerprint import hashes_of
from mlflow_genie_plugin.space.shape import (
    BENCHMARK,
    EXAMPLE,
    FUNCTION,
    INSTRUCTION,
    JOIN,
    KINDS,
    METRIC_VIEWS,
    SAMPLE_QUESTION,
    SNIPPETS,
    TABLES,
    dicts_of,
    items_of,
    text_of,
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The deployment fields of a space: they stand outside ``serialized_space`` and in no hash."""

    title: str | None = None
    description: str | None = None
    warehouse_id: str | None = None
    parent_path: str | None = None


@dataclass(frozen=True)
class SpaceConfig:
    """A space's configuration with its deployment fields.

    Attributes:
        document: The ``serialized_space`` document as it was, unknown keys included. Not to be edited in place.
        envelope: Deployment fields, as far as the source had them.
        space_id: The space it was read from, when the source says so.
        etag: The server's version of it, when the source says so.
    """

    document: dict[str, Any]
    envelope: Envelope = field(default_factory=Envelope)
    space_id: str | None = None
    etag: str | None = None

    @property
    def version(self) -> Any:
        """The export version: 1 or 2 in a valid document."""
        return self.document.get("version")

    @cached_property
    def _hashes(self) -> tuple[str, str]:
        return hashes_of(self.document)

    @property
    def content_sha256(self) -> str:
        return self._hashes[0]

    @property
    def behaviour_sha256(self) -> str:
        return self._hashes[1]

    def tables(self) -> list[str]:
        """Return the identifiers listed as tables (an export may list metric views among them)."""
        return _identifiers(self.document, TABLES)

    def metric_views(self) -> list[str]:
        return _identifiers(self.document, METRIC_VIEWS)

    def functions(self) -> list[str]:
        return _identifiers(self.document, FUNCTION.path)

    def data_assets(self) -> list[str]:
        """Return all identifiers: tables, metric views, functions."""
        return [*self.tables(), *self.metric_views(), *self.functions()]

    def instruction_text(self) -> str:
        """Return the general instructions as one text."""
        return "".join(text_of(item.get("content")) for _, item in dicts_of(self.document, INSTRUCTION.path))

    def counts(self) -> dict[str, int]:
        """Return how many items of each kind there are."""
        sources = [source for path in (TABLES, METRIC_VIEWS) for _, source in dicts_of(self.document, path)]
        return {
            "tables": len(items_of(self.document, TABLES)),
            "metric_views": len(items_of(self.document, METRIC_VIEWS)),
            "columns": sum(len(items_of(source, ("column_configs",))) for source in sources),
            "functions": len(items_of(self.document, FUNCTION.path)),
            "examples": len(items_of(self.document, EXAMPLE.path)),
            "joins": len(items_of(self.document, JOIN.path)),
            "snippets": sum(
                len(items_of(self.document, kind.path)) for kind in KINDS if kind.path[: len(SNIPPETS)] == SNIPPETS
            ),
            "instruction_characters": len(self.instruction_text()),
            "sample_questions": len(items_of(self.document, SAMPLE_QUESTION.path)),
            "benchmarks": len(items_of(self.document, BENCHMARK.path)),
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the document as JSON; parsing it gives an equal document."""
        separators = None if indent else (",", ":")
        return json.dumps(self.document, ensure_ascii=False, indent=indent, separators=separators, allow_nan=False)


def _identifiers(document: dict[str, Any], path: tuple[str, ...]) -> list[str]:
    return [item["identifier"] for _, item in dicts_of(document, path) if isinstance(item.get("identifier"), str)]
