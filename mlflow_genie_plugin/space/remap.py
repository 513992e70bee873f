"""A space config for another environment: catalogs, schemas and tables renamed wherever a name can stand.

Names stand in tables, metric views, functions and joins, in every SQL text (parsed, edited in place), and in prose that
spells out a full name. A mapping goes from old to new dotted names of the same number of parts: ``dev`` → ``prod`` is a
catalog, ``dev.sales`` → ``prod.sales_eu`` a schema, three parts one table or function. The longest match wins.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlflow_genie_plugin.errors import InvalidSpaceError, UsageError, Violation
from mlflow_genie_plugin.schemas import json_path
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.literals import without_literals
from mlflow_genie_plugin.space.normalise import normalise_for_write
from mlflow_genie_plugin.space.shape import BENCHMARK, KINDS, SNIPPETS, text_of
from mlflow_genie_plugin.sql_dialect import SqlParseError, replace_identifiers, split_name
from mlflow_genie_plugin.sql_dialect.tokens import tokens_of

_PART = r"(?:`[^`]+`|[^\W\d]\w*(?:-\w+)*)"
_DOTTED = re.compile(rf"(?<![\w.$:/@-]){_PART}(?:\.{_PART}){{1,3}}")
_SNIPPETS = tuple(kind for kind in KINDS if kind.path[: len(SNIPPETS)] == SNIPPETS)

Path = tuple[str | int, ...]
Names = dict[tuple[str, ...], tuple[str, ...]]


def parse_mapping(pairs: Iterable[str]) -> dict[str, str]:
    """Return the mapping of ``old=new`` texts.

    Raises:
        UsageError: A text is not ``old=new``, both have not the same number of parts (one to three), or an old name
            stands twice.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        old, sign, new = (part.strip() for part in pair.partition("="))
        if not sign or not old or not new:
            raise UsageError(f"{pair!r} maps nothing", next_step="write old=new: dev=prod, or dev.sales=prod.sales")
        if old.lower() in map(str.lower, mapping):
            raise UsageError(f"{old!r} is mapped twice", next_step="keep one of the two")
        mapping[old] = new
    _names_of(mapping)
    return mapping


def remap_config(config: SpaceConfig, mapping: Mapping[str, str], *, warehouse_id: str | None = None) -> SpaceConfig:
    """Return the config remapped, for a space that does not exist yet: without id, etag and folder."""
    envelope = replace(config.envelope, warehouse_id=warehouse_id or config.envelope.warehouse_id, parent_path=None)
    return SpaceConfig(remap_space(config.document, mapping), envelope)


