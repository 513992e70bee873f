"""Functions of dates and times whose form depends on a unit, a pattern or the number of arguments."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.casts import full_date
from mlflow_genie_plugin.sql_engine.errors import failed, unsupported
from mlflow_genie_plugin.sql_engine.functions.date_patterns import QUARTER, duckdb_format
from mlflow_genie_plugin.sql_engine.templates import fill, from_table, need, text_literal

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
    "DAYOFWEEK_ISO": "isodow", "DOW_ISO": "isodow", "DOY": "dayofyear", "DAYOFYEAR": "dayofyear",
    "HOUR": "hour", "H": "hour",
    "MINUTE": "minute", "M": "minute", "MIN": "minute", "YEAROFWEEK": "isoyear", "YEAR_OF_WEEK": "isoyear",
    "SECOND": "second", "S": "second", "SEC": "second", "SECONDS": "second",
}  # fmt: skip


def extract_part(part: str, value: exp.Expr) -> exp.Expr:
    """Build ``EXTRACT(part FROM value)``."""
    known = _PARTS.get(part.upper())
    if known is None:
        raise failed("INVALID_EXTRACT_FIELD", f"Cannot extract {part!r} from a date or timestamp.", "42601")
    if known == "second":
        return fill("CAST(epoch_us(CAST(_1 AS TIMESTAMP)) % 60000000 / 1000000 AS DECIMAL(8, 6))", value)
    if known in ("isodow", "isoyear"):
        return fill(f"CAST({known}(CAST(_1 AS TIMESTAMP)) AS INTEGER)", value)
    return from_table(known, [value])


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


def _date_add(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2, 3)
    if len(arguments) == 2:
        return fill("CAST(_1 AS DATE) + CAST(_2 AS INTEGER)", *arguments)
    unit = _unit(arguments[0], name)
    amount = {"quarter": "to_months(3 * CAST(_1 AS INTEGER))"}.get(unit, f"to_{unit}s(CAST(_1 AS INTEGER))")
    return fill(f"CAST(_2 AS TIMESTAMP) + {amount}", *arguments[1:])


def _date_diff(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2, 3)
    if len(arguments) == 2:
        return fill("CAST(CAST(_1 AS DATE) - CAST(_2 AS DATE) AS INTEGER)", *arguments)
    # Whole units that have passed, not boundaries crossed.
    unit = _unit(arguments[0], name)
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
    if months is not None:
        passed = "spark_months_passed(CAST(_1 AS TIMESTAMP), CAST(_2 AS TIMESTAMP))"
        return fill(f"CAST(trunc({passed} / {months}) AS BIGINT)", *arguments[1:])
    return fill(f"date_sub('{unit}', CAST(_1 AS TIMESTAMP), CAST(_2 AS TIMESTAMP))", *arguments[1:])


def _date_trunc(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2)
    return fill(f"date_trunc('{_unit(arguments[0], name)}', CAST(_1 AS TIMESTAMP))", arguments[1])


def _trunc(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2)
    if not isinstance(arguments[1], exp.Literal):
        months = "CASE upper(_2) " + " ".join(
            f"WHEN '{word}' THEN date_trunc('{unit}', CAST(_1 AS TIMESTAMP))"
            for word, unit in _UNITS.items()
            if unit in _DATE_UNITS
        )
        return fill(f"CAST({months} END AS DATE)", *arguments)
    unit = _UNITS.get(_word(arguments[1]).upper())
    if unit not in _DATE_UNITS:  # the warehouse answers NULL for anything finer than a week
        return fill("CAST(NULL AS DATE)")
    return fill(f"CAST(date_trunc('{unit}', CAST(_1 AS TIMESTAMP)) AS DATE)", arguments[0])


def _date_part(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2)
    return extract_part(_word(arguments[0]), arguments[1])


def _pattern(name: str, argument: exp.Expr, *, formatting: bool) -> list[str]:
    if not (isinstance(argument, exp.Literal) and argument.is_string):
        raise unsupported(f"{name} with a pattern that is not a string literal")
    return duckdb_format(argument.name, formatting=formatting)


def _formatted(name: str, value: exp.Expr, pattern: exp.Expr) -> exp.Expr:
    pieces = [
        "CAST(quarter(CAST(_1 AS TIMESTAMP)) AS VARCHAR)"
        if piece == QUARTER
        else f"strftime(CAST(_1 AS TIMESTAMP), {text_literal(piece)})"
        for piece in _pattern(name, pattern, formatting=True)
    ]
    return fill(" || ".join(pieces) or "''", value)


def _date_format(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2)
    return _formatted(name, *arguments)


def _parsed_time(target: str, *, lenient: bool) -> Callable[[str, list[exp.Expr]], exp.Expr]:
    def build(name: str, arguments: list[exp.Expr]) -> exp.Expr:
        need(name, arguments, 1, 2)
        if len(arguments) == 1:
            return fill(f"{'TRY_CAST' if lenient else 'CAST'}(_1 AS {target})", full_date(arguments[0]))
        text = text_literal("".join(_pattern(name, arguments[1], formatting=False)))
        parse = "try_strptime" if lenient else "strptime"
        # A date or timestamp with a pattern keeps its value, as the warehouse only parses strings.
        parsed = f"{parse}(CAST(_1 AS VARCHAR), {text})"
        return fill(
            f"CAST(CASE WHEN typeof(_1) = 'VARCHAR' THEN {parsed} ELSE TRY_CAST(_1 AS TIMESTAMP) END AS {target})",
            arguments[0],
        )

    return build


def _unix_timestamp(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 0, 1, 2)
    moment = _parsed_time("TIMESTAMP", lenient=False)(name, arguments) if arguments else fill("timezone('UTC', now())")
    return fill("CAST(floor(epoch(_1)) AS BIGINT)", moment)


def _from_unixtime(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 1, 2)
    moment = fill("TIMESTAMP '1970-01-01 00:00:00' + to_seconds(CAST(_1 AS BIGINT))", arguments[0])
    return _formatted(name, moment, arguments[1] if len(arguments) == 2 else exp.Literal.string("yyyy-MM-dd HH:mm:ss"))


def _sequence(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2, 3)
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


def _window(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    need(name, arguments, 2)
    if not (isinstance(arguments[1], exp.Literal) and arguments[1].is_string):
        raise unsupported("window() with a length that is not a string literal")
    length = text_literal(arguments[1].name)
    start = f"time_bucket(CAST({length} AS INTERVAL), CAST(_1 AS TIMESTAMP), TIMESTAMP '1970-01-01 00:00:00')"
    return fill(f'struct_pack(start := {start}, "end" := {start} + CAST({length} AS INTERVAL))', arguments[0])


DATE_BUILDERS: dict[str, Callable[[str, list[exp.Expr]], exp.Expr]] = {
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
    "sequence": _sequence,
    "window": _window,
}
