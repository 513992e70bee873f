"""FROM in canonical form: tables, derived tables put in their place, and what the columns of each stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from mlflow_genie_plugin.evaluation.canonical.expressions import (
    TRUE,
    Expressions,
    Form,
    UnsupportedFormError,
    compared,
    joined,
)
from mlflow_genie_plugin.evaluation.query_nodes import own_nodes
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.sql_dialect import normalise_name
from mlflow_genie_plugin.sql_dialect.assets import is_cte_reference

_INNER = frozenset({"", "INNER", "CROSS"})
_PLAIN = frozenset(
    {"column", "number", "text", "boolean", "add", "mul", "sub", "div", "this", "expression", "bag", "cast"}
)


@dataclass(slots=True)
class Source:
    """A FROM item: what its columns stand for (None: any name, as written), and itself as a form."""

    alias: str
    token: str
    form: Form
    columns: dict[str, Form] | None = None


Query = Callable[[exp.Expr, dict[str, exp.Expr], list[list[Source]]], tuple[Form, list[str] | None]]


class FromClause:
    """Reads the FROM clauses of one query and of the queries in it.

    Args:
        schema: Tells the columns of tables; None where nothing is known.
        query: The form of a derived table's query, and the names of its columns.
    """

    def __init__(self, schema: SpaceSchema | None, query: Query) -> None:
        self._columns_of = lru_cache(maxsize=None)(lambda name: _known_columns(schema, name))
        self._query = query
        self._tokens = 0

    def read(
        self,
        select: exp.Select,
        ctes: dict[str, exp.Expr],
        scopes: list[list[Source]],
        entries: list[Form],
        conditions: list[Form],
        to_form: Expressions,
    ) -> bool:
        """Read FROM and its joins; return whether all are inner, so that their order does not count."""
        joins = select.args.get("joins") or []
        kinds = [_join_kind(join) for join in joins]
        inner = all(kind in _INNER for kind in kinds)
        from_ = select.args.get("from_")
        items = [(from_.this, "", None)] if from_ is not None else []
        items += [(join.this, kind, join) for join, kind in zip(joins, kinds, strict=True)]
        has_star = any(
            isinstance(node, exp.Star) and isinstance(node.parent, exp.Select | exp.Column)
            for node in own_nodes(select)
        )
        for item, kind, join in items:
            source = self._source(item, ctes, scopes[1:], entries if inner else None, conditions)
            scopes[0].append(source)
            on: Form = TRUE
            if join is not None and join.args.get("on") is not None:
                on = to_form.form(join.args["on"])
            if join is not None and (using := join.args.get("using")):
                if kind not in (*_INNER, "LEFT") or has_star or len(scopes[0]) != 2:
                    raise UnsupportedFormError
                left = scopes[0][0]
                names = [label.name.lower() for label in using]
                on = joined("and", [compared("=", column_of(left, name), column_of(source, name)) for name in names])
                source.columns = without_merged(source, names)
            if inner:
                conditions.append(on)
                if source.token:
                    entries.append((source.token, source.form))
            else:
                entries.append((source.token, source.form, kind, on))
        if inner and has_star and len(entries) > 1 and any(source.columns is None for source in scopes[0]):
            raise UnsupportedFormError
        return inner

    def _source(
        self,
        item: exp.Expr,
        ctes: dict[str, exp.Expr],
        outer: list[list[Source]],
        entries: list[Form] | None,
        conditions: list[Form],
    ) -> Source:
        alias = item.args.get("alias")
        if (alias is not None and alias.args.get("columns")) or any(
            item.args.get(key) for key in ("pivots", "sample", "joins", "laterals", "version", "when")
        ):
            raise UnsupportedFormError
        name = item.alias_or_name.lower()
        if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier):
            body = ctes.get(item.name.lower()) if not item.args.get("db") else None
            if body is None:
                if not item.args.get("db") and is_cte_reference(item):
                    raise UnsupportedFormError
                full, columns = self._columns_of(".".join(f"`{part.name}`" for part in item.parts))
                token = self._token()
                known = None if columns is None else {column: ("column", token, column) for column in columns}
                return Source(name, token, ("table", full), known)
            return self._derived(name, body.args["this"], body.args["visible"], outer, entries, conditions)
        if isinstance(item, exp.Subquery):
            return self._derived(name, item.this, ctes, outer, entries, conditions)
        raise UnsupportedFormError

    def _derived(
        self,
        name: str,
        query: exp.Expr,
        ctes: dict[str, exp.Expr],
        outer: list[list[Source]],
        entries: list[Form] | None,
        conditions: list[Form],
    ) -> Source:
        form, names = self._query(query, ctes, outer)
        if names is None or len(set(names)) != len(names):
            raise UnsupportedFormError
        if entries is not None and _is_plain(form):
            # A plain SELECT inside FROM is the same as its tables and conditions put in its place.
            entries += form[1][2:]
            conditions.append(form[2])
            return Source(name, "", (), dict(zip(names, form[8][1:], strict=True)))
        token = self._token()
        columns = {column: ("column", token, position) for position, column in enumerate(names)}
        return Source(name, token, form, columns)

    def _token(self) -> str:
        self._tokens += 1
        return f"\0{self._tokens}"


def _known_columns(schema: SpaceSchema | None, name: str) -> tuple[str, list[str] | None]:
    asset = schema.asset(name) if schema is not None else None
    if asset is None:
        return normalise_name(name), None
    return asset.name, None if asset.columns is None else [column.name.lower() for column in asset.columns]


def column_of(source: Source, name: str) -> Form:
    if source.columns is None:
        return "column", source.token, name
    if name not in source.columns:
        raise UnsupportedFormError
    return source.columns[name]


def without_merged(source: Source, names: list[str]) -> dict[str, Form] | None:
    """Return a source's columns without those that USING merged into the left ones: a plain name means the left."""
    if source.columns is None:
        return None
    return {column: form for column, form in source.columns.items() if column not in names}


def _join_kind(join: exp.Join) -> str:
    parts = [str(join.args.get(key) or "").upper() for key in ("method", "side", "kind")]
    if parts[0]:
        raise UnsupportedFormError
    kind = parts[1] or parts[2]
    if parts[1] and parts[2] not in ("", "OUTER"):
        kind = f"{parts[1]} {parts[2]}"
    return kind


def _is_plain(form: Form) -> bool:
    """Return whether a SELECT only picks, filters and joins: no groups, no windows, no aggregates, no limit."""
    if form[0] != "select" or not form[1][1]:
        return False
    if form[3] is not None or form[4] != TRUE or form[5] != TRUE or form[6] or form[7]:
        return False
    return not any(_has_call(projection) for projection in form[8][1:]) and len(form[1]) > 2


def _has_call(form: Form) -> bool:
    """Return whether a projection is anything but a column, a constant or arithmetic over them."""
    if not isinstance(form, tuple):
        return False
    if form[:1] and isinstance(form[0], str) and form[0] not in _PLAIN:
        return True
    return any(_has_call(part) for part in form[1:] if isinstance(part, tuple))
