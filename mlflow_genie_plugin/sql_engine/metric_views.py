"""Queries over metric views, rewritten to plain SQL.

A query over a metric view keeps its shape. The view becomes a subquery of the dimensions plus the columns that the
measures need, and each ``MEASURE(m)`` becomes the measure's expression over those columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from mlflow_genie_plugin.sql_dialect.calls import parse_calls
from mlflow_genie_plugin.sql_dialect.tokens import SqlParseError
from mlflow_genie_plugin.sql_engine.errors import failed, syntax_error, unsupported
from mlflow_genie_plugin.sql_engine.metric_view_yaml import MetricColumn, MetricJoin, MetricView

ColumnsOf = Callable[[str], tuple[str, ...]]


def expand(select: exp.Select, table: exp.Table, view: MetricView, columns_of: ColumnsOf) -> exp.Subquery:
    """Rewrite one SELECT over one metric view, in place; return the subquery that replaces ``table``.

    Args:
        select: The SELECT whose FROM is the view.
        table: The node that names the view.
        view: Its definition.
        columns_of: Column names of a table by its dotted name; empty when the table is unknown.

    Raises:
        SqlFailedError: The query does something with the view that metric views do not allow.
    """
    if view.unsupported:
        raise unsupported(view.unsupported)
    if select.args.get("joins") or select.args.get("laterals"):
        raise failed(
            "METRIC_VIEW_JOIN_NOT_SUPPORTED",
            "The metric view is not allowed to use joins. Use a CTE around it.",
            "42K0N",
        )
    label = table.alias_or_name
    inner = _Inner(view, columns_of)
    for node in list(_own_nodes(select)):
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Anonymous):
            raise _missing_measure([measure.name for measure in view.measures] or ["*"])
        if isinstance(node, exp.Anonymous) and node.name.lower() == "measure":
            node.replace(exp.paren(inner.measure(_measure_name(node, view))))
    for column in list(_own_columns(select)):
        if column.table and column.table.lower() not in (label.lower(), table.name.lower()):
            continue
        if view.measure(column.name) is not None and not inner.is_internal(column.name):
            aliases = {each.alias.lower() for each in select.expressions if isinstance(each, exp.Alias)}
            if column.name.lower() in aliases and column.find_ancestor(exp.Order, exp.Having, exp.Select) is not select:
                continue
            raise _missing_measure([column.name])
        if column.table:
            column.set("db", None)
            column.set("catalog", None)
            column.set("table", exp.to_identifier(label, quoted=True))
    return exp.Subquery(this=inner.query(), alias=exp.TableAlias(this=exp.to_identifier(label, quoted=True)))


class _Inner:
    """The subquery under construction: dimensions, and the columns that the requested measures read."""

    def __init__(self, view: MetricView, columns_of: ColumnsOf) -> None:
        self._view = view
        self._source_is_query = view.source.lstrip(" (").lower().startswith(("select", "with", "from"))
        self._source_columns = {name.lower() for name in ([] if self._source_is_query else columns_of(view.source))}
        self._joins = dict(_all_joins(view.joins))
        self._exports: dict[str, exp.Expr] = {}

    def is_internal(self, name: str) -> bool:
        return name in self._exports

    def measure(self, measure: MetricColumn, trail: tuple[str, ...] = ()) -> exp.Expr:
        holder = self._measure_tree(measure, trail)
        tree: exp.Expr = holder.this
        return tree

    def _measure_tree(self, measure: MetricColumn, trail: tuple[str, ...]) -> exp.Paren:
        if measure.name in trail:
            raise failed("METRIC_VIEW_INVALID_VIEW_DEFINITION", f"Measure `{measure.name}` refers to itself.", "42K0L")
        holder = exp.Paren(this=_expression(measure.expr, measure.name))
        for call in list(holder.find_all(exp.Anonymous)):
            if call.name.lower() == "measure":
                nested = exp.paren(self.measure(_measure_name(call, self._view), (*trail, measure.name)))
                call.replace(nested)
        for column in list(holder.find_all(exp.Column)):
            if column.name not in self._exports:
                resolved = self._resolve(column, ())
                name = "__m_" + ".".join(part.name.lower() for part in column.parts)
                self._exports[name] = resolved
                column.replace(exp.column(exp.to_identifier(name, quoted=True)))
        return holder

    def query(self) -> exp.Select:
        projections = [
            exp.alias_(self._resolved_tree(dimension, ()), dimension.name, quoted=True)
            for dimension in self._view.dimensions
        ]
        projections += [exp.alias_(tree, name, quoted=True) for name, tree in self._exports.items()]
        if not projections:
            projections = [exp.alias_(exp.Literal.number(1), "__m_row", quoted=True)]
        source: exp.Expr
        if self._source_is_query:
            source = exp.Subquery(this=_expression(self._view.source.strip().rstrip(";"), "source"))
            source.set("alias", exp.TableAlias(this=exp.to_identifier("source", quoted=True)))
        else:
            source = _table(self._view.source, "source")
        query = exp.select(*projections).from_(source)
        for path, join in self._joins.items():
            on = self._on(path, join)
            query = query.join(_table(join.source, path), on=on, join_type="left")
        if self._view.filter:
            query = query.where(self._rewritten(_expression(self._view.filter, "filter"), ()))
        return query

    def _on(self, path: str, join: MetricJoin) -> exp.Expr:
        parent = path.rpartition(".")[0] or "source"
        if join.using:
            pairs = [exp.EQ(this=_column(parent, name), expression=_column(path, name)) for name in join.using]
            return exp.and_(*pairs)
        tree = _expression(join.on, f"join {join.name}")
        for column in list(tree.find_all(exp.Column)):
            parts = [part.name for part in column.parts]
            wanted = ".".join(parts[:-1]).lower()
            if wanted == join.name.lower():
                target = path
            elif wanted in ("", "source"):
                target = "source"
            else:
                target = next((each for each in self._joins if each == wanted or each.endswith("." + wanted)), "")
            if not target:
                raise _undefined(".".join(parts))
            column.replace(_column(target, parts[-1]))
        return tree

    def _resolved_tree(self, dimension: MetricColumn, trail: tuple[str, ...]) -> exp.Expr:
        if dimension.name in trail:
            text = f"Dimension `{dimension.name}` refers to itself."
            raise failed("METRIC_VIEW_INVALID_VIEW_DEFINITION", text, "42K0L")
        return self._rewritten(_expression(dimension.expr, dimension.name), (*trail, dimension.name))

    def _rewritten(self, tree: exp.Expr, trail: tuple[str, ...]) -> exp.Expr:
        holder = exp.Paren(this=tree)
        for column in list(holder.find_all(exp.Column)):
            column.replace(self._resolve(column, trail))
        return holder.this if isinstance(holder.this, exp.Column | exp.Literal) else holder

    def _resolve(self, column: exp.Column, trail: tuple[str, ...]) -> exp.Expr:
        parts = [part.name for part in column.parts]
        dimension = self._view.dimension(parts[0]) if len(parts) == 1 else None
        if dimension is not None and parts[0].lower() not in self._source_columns and dimension.name not in trail:
            return exp.paren(self._resolved_tree(dimension, trail))
        if len(parts) == 1:
            return _column("source", parts[0])
        if parts[0].lower() == "source":
            return _nested("source", parts[1:])
        for length in range(len(parts) - 1, 0, -1):
            wanted = ".".join(parts[:length]).lower()
            if wanted in self._joins:
                return _nested(wanted, parts[length:])
        last = [path for path in self._joins if path.rpartition(".")[2] == parts[0].lower()]
        if len(last) == 1:
            return _nested(last[0], parts[1:])
        if parts[0].lower() in self._source_columns:  # a field of a struct column
            return _nested("source", parts)
        raise _undefined(".".join(parts))


def _all_joins(joins: tuple[MetricJoin, ...], prefix: str = "") -> Iterator[tuple[str, MetricJoin]]:
    for join in joins:
        path = prefix + join.name.lower()
        yield path, join
        yield from _all_joins(join.joins, path + ".")


def _own_nodes(select: exp.Select) -> Iterator[exp.Expr]:
    """Walk a SELECT without the subqueries inside it, which have sources of their own."""
    return select.walk(prune=lambda node: node is not select and isinstance(node, exp.Query | exp.With))


def _own_columns(select: exp.Select) -> Iterator[exp.Column]:
    return (node for node in _own_nodes(select) if isinstance(node, exp.Column))


def _measure_name(call: exp.Anonymous, view: MetricView) -> MetricColumn:
    argument = call.expressions[0] if len(call.expressions) == 1 else None
    measure = view.measure(argument.name) if isinstance(argument, exp.Column) else None
    if measure is not None:
        return measure
    shown = ", ".join(each.sql("databricks") for each in call.expressions)
    if isinstance(argument, exp.Column) and view.dimension(argument.name) is None:
        known = ", ".join(f"`{each.name}`" for each in view.measures)
        text = f"A measure with name `{argument.name}` cannot be resolved. The measures are: [{known}]."
        raise failed("UNRESOLVED_COLUMN.WITH_SUGGESTION", text, "42703")
    text = f"The MEASURE() function only takes a measure of the metric view as input, not {shown or 'nothing'}."
    raise failed("METRIC_VIEW_INVALID_MEASURE_FUNCTION_INPUT", text, "42K0M")


def _missing_measure(names: list[str]) -> Exception:
    shown = ", ".join(f"`{name}`" for name in names)
    text = f"The usage of measure column [{shown}] of a metric view requires a MEASURE() function to produce results."
    return failed("METRIC_VIEW_MISSING_MEASURE_FUNCTION", text, "42K0K")


def _undefined(name: str) -> Exception:
    text = f"A column with name `{name}` in the definition of the metric view cannot be resolved."
    return failed("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", text, "42703")


def _expression(sql: str, where: str) -> exp.Expr:
    try:
        return parse_calls(sql)
    except SqlParseError as exc:
        raise syntax_error(f"the definition of {where} in the metric view: {exc}") from exc


def _table(name: str, alias: str) -> exp.Expr:
    table = exp.to_table(name, dialect="databricks")
    table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    return table


def _column(table: str, name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(table, quoted=True))


def _nested(table: str, parts: list[str]) -> exp.Expr:
    tree: exp.Expr = _column(table, parts[0])
    for part in parts[1:]:
        tree = exp.Dot(this=tree, expression=exp.to_identifier(part, quoted=True))
    return tree
