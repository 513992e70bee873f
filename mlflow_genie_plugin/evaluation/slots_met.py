"""Whether a query provides what a question plainly asks for; what it alone cannot tell is neither met nor missed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.dates import date_of_text, folded_date, is_date_name, part_taken
from mlflow_genie_plugin.evaluation.question_slots import MONTHS, Slot


def meets(slot: Slot, tree: exp.Expr) -> bool | None:
    """Return whether a query provides what a slot asks for; None when that cannot be told from the query alone."""
    if slot.kind == "top":
        return _is_cut(slot.value, tree)
    if slot.kind == "group":
        return _is_grouped(slot.value, tree)
    if slot.kind == "year":
        return _has_year(slot.value, tree)
    if slot.kind in ("month", "quarter"):
        return _has_part(slot.kind, slot.value, tree)
    if slot.kind == "value":
        return _has_text(slot.value, tree)
    return _has_number(slot.value, tree)


def _is_cut(count: int, tree: exp.Expr) -> bool | None:
    limits = [limit.args.get("expression") for limit in tree.find_all(exp.Limit)]
    if any(isinstance(limit, exp.Literal) and limit.name == str(count) for limit in limits):
        return True
    ranks = tree.find(exp.Window) is not None or _has_parameter(tree) or _calls_function(tree)
    if ranks:
        # A rank that is compared with the number cuts as well; so may a function that is given it.
        return True if _has_number(float(count), tree) else None
    return False


def _is_grouped(words: str, tree: exp.Expr) -> bool | None:
    groups = list(tree.find_all(exp.Group))
    windows = [key for window in tree.find_all(exp.Window) for key in window.args.get("partition_by") or ()]
    if not groups and not windows:
        # Rows can already stand for what is asked for, and DISTINCT groups as well.
        return None if _calls_function(tree) or tree.find(exp.Distinct) is not None or not _aggregates(tree) else False
    stems = {_stem(word) for word in words.split()}
    named = {_stem(part) for node in tree.find_all(exp.Column, exp.Alias) for part in _parts(node.alias_or_name)}
    functions = {type(node).__name__.lower() for group in groups for node in group.find_all(exp.Func)}
    return True if stems & (named | functions) else None


def _aggregates(tree: exp.Expr) -> bool:
    return tree.find(exp.AggFunc) is not None or any(
        call.name.lower() == "measure" for call in tree.find_all(exp.Anonymous)
    )


def _has_year(year: int, tree: exp.Expr) -> bool | None:
    for literal in tree.find_all(exp.Literal):
        if re.search(rf"(?<!\d){year}(?!\d)", literal.name):
            return True
        # The year after, or the last day of the year before, bound the year from outside.
        day = date_of_text(literal.name) if literal.is_string else None
        if day is not None and (day.year, day.month, day.day) in ((year + 1, 1, 1), (year - 1, 12, 31)):
            return True
    if any((day := folded_date(node)) is not None and day.year == year for node in tree.find_all(exp.Add, exp.Sub)):
        return True
    return None if _has_parameter(tree) or _is_relative(tree) else False


def _has_part(part: str, number: int, tree: exp.Expr) -> bool | None:
    first = number if part == "month" else 3 * number - 2
    for literal in tree.find_all(exp.Literal):
        if not literal.is_string and literal.name == str(number):
            taken = (part_taken(side) for side in _compared_with(literal))
            if any(found is not None and found[0] == part for found in taken):
                return True
        if literal.is_string and re.search(rf"\d{{4}}-0?{first}(?!\d)", literal.name):
            return True
        if literal.is_string and part == "month" and literal.name[:3].lower() == MONTHS[number - 1][:3]:
            return True
        if literal.is_string and part == "quarter" and literal.name.upper().endswith(f"Q{number}"):
            return True
    if _has_parameter(tree) or _is_relative(tree):
        return None
    # A column that already holds months can be compared in ways that are not known here.
    dated = any(
        is_date_name(column.name)
        for clause in tree.find_all(exp.Where, exp.Having)
        for column in clause.find_all(exp.Column)
    )
    return None if dated else False


def _compared_with(literal: exp.Expr) -> Iterator[exp.Expr]:
    parent = literal.parent
    if isinstance(parent, exp.Binary | exp.In | exp.Between):
        yield from (child for child in parent.iter_expressions() if child is not literal)


def _has_text(value: str, tree: exp.Expr) -> bool | None:
    wanted = value.casefold()
    for literal in tree.find_all(exp.Literal):
        if literal.is_string and wanted in (literal.name.casefold(), literal.name.strip("%").casefold()):
            return True
    # The value can stand in the data in another spelling, or the query can be fed by a parameter.
    return None if any(literal.is_string for literal in tree.find_all(exp.Literal)) or _has_parameter(tree) else False


def _has_number(number: float, tree: exp.Expr) -> bool | None:
    is_near = False
    for literal in tree.find_all(exp.Literal):
        try:
            off = float(literal.name) - number
        except ValueError:
            continue
        if off == 0:
            return True
        # Of whole numbers, "more than 55" is also >= 56.
        is_near = is_near or (abs(off) == 1 and isinstance(literal.parent, exp.GTE | exp.LTE))
    return None if _has_parameter(tree) or is_near else False


def _has_parameter(tree: exp.Expr) -> bool:
    return tree.find(exp.Placeholder, exp.Parameter) is not None


def _is_relative(tree: exp.Expr) -> bool:
    return tree.find(exp.CurrentDate, exp.CurrentTimestamp) is not None


def _calls_function(tree: exp.Expr) -> bool:
    return any(isinstance(table.this, exp.Func) for table in tree.find_all(exp.Table))


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[^a-z]+", name.lower()) if part]


def _stem(word: str) -> str:
    return word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")
