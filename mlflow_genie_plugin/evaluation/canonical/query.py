"""One form for queries that mean the same by the rules of SQL alone; equal forms are a proof, different ones nothing.

Rows are a bag: the order of the outermost rows and of the columns' names do not count. Aliases, common table
expressions, plain derived tables, the order of inner joins, of conditions and of grouping keys go away.
``percentile_cont`` and ``percentile_approx`` stay two functions.
"""

from __future__ import annotations

from sqlglot import exp

from mlflow_genie_plugin.evaluation.canonical.expressions import (
    TRUE,
    Expressions,
    Form,
    UnsupportedFormError,
    joined,
)
from mlflow_genie_plugin.evaluation.canonical.labels import settled
from mlflow_genie_plugin.evaluation.canonical.sources import FromClause, Source, column_of
from mlflow_genie_plugin.evaluation.frozen import unstoppable
from mlflow_genie_plugin.evaluation.query_nodes import is_aggregate, own_nodes
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.sql_dialect.calls import parse_calls

_KNOWN = frozenset({"with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "order", "limit",
                    "offset", "qualify", "hint", "kind"})  # fmt: skip


def canonical_query(sql: str, schema: SpaceSchema | None = None) -> str | None:
    """Return the canonical form of a query as text; None when it holds something without one.

    Equal texts prove that the queries return the same bag of rows on every database (of that schema).

    Raises:
        SqlParseError: The text is not one query.
    """
    if unstoppable(sql) is not None:
        # Written once and written twice differ for a random number, so only the very same tree is the same.
        return "exactly " + parse_calls(sql).sql("databricks", normalize_functions=False, comments=False)
    try:
        form = _Canonical(schema).top(parse_calls(sql))
    except UnsupportedFormError:
        return None
    return repr(settled(form, {}, 0))


