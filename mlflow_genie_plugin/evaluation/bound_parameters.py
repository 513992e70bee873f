"""A query's tree with the values of its parameters in their places, for reading only."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp


def with_values(tree: exp.Query, values: Mapping[str, str]) -> exp.Query:
    """Return a copy of the tree in which ``:name`` is the literal given for it; names without a value stay.

    Genie gives values as text; what reads as a number becomes one, so that ``LIMIT :n`` is a LIMIT like any other. A
    tree that is sent nowhere may be as loose as that.
    """
    known = {name.lower(): value for name, value in values.items()}
    copy = tree.copy()
    for marker in list(copy.find_all(exp.Placeholder)):
        value = known.get(marker.this.lower()) if isinstance(marker.this, str) else None
        if value is not None:
            marker.replace(_literal(value))
    return copy


def _literal(value: str) -> exp.Expr:
    text = str(value).strip()
    if text.removeprefix("-").replace(".", "", 1).isdigit():
        number = exp.Literal.number(text.removeprefix("-"))
        return exp.Neg(this=number) if text.startswith("-") else number
    return exp.Literal.string(value)
