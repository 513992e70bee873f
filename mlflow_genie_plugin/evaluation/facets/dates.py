"""Dates in queries: constants folded to one spelling, and the functions that take a part of a date."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from sqlglot import exp

_DATE_TEXT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]0?0:00(?::00(?:\.0*)?)?(?:Z|\+00:00)?)?\Z")
_PARTS = {
    "year": "year", "yyyy": "year", "yy": "year", "y": "year", "quarter": "quarter", "qtr": "quarter", "q": "quarter",
    "month": "month", "mon": "month", "mm": "month", "week": "week", "w": "week", "day": "day", "dd": "day", "d": "day",
}  # fmt: skip
_PART_FUNCTIONS = {
    exp.Year: "year", exp.Month: "month", exp.Quarter: "quarter", exp.Week: "week", exp.WeekOfYear: "week",
    exp.Day: "day", exp.DayOfMonth: "day",
}  # fmt: skip
_UNIT_MONTHS = {"month": 1, "quarter": 3, "year": 12}

DATE_TYPES = ("date", "timestamp", "timestamp_ntz", "timestamp_ltz", "timestampntz", "datetime")

# Names that mean a point in time where the type of a column is not known, or is a number such as a year.
_NAME = re.compile(r"(?:^|_)(?:date|day|week|month|quarter|year|yr|time|timestamp|ts|dt|at)s?(?:_|$)|date$|datetime$")


def date_form(value: date) -> str:
    return f"DATE '{value.isoformat()}'"


def date_in(form: str) -> date | None:
    """Return the date that a normal form is: ``DATE '1995-01-01'``, or a text that reads as one."""
    text = form[5:] if form.startswith("DATE '") else form
    return date_of_text(text[1:-1]) if text[:1] == "'" == text[-1:] and len(text) > 1 else None


def date_of_text(text: str) -> date | None:
    """Return the date a text stands for (a midnight counts as its day); None when it is something else."""
    found = _DATE_TEXT.match(text.strip())
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def folded_date(node: exp.Expr) -> date | None:
    """Return the date a constant expression stands for: ``DATE '1995-01-01' + INTERVAL 1 YEAR``, ``make_date(…)``."""
    if isinstance(node, exp.Paren):
        return folded_date(node.this)
    if isinstance(node, exp.Literal):
        return date_of_text(node.name) if node.is_string else None
    if isinstance(node, exp.TsOrDsToDate | exp.TimeStrToTime | exp.Date | exp.Timestamp):
        return folded_date(node.this) if isinstance(node.this, exp.Expr) and not node.args.get("format") else None
    if isinstance(node, exp.Cast):
        return folded_date(node.this) if node.to.is_type("date", "timestamp", "timestamptz", "timestampntz") else None
    if isinstance(node, exp.Anonymous) and node.name.lower() == "make_date":
        return _made(node)
    if isinstance(node, exp.Add | exp.Sub):
        return _shifted_by_interval(node)
    if isinstance(node, exp.AddMonths):
        return _shifted(folded_date(node.this), _whole(node.expression), "month")
    if isinstance(node, exp.TsOrDsAdd):
        return _shifted(folded_date(node.this), _whole(node.expression), _unit(node) or "day")
    return None


def _made(node: exp.Anonymous) -> date | None:
    numbers = [number for argument in node.expressions if (number := _whole(argument)) is not None]
    if len(numbers) != 3 or len(node.expressions) != 3:
        return None
    return date_of_text("{:04d}-{}-{}".format(*numbers))


def _shifted_by_interval(node: exp.Expr) -> date | None:
    left, right = node.this, node.args["expression"]
    if not isinstance(right, exp.Interval) or isinstance(left, exp.Literal):
        return None
    number, unit = _whole(right.this), _unit(right)
    if number is None:
        return None
    return _shifted(folded_date(left), -number if isinstance(node, exp.Sub) else number, unit)


def _shifted(start: date | None, number: int | None, unit: str | None) -> date | None:
    if start is None or number is None or unit is None:
        return None
    try:
        if unit in _UNIT_MONTHS:
            return add_months(start, number * _UNIT_MONTHS[unit])
        return start + timedelta(days=number * (7 if unit == "week" else 1)) if unit in ("day", "week") else None
    except (ValueError, OverflowError):
        return None


def add_months(start: date, months: int) -> date:
    """Return the same day so many months later, or the last day of a shorter month.

    Raises:
        ValueError: The year is out of range.
    """
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    month += 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))


def _whole(node: exp.Expr | None) -> int | None:
    if isinstance(node, exp.Paren):
        return _whole(node.this)
    if isinstance(node, exp.Neg):
        number = _whole(node.this)
        return None if number is None else -number
    if isinstance(node, exp.Mul):  # the parser writes a subtraction of days as a product with -1
        sides = _whole(node.this), _whole(node.expression)
        return None if sides[0] is None or sides[1] is None else sides[0] * sides[1]
    if isinstance(node, exp.Literal) and node.name.isdigit():
        return int(node.name)
    return None


def _unit(node: exp.Expr) -> str | None:
    unit = node.args.get("unit")
    return None if unit is None else date_part(unit.name)


def date_part(name: str) -> str | None:
    """Return the part of a date that a word names (``YYYY``, ``mon``); None when it is another word."""
    word = name.lower()
    return _PARTS.get(word) or _PARTS.get(word.removesuffix("s"))


def part_taken(node: exp.Expr) -> tuple[str, exp.Expr] | None:
    """Return the part a call takes of an expression: ``YEAR(d)``, ``EXTRACT(YEAR FROM d)``, ``DATE_PART('Y', d)``."""
    for kind, part in _PART_FUNCTIONS.items():
        if isinstance(node, kind):
            return part, without_date_cast(node.this)
    if isinstance(node, exp.Extract):
        named = date_part(node.name)
        return (named, node.expression) if named else None
    if (
        isinstance(node, exp.Anonymous)
        and node.name.lower() in ("date_part", "datepart")
        and len(node.expressions) == 2
    ):
        named = date_part(node.expressions[0].name)
        return (named, node.expressions[1]) if named else None
    return None


def without_date_cast(node: exp.Expr) -> exp.Expr:
    """Take off the conversion to a date that the parser puts around arguments."""
    while isinstance(node, exp.TsOrDsToDate | exp.TimeStrToTime | exp.Paren) and isinstance(node.this, exp.Expr):
        node = node.this
    return node


def is_date_type(type_text: str) -> bool:
    return type_text.lower().startswith(DATE_TYPES)


def is_date_name(column: str) -> bool:
    """Return whether a column's name says that it holds a point in time or a part of one."""
    return _NAME.search(column.lower()) is not None


def year_of_text(text: str) -> int | None:
    """Return the year that a literal is (1900 to 2100), or None."""
    return int(text) if len(text) == 4 and text.isdigit() and 1900 <= int(text) <= 2100 else None
