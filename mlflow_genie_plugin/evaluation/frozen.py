"""Make a query give the same rows every time: the clock is stopped; what cannot be stopped is named."""

from __future__ import annotations

from sqlglot.tokenizer_core import Token, TokenType

from mlflow_genie_plugin.sql_dialect.tokens import tokens_of

# A day on which 30 days ago, a month ago, and the first and last of its month, quarter and year all differ.
TODAY = "2024-08-20"
_TIME_OF_DAY = "13:45:10"

_DATES = frozenset({"current_date", "curdate"})
_TIMESTAMPS = frozenset({"current_timestamp", "now", "getdate", "localtimestamp"})
_CALLED_ONLY = frozenset({"now", "getdate", "curdate"})
_UNSTOPPABLE_WORDS = """rand randn random uuid shuffle monotonically_increasing_id input_file_name
    input_file_block_start input_file_block_length current_user session_user user
    current_catalog current_database current_schema spark_partition_id vector_search
    read_files read_kafka http_request remote_query randstr uniform"""
_UNSTOPPABLE = frozenset(_UNSTOPPABLE_WORDS.split())


def frozen(sql: str) -> str:
    """Return the query with its clock stopped at :data:`TODAY`; the text is otherwise as it was.

    Raises:
        SqlParseError: The text cannot be tokenized.
    """
    pieces, position = [], 0
    tokens = tokens_of(sql)
    for index, token in enumerate(tokens):
        name = token.text.lower()
        if not _is_clock(tokens, index):
            continue
        end = tokens[index + 2].end if _is_empty_call(tokens, index) else token.end
        moment = f"DATE'{TODAY}'" if name in _DATES else f"TIMESTAMP'{TODAY} {_TIME_OF_DAY}'"
        pieces += [sql[position : token.start], moment]
        position = end + 1
    return "".join([*pieces, sql[position:]])


def unstoppable(sql: str) -> str | None:
    """Return what in the query gives other values at every run, in a way that cannot be stopped; None for nothing."""
    tokens = tokens_of(sql)
    for index, token in enumerate(tokens):
        name = token.text.lower()
        called = index + 1 < len(tokens) and tokens[index + 1].token_type == TokenType.L_PAREN
        if called and _is_word(token) and (name in _UNSTOPPABLE or name.startswith("ai_")):
            return f"{name}()"
        if token.token_type == TokenType.TABLE_SAMPLE:
            return "TABLESAMPLE"
        if called and name == "unix_timestamp" and _is_empty_call(tokens, index):
            return "unix_timestamp()"
    return None


def _is_clock(tokens: list[Token], index: int) -> bool:
    token = tokens[index]
    name = token.text.lower()
    if not _is_word(token) or name not in _DATES | _TIMESTAMPS:
        return False
    if index and tokens[index - 1].token_type in (TokenType.DOT, TokenType.ALIAS):
        return False  # a column or an alias of that name
    following = tokens[index + 1].token_type if index + 1 < len(tokens) else None
    return _is_empty_call(tokens, index) or (
        name not in _CALLED_ONLY and following not in (TokenType.L_PAREN, TokenType.DOT)
    )


def _is_empty_call(tokens: list[Token], index: int) -> bool:
    following = [token.token_type for token in tokens[index + 1 : index + 3]]
    return following == [TokenType.L_PAREN, TokenType.R_PAREN]


def _is_word(token: Token) -> bool:
    return token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER)
