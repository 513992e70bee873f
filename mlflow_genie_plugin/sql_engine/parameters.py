"""Values put in the place of a query's parameters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.errors import failed, syntax_error


def bind_parameters(tree: exp.Expr, parameters: Mapping[str, Any]) -> None:
    """Put the values in, in place; a placeholder without a value is an error."""
    given = {name.lower(): value for name, value in parameters.items()}
    for placeholder in list(tree.find_all(exp.Placeholder)):
        name = placeholder.this
        if not isinstance(name, str) or name.lower() not in given:
            shown = name if isinstance(name, str) else "?"
            text = f"Found the unbound parameter: {shown}. Give it a value in the statement's parameters."
            raise failed("UNBOUND_SQL_PARAMETER", text, "42P02")
        placeholder.replace(literal(given[name.lower()]))
    if marker := tree.find(exp.Parameter):
        raise syntax_error(f"{marker.sql('databricks')} is no parameter; parameters are written :name")


def literal(value: Any) -> exp.Expr:
    """Write a Python value as SQL.

    Raises:
        SqlFailedError: The value is of a kind that no SQL parameter has.
    """
    if value is None:
        return exp.null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int | Decimal):
        return exp.Literal.number(value) if value >= 0 else exp.paren(exp.Neg(this=exp.Literal.number(-value)))
    if isinstance(value, float):
        return exp.cast(exp.Literal.string(repr(value)), "DOUBLE")
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, dt.datetime):
        moment = value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
        return exp.cast(exp.Literal.string(moment.isoformat(sep=" ")), "TIMESTAMP")
    if isinstance(value, dt.date):
        return exp.cast(exp.Literal.string(value.isoformat()), "DATE")
    raise failed("INVALID_PARAMETER_VALUE", f"A parameter cannot be a {type(value).__name__}.", "22023")
