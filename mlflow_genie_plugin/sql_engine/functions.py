"""Built-in functions: from a call as Databricks knows it to a DuckDB expression that means the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.calls import parse_engine_sql
from mlflow_genie_plugin.sql_engine.date_patterns import QUARTER, duckdb_format
from mlflow_genie_plugin.sql_engine.errors import failed, routine_not_found, unsupported
from mlflow_genie_plugin.sql_engine.function_table import RENAMED, TEMPLATES, UNSUPPORTED

_SLOT = re.compile(r"_([1-9])\Z")

_UNITS = {
    "YEAR": "year", "YEARS": "year", "YYYY": "year", "YY": "year", "QUARTER": "quarter", "MONTH": "month",
    "MONTHS": "month", "MON": "month", "MM": "month", "WEEK": "week", "DAY": "day", "DAYS": "day", "DD": "day",
    "DAYOFYEAR": "day", "HOUR": "hour", "MINUTE": "minute", "SECOND": "second", "MILLISECOND": "millisecond",
    "MICROSECOND": "microsecond",
}  # fmt: skip

_DATE_UNITS = ("year", "quarter", "month", "week")

_PARTS = {
    "Y": "year", "YEAR": "year", "YEARS": "year", "YR": "year", "YRS": "year", "QUARTER": "quarter", "QTR": "quarter",
    "MONTH": "month", "MON": "month", "MONS": "month", "MONTHS": "month", "WEEK": "weekofyear", "W": "weekofyear",
    "WEEKS": "weekofyear", "DAY": "day", "D": "day", "DAYS": "day", "DAYOFWEEK": "dayofweek", "DOW": "dayofweek",
    "DAYOFWEEK_ISO": "isodow", "DOW_ISO": "isodow", "DOY": "dayofyear", "DAYOFYEAR": "dayofyear", "HOUR": "hour", "H": "hour",
    "MINUTE": "minute", "M": "minute", "MIN": "minute", "YEAROFWEEK": "isoyear", "YEAR_OF_WEEK": "isoyear",
    "SECOND": "second", "S": "second", "SEC": "second", "SECONDS": "second",
}  # fmt: skip


def convert_call(call: exp.Anonymous) -> exp.Expr:
    """Return the DuckDB expression for a built-in function call whose arguments are converted already.

    Raises:
        SqlFailedError: No such function, wrong number of arguments, or one that only Databricks has.
    """
    name, arguments = call.name.lower(), call.expressions
    if name in _BUILDERS:
        return _BUILDERS[name](name, arguments)
    if name in TEMPLATES:
        return _from_table(name, arguments)
    if name in RENAMED:
        return exp.Anonymous(this=RENAMED[name], expressions=arguments)
    if name in UNSUPPORTED:
        raise unsupported(f"the function {name}")
    raise routine_not_found([name])


def fill(template: str, *arguments: exp.Expr) -> exp.Expr:
    """Put arguments into a DuckDB template (``_1``, ``_2`` …)."""
    tree = _parsed(template).copy()
    root = exp.Paren(this=tree)
    for column in list(root.find_all(exp.Column)):
        if not column.table and (slot := _SLOT.match(column.name)):
            column.replace(_operand(arguments[int(slot[1]) - 1]))
    inner = root.this
    return root if isinstance(inner, exp.Binary | exp.Unary | exp.Is | exp.Not) else inner


def extract_part(part: str, value: exp.Expr) -> exp.Expr:
    """Build ``EXTRACT(part FROM value)``."""
    known = _PARTS.get(part.upper())
    if known is None:
        raise failed("INVALID_EXTRACT_FIELD", f"Cannot extract {part!r} from a date or timestamp.", "42601")
    if known == "second":
        return fill("CAST(epoch_us(CAST(_1 AS TIMESTAMP)) % 60000000 / 1000000 AS DECIMAL(8, 6))", value)
    if known in ("isodow", "isoyear"):
        return fill(f"CAST({known}(CAST(_1 AS TIMESTAMP)) AS INTEGER)", value)
    return _from_table(known, [value])


@lru_cache(maxsize=1024)
def _parsed(template: str) -> exp.Expr:
    return parse_engine_sql(template)


def _operand(argument: exp.Expr) -> exp.Expr:
    copied = argument.copy()
    return exp.Paren(this=copied) if isinstance(copied, exp.Binary | exp.Unary | exp.Between | exp.In) else copied


def _from_table(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    forms = TEMPLATES[name]
    choices = {_arity(form): form for form in ((forms,) if isinstance(forms, str) else forms)}
    if isinstance(forms, tuple) and len(choices) < len(forms):
        # The same form for two numbers of arguments: an optional last one that changes nothing (an accuracy).
        choices[max(choices) + 1] = forms[-1]
    if len(arguments) not in choices:
        raise wrong_count(name, " or ".join(map(str, sorted(choices))), len(arguments))
    return fill(choices[len(arguments)], *arguments)


def _arity(form: str) -> int:
    return max((int(number) for number in re.findall(r"\b_([1-9])\b", form)), default=0)


def wrong_count(name: str, wanted: str, given: int) -> Exception:
    """Build the error for a call with too many or too few arguments."""
    text = f"The `{name}` requires {wanted} parameters but the actual number is {given}."
    return failed("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", text, "42605")


def _word(argument: exp.Expr) -> str:
    """Read an argument that is a word: a unit, a format; the text of a literal, a bare name, or empty."""
    return argument.name if isinstance(argument, exp.Literal | exp.Column | exp.Var) else ""


def _unit(argument: exp.Expr, name: str) -> str:
    unit = _UNITS.get(_word(argument).upper())
    if unit is None:
        raise failed(
            "INVALID_PARAMETER_VALUE.DATETIME_UNIT", f"{name} got an unknown unit {_word(argument)!r}.", "22023"
        )
    return unit


def _need(name: str, arguments: list[exp.Expr], *counts: int) -> None:
    if len(arguments) not in counts:
        raise wrong_count(name, " or ".join(map(str, counts)), len(arguments))


def _date_add(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 2, 3)
    if len(arguments) == 2:
        return fill("CAST(_1 AS DATE) + CAST(_2 AS INTEGER)", *arguments)
    unit = _unit(arguments[0], name)
    amount = {"quarter": "to_months(3 * CAST(_1 AS INTEGER))"}.get(unit, f"to_{unit}s(CAST(_1 AS INTEGER))")
    return fill(f"CAST(_2 AS TIMESTAMP) + {amount}", *arguments[1:])


def _date_diff(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 2, 3)
    if len(arguments) == 2:
        return fill("CAST(CAST(_1 AS DATE) - CAST(_2 AS DATE) AS INTEGER)", *arguments)
    # Whole units that have passed, not boundaries crossed.
    unit = _unit(arguments[0], name)
    return fill(f"date_sub('{unit}', CAST(_1 AS TIMESTAMP), CAST(_2 AS TIMESTAMP))", *arguments[1:])


def _date_trunc(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 2)
    return fill(f"date_trunc('{_unit(arguments[0], name)}', CAST(_1 AS TIMESTAMP))", arguments[1])


def _trunc(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 2)
    unit = _UNITS.get(_word(arguments[1]).upper())
    if unit not in _DATE_UNITS:  # the warehouse answers NULL for anything finer than a week
        return fill("CAST(NULL AS DATE)")
    return fill(f"CAST(date_trunc('{unit}', CAST(_1 AS TIMESTAMP)) AS DATE)", arguments[0])


def _date_part(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 2)
    return extract_part(_word(arguments[0]), arguments[1])


def _pattern(name: str, argument: exp.Expr, *, formatting: bool) -> list[str]:
    if not (isinstance(argument, exp.Literal) and argument.is_string):
        raise unsupported(f"{name} with a pattern that is not a string literal")
    return duckdb_format(argument.name, formatting=formatting)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _formatted(name: str, value: exp.Expr, pattern: exp.Expr) -> exp.Expr:
    pieces = [
        "CAST(quarter(CAST(_1 AS TIMESTAMP)) AS VARCHAR)"
        if piece == QUARTER
        else f"strftime(CAST(_1 AS TIMESTAMP), {_quoted(piece)})"
        for piece in _pattern(name, pattern, formatting=True)
    ]
    return fill(" || ".join(pieces) or "''", value)


def _date_format(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 2)
    return _formatted(name, *arguments)


def _parsed_time(target: str, *, lenient: bool) -> Callable[[str, list[exp.Expr]], exp.Expr]:
    def build(name: str, arguments: list[exp.Expr]) -> exp.Expr:
        _need(name, arguments, 1, 2)
        if len(arguments) == 1:
            return fill(f"{'TRY_CAST' if lenient else 'CAST'}(_1 AS {target})", _full_date(arguments[0]))
        text = _quoted("".join(_pattern(name, arguments[1], formatting=False)))
        parse = "try_strptime" if lenient else "strptime"
        # A date or timestamp with a pattern keeps its value, as the warehouse only parses strings.
        parsed = f"{parse}(CAST(_1 AS VARCHAR), {text})"
        return fill(
            f"CAST(CASE WHEN typeof(_1) = 'VARCHAR' THEN {parsed} ELSE TRY_CAST(_1 AS TIMESTAMP) END AS {target})",
            arguments[0],
        )

    return build


def _unix_timestamp(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 0, 1, 2)
    moment = _parsed_time("TIMESTAMP", lenient=False)(name, arguments) if arguments else fill("timezone('UTC', now())")
    return fill("CAST(floor(epoch(_1)) AS BIGINT)", moment)


def _from_unixtime(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 1, 2)
    moment = fill("TIMESTAMP '1970-01-01 00:00:00' + to_seconds(CAST(_1 AS BIGINT))", arguments[0])
    return _formatted(name, moment, arguments[1] if len(arguments) == 2 else exp.Literal.string("yyyy-MM-dd HH:mm:ss"))


def _full_date(value: exp.Expr) -> exp.Expr:
    """Complete a literal like '2024' or '2024-03', which the warehouse reads as the first day."""
    if isinstance(value, exp.Literal) and value.is_string:
        text = value.name.strip()
        if re.fullmatch(r"\d{4}", text):
            return exp.Literal.string(f"{text}-01-01")
        if re.fullmatch(r"\d{4}-\d{1,2}", text):
            return exp.Literal.string(f"{text}-01")
    return value


def cast_to(value: exp.Expr, to: exp.DataType, *, lenient: bool) -> exp.Expr:
    """Build ``CAST(value AS to)`` (or TRY_CAST) with the warehouse's rules."""
    kind = to.this
    if kind in _INTEGER_TYPES:
        if isinstance(value, exp.Literal) and not value.is_string and value.name.isdigit():
            return exp.Cast(this=value, to=to)
        whole = fill("spark_try_bigint(_1)" if lenient else "spark_to_bigint(_1)", value)
        if kind == exp.DataType.Type.BIGINT:
            return whole
        return exp.TryCast(this=whole, to=to) if lenient else exp.Cast(this=whole, to=to)
    if kind in _TIMESTAMP_TYPES:
        to = exp.DataType.build("TIMESTAMP", dialect="duckdb")
    elif kind == exp.DataType.Type.DECIMAL and not to.expressions:
        to = exp.DataType.build("DECIMAL(10, 0)", dialect="duckdb")
    elif kind in (exp.DataType.Type.VARCHAR, exp.DataType.Type.CHAR, exp.DataType.Type.NCHAR):
        to = exp.DataType.build("TEXT", dialect="duckdb")
    if kind in _TIMESTAMP_TYPES or kind == exp.DataType.Type.DATE:
        value = _full_date(value)
    return exp.TryCast(this=value, to=to) if lenient else exp.Cast(this=value, to=to)


