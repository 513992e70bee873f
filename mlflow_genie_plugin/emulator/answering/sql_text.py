"""Writing Databricks SQL: names, literals, and expressions moved from a space into a query."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from mlflow_genie_plugin.emulator.answering.words import word_set

if TYPE_CHECKING:
    from sqlglot import exp

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = word_set(
    """all and as by case cross date distinct else end except exists false from full group having in inner intersect
    into is join left like limit not null on or order outer right select table then true union using values when
    where with"""
)


def quoted_name(name: str) -> str:
    """Return a column or alias as SQL, in backticks where the name needs them."""
    if _PLAIN_NAME.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    return "`" + name.replace("`", "``") + "`"


def quoted_identifier(identifier: str) -> str:
    """Return a dotted name as SQL: ``my-cat.s.t`` → a backticked first part."""
    return ".".join(quoted_name(part) for part in parts_of(identifier))


def parts_of(identifier: str) -> list[str]:
    """Return the parts of a dotted name; backticks protect dots and go away."""
    return [part.strip("`") for part in re.findall(r"`[^`]+`|[^.]+", identifier)]


def spoken_alias(name: str) -> str:
    """Return a display name as a plain column alias: ``Late deliveries (all)`` → ``late_deliveries_all``."""
    return "_".join(re.findall(r"[a-z0-9]+", name.lower())) or "figure"


def string_literal(value: str) -> str:
    """Return a text as a SQL literal (Databricks escapes with backslashes; ``''`` would join two literals)."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def number_literal(value: float) -> str:
    """Return a number as a SQL literal without a needless fraction."""
    return str(int(value)) if float(value).is_integer() else repr(value)


@lru_cache(maxsize=4096)
def parse_expression(sql: str) -> exp.Expression | None:
    """Return the syntax tree of one scalar, boolean or aggregate expression, or None when ``sql`` is not one.

    The tree is shared: copy it before changing it.
    """
    import sqlglot
    from sqlglot import exp

    text = sql.strip().rstrip(";")
    if not text or len(text) > 20_000:
        return None
    try:
        tree = sqlglot.parse_one(f"SELECT {text}", read="databricks")
    except (sqlglot.errors.SqlglotError, RecursionError):
        return None
    selected = tree.expressions if isinstance(tree, exp.Select) else []
    only_a_list = {name for name, value in tree.args.items() if value} <= {"expressions", "kind"}
    if len(selected) != 1 or not only_a_list or list(selected[0].find_all(exp.Query)):
        return None
    expression: exp.Expression = selected[0].unalias()
    return expression


def is_aggregate(expression: exp.Expression) -> bool:
    """Return whether an expression aggregates (``SUM(x)``, ``MEASURE(y)``), window functions aside."""
    from sqlglot import exp

    return any(
        not isinstance(node.parent, exp.Window)
        for node in expression.find_all(exp.AggFunc, exp.Anonymous)
        if isinstance(node, exp.AggFunc) or str(node.this).lower() == "measure"
    )


def is_condition(expression: exp.Expression) -> bool:
    """Return whether an expression is a condition by its form (comparison, AND, IN, LIKE, NOT …)."""
    from sqlglot import exp

    return isinstance(expression.unnest(), exp.Predicate | exp.Connector | exp.Not)


def with_qualifiers(expression: exp.Expression, qualifier_of: Callable[[exp.Column], str | None]) -> str:
    """Return an expression as SQL, each column qualified by what ``qualifier_of`` returns (None: as it is)."""
    from sqlglot import exp

    copy = expression.copy()
    for column in copy.find_all(exp.Column):
        qualifier = qualifier_of(column)
        if qualifier is not None:
            column.set("db", None)
            column.set("catalog", None)
            column.set("table", exp.to_identifier(qualifier, quoted=quoted_name(qualifier) != qualifier))
    return copy.sql(dialect="databricks")
