"""What was generated for a space: its assets, and which of its own statements run over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GeneratedAsset:
    """One thing that was made. ``kind`` is TABLE, METRIC VIEW or FUNCTION; ``note`` says what had to be guessed."""

    identifier: str
    kind: str
    columns: int
    rows: int
    note: str = ""


@dataclass(frozen=True)
class OwnSqlOutcome:
    """What became of a query that the space itself holds: its rows, or the error."""

    kind: str
    question: str
    rows: int | None
    error: str | None


@dataclass(frozen=True)
class GenerationReport:
    """What was made, what was there already, and what could not be made and why.

    Attributes:
        document: The space with its placeholders filled in: load this one.
        made: In the order they were made.
        kept: Identifiers that existed and were left alone.
        refused: (identifier, reason).
    """

    document: dict[str, Any]
    made: tuple[GeneratedAsset, ...]
    kept: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]

    def render(self) -> str:
        """Return the report as lines for people."""
        lines = [f"{asset.kind.lower()} {asset.identifier}: {_size(asset)}" for asset in self.made]
        lines += [f"kept {identifier}: it exists" for identifier in self.kept]
        lines += [f"not made {identifier}: {reason}" for identifier, reason in self.refused]
        return "\n".join(lines)


def _size(asset: GeneratedAsset) -> str:
    return f"{asset.columns} columns, {asset.rows} rows" + (f" ({asset.note})" if asset.note else "")