class _Canonical:
    """The form of one query, and of the queries in it."""

    def __init__(self, schema: SpaceSchema | None) -> None:
        self._from = FromClause(schema, self._query)

    def top(self, tree: exp.Expr) -> Form:
        return self._query(tree, {}, [])[0]

    def _query(
        self, query: exp.Expr, ctes: dict[str, exp.Expr], outer: list[list[Source]], *, rows_only: bool = False
    ) -> tuple[Form, list[str] | None]:
        """Return the form of a query and the names of its columns (None when they are not known)."""
        while isinstance(query, exp.Subquery | exp.Paren) and not any(
            query.args.get(k) for k in ("order", "limit", "with_")
        ):
            query = query.this
        with_ = query.args.get("with_")
        if with_ is not None:
            if with_.args.get("recursive"):
                raise UnsupportedFormError
            ctes = dict(ctes)
            for cte in with_.expressions:
                if cte.args["alias"].args.get("columns"):
                    raise UnsupportedFormError
                # Each body keeps the names it could see, so that a later one of the same name does not reach into it.
                ctes[cte.alias.lower()] = exp.Tuple(expressions=[], this=cte.this, visible=dict(ctes))
        if isinstance(query, exp.SetOperation):
            return self._set_operation(query, ctes, outer)
        if not isinstance(query, exp.Select):
            raise UnsupportedFormError
        return self._select(query, ctes, outer, rows_only=rows_only)

    def _set_operation(
        self, query: exp.SetOperation, ctes: dict[str, exp.Expr], outer: list[list[Source]]
    ) -> tuple[Form, list[str] | None]:
        if any(query.args.get(key) for key in ("limit", "offset", "by_name", "side", "kind", "on")):
            raise UnsupportedFormError
        left, names = self._query(query.left, ctes, outer)
        right, _ = self._query(query.right, ctes, outer)
        distinct = bool(query.args.get("distinct"))
        if isinstance(query, exp.Union):
            kind = ("union", distinct)
            members = [*(left[1][1:] if left[:1] == kind[:1] and left[2] is distinct else [left])]
            members += right[1][1:] if right[:1] == kind[:1] and right[2] is distinct else [right]
            return ("union", ("set" if distinct else "bag", *members), distinct), names
        return (query.key, distinct, left, right), names

    def _select(
        self, select: exp.Select, ctes: dict[str, exp.Expr], outer: list[list[Source]], *, rows_only: bool
    ) -> tuple[Form, list[str] | None]:
        if any(value for key, value in select.args.items() if key not in _KNOWN):
            raise UnsupportedFormError
        scope: list[Source] = []
        scopes = [scope, *outer]
        entries: list[Form] = []
        conditions: list[Form] = []
        aliases: dict[str, exp.Expr] = {}
        to_form = self._expressions(scopes, ctes, aliases)
        inner = self._from.read(select, ctes, scopes, entries, conditions, to_form)
        projections, names = self._projections(select, scope, to_form)
        aliases.update({item.alias.lower(): item.this for item in select.expressions if isinstance(item, exp.Alias)})
        where = select.args.get("where")
        if where is not None:
            conditions.append(to_form.form(where.this))
        group = self._group(select, to_form)
        having, qualify = (self._clause(select, key, to_form) for key in ("having", "qualify"))
        aggregated = any(is_aggregate(node) for node in own_nodes(select))
        windowed = any(isinstance(node, exp.Window) for node in own_nodes(select))
        distinct = select.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            raise UnsupportedFormError
        is_distinct = distinct is not None
        if is_distinct and group is None and not aggregated and not windowed and qualify == TRUE:
            group, is_distinct = ("set", *dict.fromkeys(projections)), False
        elif is_distinct and group is not None and group[0] == "set" and set(group[1:]) <= set(projections):
            is_distinct = False
        limit: Form = ()
        if select.args.get("limit") is not None or select.args.get("offset") is not None:
            limit = (self._order(select, to_form), *(self._limit(select, key, to_form) for key in ("limit", "offset")))
        if rows_only and group is None and not aggregated and not limit and not is_distinct:
            projections = []
        sources = ("sources", inner, *entries)
        return ("select", sources, joined("and", conditions), group, having, qualify, is_distinct, limit,
                ("projections", *projections)), names  # fmt: skip

    def _expressions(
        self, scopes: list[list[Source]], ctes: dict[str, exp.Expr], aliases: dict[str, exp.Expr]
    ) -> Expressions:
        def column(node: exp.Column) -> Form:
            return self._column(node, scopes, aliases, expressions)

        def query(node: exp.Expr, rows_only: bool) -> Form:
            return self._query(node, ctes, scopes, rows_only=rows_only)[0]

        expressions = Expressions(column, query)
        return expressions

    @staticmethod
    def _column(
        node: exp.Column, scopes: list[list[Source]], aliases: dict[str, exp.Expr], expressions: Expressions
    ) -> Form:
        name, table = node.name.lower(), node.table.lower()
        for level, scope in enumerate(scopes):
            if table:
                fitting = [source for source in scope if source.alias == table]
            else:
                fitting = [source for source in scope if source.columns is not None and name in source.columns]
                open_ = [source for source in scope if source.columns is None]
                if open_ and not (len(scope) == 1 and len(scopes) == 1 and name not in aliases):
                    # It cannot be told where the name belongs: only the same name in the same place is the same.
                    raise UnsupportedFormError
                fitting += open_
                if not fitting and level == 0 and name in aliases:
                    value = aliases[name]
                    return (
                        expressions.form(value)
                        if not (isinstance(value, exp.Column) and value.name.lower() == name)
                        else _missing()
                    )
            if len(fitting) > 1:
                raise UnsupportedFormError
            if fitting:
                return column_of(fitting[0], name)
        raise UnsupportedFormError

    def _projections(
        self, select: exp.Select, scope: list[Source], to_form: Expressions
    ) -> tuple[list[Form], list[str] | None]:
        forms: list[Form] = []
        names: list[str] | None = []
        for item in select.expressions:
            value = item.unalias()
            if not (
                isinstance(value, exp.Star) or (isinstance(value, exp.Column) and isinstance(value.this, exp.Star))
            ):
                forms.append(to_form.form(item))
                names = None if names is None else [*names, item.alias_or_name.lower()]
                continue
            if isinstance(value, exp.Star) and any(value.args.values()):
                raise UnsupportedFormError
            table = value.table.lower() if isinstance(value, exp.Column) else ""
            for source in scope:
                if table not in ("", source.alias):
                    continue
                if source.columns is None:
                    forms.append(("every", source.token))
                    names = None
                else:
                    forms += source.columns.values()
                    names = None if names is None else [*names, *source.columns]
        return forms, names

    @staticmethod
    def _group(select: exp.Select, to_form: Expressions) -> Form | None:
        group = select.args.get("group")
        if group is None:
            return None
        if any(value for key, value in group.args.items() if key not in ("expressions", "all")):
            raise UnsupportedFormError
        keys = list(group.expressions)
        if group.args.get("all"):
            keys = [item for item in select.expressions if not any(map(is_aggregate, item.find_all(exp.Func)))]
        return ("set", *dict.fromkeys(to_form.form(_ordinal(key, select)) for key in keys))

    @staticmethod
    def _clause(select: exp.Select, key: str, to_form: Expressions) -> Form:
        clause = select.args.get(key)
        return TRUE if clause is None else to_form.form(clause.this)

    @staticmethod
    def _order(select: exp.Select, to_form: Expressions) -> Form:
        order = select.args.get("order")
        if order is None:
            return ()
        return tuple(
            (to_form.form(_ordinal(key.this, select)), bool(key.args.get("desc")), bool(key.args.get("nulls_first")))
            for key in order.expressions
        )

    @staticmethod
    def _limit(select: exp.Select, key: str, to_form: Expressions) -> Form:
        clause = select.args.get(key)
        if clause is None:
            return None
        if clause.expression is None or clause.args.get("expressions"):
            raise UnsupportedFormError
        return to_form.form(clause.expression)


def _missing() -> Form:
    raise UnsupportedFormError


def _ordinal(key: exp.Expr, select: exp.Select) -> exp.Expr:
    if isinstance(key, exp.Literal) and not key.is_string and key.name.isdigit():
        if not 1 <= int(key.name) <= len(select.expressions):
            raise UnsupportedFormError
        found: exp.Expr = select.expressions[int(key.name) - 1].unalias()
        return found
    return key
