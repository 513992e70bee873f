"""Templates of DuckDB SQL with slots for converted arguments."""

from __future__ import annotations

import re
from functools import lru_cache

from sqlglot import exp

from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.sql_dialect.calls import parse_engine_sql
from mlflow_genie_plugin.sql_engine.errors import failed
from mlflow_genie_plugin.sql_engine.function_table import TEMPLATES

_SLOT = re.compile(r"_([1-9])\Z")


def fill(template: str, *arguments: exp.Expr) -> exp.Expr:
    """Put arguments into a DuckDB template (``_1``, ``_2`` …)."""
    tree = _parsed(template).copy()
    root = exp.Paren(this=tree)
    for column in list(root.find_all(exp.Column)):
        if not column.table and (slot := _SLOT.match(column.name)):
            column.replace(_operand(arguments[int(slot[1]) - 1]))
    inner = root.this
    return root if isinstance(inner, exp.Binary | exp.Unary | exp.Is | exp.Not) else inner


def from_table(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    """Build a call from its template in the function table.

    Raises:
        SqlFailedError: The function has no form for this number of arguments.
    """
    forms = TEMPLATES[name]
    choices = {_arity(form): form for form in ((forms,) if isinstance(forms, str) else forms)}
    if isinstance(forms, tuple) and len(choices) < len(forms):
        # The same form for two numbers of arguments: an optional last one that changes nothing (an accuracy).
        choices[max(choices) + 1] = forms[-1]
    if len(arguments) not in choices:
        raise wrong_count(name, " or ".join(map(str, sorted(choices))), len(arguments))
    return fill(choices[len(arguments)], *arguments)


def _arity(form: str) -> int:
    return max((int(number) for number in re.findall(r"\b_([1-9])\b", form)), default=0)


def wrong_count(name: str, wanted: str, given: int) -> SqlFailedError:
    """Build the error for a call with too many or too few arguments."""
    text = f"The `{name}` requires {wanted} parameters but the actual number is {given}."
    return failed("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", text, "42605")


def need(name: str, arguments: list[exp.Expr], *counts: int) -> None:
    """Raise unless the number of arguments is one of ``counts``.

    Raises:
        SqlFailedError: It is not.
    """
    if len(arguments) not in counts:
        raise wrong_count(name, " or ".join(map(str, counts)), len(arguments))


def text_literal(text: str) -> str:
    """Write text as a DuckDB string literal."""
    return "'" + text.replace("'", "''") + "'"


@lru_cache(maxsize=1024)
def _parsed(template: str) -> exp.Expr:
    return parse_engine_sql(template)


def _operand(argument: exp.Expr) -> exp.Expr:
    copied = argument.copy()
    return exp.Paren(this=copied) if isinstance(copied, exp.Binary | exp.Unary | exp.Between | exp.In) else copied