_INTEGER_TYPES = (
    exp.DataType.Type.TINYINT, exp.DataType.Type.SMALLINT, exp.DataType.Type.INT, exp.DataType.Type.BIGINT,
)  # fmt: skip
_TIMESTAMP_TYPES = (
    exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIMESTAMPLTZ,
    exp.DataType.Type.TIMESTAMPNTZ,
)  # fmt: skip


def _cast_function(type_text: str) -> Callable[[str, list[exp.Expr]], exp.Expr]:
    def build(name: str, arguments: list[exp.Expr]) -> exp.Expr:
        _need(name, arguments, 1)
        return cast_to(arguments[0], exp.DataType.build(type_text, dialect="databricks"), lenient=False)

    return build


def _concat(name: str, arguments: list[exp.Expr]) -> exp.Expr:
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
        whole = "CASE WHEN typeof(_2) LIKE '%[]' THEN array_to_string(TRY_CAST(_2 AS VARCHAR[]), _1) ELSE concat_ws(_1, _2) END"
        return fill(whole, *arguments)
    return exp.Anonymous(this="concat_ws", expressions=arguments)


def _decode(name: str, arguments: list[exp.Expr]) -> exp.Expr:
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
        _need(name, arguments, 1)
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
        _need(name, arguments, 1, 2)
        if len(arguments) == 2 and isinstance(arguments[1], exp.Boolean) and arguments[1].this:
            return exp.IgnoreNulls(this=exp.Anonymous(this=which, expressions=arguments[:1]))
        return exp.Anonymous(this=which, expressions=arguments[:1])

    return build


