"""Databricks SQL text to trees: one query, or a query or expression; and the names in it."""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from mlflow_genie_plugin.sql_dialect.calls import parse_untyped
from mlflow_genie_plugin.sql_dialect.tokens import SqlParseError, parse_tokens, statements_of, tokens_of

# Statements of other kinds may be parsed leniently (sqlglot falls back to "Command" and logs): the first word decides.
QUERY_STARTS = frozenset(
    {TokenType.SELECT, TokenType.WITH, TokenType.FROM, TokenType.L_PAREN, TokenType.VALUES, TokenType.TABLE}
)


@lru_cache(maxsize=4096)
def parse_query(sql: str) -> exp.Query:
    """Parse one Databricks query.

    The tree is cached and shared: copy it (``.copy()``) before changing anything in it.

    Raises:
        SqlParseError: The text is empty, holds several statements, is not a query, or does not parse.
    """
    statements = statements_of(tokens_of(sql))
    if not statements:
        raise SqlParseError("there is no SQL statement in the text")
    if len(statements) > 1:
        raise SqlParseError(f"expected one statement, found {len(statements)}")
    first = statements[0][0]
    if first.token_type not in QUERY_STARTS:
        raise SqlParseError(f"expected a query (SELECT, WITH, FROM or VALUES), found {first.text.upper()[:40]!r}")
    tree = _parse_any_call(statements[0], sql)
    if isinstance(tree, exp.Values):
        tree = exp.select("*").from_(tree)
    if not isinstance(tree, exp.Query):
        raise SqlParseError(f"expected a query, found {tree.key.upper()}")
    return tree


@lru_cache(maxsize=4096)
def parse_fragment(sql: str) -> exp.Expr:
    """Parse a query or a bare expression, such as a filter snippet or a join condition.

    The tree is cached and shared: copy it before changing anything in it.

    Raises:
        SqlParseError: The text is neither.
    """
    statements = statements_of(tokens_of(sql))
    if len(statements) != 1:
        raise SqlParseError(f"expected one query or expression, found {len(statements)}")
    if statements[0][0].token_type in QUERY_STARTS - {TokenType.L_PAREN}:
        return parse_query(sql)
    return _parse_any_call(statements[0], sql)


def normalise_name(text: str) -> str:
    """Return a dotted name without backticks, in lower case: ``normalise_name("Cat.`Sch`.T") == "cat.sch.t"``."""
    return ".".join(split_name(text)).lower()


def split_name(text: str) -> tuple[str, ...]:
    """Split a dotted name into its parts without backticks; dots inside backticks do not split."""
    parts: list[str] = [""]
    quoted = False
    position = 0
    text = text.strip()
    while position < len(text):
        char = text[position]
        if char == "`" and quoted and text[position + 1 : position + 2] == "`":
            parts[-1] += "`"
            position += 1
        elif char == "`":
            quoted = not quoted
        elif char == "." and not quoted:
            parts.append("")
        else:
            parts[-1] += char
        position += 1
    return tuple(part if part != part.strip() and "`" in text else part.strip() for part in parts)


def _parse_any_call(tokens: list[Token], sql: str) -> exp.Expr:
    """Parse; when only a function's arguments displease sqlglot, its calls stay untyped instead of being refused."""
    try:
        return parse_tokens(tokens, sql)
    except SqlParseError as exc:
        try:
            return parse_untyped(tokens, sql)
        except SqlParseError:
            raise exc from None