def remap_space(document: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """Return a copy with every name in ``mapping`` replaced, in the server's write order.

    Raises:
        UsageError: Old and new name of a mapping have a different number of parts.
        InvalidSpaceError: An SQL text that mentions a name of the mapping cannot be parsed, so names cannot be told
            from other words. Lists every such text; nothing is returned half renamed.
    """
    names = _names_of(mapping)
    out = copy.deepcopy(document)
    unread: list[Violation] = []
    for path, holder, key in list(_texts(out)):
        text = text_of(holder[key])
        if path[-1] == "identifier":
            holder[key] = _dotted_name(text, names)
            continue
        if not _is_sql(path):
            edited = _DOTTED.sub(lambda match: _in_prose(match.group(), names), text)
        else:
            try:
                edited = _in_sql(text, mapping)
                if path[: len(SNIPPETS)] == SNIPPETS:
                    edited = _requalified(edited, names)
            except SqlParseError as error:
                if any(pattern.search(text) for pattern in map(_pattern, mapping)):
                    unread.append(_unread(path, str(error)))
                continue
        if edited != text:
            holder[key] = _split_like(holder[key], edited)
    if unread:
        raise InvalidSpaceError(
            "the space cannot be remapped: not every SQL text can be read", unread, next_step="correct the SQL first"
        )
    return normalise_for_write(out)


def residual_references(document: dict[str, Any], names: Iterable[str]) -> list[Violation]:
    """Return where the document still mentions one of ``names`` (one to three parts) as a name or part of one.

    An identifier or SQL name is an error; prose, SQL literals and comments are a warning: only a person can tell.
    """
    found = []
    patterns = {name: _pattern(name) for name in names}
    for path, holder, key in _texts(document, everything=True):
        text = text_of(holder[key])
        for name, pattern in patterns.items():
            if not pattern.search(text):
                continue
            bare = without_literals(text, ("'", "--", "/*"), " ") if _is_sql(path) else text
            hard = path[-1] == "identifier" or (_is_sql(path) and pattern.search(bare) is not None)
            found.append(
                Violation(
                    json_path(list(path)),
                    "residual-reference",
                    f"still mentions {name}: {_around(pattern, text)}",
                    severity="error" if hard else "warning",
                    fix="extend the mapping" if hard else "change the text if it means the old environment",
                )
            )
    return found


def _names_of(mapping: Mapping[str, str]) -> Names:
    names: Names = {}
    for old, new in mapping.items():
        before, after = tuple(part.lower() for part in split_name(old)), tuple(split_name(new))
        if len(before) != len(after) or not 1 <= len(before) <= 3 or not all(before) or not all(after):
            raise UsageError(
                f"{old!r} cannot become {new!r}",
                next_step="both names need the same number of parts: catalog, catalog.schema or catalog.schema.table",
            )
        names[before] = after
    return names


def _renamed(parts: tuple[str, ...], names: Names) -> tuple[str, ...]:
    lowered = tuple(part.lower() for part in parts)
    for length in range(min(3, len(parts)), 0, -1):
        if lowered[:length] in names:
            return names[lowered[:length]] + parts[length:]
    return parts


def _dotted_name(text: str, names: Names) -> str:
    parts = tuple(split_name(text))
    new = _renamed(parts, names) if len(parts) == 3 else parts
    return text if new == parts else ".".join(new)


def _in_prose(text: str, names: Names) -> str:
    # Two parts may as well be a table and its column, so a catalog alone renames only what has three.
    parts = tuple(split_name(text))
    if len(parts) == 2 and tuple(part.lower() for part in parts) not in names:
        return text
    new = _renamed(parts, names)
    if new == parts:
        return text
    return ".".join(f"`{part}`" for part in new) if text.startswith("`") else ".".join(new)


def _in_sql(text: str, mapping: Mapping[str, str]) -> str:
    try:
        return replace_identifiers(text, mapping)
    except SqlParseError:
        # A measure is sometimes written with its FROM, which makes it the rest of a query.
        prefix = "SELECT "
        return replace_identifiers(prefix + text, mapping).removeprefix(prefix)


def _requalified(sql: str, names: Names) -> str:
    """Rename the ``orders`` of ``orders.amount`` in a snippet, where a table is known by the last part of its name."""
    short = {old[-1]: new[-1] for old, new in names.items() if len(old) == 3 and old[-1] != new[-1].lower()}
    tokens = tokens_of(sql) if short else []
    out, position = [], 0
    for index, token in enumerate(tokens[:-1]):
        lone = tokens[index + 1].text == "." and (index == 0 or tokens[index - 1].text != ".")
        name = token.text.lower()
        if lone and name in short and sql[token.start] not in "'\"":
            quoted = sql[token.start] == "`"
            out += [sql[position : token.start], f"`{short[name]}`" if quoted else short[name]]
            position = token.end + 1
    return "".join([*out, sql[position:]])


def _is_sql(path: Path) -> bool:
    return path[-1] == "sql" or (path[-1] == "content" and path[:2] == BENCHMARK.path)


def _texts(document: dict[str, Any], *, everything: bool = False) -> Iterator[tuple[Path, dict[str, Any], str]]:
    """Yield path, holder and key of every text, joined or not, that can mention a name.

    Names of columns, parameters and people's words for them mention none; ``everything`` yields them all the same.
    """

    def walk(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any], str]]:
        if isinstance(value, list):
            for index, inner in enumerate(value):
                yield from walk(inner, (*path, index))
        elif isinstance(value, dict):
            for key, inner in value.items():
                is_text = isinstance(inner, str) or (isinstance(inner, list) and inner and isinstance(inner[0], str))
                if not is_text:
                    yield from walk(inner, (*path, key))
                elif everything or key in _NAMING:
                    yield (*path, key), value, key

    return walk(document, ())


_NAMING = frozenset({"identifier", *(field for kind in KINDS for field in kind.text), "content", "display_name"})


def _split_like(before: Any, text: str) -> Any:
    if not isinstance(before, list):
        return text
    return [text] if len(before) == 1 else text.splitlines(keepends=True)


def _pattern(name: str) -> re.Pattern[str]:
    parts = [rf"`?{re.escape(part)}`?" for part in split_name(name)]
    end = r"\s*\." if len(parts) == 1 else r"(?![\w-])"
    return re.compile(r"(?<![\w.-])" + r"\s*\.\s*".join(parts) + end, re.IGNORECASE)


def _around(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    start = match.start() if match else 0
    return repr(" ".join(text[max(0, start - 10) : start + 50].split()))


def _unread(path: Path, reason: str) -> Violation:
    return Violation(json_path(list(path)), "unreadable-sql", reason)