def _element_at(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 2)
    is_key = isinstance(arguments[1], exp.Literal) and arguments[1].is_string
    return fill("map_extract_value(_1, _2)" if is_key else "list_extract(_1, _2)", *arguments)


def _sequence(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 2, 3)
    dates = any(isinstance(each, exp.Interval) or _is_date(each) for each in arguments)
    if not dates:
        form = "generate_series(_1, _2)" if len(arguments) == 2 else "generate_series(_1, _2, _3)"
        if len(arguments) == 2:
            form = "generate_series(_1, _2, CASE WHEN _1 > _2 THEN -1 ELSE 1 END)"
        return fill(form, *arguments)
    step = arguments[2] if len(arguments) == 3 else fill("to_days(1)")
    series = "generate_series(CAST(_1 AS TIMESTAMP), CAST(_2 AS TIMESTAMP), _3)"
    if all(_is_date(each) for each in arguments[:2]):
        return fill(f"list_transform({series}, lambda d: CAST(d AS DATE))", *arguments[:2], step)
    return fill(series, *arguments[:2], step)


def _is_date(value: exp.Expr) -> bool:
    return isinstance(value, exp.Cast) and value.to.this == exp.DataType.Type.DATE


def _higher_order(target: str) -> Callable[[str, list[exp.Expr]], exp.Expr]:
    def build(name: str, arguments: list[exp.Expr]) -> exp.Expr:
        _need(name, arguments, 2)
        return fill(target, *arguments)

    return build


