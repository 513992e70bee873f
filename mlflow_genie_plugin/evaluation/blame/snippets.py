"""The space's own SQL: which of its snippets computes the same as an expression, and what an expression speaks of."""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp

from mlflow_genie_plugin.evaluation.blame.configuration import Configuration
from mlflow_genie_plugin.evaluation.facets.normal_form import NormalForm
from mlflow_genie_plugin.evaluation.facets.tokens import column_token, tokens_in
from mlflow_genie_plugin.space.shape import (
    Kind,
    label_of,
    text_of,
)
from mlflow_genie_plugin.sql_dialect import SqlParseError
from mlflow_genie_plugin.sql_dialect.parse import parse_fragment


def snippet_of(kind: Kind, sql: str, config: Configuration) -> str | None:
    """Return the name of the snippet that computes the same, whatever the names it gives to tables."""
    wanted = _form(sql)
    for item in config.items(kind):
        if wanted is not None and _form(text_of(item.get("sql"))) == wanted:
            return label_of(kind, item)
    return None


@lru_cache(maxsize=4096)
def _form(sql: str) -> str | None:
    """Return the normal form of an expression with bare column names; None when it is no expression."""
    try:
        tree = parse_fragment(sql)
    except SqlParseError:
        return None
    forms = NormalForm(lambda column: column_token("", column.name.lower()), lambda _query, _how: "subquery")
    return None if isinstance(tree, exp.Query) else forms.of(tree)


def is_of_columns(sql: str, objects: tuple[str, ...]) -> bool:
    """Return whether an expression speaks of columns of tables only, and of none that the query itself makes."""
    named = {name.lstrip(":") for name in tokens_in(_form(sql) or "")}
    return bool(named) and named <= {name.rpartition(".")[2] for name in objects}


def has_aggregate(sql: str) -> bool:
    try:
        return parse_fragment(sql).find(exp.AggFunc) is not None
    except SqlParseError:
        return False
