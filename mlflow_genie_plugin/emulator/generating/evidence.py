"""What the SQL of a space shows about its tables: columns, uses, literals, equal keys, joint conditions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mlflow_genie_plugin.emulator.generating.literals import Literal
from mlflow_genie_plugin.sql_dialect import normalise_name

ColumnKey = tuple[str, str]


@dataclass
class ColumnEvidence:
    """One column: its name as first written, votes for type families, and the literals it meets."""

    name: str
    votes: Counter[str] = field(default_factory=Counter)
    literals: list[Literal] = field(default_factory=list)
    is_measure: bool = False


@dataclass
class AssetEvidence:
    """A table, metric view or function that the SQL names; ``calls`` holds the arguments of a function's calls."""

    name: str
    columns: dict[str, ColumnEvidence] = field(default_factory=dict)
    calls: list[list[tuple[str, str]]] = field(default_factory=list)
    is_function: bool = False

    def column(self, name: str) -> ColumnEvidence:
        """Return the evidence of a column, new when it was not seen before."""
        return self.columns.setdefault(name.lower(), ColumnEvidence(name))


@dataclass
class Evidence:
    """Everything seen. ``recipes``: conditions of one query that a row of each table must meet together."""

    assets: dict[str, AssetEvidence] = field(default_factory=dict)
    equal: list[tuple[ColumnKey, ColumnKey]] = field(default_factory=list)
    recipes: list[dict[str, dict[str, Literal]]] = field(default_factory=list)

    def asset(self, name: str, *, is_function: bool = False) -> AssetEvidence:
        """Return the evidence of an asset, new when it was not seen before."""
        return self.assets.setdefault(normalise_name(name), AssetEvidence(name, is_function=is_function))
