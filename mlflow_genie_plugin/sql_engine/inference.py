"""What type every expression of a Databricks query has, as far as it can be told from the catalog and the text.

DuckDB is typed too, but by other rules (a decimal divided by a decimal is a DOUBLE there), and only once the query is
translated. So the types are worked out before, and each node remembers its own and those of its arguments, because the
arguments are rewritten first. What is not known stays unknown, and is then translated without regard to types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from mlflow_genie_plugin.sql_engine import spark_types as types
from mlflow_genie_plugin.sql_engine.errors import failed
from mlflow_genie_plugin.sql_engine.expression_types import (
    argument_types,
    note_arguments,
    note_type,
    type_of_operator,
)
from mlflow_genie_plugin.sql_engine.functions.result_types import type_of_call
from mlflow_genie_plugin.sql_engine.spark_types import SparkType, simple

COLUMNS = "spark_columns"

Columns = Mapping[str, SparkType | None]


def annotate(query: exp.Expr) -> None:
    """Work out the types of a query and everything in it, and note them on the nodes."""
    _query(query, _Names())


@dataclass(frozen=True)
class _Names:
    """What names mean at some place: common table expressions, sources of the query, sources of the queries around."""

    ctes: Mapping[str, Columns | None] = field(default_factory=dict)
    sources: Mapping[str, Columns | None] = field(default_factory=dict)
    aliases: Columns = field(default_factory=dict)
    outer: _Names | None = None

    def column(self, name: str, table: str) -> SparkType | None:
        if table:
            columns = self.sources.get(table)
            if columns is not None:
                return columns.get(name)
            if table not in self.sources and self.outer is not None:
                return self.outer.column(name, table)
            return None
        if any(columns is None for columns in self.sources.values()):
            return None  # it may be a column of the source that is unknown
        found = [columns[name] for columns in self.sources.values() if columns is not None and name in columns]
        if found:
            return found[0]
        if name in self.aliases:
            return self.aliases[name]
        return self.outer.column(name, "") if self.outer is not None else None


def _query(node: exp.Expr, names: _Names) -> Columns | None:
    """Annotate a query; return its columns, None when they are not known."""
    if (with_ := node.args.get("with_")) is not None:
        ctes = dict(names.ctes)
        for cte in with_.expressions:
            if with_.args.get("recursive"):
                ctes[cte.alias.lower()] = None
            known = _renamed(_query(cte.this, _Names(ctes, outer=names.outer)), cte.args.get("alias"))
            if not with_.args.get("recursive"):
                ctes[cte.alias.lower()] = known
        names = _Names(ctes, outer=names.outer)
    if isinstance(node, exp.Subquery):
        columns = _query(node.this, names)
        _rest(node, names, skip=("this", "with_"))
        return columns
    if isinstance(node, exp.SetOperation):
        left, right = _query(node.left, names), _query(node.right, names)
        _rest(node, names, skip=("this", "expression", "with_"))
        if left is None or right is None or len(left) != len(right):
            return None
        return {name: types.wider(a, b) for (name, a), b in zip(left.items(), right.values(), strict=True)}
    if isinstance(node, exp.Select):
        return _select(node, names)
    if isinstance(node, exp.Values):
        return _values(node, names)
    _rest(node, names)
    return None


def _select(select: exp.Select, names: _Names) -> Columns | None:
    sources: dict[str, Columns | None] = {}
    here = _Names(names.ctes, sources, {}, names.outer)
    from_ = select.args.get("from_")
    joins = select.args.get("joins") or []
    for source in [*([from_.this] if from_ else []), *(join.this for join in joins)]:
        _source(source, here, sources)
    for lateral in select.args.get("laterals") or []:
        _source(lateral, here, sources)
    for join in joins:
        _rest(join, here, skip=("this",))
    columns: dict[str, SparkType | None] = {}
    whole = True
    for projection in select.expressions:
        kind = _expression(projection, _Names(names.ctes, sources, columns, names.outer))
        if projection.is_star or isinstance(projection, exp.Aliases):
            whole = whole and isinstance(projection, exp.Star) and not any(projection.args.values())
            if not whole or any(each is None for each in sources.values()):
                whole = False
                continue
            for each in sources.values():
                columns.update(each or {})
        else:
            columns[projection.alias_or_name.lower()] = kind
    if (where := select.args.get("where")) is not None:
        _refuse_aliases(where, select, here, columns)
    after = _Names(names.ctes, sources, columns, names.outer)
    _rest(select, after, skip=("expressions", "from_", "joins", "laterals", "with_"))
    return columns if whole else None


def _refuse_aliases(where: exp.Expr, select: exp.Select, names: _Names, aliases: Columns) -> None:
    """Raise for an alias of the SELECT list in WHERE, which DuckDB takes and the warehouse does not."""
    if names.outer is not None or any(columns is None for columns in names.sources.values()):
        return
    known = {name for columns in names.sources.values() for name in columns or ()}
    for column in where.find_all(exp.Column):
        name = column.name.lower()
        if not column.table and name in aliases and name not in known and column.find_ancestor(exp.Select) is select:
            text = f"A column, variable, or function parameter with name `{column.name}` cannot be resolved."
            more = f" Did you mean one of the following? [{', '.join(f'`{each}`' for each in sorted(known)[:5])}]."
            raise failed("UNRESOLVED_COLUMN.WITH_SUGGESTION", text + more, "42703")


def _source(node: exp.Expr, names: _Names, sources: dict[str, Columns | None]) -> None:
    alias = node.args.get("alias")
    name = node.alias_or_name.lower()
    columns: Columns | None = None
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
        columns = node.meta.get(COLUMNS)
        if columns is None and not node.args.get("db"):
            columns = names.ctes.get(node.name.lower())
    elif isinstance(node, exp.Subquery):
        columns = _query(node, _Names(names.ctes, outer=names.outer))
    elif isinstance(node, exp.Values):
        columns = _values(node, names)
    elif isinstance(node, exp.Lateral):
        inner = node.this
        if isinstance(inner, exp.Subquery):
            columns = _query(inner, _Names(names.ctes, outer=_Names(names.ctes, dict(sources), outer=names.outer)))
        else:
            _expression(inner, names)
            columns = _generated(inner)
            name = alias.name.lower() if alias is not None and alias.name else f"_lateral{len(sources)}"
    elif isinstance(node, exp.Table):
        _expression(node.this, names)
        columns = _generated(node.this)
    if node.args.get("pivots"):
        _rest(node, names, skip=("this", "alias"))
        columns = None
    sources[name or f"_source{len(sources)}"] = _renamed(columns, alias)
    for join in node.args.get("joins") or []:
        _source(join.this, names, sources)
        _rest(join, names, skip=("this",))
    for lateral in node.args.get("laterals") or []:
        _source(lateral, names, sources)


def _renamed(columns: Columns | None, alias: exp.Expr | None) -> Columns | None:
    labels = [column.name.lower() for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
    if columns is None or not labels:
        return columns
    return dict(zip(labels, columns.values(), strict=False)) if len(labels) == len(columns) else None


def _values(values: exp.Values, names: _Names) -> Columns | None:
    rows = [
        [_expression(cell, names) for cell in (row.expressions if isinstance(row, exp.Tuple) else [row])]
        for row in values.expressions
    ]
    width = len(rows[0]) if rows else 0
    if any(len(row) != width for row in rows):
        return None
    kinds = rows[0]
    for row in rows[1:]:
        kinds = [types.wider(a, b) for a, b in zip(kinds, row, strict=True)]
    return {f"col{number}": kind for number, kind in enumerate(kinds, 1)}


def _generated(call: exp.Expr) -> Columns | None:
    """Return the columns of a function that makes rows, with the names they have unless renamed."""
    name = call.name.lower() if isinstance(call, exp.Anonymous) else ""
    if name == "range":
        return {"id": simple("BIGINT")}
    kinds = argument_types(call)
    values = kinds[0] if kinds else None
    if values is None:
        return None
    made: dict[str, SparkType | None] = {"pos": simple("INT")} if name.startswith("posexplode") else {}
    if "explode" in name:
        labels = ("col",) if values.kind == "ARRAY" else ("key", "value")
        return {**made, **dict(zip(labels, values.items, strict=False))}
    if name.startswith("inline") and values.items and values.items[0] is not None:
        return {label.lower(): kind for label, kind in values.items[0].fields}
    return None


def _rest(node: exp.Expr, names: _Names, skip: Iterable[str] = ()) -> None:
    for key, value in node.args.items():
        if key not in skip:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, exp.Expr):
                    _expression(child, names)


def _expression(node: exp.Expr, names: _Names) -> SparkType | None:
    if isinstance(node, exp.Query):
        columns = _query(node, _Names(names.ctes, outer=names))
        kind = next(iter(columns.values())) if columns and len(columns) == 1 else None
    elif isinstance(node, exp.Column):
        kind = names.column(node.name.lower(), node.table.lower())
        _rest(node, names)
    elif isinstance(node, exp.Lambda):
        kind = _expression(node.this, names)
    elif isinstance(node, exp.Anonymous):
        kind = _call(node, names)
    else:
        _rest(node, names)
        kind = type_of_operator(node)
    if kind is not None:
        note_type(node, kind)
    return kind


def _call(node: exp.Anonymous, names: _Names) -> SparkType | None:
    arguments = node.expressions
    kinds: list[SparkType | None] = []
    for argument in arguments:
        inside = names
        if isinstance(argument, exp.Lambda) and kinds and kinds[0] is not None and kinds[0].kind == "ARRAY":
            inside = _with_parameters(names, argument, kinds[0].items[0])
        kinds.append(_expression(argument, inside))
    note_arguments(node, kinds)
    return type_of_call(node.name.lower(), arguments, kinds)


def _with_parameters(names: _Names, function: exp.Lambda, item: SparkType | None) -> _Names:
    labels = [parameter.name.lower() for parameter in function.expressions]
    return _Names(names.ctes, {"": dict.fromkeys(labels[:1], item)}, {}, names)
