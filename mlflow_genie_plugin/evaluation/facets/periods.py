"""Conditions on dates as half-open periods, so that ``YEAR(d) = 1995`` and ``d BETWEEN … AND …`` are the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import TypeGuard

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.condition import Atom, Combined, Condition, is_constant
from mlflow_genie_plugin.evaluation.facets.dates import add_months, date_form, date_in, is_date_name, is_date_type
from mlflow_genie_plugin.evaluation.facets.level import Filter
from mlflow_genie_plugin.evaluation.facets.period_bounds import CALL, MONTHS, TypeOf, bounds_of, floor
from mlflow_genie_plugin.evaluation.facets.tokens import tokens_in

_NOW = ("currentdate", "currenttimestamp", "now(", "curdate")


def as_periods(filters: Iterable[Filter], type_of: TypeOf) -> list[Filter]:
    """Return the filters with every condition on a period written as its first day and the day after its last.

    Args:
        filters: Conditions that must all hold.
        type_of: Type of a column by the inside of its token; None when it is not known.
    """
    read: list[Filter] = []
    for item in filters:
        found = _read(item.condition, type_of)
        read.extend(Filter(part, item.clause) for part in (found.parts if _is_and(found) else (found,)))
    return _with_months(read)


def is_temporal(condition: Condition, type_of: TypeOf) -> bool:
    """Return whether a condition limits rows to a period: something dated is compared with a constant or with now."""
    if isinstance(condition, Combined):
        return bool(condition.parts) and all(is_temporal(part, type_of) for part in condition.parts)
    value = condition.value
    if not value or not (is_constant(value) or any(word in value for word in _NOW)):
        return False
    return is_dated(condition.subject, type_of) or (date_in(value) is not None and "⟦" in condition.subject)


def is_dated(form: str, type_of: TypeOf) -> bool:
    """Return whether an expression is a point in time or a part of one."""
    found = tokens_in(form)
    if not found or form.startswith(("count(", "sum(", "avg(")):
        return False
    return any(_is_dated_column(name, type_of) for name in found)


def _is_dated_column(name: str, type_of: TypeOf) -> bool:
    kind = type_of(name)
    if kind and is_date_type(kind):
        return True
    return is_date_name(re.split(r"[:.]", name)[-1])


def _read(condition: Condition, type_of: TypeOf) -> Condition:
    """Read the periods inside a condition; periods that adjoin each other and are joined by OR become one."""
    if isinstance(condition, Atom):
        bounds = tuple(bounds_of(condition, type_of))
        return bounds[0] if len(bounds) == 1 else Combined("AND", bounds, condition.node)
    parts = [_read(part, type_of) for part in condition.parts]
    if condition.operator == "AND":
        flat = [each for part in parts for each in (part.parts if _is_and(part) else (part,))]
        return replace(condition, parts=tuple(flat))
    return _joined(condition, parts)


def _is_and(part: Condition) -> TypeGuard[Combined]:
    return isinstance(part, Combined) and part.operator == "AND"


def _joined(condition: Combined, parts: list[Condition]) -> Condition:
    periods = [_ends(part) for part in parts]
    known = sorted((each for each in periods if each is not None), key=lambda each: each[1:])
    whole = replace(condition, parts=tuple(parts))
    if len(known) < max(len(parts), 1) or any(each[0] != known[0][0] for each in known):
        return whole
    end = known[0][2]
    for _, start, after in known[1:]:
        if start > end:
            return whole
        end = max(end, after)
    subject, first = known[0][:2]
    return Combined(
        "AND",
        (
            Atom(subject, ">=", date_form(first), condition.node),
            Atom(subject, "<", date_form(end), condition.node),
        ),
        condition.node,
    )


def _ends(part: Condition) -> tuple[str, date, date] | None:
    """Return subject, first day and the day after the last one of a condition that is a period."""
    if not _is_and(part) or len(part.parts) != 2:
        return None
    found = {}
    for atom in part.parts:
        day = date_in(atom.value) if isinstance(atom, Atom) else None
        if isinstance(atom, Atom) and day is not None:
            found[atom.operator] = (atom.subject, day)
    if set(found) != {">=", "<"} or found[">="][0] != found["<"][0]:
        return None
    return found[">="][0], found[">="][1], found["<"][1]


def _with_months(filters: list[Filter]) -> list[Filter]:
    """Narrow a whole year by ``MONTH(d) = 3`` or ``QUARTER(d) = 2`` beside it."""
    for item in list(filters):
        atom = item.condition
        call = CALL.match(atom.subject) if isinstance(atom, Atom) else None
        if not isinstance(atom, Atom) or call is None or call.group(1) not in ("month", "quarter"):
            continue
        if atom.operator != "=" or not atom.value.strip("'").isdigit():
            continue
        months, number = MONTHS[call.group(1)], int(atom.value.strip("'"))
        year = _whole_year(filters, call.group(2), item.clause)
        if year is None or not 1 <= number <= 12 // months:
            continue
        first, start, end = year
        narrowed = add_months(first, months * (number - 1))
        # What the author wrote is both: shown alone, either would hide what the other one adds.
        written = exp.and_(*dict.fromkeys((start.condition.node, end.condition.node, atom.node)))
        narrow = {
            start: Atom(call.group(2), ">=", date_form(narrowed), written),
            end: Atom(call.group(2), "<", date_form(add_months(narrowed, months)), written),
        }
        filters = [
            Filter(narrow[each], each.clause) if each in narrow else each for each in filters if each is not item
        ]
    return filters


def _whole_year(filters: list[Filter], subject: str, clause: str) -> tuple[date, Filter, Filter] | None:
    found: dict[str, Filter] = {}
    for item in filters:
        atom = item.condition
        if (
            isinstance(atom, Atom)
            and atom.subject == subject
            and item.clause == clause
            and atom.operator in (">=", "<")
        ):
            found[atom.operator] = item
    if len(found) < 2:
        return None
    ends = [date_in(found[operator].condition.value) for operator in (">=", "<")]  # type: ignore[union-attr]
    first, after = ends
    if first is None or after is None or first != floor(first, "year") or add_months(first, 12) != after:
        return None
    return first, found[">="], found["<"]
