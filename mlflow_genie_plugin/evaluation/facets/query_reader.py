"""What reading a query gives to the query around it, and what the parts of a query need to read queries inside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.level import Level, Part
from mlflow_genie_plugin.evaluation.facets.scope import Scope, Source
from mlflow_genie_plugin.evaluation.facets.subqueries import CommonTable
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema


@dataclass(slots=True)
class Outputs:
    """What a query gives to the query around it."""

    columns: dict[str, str] = field(default_factory=dict)
    ordered: list[Part] = field(default_factory=list)
    star: Scope | None = None


class QueryReader(Protocol):
    """Reads a query and the queries in it; it numbers their sources, so that each is told from all the others."""

    schema: SpaceSchema

    def new_source(self, label: str, table: str | None = None, types: Mapping[str, str] | None = None) -> Source:
        """Return a source with a number of its own."""

    def query(
        self,
        tree: exp.Expr,
        kind: str,
        visible: Mapping[str, CommonTable],
        outer: Scope | None,
        into: Level | None = None,
    ) -> Outputs:
        """Read a query into a new level, or ``into`` a level that takes it in."""
