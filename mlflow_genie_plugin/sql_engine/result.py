"""What a query gives: columns with Databricks types, and rows of Python values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EngineColumn:
    """A result column: name, manifest type (``LONG``), SQL type (``BIGINT``)."""

    name: str
    type_name: str
    type_text: str


@dataclass(frozen=True, slots=True)
class EngineResult:
    """The outcome of one query.

    Attributes:
        columns: In order; names may repeat.
        rows: Python values, at most the row limit.
        row_count: Rows of the whole result, also those beyond the limit.
        truncated: True when ``rows`` is not the whole result.
    """

    columns: tuple[EngineColumn, ...]
    rows: tuple[tuple[Any, ...], ...]
    row_count: int
    truncated: bool
