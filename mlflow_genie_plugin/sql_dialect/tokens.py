"""Databricks SQL text to tokens, and tokens to a tree, with the parser's blind spots repaired on the token stream."""

from __future__ import annotations

import re
from itertools import pairwise

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

DIALECT = Dialect.get_or_raise("databricks")

_TOKEN = re.compile(r"<Token token_type: .*?, text: (.*?), line: .*?>", re.DOTALL)
_LACKING = re.compile(r"Required keyword: '\w+' missing for (\w+)")
_CLASS = re.compile(r"<class '(?:\w+\.)*(\w+)'>")


class SqlParseError(ValueError):
    """Raised when text is not one Databricks SQL query; the message says where and why."""


def tokens_of(sql: str) -> list[Token]:
    """Split text into tokens whose ``start`` and ``end`` are character offsets into ``sql``.

    Raises:
        SqlParseError: The text cannot be tokenized, for example an unclosed quote or comment.
    """
    if not isinstance(sql, str):
        raise SqlParseError(f"SQL must be text, not {type(sql).__name__}")
    try:
        return list(DIALECT.tokenize(sql))
    except SqlglotError as exc:
        raise SqlParseError(f"the SQL text cannot be read: {_first_line(str(exc))}") from exc


def statements_of(tokens: list[Token]) -> list[list[Token]]:
    """Split tokens at semicolons; empty statements are dropped."""
    statements: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            statements.append([])
        else:
            statements[-1].append(token)
    return [statement for statement in statements if statement]


def parse_tokens(tokens: list[Token], sql: str) -> exp.Expr:
    """Parse the tokens of one statement or expression; not cached, the tree is the caller's.

    Raises:
        SqlParseError: The tokens do not parse.
    """
    repaired = _repaired(tokens, sql)
    try:
        trees = DIALECT.parser().parse(repaired, sql)
    except ParseError as exc:
        detail = exc.errors[0] if exc.errors else {}
        near = str(detail.get("highlight") or "")
        # The parser counts to the end of the word; people look for its beginning.
        column = int(detail.get("col") or 1) - max(len(near) - 1, 0)
        where = f" at line {detail['line']}, column {column}" if detail.get("line") else ""
        where += f" near {near!r}" if near else ""
        reason = _TOKEN.sub(r"'\1'", str(detail.get("description") or _first_line(str(exc)))).rstrip(".")
        reason = _LACKING.sub(lambda lack: f"a part of {lack[1].upper()} is missing", _CLASS.sub(r"\1", reason))
        raise SqlParseError(f"syntax error{where}: {reason}") from exc
    except (SqlglotError, RecursionError) as exc:
        raise SqlParseError(f"the SQL text cannot be parsed: {_first_line(str(exc))}") from exc
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
        # The parser trips over calls without arguments and the like, where it should say what it expected.
        raise SqlParseError(f"the SQL text cannot be parsed: the parser breaks on it ({type(exc).__name__})") from exc
    if len(trees) != 1 or trees[0] is None:
        raise SqlParseError(f"expected one statement, found {len(trees)}")
    return trees[0]


def _repaired(tokens: list[Token], sql: str) -> list[Token]:
    """Rewrite the token runs that sqlglot reads differently from Databricks.

    ``window(`` is a function call, not the WINDOW clause; ``t@v3`` is time travel, not an alias; ``'it''s'`` holds an
    escaped quote, not two strings. Positions stay those of the original text.
    """
    repaired: list[Token] = []
    _refuse_trailing_comma(tokens)
    _refuse_doubled_dot(tokens)
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        previous = tokens[index - 1] if index else None
        if token.token_type == TokenType.WINDOW and following and following.token_type == TokenType.L_PAREN:
            repaired.append(retyped(token, TokenType.VAR, token.text))
        elif token.token_type == TokenType.PARAMETER and previous and following and previous.end + 1 == token.start:
            kind = "VERSION" if following.text[:1].lower() == "v" else "TIMESTAMP"
            repaired.append(retyped(token, TokenType.VAR if kind == "VERSION" else TokenType.TIMESTAMPTZ, kind))
            repaired.append(retyped(token, TokenType.ALIAS, "AS"))
            repaired.append(retyped(token, TokenType.VAR, "OF"))
        elif _is_parameter_name(tokens, index, sql):
            repaired.append(retyped(token, TokenType.VAR, token.text))
        elif repaired and previous and previous.token_type == TokenType.PARAMETER and repaired[-1].text == "OF":
            repaired.append(retyped(token, TokenType.STRING, token.text.lstrip("vV")))
        elif (
            token.token_type == TokenType.STRING
            and previous
            and previous.token_type == TokenType.STRING
            and previous.end + 1 == token.start
            and sql[previous.end] == sql[token.start]
        ):
            joined = repaired.pop()
            text = joined.text + sql[token.start] + token.text
            repaired.append(Token(TokenType.STRING, text, joined.line, joined.col, joined.start, token.end))
        else:
            repaired.append(token)
    return repaired


def _is_parameter_name(tokens: list[Token], index: int, sql: str) -> bool:
    """Return whether a keyword is the name of a parameter: ``:from`` after anything that has no path or type."""
    if (
        index == 0
        or tokens[index - 1].token_type != TokenType.COLON
        or tokens[index - 1].end + 1 != tokens[index].start
    ):
        return False
    word = tokens[index].text
    before = tokens[index - 2] if index > 1 else None
    is_path = before is not None and (
        before.end + 1 == tokens[index - 1].start and (sql[before.end].isalnum() or sql[before.end] in "_`)]\"'")
    )
    return tokens[index].token_type != TokenType.VAR and word.isidentifier() and not is_path


_AFTER_A_LIST = frozenset(
    {TokenType.FROM, TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.ORDER_BY, TokenType.LIMIT}
    | {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.UNION, TokenType.JOIN}
)


def _refuse_doubled_dot(tokens: list[Token]) -> None:
    """Raise for ``catalog..table``, which sqlglot reads as a schema without a name and a warehouse does not."""
    for dot, following in pairwise(tokens):
        if dot.token_type == following.token_type == TokenType.DOT:
            raise SqlParseError(
                f"syntax error at line {following.line}, column {following.col}: a name is missing between two dots"
            )


def _refuse_trailing_comma(tokens: list[Token]) -> None:
    """Raise for ``SELECT a, FROM t``, which sqlglot forgives and a warehouse does not."""
    for comma, following in zip(tokens, [*tokens[1:], None], strict=True):
        if comma.token_type == TokenType.COMMA and (following is None or following.token_type in _AFTER_A_LIST):
            near = f" near {following.text!r}" if following else ""
            column = comma.col - len(comma.text) + 1
            raise SqlParseError(f"syntax error at line {comma.line}, column {column}{near}: nothing follows the comma")


def retyped(token: Token, token_type: TokenType, text: str) -> Token:
    """Return a token read differently, at the same place of the text."""
    return Token(token_type, text, token.line, token.col, token.start, token.end, token.comments)


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0] or "unknown error"
