"""The types that are noted on the nodes of a query, and how operators and literals get theirs.

Nodes remember the types of their arguments as well, because the arguments are rewritten before them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from mlflow_genie_plugin.sql_engine import spark_types as types
from mlflow_genie_plugin.sql_engine.spark_types import SparkType, simple

_TYPE, _ARGUMENTS = "spark_type", "spark_arguments"


def type_of(node: exp.Expr) -> SparkType | None:
    """Return the type of an expression, or None when it is not known."""
    found = node.meta.get(_TYPE)
    return found if isinstance(found, SparkType) else None


def argument_types(node: exp.Expr) -> tuple[SparkType | None, ...]:
    """Return the types of a call's arguments, or of an operator's two sides, as they were before any rewriting."""
    found = node.meta.get(_ARGUMENTS)
    return found if isinstance(found, tuple) else ()


def note_type(node: exp.Expr, kind: SparkType) -> None:
    node.meta[_TYPE] = kind


def note_arguments(node: exp.Expr, kinds: Sequence[SparkType | None]) -> None:
    node.meta[_ARGUMENTS] = tuple(kinds)


_OPERATORS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_BOOLEAN = (exp.Predicate, exp.Not, exp.And, exp.Or, exp.Boolean, exp.In, exp.Between, exp.Is)


def type_of_operator(node: exp.Expr) -> SparkType | None:
    """Work out the type of anything but a name, a call or a query from its parts, and note the types of the parts."""
    if type(node) in _OPERATORS:
        sides = (_side(node.this), _side(node.expression))
        note_arguments(node, (type_of(node.this), type_of(node.expression)))
        return _arithmetic(_OPERATORS[type(node)], node, *sides)
    if isinstance(node, exp.Binary):
        note_arguments(node, (type_of(node.this), type_of(node.expression)))
    if isinstance(node, exp.Cast | exp.Bracket):
        note_arguments(node, (type_of(node.this),))
    if isinstance(node, exp.Identifier):
        return None
    found = next((rule for kind, rule in _RULES.items() if isinstance(node, kind)), None)
    return found(node) if found else None


def _side(node: exp.Expr) -> SparkType | None:
    """Return the decimal an operand takes part as, when it is an integer or a decimal."""
    kind = type_of(node)
    literal = node.name if isinstance(node, exp.Literal) and not node.is_string else None
    return None if kind is None else types.as_decimal(kind, literal)


def _arithmetic(operator: str, node: exp.Expr, left: SparkType | None, right: SparkType | None) -> SparkType | None:
    one, other = argument_types(node)
    if one is None or other is None:
        return None
    if one.is_decimal or other.is_decimal:
        if left is not None and right is not None:
            return types.arithmetic(operator, left, right)
        return simple("DOUBLE") if one.is_number and other.is_number else None
    if one.is_number and other.is_number:
        return simple("DOUBLE") if operator == "/" else types.wider(one, other)
    pair = (one.kind, other.kind)
    if operator == "-" and pair in (
        ("DATE", "DATE"),
        ("TIMESTAMP", "TIMESTAMP"),
        ("TIMESTAMP", "DATE"),
        ("DATE", "TIMESTAMP"),
    ):
        return simple("INTERVAL")
    if operator in "+-" and one.kind in ("DATE", "TIMESTAMP") and other.kind != "STRING":
        return one
    return other if operator == "+" and other.kind in ("DATE", "TIMESTAMP") else None


def _literal(node: exp.Expr) -> SparkType | None:
    if node.is_string:
        return simple("STRING")
    text = node.name
    if text.isdigit():
        return simple("INT" if int(text) < 2**31 else "BIGINT") if int(text) < 2**63 else types.decimal(len(text), 0)
    if "e" in text.lower():
        return simple("DOUBLE")
    whole, _, fraction = text.partition(".")
    digits = len((whole + fraction).lstrip("0"))
    return types.decimal(max(digits, len(fraction), 1), len(fraction)) if max(digits, len(fraction)) <= 38 else None


def _case(node: exp.Expr) -> SparkType | None:
    results = [each.args["true"] for each in node.args.get("ifs") or []]
    default = node.args.get("default")
    return types.common([type_of(each) for each in [*results, *([default] if default is not None else [])]])


def _bracket(node: exp.Expr) -> SparkType | None:
    held = type_of(node.this)
    if held is None:
        return None
    if held.kind == "STRUCT":
        key = node.expressions[0]
        return held.field(key.name) if isinstance(key, exp.Literal) else None
    return held.items[-1] if held.kind in ("ARRAY", "MAP") else None


def _dot(node: exp.Expr) -> SparkType | None:
    held = type_of(node.this)
    if held is not None and held.kind == "ARRAY" and held.items[0] is not None:
        return types.array_of(held.items[0].field(node.expression.name))
    return held.field(node.expression.name) if held is not None else None


def _map(node: exp.Expr) -> SparkType | None:
    sides = [node.args.get("keys"), node.args.get("values")]
    if not all(isinstance(side, exp.Array) for side in sides):
        return None
    return SparkType(
        "MAP", items=tuple(types.common(map(type_of, side.expressions)) for side in sides if side is not None)
    )


def _struct(node: exp.Expr) -> SparkType | None:
    fields = []
    for number, each in enumerate(node.expressions, 1):
        named = isinstance(each, exp.PropertyEQ | exp.Alias)
        value = each.expression if isinstance(each, exp.PropertyEQ) else each.this if named else each
        label = each.name if isinstance(each, exp.PropertyEQ) else each.alias_or_name or f"col{number}"
        fields.append((label, type_of(value)))
    return SparkType("STRUCT", fields=tuple(fields))


def _inner(node: exp.Expr) -> SparkType | None:
    return type_of(node.this) if isinstance(node.this, exp.Expr) else None


_RULES: dict[type[exp.Expr], Callable[[exp.Expr], SparkType | None]] = {
    exp.Literal: _literal,
    exp.Null: lambda _: simple("VOID"),
    exp.Cast: lambda node: types.from_data_type(node.args["to"]),
    exp.Case: _case,
    exp.Bracket: _bracket,
    exp.Dot: _dot,
    exp.Array: lambda node: types.array_of(types.common(map(type_of, node.expressions))),
    exp.Map: _map,
    exp.VarMap: _map,
    exp.Struct: _struct,
    exp.Interval: lambda _: simple("INTERVAL"),
    exp.DPipe: lambda _: simple("STRING"),
    exp.Concat: lambda _: simple("STRING"),
    exp.Trim: lambda _: simple("STRING"),
    exp.Extract: lambda node: types.decimal(8, 6) if node.name.upper().startswith("SEC") else simple("INT"),
    exp.CurrentDate: lambda _: simple("DATE"),
    exp.CurrentTimestamp: lambda _: simple("TIMESTAMP"),
    exp.IntDiv: lambda _: simple("BIGINT"),
    **dict.fromkeys(
        (
            exp.Paren,
            exp.Neg,
            exp.Alias,
            exp.Window,
            exp.Filter,
            exp.IgnoreNulls,
            exp.RespectNulls,
            exp.Distinct,
            exp.Order,
        ),
        _inner,
    ),
    **dict.fromkeys(_BOOLEAN, lambda _: simple("BOOLEAN")),
}
