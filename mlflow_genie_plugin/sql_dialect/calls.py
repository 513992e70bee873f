"""Parse Databricks SQL with every function call kept as it was written: its own name and its own arguments.

sqlglot's typed functions normalise names and arguments across dialects (and let functions of other dialects through).
Who has to know what a function means by its Databricks name alone (the SQL engine) masks the names before parsing.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

from mlflow_genie_plugin.sql_dialect.tokens import parse_tokens, retyped, statements_of, tokens_of

_MASK = "raw__"

# Functions with words between their arguments, or whose type sqlglot has to know; their trees are exact.
_TYPED_WORDS = """array cast extract listagg map named_struct overlay percentile_cont percentile_disc string_agg struct
    trim try_cast"""
_TYPE_WORDS = "bigint binary boolean date decimal double float int smallint string timestamp tinyint"
_KEYWORDS = """any char current_date current_timestamp current_user day exists filter first format if insert isnull
    last left like mod month range regexp replace reverse right rlike sequence session_user some user uuid window
    year"""
_TYPED = frozenset(_TYPED_WORDS.split())
_TYPE_NAMES = frozenset(_TYPE_WORDS.split())
_KEYWORD_FUNCTIONS = _TYPE_NAMES | frozenset(_KEYWORDS.split())


def parse_calls(sql: str) -> exp.Expr:
    """Parse one statement or expression; every function call is an ``exp.Anonymous`` with its name in lower case.

    Raises:
        SqlParseError: The text does not parse.
    """
    statements = statements_of(tokens_of(sql))
    return parse_untyped(statements[0] if statements else [], sql)


def parse_untyped(tokens: list[Token], sql: str) -> exp.Expr:
    """Parse the tokens of one statement or expression with every function call kept as it was written.

    Raises:
        SqlParseError: The tokens do not parse.
    """
    return _unmasked(parse_tokens(_masked(tokens), sql))


def parse_engine_sql(sql: str) -> exp.Expr:
    """Parse an expression in DuckDB's dialect without reading meaning into its function names."""
    dialect = Dialect.get_or_raise("duckdb")
    tokens = list(dialect.tokenize(sql))
    masked = [
        retyped(token, TokenType.VAR, _MASK + token.text) if _is_call(token, following) else token
        for token, following in zip(tokens, [*tokens[1:], None], strict=True)
    ]
    tree = dialect.parser().parse(masked, sql)[0]
    if tree is None:
        raise ValueError(f"no expression in {sql!r}")
    return _unmasked(tree)


def _is_call(token: Token, following: Token | None) -> bool:
    calls = following is not None and following.token_type == TokenType.L_PAREN
    return calls and token.token_type == TokenType.VAR and token.text.lower() not in ("cast", "try_cast")


def _masked(tokens: list[Token]) -> list[Token]:
    masked = []
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if following is None or following.token_type != TokenType.L_PAREN or not _is_function(tokens, index):
            masked.append(token)
        else:
            masked.append(retyped(token, TokenType.VAR, _MASK + token.text.lower()))
    return masked


def _is_function(tokens: list[Token], index: int) -> bool:
    token, name = tokens[index], tokens[index].text.lower()
    inside = tokens[index + 2].token_type if index + 2 < len(tokens) else None
    before = tokens[index - 1].token_type if index else None
    if name == "group":  # of WITHIN GROUP
        return False
    if token.token_type == TokenType.VAR and name not in _KEYWORD_FUNCTIONS:
        words = inside not in (None, TokenType.R_PAREN) and _has_words(tokens, index)
        return name not in _TYPED and not (name in ("substring", "substr", "position") and words)
    if name not in _KEYWORD_FUNCTIONS or token.token_type in (TokenType.IDENTIFIER, TokenType.STRING):
        return False
    if name in _TYPE_NAMES or name == "char":
        return before not in (TokenType.ALIAS, TokenType.DCOLON, TokenType.LT, TokenType.COLON)
    if name in ("exists", "any", "some"):
        return inside not in (TokenType.SELECT, TokenType.WITH, TokenType.FROM) and before not in _COMPARISONS
    if name == "filter":
        return inside != TokenType.WHERE
    if name in ("like", "rlike", "regexp"):  # also operators
        return before in _BEFORE_A_CALL
    return True


_COMPARISONS = (TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.GT, TokenType.LTE, TokenType.GTE, TokenType.LIKE,
                TokenType.ILIKE, TokenType.RLIKE)  # fmt: skip

_BEFORE_A_CALL = (None, TokenType.SELECT, TokenType.COMMA, TokenType.WHERE, TokenType.AND, TokenType.OR, TokenType.NOT,
                  TokenType.L_PAREN, TokenType.WHEN, TokenType.ON, TokenType.HAVING)  # fmt: skip


def _has_words(tokens: list[Token], index: int) -> bool:
    """Return whether FROM or IN stands directly between this call's parentheses: ``substring(x FROM 2)``."""
    depth = 0
    for token in tokens[index + 1 :]:
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth == 0:
            return False
        if depth == 1 and token.token_type in (TokenType.FROM, TokenType.IN):
            return True
    return False


def _unmasked(tree: exp.Expr) -> exp.Expr:
    for node in tree.find_all(exp.Identifier, exp.Anonymous, exp.Var):
        name = node.this
        if isinstance(name, str) and name.lower().startswith(_MASK):
            node.set("this", name[len(_MASK) :])
    return tree
