"""What the use of a column says about its type: the functions, operators and conditions it stands in."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from mlflow_genie_plugin.emulator.answering.words import word_set
from mlflow_genie_plugin.sql_dialect.assets import function_name

_DATE_FUNCTIONS = word_set(
    """year month day quarter week weekofyear dayofweek dayofmonth dayofyear date_trunc trunc timestamp_trunc
    datediff date_diff date_add date_sub dateadd add_months last_day months_between date_format extract
    time_to_str timestampdiff timestampadd ts_or_ds_add ts_or_ds_diff date day_of_week day_of_month day_of_year
    week_of_year hour minute unix_timestamp"""
)
_NUMBER_FUNCTIONS = word_set(
    "sum avg median stddev variance round abs ceil floor sqrt percentile_approx percentile ln exp"
)
_TEXT_FUNCTIONS = word_set(
    "lower upper trim initcap concat concat_ws substring split length regexp_like regexp_extract"
)
_ARRAY_FUNCTIONS = (exp.ArrayContains, exp.Explode, exp.ArraySize, exp.ArrayToString)
# Functions of a date that are numbers: ``year = YEAR(current_date())`` says that the column is a number.
_CALENDAR_NUMBERS = (
    exp.Year,
    exp.Month,
    exp.Quarter,
    exp.Week,
    exp.DayOfMonth,
    exp.DayOfWeek,
    exp.DayOfYear,
    exp.Extract,
    exp.DateDiff,
)


def uses_of(column: exp.Column) -> Iterator[tuple[str, int]]:
    parent = column.parent
    if isinstance(parent, exp.Func) and parent.args.get("unit") is not column:
        name = function_name(parent)
        if isinstance(parent, _ARRAY_FUNCTIONS) and parent.this is column:
            yield "ARRAY", 5
        if name in _DATE_FUNCTIONS:
            yield "DATE", 3
        elif name in _NUMBER_FUNCTIONS:
            yield "NUMBER", 2
        elif name in _TEXT_FUNCTIONS:
            yield "STRING", 2
    if isinstance(parent, exp.Like | exp.ILike | exp.RegexpLike) and parent.this is column:
        yield "STRING", 3
    if isinstance(parent, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod | exp.Neg):
        other = parent.expression if parent.this is column else parent.this
        yield ("DATE", 3) if isinstance(other, exp.Interval) or is_date(other) else ("NUMBER", 2)
    if isinstance(parent, exp.GT | exp.GTE | exp.LT | exp.LTE | exp.EQ | exp.Between):
        others = [parent.args.get(key) for key in ("this", "expression", "low", "high")]
        beside = [other for other in others if isinstance(other, exp.Expression) and other is not column]
        if any(is_date(other) for other in beside):
            yield "DATE", 3
        elif any(isinstance(other, _CALENDAR_NUMBERS) for other in beside):
            yield "NUMBER", 3
    is_condition = parent is not None and parent.this is column if isinstance(parent, exp.If) else True
    if isinstance(parent, exp.Where | exp.And | exp.Or | exp.Not | exp.If) and is_condition:
        yield "BOOLEAN", 3
    if isinstance(parent, exp.Is) and isinstance(parent.expression, exp.Boolean):
        yield "BOOLEAN", 3


def is_date(node: exp.Expr | None) -> bool:
    if node is None or isinstance(node, _CALENDAR_NUMBERS):
        return False
    dates = (
        exp.CurrentDate,
        exp.CurrentTimestamp,
        exp.DateAdd,
        exp.DateSub,
        exp.TsOrDsAdd,
        exp.AddMonths,
        exp.TimestampTrunc,
    )
    return isinstance(node, dates) or any(True for _ in node.find_all(exp.CurrentDate, exp.CurrentTimestamp))
