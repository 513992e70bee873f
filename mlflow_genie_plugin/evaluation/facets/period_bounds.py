"""One comparison of a date as bounds: the first day of its period, and the day after its last."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from mlflow_genie_plugin.evaluation.facets.condition import Atom
from mlflow_genie_plugin.evaluation.facets.dates import add_months, date_form, date_in, is_date_type, year_of_text
from mlflow_genie_plugin.evaluation.facets.tokens import is_column, tokens_in

CALL = re.compile(r"(year|month|quarter|date|date_trunc_(?:year|quarter|month)|timetostr)\((.*)\)\Z")
_FORMATTED = re.compile(r"(?:timestrtotime\()?(⟦[^⟧]*⟧)\)?, format='(%Y|%Y-%m)(?:strict)?'\Z")
MONTHS = {"year": 12, "quarter": 3, "month": 1}
_BOUNDS = ("=", ">=", ">", "<", "<=")
TypeOf = Callable[[str], str | None]


def bounds_of(atom: Atom, type_of: TypeOf) -> Iterator[Atom]:
    """Yield the bounds that one comparison sets; the comparison itself where it is no period."""
    call = CALL.match(atom.subject)
    inner = call.group(2) if call else ""
    if call and call.group(1) == "timetostr":
        formatted = _FORMATTED.match(inner)
        if formatted and atom.operator in _BOUNDS:
            start = date_in(f"'{atom.value.strip(chr(39))}{'-01-01' if formatted.group(2) == '%Y' else '-01'}'")
            unit = "year" if formatted.group(2) == "%Y" else "month"
            if start is not None:
                yield from _period(formatted.group(1), atom, start, unit)
                return
    elif call and _is_balanced(inner):
        found = _of_call(call.group(1), inner, atom)
        if found is not None:
            yield from found
            return
    day = date_in(atom.value)
    if day is None or not is_column(atom.subject):
        yield atom
        return
    kind = (type_of(tokens_in(atom.subject)[0]) or "").lower()
    if kind == "date" and atom.operator in _BOUNDS:
        yield from _period(atom.subject, atom, day, "day")
    elif kind in ("", "date") or is_date_type(kind):
        yield Atom(atom.subject, atom.operator, date_form(day), atom.node)
    else:
        yield atom


def _of_call(name: str, inner: str, atom: Atom) -> list[Atom] | None:
    if name == "year":
        if atom.operator == "IN":
            years = sorted(int(text) for text in atom.value[1:-1].split(", ") if year_of_text(text) is not None)
            if (
                len(years) < 2
                or years != list(range(years[0], years[-1] + 1))
                or len(years) != atom.value.count(",") + 1
            ):
                return None
            return [
                Atom(inner, ">=", date_form(date(years[0], 1, 1)), atom.node),
                Atom(inner, "<", date_form(date(years[-1] + 1, 1, 1)), atom.node),
            ]
        year = year_of_text(atom.value.strip("'"))
        return None if year is None else _period(inner, atom, date(year, 1, 1), "year")
    if name.startswith("date"):
        day = date_in(atom.value)
        unit = name.removeprefix("date_trunc_") if name != "date" else "day"
        if day is None or (unit != "day" and floor(day, unit) != day):
            return None
        return _period(inner, atom, day, unit)
    return None


def _period(subject: str, atom: Atom, start: date, unit: str) -> list[Atom]:
    """Compare with the period of one ``unit`` that begins at ``start``."""
    after = start + timedelta(days=1) if unit == "day" else add_months(start, MONTHS[unit])
    bounds = {
        "=": ((">=", start), ("<", after)),
        ">=": ((">=", start),),
        ">": ((">=", after),),
        "<": (("<", start),),
        "<=": (("<", after),),
    }.get(atom.operator)
    if bounds is None:
        return [atom]
    return [Atom(subject, operator, date_form(day), atom.node) for operator, day in bounds]


def floor(day: date, unit: str) -> date:
    """Return the first day of the year, quarter or month of a day."""
    months = MONTHS[unit]
    return day.replace(day=1, month=(day.month - 1) // months * months + 1)


def _is_balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return depth == 0
