"""Functions that take a function: over arrays, pairs of arrays and maps."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.errors import unsupported
from mlflow_genie_plugin.sql_engine.templates import fill, need


def _lambda(name: str, argument: exp.Expr, *counts: int) -> exp.Lambda:
    if not isinstance(argument, exp.Lambda) or len(argument.expressions) not in counts:
        raise unsupported(f"{name} with a function of this form")
    return argument


def _applied(function: exp.Lambda, *values: exp.Expr) -> exp.Expr:
    """Return the body of a function with values in place of its parameters."""
    holder = exp.Paren(this=function.this.copy())
    given = dict(zip((each.name.lower() for each in function.expressions), values, strict=True))
    for word in list(holder.find_all(exp.Identifier)):
        # A parameter stands alone, or is the first part of a path into it.
        column = word.parent if isinstance(word.parent, exp.Column) else None
        first = column is None or column.parts[0] is word
        if first and word.name.lower() in given:
            whole = column if column is not None and len(column.parts) == 1 else word
            whole.replace(given[word.name.lower()].copy())
    return holder


def _counting_from_zero(name: str, function: exp.Expr) -> exp.Expr:
    """Give the second parameter, an index, the values it has in the warehouse; DuckDB counts from 1."""
    made = _lambda(name, function, 1, 2)
    if len(made.expressions) == 1:
        return made
    value, index = (exp.to_identifier(each.name) for each in made.expressions)
    body = _applied(made, value, exp.paren(exp.Sub(this=index.copy(), expression=exp.Literal.number(1))))
    return exp.Lambda(this=body, expressions=[value.copy(), index.copy()])


def _over_list(target: str) -> Callable[[str, list[exp.Expr]], exp.Expr]:
    def build(name: str, arguments: list[exp.Expr]) -> exp.Expr:
        need(name, arguments, 2)
        return fill(target, arguments[0], _counting_from_zero(name, arguments[1]))

    return build


def _reduce(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 3, 4)
    reduced = exp.Anonymous(this="list_reduce", expressions=[arguments[0], arguments[2], arguments[1]])
    return reduced if len(arguments) == 3 else _applied(_lambda(name, arguments[3], 1), reduced)


def _array_sort(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    if len(arguments) == 2:
        raise unsupported("array_sort with a comparison of its own")
    need(name, arguments, 1)
    return fill("list_sort(_1, 'ASC', 'NULLS LAST')", *arguments)


_ENTRY = "genie_entry"


def _entry(field: str) -> exp.Expr:
    return exp.Dot(this=exp.to_identifier(_ENTRY), expression=exp.to_identifier(field))


def _over_map(target: str) -> Callable[[str, list[exp.Expr]], exp.Expr]:
    def build(name: str, arguments: list[exp.Expr]) -> exp.Expr:
        need(name, arguments, 2)
        body = _applied(_lambda(name, arguments[1], 2), _entry("key"), _entry("value"))
        return fill(target.replace("ENTRY", _ENTRY), arguments[0], body)

    return build


def _zip_with(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 3)
    pair = [fill(f"{_ENTRY}_pair[{number}]") for number in (1, 2)]
    body = _applied(_lambda(name, arguments[2], 2), *pair)
    return fill(f"list_transform(list_zip(_1, _2), lambda {_ENTRY}_pair: _3)", arguments[0], arguments[1], body)


LAMBDA_BUILDERS: dict[str, Callable[[str, list[exp.Expr]], exp.Expr]] = {
    "filter": _over_list("list_filter(_1, _2)"),
    "transform": _over_list("list_transform(_1, _2)"),
    "exists": _over_list("spark_any(list_transform(_1, _2))"),
    "forall": _over_list("spark_all(list_transform(_1, _2))"),
    "aggregate": _reduce,
    "reduce": _reduce,
    "array_sort": _array_sort,
    "map_filter": _over_map("map_from_entries(list_filter(map_entries(_1), lambda ENTRY: _2))"),
    "transform_values": _over_map(
        "map_from_entries(list_transform(map_entries(_1), lambda ENTRY: row(ENTRY.key, _2)))"
    ),
    "transform_keys": _over_map(
        "map_from_entries(list_transform(map_entries(_1), lambda ENTRY: row(_2, ENTRY.value)))"
    ),
    "zip_with": _zip_with,
}