def _transform(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 2)
    function = arguments[1]
    if isinstance(function, exp.Lambda) and len(function.expressions) == 2:
        index = function.expressions[1].name.lower()  # counts from 0 here, from 1 in DuckDB
        for word in list(function.this.find_all(exp.Identifier)) + [function.this]:
            if isinstance(word, exp.Identifier) and word.name.lower() == index:
                word.replace(exp.paren(exp.Sub(this=word.copy(), expression=exp.Literal.number(1))))
    return exp.Anonymous(this="list_transform", expressions=arguments)


def _reduce(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 3)
    return exp.Anonymous(this="list_reduce", expressions=[arguments[0], arguments[2], arguments[1]])


def _count(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    if len(arguments) > 1:
        present = exp.and_(*(fill("_1 IS NOT NULL", argument) for argument in arguments))
        return fill("count(CASE WHEN _1 THEN 1 END)", present)
    return exp.Anonymous(this="count", expressions=arguments or [exp.Star()])


def _window(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    _need(name, arguments, 2)
    if not (isinstance(arguments[1], exp.Literal) and arguments[1].is_string):
        raise unsupported("window() with a length that is not a string literal")
    length = _quoted(arguments[1].name)
    start = f"time_bucket(CAST({length} AS INTERVAL), CAST(_1 AS TIMESTAMP), TIMESTAMP '1970-01-01 00:00:00')"
    return fill(f'struct_pack(start := {start}, "end" := {start} + CAST({length} AS INTERVAL))', arguments[0])


def _grouping_id(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    if not arguments:
        raise unsupported("grouping_id() without its columns")
    return exp.Anonymous(this="grouping_id", expressions=arguments)


_BUILDERS: dict[str, Callable[[str, list[exp.Expr]], exp.Expr]] = {
    **dict.fromkeys(("date_add", "dateadd", "timestampadd"), _date_add),
    **dict.fromkeys(("datediff", "date_diff", "timestampdiff"), _date_diff),
    "date_trunc": _date_trunc,
    "trunc": _trunc,
    **dict.fromkeys(("date_part", "datepart"), _date_part),
    "date_format": _date_format,
    "to_date": _parsed_time("DATE", lenient=False),
    "try_to_date": _parsed_time("DATE", lenient=True),
    "to_timestamp": _parsed_time("TIMESTAMP", lenient=False),
    "try_to_timestamp": _parsed_time("TIMESTAMP", lenient=True),
    **dict.fromkeys(("unix_timestamp", "to_unix_timestamp"), _unix_timestamp),
    "from_unixtime": _from_unixtime,
    **{
        name: _cast_function(name)
        for name in (
            "bigint",
            "boolean",
            "date",
            "decimal",
            "double",
            "float",
            "int",
            "smallint",
            "string",
            "timestamp",
        )
        + ("tinyint", "binary")
    },
    "concat": _concat,
    "concat_ws": _concat_ws,
    "decode": _decode,
    "array_agg": _collect(distinct=False),
    "collect_list": _collect(distinct=False),
    "collect_set": _collect(distinct=True),
    "first": _first_last("first"),
    "first_value": _first_last("first_value"),
    "last": _first_last("last"),
    "last_value": _first_last("last_value"),
    "any_value": _first_last("first"),
    "element_at": _element_at,
    "sequence": _sequence,
    "filter": _higher_order("list_filter(_1, _2)"),
    "exists": _higher_order("list_bool_or(list_transform(_1, _2))"),
    "forall": _higher_order("coalesce(list_bool_and(list_transform(_1, _2)), true)"),
    "transform": _transform,
    "aggregate": _reduce,
    "reduce": _reduce,
    "count": _count,
    "window": _window,
    "grouping_id": _grouping_id,
}
