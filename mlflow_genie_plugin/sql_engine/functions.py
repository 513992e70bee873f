"""Built-in functions: from a call as Databricks knows it to a DuckDB expression that means the same."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.casts import cast_to
from mlflow_genie_plugin.sql_engine.date_functions import DATE_BUILDERS
from mlflow_genie_plugin.sql_engine.errors import routine_not_found, unsupported
from mlflow_genie_plugin.sql_engine.function_table import RENAMED, TEMPLATES, UNSUPPORTED
from mlflow_genie_plugin.sql_engine.templates import fill, from_table, need, wrong_count


def convert_call(call: exp.Anonymous) -> exp.Expr:
    """Return the DuckDB expression for a built-in function call whose arguments are converted already.

    Raises:
        SqlFailedError: No such function, wrong number of arguments, or one that only Databricks has.
    """
    name, arguments = call.name.lower(), call.expressions
    if name in _BUILDERS:
        return _BUILDERS[name](name, arguments)
    if name in TEMPLATES:
        return from_table(name, arguments)
    if name in RENAMED:
        return exp.Anonymous(this=RENAMED[name], expressions=arguments)
    if name in UNSUPPORTED:
        raise unsupported(f"the function {name}")
    raise routine_not_found([name])


def _concat(_: str, arguments: list[exp.Expr]) -> exp.Expr:
    # DuckDB's concat skips NULL, the warehouse's is NULL if any part is.
    if not arguments:
        return exp.Literal.string("")
    if len(arguments) == 1:
        return fill("CAST(_1 AS VARCHAR)", arguments[0])
    result = arguments[0]
    for argument in arguments[1:]:
        result = fill("_1 || _2", result, argument)
    return result


def _concat_ws(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    if not arguments:
        raise wrong_count(name, "at least 1", 0)
    if len(arguments) == 2:  # one list or one string
        listed = "array_to_string(TRY_CAST(_2 AS VARCHAR[]), _1)"
        return fill(f"CASE WHEN typeof(_2) LIKE '%[]' THEN {listed} ELSE concat_ws(_1, _2) END", *arguments)
    return exp.Anonymous(this="concat_ws", expressions=arguments)


def _decode(_: str, arguments: list[exp.Expr]) -> exp.Expr:
    if len(arguments) < 3:
        raise unsupported("decode of binary data")
    value, rest = arguments[0], arguments[1:]
    pairs, default = rest[: len(rest) // 2 * 2], rest[-1] if len(rest) % 2 else None
    case = exp.Case(default=default)
    for search, result in zip(pairs[::2], pairs[1::2], strict=True):
        case.append("ifs", exp.If(this=fill("_1 IS NOT DISTINCT FROM _2", value, search), true=result))
    return case


def _collect(*, distinct: bool) -> Callable[[str, list[exp.Expr]], exp.Expr]:
    def build(name: str, arguments: list[exp.Expr]) -> exp.Expr:
        need(name, arguments, 1)
        argument = arguments[0]
        already = isinstance(argument, exp.Distinct)
        value = argument.expressions[0] if already else argument
        ordered = value.this if isinstance(value, exp.Order) else value
        listed = exp.Distinct(expressions=[value]) if distinct or already else value
        aggregate = exp.Filter(
            this=exp.Anonymous(this="list", expressions=[listed]),
            expression=exp.Where(this=fill("_1 IS NOT NULL", ordered)),
        )
        return exp.Anonymous(this="coalesce", expressions=[aggregate, exp.Array(expressions=[])])

    return build


def _first_last(which: str) -> Callable[[str, list[exp.Expr]], exp.Expr]:
    def build(name: str, arguments: list[exp.Expr]) -> exp.Expr:
        need(name, arguments, 1, 2)
        if len(arguments) == 2 and isinstance(arguments[1], exp.Boolean) and arguments[1].this:
            return exp.IgnoreNulls(this=exp.Anonymous(this=which, expressions=arguments[:1]))
        return exp.Anonymous(this=which, expressions=arguments[:1])

    return build


def _element_at(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2)
    is_key = isinstance(arguments[1], exp.Literal) and arguments[1].is_string
    return fill("map_extract_value(_1, _2)" if is_key else "list_extract(_1, _2)", *arguments)


def _higher_order(target: str) -> Callable[[str, list[exp.Expr]], exp.Expr]:
    def build(name: str, arguments: list[exp.Expr]) -> exp.Expr:
        need(name, arguments, 2)
        return fill(target, *arguments)

    return build


def _transform(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2)
    function = arguments[1]
    if isinstance(function, exp.Lambda) and len(function.expressions) == 2:
        index = function.expressions[1].name.lower()  # counts from 0 here, from 1 in DuckDB
        for word in [*function.this.find_all(exp.Identifier), function.this]:
            if isinstance(word, exp.Identifier) and word.name.lower() == index:
                word.replace(exp.paren(exp.Sub(this=word.copy(), expression=exp.Literal.number(1))))
    return exp.Anonymous(this="list_transform", expressions=arguments)


def _reduce(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 3)
    return exp.Anonymous(this="list_reduce", expressions=[arguments[0], arguments[2], arguments[1]])


def _count(_: str, arguments: list[exp.Expr]) -> exp.Expr:
    if len(arguments) > 1:
        present = exp.and_(*(fill("_1 IS NOT NULL", argument) for argument in arguments))
        return fill("count(CASE WHEN _1 THEN 1 END)", present)
    return exp.Anonymous(this="count", expressions=arguments or [exp.Star()])


def _grouping_id(_: str, arguments: list[exp.Expr]) -> exp.Expr:
    if not arguments:
        raise unsupported("grouping_id() without its columns")
    return exp.Anonymous(this="grouping_id", expressions=arguments)


_CASTS = "bigint binary boolean date decimal double float int smallint string timestamp tinyint"
_CAST_FUNCTIONS = tuple(_CASTS.split())


def _cast_function(type_text: str) -> Callable[[str, list[exp.Expr]], exp.Expr]:
    def build(name: str, arguments: list[exp.Expr]) -> exp.Expr:
        need(name, arguments, 1)
        return cast_to(arguments[0], exp.DataType.build(type_text, dialect="databricks"), lenient=False)

    return build


_BUILDERS: dict[str, Callable[[str, list[exp.Expr]], exp.Expr]] = {
    **DATE_BUILDERS,
    **{name: _cast_function(name) for name in _CAST_FUNCTIONS},
    "concat": _concat,
    "concat_ws": _concat_ws,
    "decode": _decode,
    "array_agg": _collect(distinct=False),
    "collect_list": _collect(distinct=False),
    "collect_set": _collect(distinct=True),
    "first": _first_last("first"),
    "first_value": _first_last("first"),
    "last": _first_last("last"),
    "last_value": _first_last("last"),
    "any_value": _first_last("first"),
    "element_at": _element_at,
    "filter": _higher_order("list_filter(_1, _2)"),
    "exists": _higher_order("list_bool_or(list_transform(_1, _2))"),
    "forall": _higher_order("coalesce(list_bool_and(list_transform(_1, _2)), true)"),
    "transform": _transform,
    "aggregate": _reduce,
    "reduce": _reduce,
    "count": _count,
    "grouping_id": _grouping_id,
}
