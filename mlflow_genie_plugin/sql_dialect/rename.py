"""Rename tables, schemas and catalogs inside SQL text, leaving every other character as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from mlflow_genie_plugin.sql_dialect.assets import is_cte_reference
from mlflow_genie_plugin.sql_dialect.parse import parse_fragment, split_name
from mlflow_genie_plugin.sql_dialect.tokens import SqlParseError, tokens_of

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

_Names = dict[tuple[str, ...], tuple[str, ...]]


def replace_identifiers(sql: str, mapping: Mapping[str, str]) -> str:
    """Rename what a query or expression refers to, by editing the original text in place.

    A key of one part is a catalog, of two parts a catalog and schema (or a table written with its schema only), of
    three parts one object; the longest matching key wins. Names are compared without case and backticks. Renamed are
    tables, functions and columns written with their table's full name, and column qualifiers that follow a renamed
    table which has no alias. Left alone are aliases, CTE names, bare table names, string literals and comments; the
    only literal that is edited is the one inside ``IDENTIFIER('…')``, which is a name.

    Args:
        sql: A query, or an expression such as a filter snippet or a join condition. Text without any SQL in it is
            returned unchanged.
        mapping: Old dotted name → new dotted name with the same number of parts.

    Raises:
        SqlParseError: The text is neither a query nor an expression, so its names cannot be told from other words.
        ValueError: A name in the mapping has a different number of parts from its replacement, or an empty part.
    """
    names = _names(mapping)
    tokens = tokens_of(sql)
    if not names or not tokens:
        return sql
    starts = {token.start: index for index, token in enumerate(tokens)}
    edits: dict[int, tuple[int, str]] = {}
    for first, length, new in _renamings(parse_fragment(sql), names, tokens, starts):
        for offset in range(length):
            token = tokens[first + 2 * offset]
            edits[token.start] = (token.end + 1, _spelled(new[offset], token, sql))
    for token, text in _identifier_literals(tokens, names, sql):
        edits[token.start] = (token.end + 1, text)
    out, position = [], 0
    for start in sorted(edits):
        end, text = edits[start]
        out += [sql[position:start], text]
        position = end
    return "".join([*out, sql[position:]])


def renamed(parts: tuple[str, ...], names: _Names) -> tuple[str, ...] | None:
    """Return the new parts of a table-like name, or None when no key applies (two parts have no catalog)."""
    lowered = tuple(part.lower() for part in parts)
    for length in range(min(len(parts), 3), 0, -1):
        if length < len(parts) and len(parts) < 3:
            continue
        new = names.get(lowered[:length]) if len(parts) > 1 else None
        if new is not None:
            return new + parts[length:]
    return None


def _names(mapping: Mapping[str, str]) -> _Names:
    names: _Names = {}
    for old, new in mapping.items():
        before, after = tuple(part.lower() for part in split_name(old)), split_name(new)
        if len(before) != len(after) or len(before) > 3 or not all(before) or not all(after):
            raise ValueError(f"cannot rename {old!r} to {new!r}: both need the same number of parts, one to three")
        names[before] = after
    return names


def _renamings(
    tree: exp.Expr, names: _Names, tokens: list[Token], starts: dict[int, int]
) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield (index of the first token, number of parts, new parts) for every name to write anew."""
    seen_tables: set[tuple[str, ...]] = set()
    bare_renames: dict[int, tuple[str, str]] = {}
    for table in tree.find_all(exp.Table):
        if isinstance(table.parent, exp.JoinHint):
            continue
        called = isinstance(table.this, exp.Func)
        first = _index_of_first(table, starts)
        length = _length(table)
        if first is None or length < 2:
            continue
        parts = tuple(tokens[first + 2 * offset].text for offset in range(length))
        seen_tables.add(tuple(part.lower() for part in parts))
        new = renamed(parts, names)
        if new is None:
            continue
        yield first, len(parts), new
        if not table.alias and not called and new[-1] != parts[-1]:
            bare_renames[id(table)] = (parts[-1].lower(), new[-1])
    for column in tree.find_all(exp.Column):
        qualifier = tuple(part.name for part in column.parts[:-1])
        first = _index_of_first(column, starts)
        if first is None or not qualifier:
            continue
        if len(qualifier) == 1:
            source = _source_of(column, qualifier[0].lower())
            if source is not None and id(source) in bare_renames:
                yield first, 1, (bare_renames[id(source)][1],)
        elif len(qualifier) == 3 or tuple(part.lower() for part in qualifier) in seen_tables:
            new = renamed(qualifier, names)
            if new is not None:
                yield first, len(qualifier), new
    for dot in tree.find_all(exp.Dot):
        if isinstance(dot.parent, exp.Dot) or not isinstance(dot.expression, exp.Func):
            continue
        flat = list(dot.flatten())
        if not all(isinstance(part, exp.Identifier) for part in flat[:-1]):
            continue
        start = flat[0].meta.get("start")
        if start is None or start not in starts:
            continue
        parts = tuple(tokens[starts[start] + 2 * offset].text for offset in range(len(flat)))
        new = renamed(parts, names)
        if new is not None:
            yield starts[start], len(parts), new


def _length(table: exp.Table) -> int:
    if isinstance(table.this, exp.Func):
        return 1 + sum(table.args.get(key) is not None for key in ("catalog", "db"))
    return len(table.parts)


def _index_of_first(node: exp.Table | exp.Column, starts: dict[int, int]) -> int | None:
    """Find the token of a name's first part; nodes the parser made up have no position."""
    for key in ("catalog", "db", "table", "this"):
        part = node.args.get(key)
        if isinstance(part, exp.Dot):
            part = next(iter(part.flatten()))
        if isinstance(part, exp.Expr):
            start = part.meta.get("start")
            return starts.get(start) if isinstance(start, int) else None
    return None


def _source_of(column: exp.Column, qualifier: str) -> exp.Table | None:
    """Find the table that a one-part qualifier means: the innermost source of that name, outwards by scope."""
    select = column.find_ancestor(exp.Select)
    while select is not None:
        sources = [select.args.get("from_"), *(select.args.get("joins") or []), *(select.args.get("laterals") or [])]
        for clause in filter(None, sources):
            source = clause if isinstance(clause, exp.Lateral) else clause.this
            for item in [source, *(join.this for join in source.args.get("joins") or [])]:
                if item.alias_or_name.lower() == qualifier:
                    return item if isinstance(item, exp.Table) and not is_cte_reference(item) else None
        select = select.find_ancestor(exp.Select)
    return None


def _identifier_literals(tokens: list[Token], names: _Names, sql: str) -> Iterator[tuple[Token, str]]:
    for word, opening, literal, closing in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        is_call = word.text.upper() == "IDENTIFIER" and opening.token_type == TokenType.L_PAREN
        if not is_call or literal.token_type != TokenType.STRING or closing.token_type != TokenType.R_PAREN:
            continue
        new = renamed(split_name(literal.text), names)
        if new is not None:
            quote = sql[literal.start]
            yield literal, quote + ".".join(part if _PLAIN.match(part) else _backticked(part) for part in new) + quote


def _spelled(name: str, token: Token, sql: str) -> str:
    """Write a part with backticks where the old one had them or the new one needs them."""
    if name == token.text:
        return sql[token.start : token.end + 1]
    return _backticked(name) if sql[token.start] == "`" or not _PLAIN.match(name) else name


def _backticked(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


__all__ = ["SqlParseError", "renamed", "replace_identifiers"]
