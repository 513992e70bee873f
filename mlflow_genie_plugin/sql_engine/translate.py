"""One Databricks query to one DuckDB query with the same meaning, over the objects of a catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from mlflow_genie_plugin.sql_dialect.assets import is_cte_reference
from mlflow_genie_plugin.sql_dialect.calls import parse_calls
from mlflow_genie_plugin.sql_dialect.parse import split_name
from mlflow_genie_plugin.sql_dialect.tokens import SqlParseError
from mlflow_genie_plugin.sql_engine import inference, metric_views, routines
from mlflow_genie_plugin.sql_engine.catalog_objects import database_of
from mlflow_genie_plugin.sql_engine.errors import failed, routine_not_found, syntax_error, table_not_found, unsupported
from mlflow_genie_plugin.sql_engine.expressions import convert_expressions
from mlflow_genie_plugin.sql_engine.function_table import UNSUPPORTED
from mlflow_genie_plugin.sql_engine.functions import generators
from mlflow_genie_plugin.sql_engine.grouping import resolve_grouping
from mlflow_genie_plugin.sql_engine.metric_view_yaml import MetricView
from mlflow_genie_plugin.sql_engine.parameters import bind_parameters
from mlflow_genie_plugin.sql_engine.projection_names import name_projections
from mlflow_genie_plugin.sql_engine.spark_types import parse_type

# A function or a metric view may be defined over others; a definition deeper than this goes in circles.
MAX_DEPTH = 16


class Objects(Protocol):
    """What the translation asks of a catalog."""

    def resolve(self, parts: tuple[str, ...]) -> tuple[str, str, str] | None:
        """Return the exact three-part name of a table, view or metric view, or None."""
        ...

    def columns_of(self, name: str) -> tuple[str, ...]:
        """Return the column names of a table by its dotted name; empty when unknown."""
        ...

    def types_of(self, name: str) -> Mapping[str, str]:
        """Return the column names of a table, in lower case and in order, with their types; empty when unknown."""
        ...

    def metric_view(self, name: str) -> MetricView | None:
        """Return the metric view of that exact name."""
        ...

    def routine(self, parts: tuple[str, ...]) -> routines.Routine | None:
        """Return the table function a name means, or None."""
        ...

    def virtual_table(self, parts: tuple[str, ...]) -> exp.Query | None:
        """Return the query behind a view of ``information_schema``, or None."""
        ...


def translate(sql: str, objects: Objects, parameters: Mapping[str, Any] | None = None) -> str:
    """Return DuckDB SQL for a Databricks query.

    Raises:
        SqlFailedError: The query does not parse, names something that does not exist, or needs what DuckDB has not.
    """
    try:
        tree = parse_calls(sql)
    except SqlParseError as exc:
        raise syntax_error(str(exc)) from exc
    if isinstance(tree, exp.Values):
        tree = exp.select("*").from_(tree)
    if not isinstance(tree, exp.Query):
        raise syntax_error("the text is not a query")
    bind_parameters(tree, parameters or {})
    name_projections(tree)
    holder = exp.Subquery(this=tree)
    _Expansion(objects).expand(holder, 0)
    for select in holder.find_all(exp.Select):
        resolve_grouping(select)
    inference.annotate(holder.this)
    convert_expressions(holder)
    for select in list(holder.find_all(exp.Select)):
        generators.convert_lateral_views(select)
        generators.convert_generator_projections(select)
    try:
        return str(holder.this.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE))
    except UnsupportedError as exc:
        raise unsupported(f"this construct: {str(exc).splitlines()[0]}") from exc


class _Expansion:
    """Replaces what DuckDB cannot look up itself: metric views, table functions, names without a catalog."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def expand(self, root: exp.Expr, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise failed("RECURSIVE_VIEW", "A metric view or function is defined through itself.", "42K0H")
        for node in list(root.find_all(exp.Anonymous)):
            if node.name.lower() == "identifier" and not isinstance(node.parent, exp.Table):
                node.replace(exp.column(*reversed(_identifier_name(node))))
        for lateral in list(root.find_all(exp.Lateral)):
            self._lateral(lateral, depth)
        for table in list(root.find_all(exp.Table)):
            if table.find_ancestor(exp.Hint) or table.parent is None:
                continue
            self._table(table, depth)
        for node in root.find_all(exp.Anonymous):
            if node.name.lower() == "measure":
                text = "The MEASURE() function is only allowed in a query whose FROM is one metric view."
                raise failed("METRIC_VIEW_INVALID_MEASURE_FUNCTION_INPUT", text, "42K0M")
            if isinstance(node.parent, exp.Dot) and node.arg_key == "expression":
                whole = node.parent
                raise routine_not_found([part.name for part in whole.flatten()])
        for select in root.find_all(exp.Select):
            select.set("hint", None)

    def _table(self, table: exp.Table, depth: int) -> None:
        if table.args.get("version") or table.args.get("when"):
            raise unsupported("time travel")
        if isinstance(table.parent, exp.Stream):
            raise unsupported("STREAM tables")
        if (
            isinstance(table.this, exp.Anonymous)
            and table.this.name.lower() == "identifier"
            and not table.args.get("db")
        ):
            named = exp.to_table(".".join(f"`{part}`" for part in _identifier_name(table.this)), dialect="databricks")
            for key in ("this", "db", "catalog"):
                table.set(key, named.args.get(key))
        if isinstance(table.this, exp.Func):
            self._call(table, depth)
        elif not (isinstance(table.this, exp.Identifier) and not table.args.get("db") and is_cte_reference(table)):
            self._named(table, depth)

    def _call(self, table: exp.Table, depth: int) -> None:
        parts, call = _called(table)
        if len(parts) == 1 and parts[0] in generators.GENERATORS:
            if call is not table.this:
                table.set("this", call)
            return  # converted after its arguments
        routine = self._objects.routine(parts)
        if routine is None:
            if len(parts) == 1 and parts[0] in UNSUPPORTED:
                raise unsupported(f"the table function {parts[0]}")
            raise failed(
                "UNRESOLVABLE_TABLE_VALUED_FUNCTION",
                f"Could not resolve {'.'.join(parts)} to a table-valued function. Make sure that it exists.",
                "42883",
            )
        body = routines.expand_call(routine, call.expressions, self._columns_in)
        alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(parts[-1], quoted=True))
        self._replace(table, exp.Subquery(this=body, alias=alias), depth)

    def _lateral(self, lateral: exp.Lateral, depth: int) -> None:
        """Expand ``LATERAL f(…)`` of a catalog's function; generators are converted after their arguments."""
        flat = list(lateral.this.flatten()) if isinstance(lateral.this, exp.Dot) else [lateral.this]
        call = flat[-1]
        if not isinstance(call, exp.Anonymous) or (len(flat) == 1 and call.name.lower() in generators.GENERATORS):
            return
        parts = tuple(part.name for part in flat)
        routine = self._objects.routine(parts)
        if routine is None:
            raise routine_not_found(parts)
        body = exp.Subquery(this=routines.expand_call(routine, call.expressions, self._columns_in))
        self.expand(body, depth + 1)
        lateral.set("this", body)
        if lateral.args.get("alias") is None:
            lateral.set("alias", exp.TableAlias(this=exp.to_identifier(parts[-1], quoted=True)))

    def _named(self, table: exp.Table, depth: int) -> None:
        parts = tuple(part.name for part in table.parts)
        virtual = self._objects.virtual_table(parts)
        alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(parts[-1], quoted=True))
        if virtual is not None:
            table.replace(exp.Subquery(this=virtual, alias=alias))
            return
        resolved = self._objects.resolve(parts)
        if resolved is None:
            raise table_not_found(parts)
        view = self._objects.metric_view(".".join(resolved))
        if view is None:
            stored = (database_of(resolved[0]), *resolved[1:])
            for key, part in zip(("catalog", "db", "this"), stored, strict=True):
                table.set(key, exp.to_identifier(part, quoted=True))
            kinds = self._objects.types_of(".".join(resolved))
            table.meta[inference.COLUMNS] = {name: parse_type(text) for name, text in kinds.items()} or None
            return
        select = table.parent.parent if isinstance(table.parent, exp.From) else None
        if not isinstance(select, exp.Select):
            text = "The metric view is not allowed to use joins. Use a CTE around it."
            raise failed("METRIC_VIEW_JOIN_NOT_SUPPORTED", text, "42K0N")
        self._replace(table, metric_views.expand(select, table, view, self._objects.columns_of), depth)

    def _replace(self, table: exp.Table, replacement: exp.Subquery, depth: int) -> None:
        for key in ("pivots", "sample", "joins", "laterals"):
            if value := table.args.get(key):
                replacement.set(key, value)
        # Its own names mean catalog objects, never a CTE of the query around it: expand it before it gets a parent.
        self.expand(replacement, depth + 1)
        table.replace(replacement)

    def _columns_in(self, query: exp.Expr) -> frozenset[str]:
        names: set[str] = set()
        for table in query.find_all(exp.Table):
            if isinstance(table.this, exp.Identifier):
                resolved = self._objects.resolve(tuple(part.name for part in table.parts))
                names.update(name.lower() for name in self._objects.columns_of(".".join(resolved or ())))
        return frozenset(names)


