"""Resolves every name of a query against the schema of the space, without any engine.

The warehouse's rules as far as they decide what a name means: common table expressions before tables, FROM before
aliases of the select list, these before the query around; in ORDER BY, HAVING and QUALIFY aliases first. Where a
relation's columns cannot be told (``inline``, a pivot, a function that declares none), names are left unchecked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.evaluation.names import problem as name_problem
from mlflow_genie_plugin.evaluation.names.expressions import Aliases, Ctes
from mlflow_genie_plugin.evaluation.names.problem import Resolution
from mlflow_genie_plugin.evaluation.names.relations import RelationNames, all_columns
from mlflow_genie_plugin.evaluation.names.scope import OPEN, KnownColumn, Relation, Scope, Source
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.sql_dialect.assets import BUILTIN_TABLE_FUNCTIONS, function_name
from mlflow_genie_plugin.sql_dialect.data_type import parse_type


def resolve_names(
    query: exp.Expr,
    schema: SpaceSchema,
    listed: SpaceAssets,
    parameters: Mapping[str, Any] | None = None,
) -> Resolution:
    """Return what became of every name of a query.

    Args:
        query: A parsed query; it is not changed.
        schema: What the space's assets hold. It decides only for the assets it knows.
        listed: What the space lists, also where the schema could not be read.
        parameters: Values of ``:name`` parameters, for ``IDENTIFIER(:name)``.
    """
    resolver = _Resolver(schema, listed, parameters or {})
    resolver.query(query, {}, None)
    return resolver.result


class _Resolver(RelationNames):
    def query(self, node: exp.Expr, ctes: Ctes, outer: Scope | None) -> Relation:
        """Resolve a query and return its columns."""
        ctes = self.with_clause(node, ctes, outer)
        if isinstance(node, exp.SetOperation):
            left = self.query(node.this, ctes, outer)
            self.query(node.expression, ctes, outer)
            relation = replace(left, columns=tuple(replace(column, is_measure=False) for column in left.columns))
            self._outside_clauses(node, relation, ctes, outer)
            return relation
        if isinstance(node, exp.Subquery):
            scope = Scope(outer)
            self.add(node, scope, ctes, outer, top=True)
            relation = all_columns(scope.sources)
            self._outside_clauses(node, relation, ctes, outer)
            return relation
        if isinstance(node, exp.Select):
            return self._select(node, ctes, outer)
        if isinstance(node, exp.Table | exp.Values):
            scope = Scope(outer)
            self.add(node, scope, ctes, outer)
            return all_columns(scope.sources)
        return OPEN

    def _select(self, node: exp.Select, ctes: Ctes, outer: Scope | None) -> Relation:
        scope = Scope(outer)
        if (clause := node.args.get("from_")) is not None:
            self.add(clause.this, scope, ctes, outer)
        for join in node.args.get("joins") or ():
            self.join(join, scope, ctes, outer)
        for lateral in node.args.get("laterals") or ():
            self.add(lateral, scope, ctes, outer)
        self.expression(node.args.get("where"), scope, ctes)
        aliases: dict[str, KnownColumn] = {}
        columns: list[KnownColumn] = []
        is_open = has_unnamed = False
        for projection in node.expressions:
            found = self._projection(projection, scope, ctes, aliases)
            is_open, has_unnamed = is_open or found.is_open, has_unnamed or found.has_unnamed
            columns += found.columns
            if isinstance(projection, exp.Alias | exp.Aliases):
                aliases |= {column.name.lower(): column for column in found.columns}
        for key in ("group", "windows", "distinct", "limit", "offset"):
            for clause in _listed(node.args.get(key)):
                self.expression(clause, scope, ctes, aliases)
        for key in ("having", "qualify", "order", "sort", "cluster", "distribute"):
            self.expression(node.args.get(key), scope, ctes, aliases, alias_first=True)
        return Relation(tuple(columns), is_open, has_unnamed)

    def _outside_clauses(self, node: exp.Expr, relation: Relation, ctes: Ctes, outer: Scope | None) -> None:
        """Resolve ORDER BY and the like that stand after a set operation or a query in brackets."""
        scope = Scope(outer)
        scope.sources.append(Source("", relation))
        for key in ("order", "sort", "limit", "offset"):
            self.expression(node.args.get(key), scope, ctes)

    def _projection(self, node: exp.Expr, scope: Scope, ctes: Ctes, aliases: Aliases) -> Relation:
        inner = node.this if isinstance(node, exp.Alias | exp.Aliases) else node
        if isinstance(inner, exp.Star):
            return self._star(inner, scope.visible, scope)
        if isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star):
            return self._qualified_star(inner, scope)
        match = self.expression(inner, scope, ctes, aliases)
        if isinstance(node, exp.Aliases):
            return Relation(tuple(KnownColumn(name.name) for name in node.expressions))
        column = match.column if match is not None and not match.fields else None
        if isinstance(node, exp.Alias):
            plain = KnownColumn(node.alias, column.type_text, False, column.origin) if column else None
            return Relation((plain or KnownColumn(node.alias),))
        if isinstance(inner, exp.Column):
            return Relation((replace(column, is_measure=False) if column else KnownColumn(inner.name),))
        if isinstance(inner, exp.Dot) and isinstance(inner.expression, exp.Identifier):
            return Relation((KnownColumn(inner.expression.name),))
        if isinstance(inner, exp.Anonymous) and (name := self._identifier(inner)):
            return Relation((KnownColumn(name[-1]),))
        if isinstance(inner, exp.Func) and function_name(inner) in BUILTIN_TABLE_FUNCTIONS:
            return OPEN
        return Relation(has_unnamed=True)

    def _star(self, star: exp.Star, sources: Iterable[Source], scope: Scope) -> Relation:
        sources = list(sources)
        relation = all_columns(sources)
        if scope.sources and (measures := [column for column in relation.columns if column.is_measure]):
            view = (measures[0].origin or ("the metric view",))[0]
            self._refer(replace(name_problem.measure_without_call(measures[0].name, view), name="*"))
        dropped = set()
        for column in star.args.get("except_") or ():
            self._column(column, scope, {})
            dropped.add(column.name.lower())
        for replaced in star.args.get("replace") or ():
            self.expression(replaced.this if isinstance(replaced, exp.Alias) else replaced, scope, {})
        kept = tuple(
            replace(column, is_measure=False) for column in relation.columns if column.name.lower() not in dropped
        )
        renamed = bool(star.args.get("rename"))
        return Relation(kept, relation.is_open or renamed, relation.has_unnamed)

    def _qualified_star(self, column: exp.Column, scope: Scope) -> Relation:
        qualifier = tuple(part.name.lower() for part in column.parts[:-1])
        around: Scope | None = scope
        while around is not None:
            if sources := [source for source in around.visible if source.answers_to(qualifier)]:
                self.result.references += 1
                return self._star(column.this, sources, scope)
            around = around.outer
        # Not a relation: then the fields of a struct column.
        match = self._look_up(qualifier, ".".join(qualifier), scope, {}, alias_first=False)
        fields = parse_type(match.column.type_text).fields if match.column and not match.fields else ()
        return Relation(tuple(KnownColumn(name, str(of)) for name, of in fields)) if fields else OPEN


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
