"""Built-in functions: from a call as Databricks knows it to a DuckDB expression that means the same."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.casts import cast_to
from mlflow_genie_plugin.sql_engine.errors import routine_not_found, unsupported
from mlflow_genie_plugin.sql_engine.function_table import RENAMED, TEMPLATES, UNSUPPORTED
from mlflow_genie_plugin.sql_engine.functions.dates import DATE_BUILDERS
from mlflow_genie_plugin.sql_engine.functions.json_reading import JSON_BUILDERS
from mlflow_genie_plugin.sql_engine.functions.lambdas import LAMBDA_BUILDERS
from mlflow_genie_plugin.sql_engine.functions.typed import TYPED
from mlflow_genie_plugin.sql_engine.templates import fill, from_table, need, wrong_count


def convert_call(call: exp.Anonymous) -> exp.Expr:
    """Return the DuckDB expression for a built-in function call whose arguments are converted already.

    Raises:
        SqlFailedError: No such function, wrong number of arguments, or one that only Databricks has.
    """
    name, arguments = call.name.lower(), call.expressions
    if name in TYPED and (typed := TYPED[name](call)) is not None:
        return typed
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
    # Else the result would have no type where a part is an untyped NULL.
    parts = [exp.cast(each, "TEXT") if isinstance(each, exp.Null) else each for each in arguments]
    result = parts[0]
    for part in parts[1:]:
        result = fill("_1 || _2", result, part)
    return result


def _concat_ws(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    if not arguments:
        raise wrong_count(name, "at least 1", 0)
    if len(arguments) == 2:  # one list or one string
        listed = "array_to_string(TRY_CAST(_2 AS VARCHAR[]), _1)"
        return fill(f"CASE WHEN typeof(_2) LIKE '%[]' THEN {listed} ELSE concat_ws(_1, _2) END", *arguments)
    return exp.Anonymous(this="concat_ws", expressions=arguments)


def _decode(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    if len(arguments) == 2:
        _require_utf8("decode", arguments[1])
        return exp.Anonymous(this="decode", expressions=arguments[:1])
    need(name, arguments, *range(3, 100))
    value, rest = arguments[0], arguments[1:]
    pairs, default = rest[: len(rest) // 2 * 2], rest[-1] if len(rest) % 2 else None
    case = exp.Case(default=default)
    for search, result in zip(pairs[::2], pairs[1::2], strict=True):
        case.append("ifs", exp.If(this=fill("_1 IS NOT DISTINCT FROM _2", value, search), true=result))
    return case


def _encode(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2)
    _require_utf8(name, arguments[1])
    return exp.Anonymous(this="encode", expressions=arguments[:1])


def _require_utf8(name: str, charset: exp.Expr) -> None:
    if not isinstance(charset, exp.Literal) or charset.name.lower() not in ("utf-8", "utf8"):
        raise unsupported(f"{name} with a character set other than UTF-8")


def _get_json_object(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2)
    if isinstance(arguments[1], exp.Literal) and "*" in arguments[1].name:  # DuckDB gives a list, Spark its text
        return fill("CAST(to_json(json_extract(_1, _2)) AS VARCHAR)", *arguments)
    return fill("json_extract_string(_1, _2)", *arguments)


def _arrays_zip(_: str, arguments: list[exp.Expr]) -> exp.Expr:
    names = [each.name if isinstance(each, exp.Column) else str(number) for number, each in enumerate(arguments)]
    fields = ", ".join(f'"{name}" := z[{number}]' for number, name in enumerate(names, 1))
    slots = ", ".join(f"_{number}" for number in range(1, len(names) + 1))
    return fill(f"list_transform(list_zip({slots}), lambda z: struct_pack({fields}))", *arguments)


def _to_char(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    """Write a number by a pattern of nines or zeros; dates are written by ``date_format`` (see typed_functions)."""
    need(name, arguments, 2)
    pattern = arguments[1].name if isinstance(arguments[1], exp.Literal) else ""
    whole, _, fraction = pattern.partition(".")
    plain = whole.replace(",", "")
    if plain[:1] == "$" and set(plain[1:]) == {"9"} and "," not in whole and not set(fraction) - set("90"):
        text = f"'$' || format('{{:.{len(fraction)}f}}', CAST(_1 AS DOUBLE))"
        return fill(
            f"CASE WHEN _1 >= 0 AND _1 < 1e{len(plain) - 1} THEN lpad({text}, {len(pattern)}, ' ') END", arguments[0]
        )
    if set(fraction) - set("90") or not plain or set(plain) not in ({"9"}, {"0"}) or ("," in whole and "0" in plain):
        raise unsupported(f"{name} with this pattern")
    if plain[0] == "0":
        form = f"lpad(format('{{:.{len(fraction)}f}}', CAST(_1 AS DOUBLE)), {len(pattern)}, '0')"
    else:
        grouped = "," if "," in whole else ""
        form = f"lpad(format('{{:{grouped}.{len(fraction)}f}}', CAST(_1 AS DOUBLE)), {len(pattern)}, ' ')"
    fits = f"abs(_1) < 1e{len(plain)}"
    return fill(f"CASE WHEN {fits} THEN {form} ELSE '{'#' * len(pattern)}' END", arguments[0])


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
    **JSON_BUILDERS,
    **LAMBDA_BUILDERS,
    **{name: _cast_function(name) for name in _CAST_FUNCTIONS},
    "concat": _concat,
    "concat_ws": _concat_ws,
    "decode": _decode,
    "encode": _encode,
    "get_json_object": _get_json_object,
    "arrays_zip": _arrays_zip,
    **dict.fromkeys(("to_char", "to_varchar"), _to_char),
    "array_agg": _collect(distinct=False),
    "collect_list": _collect(distinct=False),
    "collect_set": _collect(distinct=True),
    "first": _first_last("first"),
    "first_value": _first_last("first"),
    "last": _first_last("last"),
    "last_value": _first_last("last"),
    "any_value": _first_last("first"),
    "element_at": _element_at,
    "count": _count,
    "grouping_id": _grouping_id,
}
