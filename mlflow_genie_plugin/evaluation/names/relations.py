"""Resolves the FROM clause: tables, subqueries, joins, laterals, pivots, and the columns each of them brings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from mlflow_genie_plugin.evaluation.names import problem as name_problem
from mlflow_genie_plugin.evaluation.names.expressions import Ctes, ExpressionNames, fitting
from mlflow_genie_plugin.evaluation.names.problem import Resolution
from mlflow_genie_plugin.evaluation.names.scope import OPEN, KnownColumn, Relation, Scope, Source
from mlflow_genie_plugin.sql_dialect.assets import function_name


class RelationNames(ExpressionNames):
    """Puts the relations of a FROM clause into a scope."""

    def with_clause(self, node: exp.Expr, ctes: Ctes, outer: Scope | None) -> Ctes:
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        known = dict(ctes)
        for cte in clause.expressions:
            name, names = cte.alias.lower(), alias_columns(cte)
            body = cte.this
            if clause.args.get("recursive") and isinstance(body, exp.SetOperation):
                # The columns of a recursive expression are those of its first part, which is resolved once more below.
                kept, self.result = self.result, Resolution()
                known[name] = self.query(body.this, known, outer).renamed(names)
                self.result = kept
            known[name] = self.query(body, known, outer).renamed(names)
        return known

    def add(self, node: exp.Expr, scope: Scope, ctes: Ctes, outer: Scope | None, *, top: bool = False) -> None:
        """Add a relation of a FROM clause to the scope; ``top`` marks a query in brackets that is no FROM entry."""
        before = len(scope.sources)
        alias = "" if top else node.alias.lower()
        full_name: tuple[str, ...] = ()
        if isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query):
            inner = Scope(outer)
            self.add(node.this, inner, ctes, outer)
            if not alias and not node.args.get("pivots"):
                scope.sources += inner.sources
            else:
                scope.sources.append(Source(alias, all_columns(inner.sources)))
        else:
            if isinstance(node, exp.Subquery):
                relation = self.query(node.this, self.with_clause(node, ctes, outer) if not top else ctes, outer)
            elif isinstance(node, exp.Lateral):
                alias, relation = self._lateral(node, scope, ctes)
            elif isinstance(node, exp.Values):
                relation = self._values(node, scope, ctes)
            elif isinstance(node, exp.Table):
                relation, full_name = self._table(node, scope, ctes)
            else:
                self.expression(node, scope, ctes)
                relation = OPEN
            names = () if isinstance(node, exp.Lateral) else alias_columns(node)
            if not alias and full_name:
                alias = full_name[-1]
            elif alias:
                full_name = ()
            scope.sources.append(Source(alias, relation.renamed(names), full_name))
        for pivot in node.args.get("pivots") or ():
            self._pivot(pivot, scope, before, ctes)
        for join in node.args.get("joins") or ():
            self.join(join, scope, ctes, outer)

    def join(self, join: exp.Join, scope: Scope, ctes: Ctes, outer: Scope | None) -> None:
        before = len(scope.sources)
        self.add(join.this, scope, ctes, outer)
        left, right = scope.sources[:before], scope.sources[before:]
        names = [part.name.lower() for part in join.args.get("using") or ()]
        for name in names:
            for side in (left, right):
                self._using(name, side)
        if join.method == "NATURAL":
            known = {column.name.lower() for source in left for column in source.unqualified()}
            names = [
                column.name.lower()
                for source in right
                for column in source.unqualified()
                if column.name.lower() in known
            ]
        for source in right:
            source.merged |= set(names)
        self.expression(join.args.get("on"), scope, ctes)
        if join.kind in ("SEMI", "ANTI"):
            for source in right:
                source.is_hidden = True

    def _using(self, name: str, sources: Sequence[Source]) -> None:
        side = Scope()
        side.sources = list(sources)
        self._look_up((name,), name, side, {}, alias_first=False)

    def _table(self, node: exp.Table, scope: Scope, ctes: Ctes) -> tuple[Relation, tuple[str, ...]]:
        if isinstance(node.this, exp.Func):
            identifier = self._identifier(node.this) if not node.args.get("db") else None
            if identifier is None:
                return self._table_function(node, scope, ctes)
            return self._asset(identifier), tuple(part.lower() for part in identifier)
        parts = tuple(part.name for part in node.parts)
        lowered = tuple(part.lower() for part in parts)
        if len(parts) == 1 and lowered[0] in ctes:
            return ctes[lowered[0]], lowered
        return self._asset(parts), lowered

    def _asset(self, parts: Sequence[str]) -> Relation:
        name = ".".join(parts)
        names = fitting(name, self._tables)
        if not names:
            self._refer(name_problem.unlisted(name, self._tables))
            return OPEN
        self._refer(None)
        if len(names) > 1:
            return OPEN  # a short name that several assets have: the session's schema decides, which is not known
        asset = self._tables[names[0]]
        if asset.columns is None:
            self.result.unknown_assets.append(asset.name)
            return OPEN
        return Relation(
            tuple(
                KnownColumn(column.name, column.type_text, column.is_measure, (asset.name, column.name.lower()))
                for column in asset.columns
            ),
            asset=asset.name,
        )

    def _table_function(self, node: exp.Table, scope: Scope, ctes: Ctes) -> tuple[Relation, tuple[str, ...]]:
        qualifier = [part.name for part in (node.args.get("catalog"), node.args.get("db")) if part is not None]
        call = node.this
        if not qualifier and function_name(call) == "table" and len(call.expressions) == 1:
            flat = list(call.expressions[0].flatten()) if isinstance(call.expressions[0], exp.Dot) else call.expressions
            if not isinstance(flat[-1], exp.Func):
                self.expression(call.expressions[0], scope, ctes)
                return OPEN, ()
            qualifier, call = [part.name for part in flat[:-1]], flat[-1]
        relation = self._call((*qualifier, function_name(call)), call, scope, ctes, {})
        return relation, (function_name(call),)

    def _lateral(self, node: exp.Lateral, scope: Scope, ctes: Ctes) -> tuple[str, Relation]:
        names = alias_columns(node)
        if isinstance(node.this, exp.Subquery):
            return node.alias.lower(), self.query(node.this.this, ctes, scope).renamed(names)
        flat = list(node.this.flatten()) if isinstance(node.this, exp.Dot) else [node.this]
        if isinstance(flat[-1], exp.Func):
            parts = (*(part.name for part in flat[:-1]), function_name(flat[-1]))
            relation = self._call(parts, flat[-1], scope, ctes, {})
        else:
            self.expression(node.this, scope, ctes)
            relation = OPEN
        return node.alias.lower(), relation.renamed(names)

    def _values(self, node: exp.Values, scope: Scope, ctes: Ctes) -> Relation:
        width = 1
        for row in node.expressions:
            self.expression(row, scope, ctes)
            width = len(row.expressions) if isinstance(row, exp.Tuple) else 1
        return Relation(tuple(KnownColumn(f"col{index}") for index in range(1, width + 1)))

    def _pivot(self, pivot: exp.Pivot, scope: Scope, before: int, ctes: Ctes) -> None:
        """Put the pivoted relation in the place of the one it is made from."""
        source = Scope()
        source.sources = scope.sources[before:]
        relation = all_columns(source.sources)
        alias = pivot.alias.lower() or (source.sources[0].alias if source.sources else "")
        columns = [column for field in pivot.args.get("fields") or () for column in field.find_all(exp.Column)]
        for column in columns:
            self._column(column, source, {})
        made: list[str] = []
        if pivot.args.get("unpivot"):
            for node in (*pivot.expressions, *(field.this for field in pivot.args.get("fields") or ())):
                made += [identifier.name for identifier in node.find_all(exp.Identifier)]
            used = {column.name.lower() for column in columns}
        else:
            for node in pivot.expressions:
                self.expression(node.this if isinstance(node, exp.Alias) else node, source, ctes)
            used = {column.name.lower() for node in pivot.expressions for column in node.find_all(exp.Column)}
            used |= {column.name.lower() for column in columns}
        kept = [column for column in relation.columns if column.name.lower() not in used]
        # How a pivot names its columns depends on its values, so these are left open.
        is_open = relation.is_open or not pivot.args.get("unpivot")
        result = Relation((*kept, *map(KnownColumn, made)), is_open)
        scope.sources[before:] = [Source(alias, result.renamed(alias_columns(pivot)))]


def all_columns(sources: Iterable[Source]) -> Relation:
    sources = [source for source in sources if not source.is_hidden]
    return Relation(
        tuple(column for source in sources for column in source.unqualified()),
        any(source.relation.is_open for source in sources),
        any(source.relation.has_unnamed for source in sources),
    )


def alias_columns(node: exp.Expr) -> list[str]:
    alias = node.args.get("alias")
    return [column.name for column in alias.args.get("columns") or ()] if isinstance(alias, exp.TableAlias) else []
