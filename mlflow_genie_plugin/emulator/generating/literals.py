"""Literals of an SQL text: what type they are of, which stand beside a column, which make a condition true."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

Literal = str | float | bool

_DATE_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}")


def family_of(value: Literal) -> str:
    """Return the type family a literal belongs to: BOOLEAN, NUMBER, DATE or STRING."""
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, float):
        return "NUMBER"
    return "DATE" if _DATE_TEXT.match(value) else "STRING"


def literal_of(node: exp.Expr | None) -> Literal | None:
    """Return the value of a literal, also a negative or a DATE'…' one; None for anything else."""
    if isinstance(node, exp.Literal):
        return str(node.this) if node.is_string else float(node.this)
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Neg) and isinstance(value := literal_of(node.this), float):
        return -value
    if isinstance(node, exp.Cast | exp.TsOrDsToDate | exp.Paren | exp.Lower | exp.Upper):
        return literal_of(node.this)
    return None


def satisfying(condition: exp.Expr) -> Iterator[tuple[exp.Column, Literal]]:
    """Yield (column, value) that make one condition true, where that is plain; the first branch of an OR is enough."""
    if isinstance(condition, exp.Or | exp.Paren):
        yield from satisfying(condition.this)
    elif isinstance(condition, exp.And):
        for part in condition.flatten():
            yield from satisfying(part)
    elif isinstance(condition, exp.Column):
        yield condition, True
    elif isinstance(condition, exp.Not) and isinstance(condition.this, exp.Column):
        yield condition.this, False
    elif isinstance(condition, exp.In) and (column := _bare(condition.this)) is not None:
        value = literal_of(condition.expressions[0]) if condition.expressions else None
        if value is not None:
            yield column, value
    elif isinstance(condition, exp.Like | exp.ILike) and (column := _bare(condition.this)) is not None:
        if isinstance(pattern := literal_of(condition.expression), str):
            yield column, pattern.replace("%", "").replace("_", "a") or "a"
    elif isinstance(condition, exp.Between) and (column := _bare(condition.this)) is not None:
        if (value := literal_of(condition.args.get("low"))) is not None:
            yield column, value
    elif (
        isinstance(condition, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE)
        and (column := _bare(condition.this)) is not None
    ):
        value = literal_of(condition.expression)
        if isinstance(value, float) and isinstance(condition, exp.GT | exp.LT):
            value += 1.0 if isinstance(condition, exp.GT) else -1.0
        if value is not None and not (isinstance(value, str) and isinstance(condition, exp.LT | exp.GT)):
            yield column, value


def _bare(node: exp.Expr) -> exp.Column | None:
    while isinstance(node, exp.Lower | exp.Upper | exp.Trim | exp.Paren):
        node = node.this
    return node if isinstance(node, exp.Column) else None


def literals_beside(column: exp.Column) -> Iterator[Literal]:
    node: exp.Expr = column
    parent = column.parent
    while isinstance(parent, exp.Lower | exp.Upper | exp.Trim | exp.Paren):
        node, parent = parent, parent.parent
    beside: list[exp.Expr | None] = []
    if isinstance(parent, exp.In) and parent.this is node:
        beside = list(parent.expressions)
    elif isinstance(parent, exp.Between) and parent.this is node:
        beside = [parent.args.get("low"), parent.args.get("high")]
    elif isinstance(parent, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.NullSafeEQ):
        beside = [parent.expression if parent.this is node else parent.this]
    elif isinstance(parent, exp.ArrayContains) and parent.this is node:
        beside = [parent.expression]
    elif isinstance(parent, exp.Coalesce):
        beside = list(parent.expressions)
    elif isinstance(parent, exp.Like | exp.ILike) and isinstance(pattern := literal_of(parent.expression), str):
        yield pattern.replace("%", "").replace("_", "a") or "a"
    elif isinstance(parent, exp.Case) and parent.this is node:
        beside = [branch.this for branch in parent.args.get("ifs") or []]
    yield from (value for item in beside if (value := literal_of(item)) is not None)
