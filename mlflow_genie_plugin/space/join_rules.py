"""The rules of a join: two elements, a relationship marker, and one equality between the two aliases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.space.literals import literals_in
from mlflow_genie_plugin.space.placeholders import has_placeholder

_MARKER = re.compile(r"--rt=FROM_RELATIONSHIP_TYPE_([A-Z_]+)--\s*\Z")
_RELATIONSHIPS = ("ONE_TO_ONE", "ONE_TO_MANY", "MANY_TO_ONE", "MANY_TO_MANY")
_TOKEN = re.compile(
    r"""(?P<word>[^\W\d]\w*)
      | (?P<compare><=>|<=|>=|<>|!=|==|=|<|>)
      | (?P<dot>\.)
      | (?P<other>\S)""",
    re.VERBOSE,
)
_COMBINING = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "LIKE", "IS"})


def join_violations(join: dict[str, Any], path: str, known: set[str]) -> Iterator[Violation]:
    """Yield what is wrong with one join; ``known`` holds the identifiers of the space's data sources in lower case."""
    sides = [join.get(side) for side in ("left", "right")]
    aliases = [side["alias"] for side in sides if isinstance(side, dict) and isinstance(side.get("alias"), str)]
    for name, side in zip(("left", "right"), sides, strict=True):
        identifier = side.get("identifier") if isinstance(side, dict) else None
        if isinstance(identifier, str) and identifier.lower() not in known:
            yield Violation(
                f"{path}.{name}.identifier",
                "join-unknown-table",
                f"the join uses {identifier!r}, which is no data source of this space",
                severity="warning",
                fix="add it to data_sources.tables or remove the join",
            )
    sql = join.get("sql")
    if not isinstance(sql, list) or not all(isinstance(part, str) for part in sql):
        return
    where = f"{path}.sql"
    text = "".join(sql)
    marker = _MARKER.search(text)
    if len(sql) != 2:
        message = (
            f"a join's sql has exactly two elements, the condition and the relationship marker; this has {len(sql)}"
        )
        yield Violation(where, "join-elements", message, fix=_MARKER_FIX)
    elif not _MARKER.match(sql[1]):
        message = f"the second element is {_short(sql[1])}, not a relationship marker"
        yield Violation(f"{where}[1]", "join-relationship", message, fix=_MARKER_FIX)
    elif marker and marker.group(1) not in _RELATIONSHIPS:
        unspecified = marker.group(1) == "UNSPECIFIED"
        yield Violation(
            f"{where}[1]",
            "join-relationship",
            "the relationship is not specified" if unspecified else f"unknown relationship type {marker.group(1)}",
            severity="warning" if unspecified else "error",
            fix=f"use one of {', '.join(_RELATIONSHIPS)}",
        )
    condition = text[: marker.start()] if marker else (sql[0] if sql else "")
    yield from _condition_violations(condition, aliases, where if len(sql) != 2 else f"{where}[0]")


_MARKER_FIX = 'write ["`a`.`x` = `b`.`y`", "--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--"]'


def _condition_violations(condition: str, aliases: list[str], where: str) -> Iterator[Violation]:
    if has_placeholder(condition):
        return
    tokens = list(_tokens(condition))
    if not tokens:
        yield Violation(where, "join-condition", "the join has no condition", fix=_MARKER_FIX)
        return
    compares = [text for group, text in tokens if group == "compare"]
    # A word after a dot is a column, whatever it is called.
    words = [
        text.upper()
        for index, (group, text) in enumerate(tokens)
        if group == "word" and (index == 0 or tokens[index - 1][0] != "dot")
    ]
    combining = [word for word in words if word in _COMBINING]
    if combining or compares != ["="]:
        seen = combining[0] if combining else (f"{len(compares)} comparisons" if len(compares) != 1 else compares[0])
        if not compares and not combining:
            seen = "no comparison"
        yield Violation(
            where,
            "join-condition",
            f"a join's condition is one equality; this has {seen}: {_short(condition)}",
            fix="join on one column of each side; put further conditions into an example SQL",
        )
    if len(aliases) == 2 and not any(map(has_placeholder, aliases)):
        yield from _alias_violations(tokens, aliases, where)


def _alias_violations(tokens: list[tuple[str, str]], aliases: list[str], where: str) -> Iterator[Violation]:
    left, right = (alias.lower() for alias in aliases)
    if left == right:
        yield Violation(
            where, "join-alias", f"both sides have the alias {aliases[0]!r}", fix="give the two sides different aliases"
        )
        return
    used = {
        _plain(text)
        for index, (group, text) in enumerate(tokens[:-1])
        if group in ("word", "quoted")
        and tokens[index + 1][0] == "dot"
        and (index == 0 or tokens[index - 1][0] != "dot")
    }
    unused = [alias for alias in aliases if alias.lower() not in used]
    strange = sorted(used - {left, right})
    if unused or strange:
        said = f"does not use the alias {unused[0]!r}" if unused else f"uses {strange[0]!r}, which is no alias of it"
        yield Violation(
            where,
            "join-alias",
            f"the join's condition {said}",
            fix=f"write every column as `{aliases[0]}`.`column` or `{aliases[1]}`.`column`",
        )


def _tokens(condition: str) -> Iterator[tuple[str, str]]:
    at = 0
    for start, end in (*literals_in(condition, ("'", '"', "`")), (len(condition), len(condition))):
        for match in _TOKEN.finditer(condition, at, start):
            yield match.lastgroup or "", match.group()
        if end > start:
            yield "quoted" if condition[start] == "`" else "literal", condition[start:end]
        at = end


def _plain(name: str) -> str:
    return (name[1:-1].replace("``", "`") if name.startswith("`") else name).lower()


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 80 else f"{flat[:77]}…")
