"""Reading a query's tree into levels: one for each SELECT, with plain subqueries merged into the level around them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.facet import UnanalysableError
from mlflow_genie_plugin.evaluation.facets.level import Level, Part
from mlflow_genie_plugin.evaluation.facets.normal_form import NormalForm
from mlflow_genie_plugin.evaluation.facets.ordering import read_ordering
from mlflow_genie_plugin.evaluation.facets.query_reader import Outputs
from mlflow_genie_plugin.evaluation.facets.scope import Scope, Source
from mlflow_genie_plugin.evaluation.facets.select_reader import SelectReader
from mlflow_genie_plugin.evaluation.facets.subqueries import CommonTable, with_tables
from mlflow_genie_plugin.evaluation.facets.tokens import UNKNOWN_SOURCE, column_token
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema

_MOST_LEVELS = 64


class Reader:
    """Reads one query; afterwards ``levels`` holds its levels, the outermost one first."""

    def __init__(self, schema: SpaceSchema) -> None:
        self.schema = schema
        self.levels: list[Level] = []
        self._sources = 0

    def new_source(self, label: str, table: str | None = None, types: Mapping[str, str] | None = None) -> Source:
        self._sources += 1
        return Source(label, self._sources, table, types)

    def query(
        self,
        tree: exp.Expr,
        kind: str,
        visible: Mapping[str, CommonTable],
        outer: Scope | None,
        into: Level | None = None,
    ) -> Outputs:
        """Read a query into a new level, or ``into`` a level that takes it in.

        Raises:
            UnanalysableError: It holds something that is not understood.
        """
        while isinstance(tree, exp.Subquery | exp.Paren):
            if isinstance(tree, exp.Subquery) and any(
                tree.args.get(key) for key in ("limit", "order", "where", "pivots", "sample", "joins", "laterals")
            ):
                raise UnanalysableError("a clause after a query in parentheses is not understood")
            if tree.args.get("with_"):
                visible = with_tables(tree, visible)
            tree = tree.this
        if tree.args.get("with_"):
            visible = with_tables(tree, visible)
        if isinstance(tree, exp.SetOperation):
            return self._set_operation(tree, kind, visible, outer)
        if isinstance(tree, exp.Values):
            return Outputs()
        if not isinstance(tree, exp.Select):
            raise UnanalysableError(f"{tree.key.upper()} is not understood as a query")
        level = into if into is not None else self._level(kind)
        return SelectReader(self, tree, level, visible, outer).read(is_merged=into is not None)

    def _level(self, kind: str) -> Level:
        if len(self.levels) >= _MOST_LEVELS:
            raise UnanalysableError(f"the query has more than {_MOST_LEVELS} levels")
        level = Level(kind)
        self.levels.append(level)
        return level

    def _set_operation(
        self, tree: exp.SetOperation, kind: str, visible: Mapping[str, CommonTable], outer: Scope | None
    ) -> Outputs:
        level = self._level(kind)
        level.set_operation = tree.key.upper() + ("" if tree.args.get("distinct") else " ALL")
        left, right = (self.query(side, "branch", visible, outer) for side in (tree.this, tree.args["expression"]))
        if left.star is None and right.star is None and len(left.ordered) == len(right.ordered):
            level.select = [
                Part(one.form if one.form == other.form else f"either({one.form}, {other.form})", one.node, one.name)
                for one, other in zip(left.ordered, right.ordered, strict=True)
            ]
        else:
            level.select = left.ordered
        columns = {part.name: part.form for part in reversed(level.select)}
        forms = NormalForm(
            lambda column: columns.get(column.name.lower(), column_token(UNKNOWN_SOURCE, column.name.lower())),
            lambda _query, _how: "subquery",
        )
        read_ordering(tree, level, forms, level.select)
        return Outputs(columns, level.select, left.star)