def _called(table: exp.Table) -> tuple[tuple[str, ...], exp.Anonymous]:
    """Return a table function's name parts and its call, also inside ``TABLE(…)``."""
    call = table.this
    qualifier = [part.name for part in (table.args.get("catalog"), table.args.get("db")) if part is not None]
    if not qualifier and call.name.lower() == "table" and len(call.expressions) == 1:
        flat = list(call.expressions[0].flatten()) if isinstance(call.expressions[0], exp.Dot) else call.expressions
        qualifier, call = [part.name for part in flat[:-1]], flat[-1]
    if not isinstance(call, exp.Anonymous):
        raise unsupported("this kind of table function")
    return (*qualifier, call.name.lower() if not qualifier else call.name), call


def _identifier_name(call: exp.Anonymous) -> tuple[str, ...]:
    argument = call.expressions[0] if len(call.expressions) == 1 else None
    if isinstance(argument, exp.Concat | exp.DPipe):
        pieces = list(argument.flatten()) if isinstance(argument, exp.DPipe) else argument.expressions
        if all(isinstance(piece, exp.Literal) for piece in pieces):
            argument = exp.Literal.string("".join(piece.name for piece in pieces))
    if not (isinstance(argument, exp.Literal) and argument.is_string):
        raise unsupported("IDENTIFIER() of anything but a string or a parameter")
    return split_name(argument.name)
