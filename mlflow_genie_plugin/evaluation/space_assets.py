"""What a space offers: the names of its tables, metric views and functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflow_genie_plugin.sql_dialect import normalise_name

if TYPE_CHECKING:
    from mlflow_genie_plugin.space.config import SpaceConfig


@dataclass(frozen=True, slots=True)
class SpaceAssets:
    """The assets of a space by kind: three-part names in lower case."""

    tables: frozenset[str] = frozenset()
    metric_views: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()

    @classmethod
    def of(cls, config: SpaceConfig) -> SpaceAssets:
        """Return the assets that a space config lists."""
        return cls(
            frozenset(map(normalise_name, config.tables())),
            frozenset(map(normalise_name, config.metric_views())),
            frozenset(map(normalise_name, config.functions())),
        )
