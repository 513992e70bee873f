"""Parts of queries in words that people read: SQL without the names a query gives to its tables, lists, aggregates."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlglot import exp

_LONGEST = 160
_DATE = re.compile(r"CAST\(('\d{4}-\d\d-\d\d') AS DATE\)")
_NEGATED = re.compile(r"\bNOT (`[^`]+`|[\w.]+) (IS|IN|LIKE|ILIKE|RLIKE|BETWEEN)\b")


def shown(node: exp.Expr) -> str:
    """Return an expression as SQL with bare column names, on one line, cut where it is long."""
    copy = node.unalias().copy()
    if isinstance(copy, exp.Column):
        return copy.name
    columns = list(copy.find_all(exp.Column))
    owners: dict[str, set[str]] = {}
    for column in columns:
        owners.setdefault(column.name.lower(), set()).add(column.table.lower())
    for column in columns:
        if len(owners[column.name.lower()]) > 1:
            continue
        for part in ("table", "db", "catalog"):
            column.set(part, None)
    text = " ".join(copy.sql("databricks", comments=False).split())
    # The parser writes out conversions and orders that the author did not write.
    text = _DATE.sub(r"DATE \1", text)
    text = _NEGATED.sub(_with_not_inside, re.sub(r" NULLS (?:FIRST|LAST)", "", text))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 2] + " …"


def _with_not_inside(match: re.Match[str]) -> str:
    name, word = match.groups()
    return f"{name} IS NOT" if word == "IS" else f"{name} NOT {word}"


def shown_conditions(nodes: Iterable[exp.Expr]) -> str:
    """Return conditions that must all hold."""
    listed = list(dict.fromkeys(nodes))
    return " AND ".join(
        dict.fromkeys(
            f"({shown(node)})" if isinstance(node, exp.Or) and len(listed) > 1 else shown(node) for node in listed
        )
    )


def shown_all(nodes: Iterable[exp.Expr]) -> str:
    return ", ".join(dict.fromkeys(map(shown, nodes)))


def in_words(names: Iterable[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    listed = list(dict.fromkeys(names))
    return " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)


def short_name(table: str) -> str:
    """Return the last part of a table's name."""
    return table.partition("#")[0].rpartition(".")[2]


def short_column(name: str) -> str:
    """Return ``table.column`` of ``catalog.schema.table.column``."""
    return ".".join(name.removesuffix("^").split(".")[-2:]).removeprefix("?.")


_VERBS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Sum: ("sums {}", "the sum of {}"),
    exp.Avg: ("averages {}", "the average of {}"),
    exp.Min: ("takes the smallest {}", "the smallest {}"),
    exp.Max: ("takes the largest {}", "the largest {}"),
}


def aggregate_clause(expected: exp.Expr, actual: exp.Expr) -> str:
    """Return ``the answer counts rows instead of a count of distinct o_custkey``."""
    return f"the answer {_spoken(actual)[0]} instead of {_spoken(expected)[1]}"


def _spoken(node: exp.Expr) -> tuple[str, str]:
    if isinstance(node, exp.Count):
        inner = node.this
        if isinstance(inner, exp.Distinct):
            things = shown_all(inner.expressions)
            return f"counts distinct {things}", f"a count of distinct {things}"
        if isinstance(inner, exp.Star | exp.Literal) or inner is None:
            return "counts rows", "a count of rows"
        return f"counts values of {shown(inner)}", f"a count of {shown(inner)}"
    if isinstance(node, exp.Anonymous) and node.name.lower() == "measure" and node.expressions:
        name = shown(node.expressions[0])
        return f"uses the measure {name}", f"the measure {name}"
    for kind, (verb, noun) in _VERBS.items():
        if type(node) is kind:
            return verb.format(shown(node.this)), noun.format(shown(node.this))
    return f"computes {shown(node)}", f"{shown(node)}"
