"""Rules that the space itself states, filters and joins, and whether a query keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.shape import FILTER, JOIN, dicts_of, label_of, text_of
from mlflow_genie_plugin.sql_dialect import SqlParseError, normalise_name
from mlflow_genie_plugin.sql_dialect.parse import parse_fragment


def broken_rule(config: SpaceConfig, expected: exp.Query, answer: exp.Query) -> str | None:
    """Return the first rule of the space that the expected query keeps and the answer breaks, None when there is none.

    That a filter of the space applies to the question, and by which columns two tables are joined, is taken from the
    expected query: only what it does itself can be asked of the answer.
    """
    for _, item in dicts_of(config.document, FILTER.path):
        wanted = _condition(text_of(item.get("sql")))
        if wanted is not None and wanted in set(_conditions(expected)) and wanted not in set(_conditions(answer)):
            return f"the filter {label_of(FILTER, item)!r}"
    for _, item in dicts_of(config.document, JOIN.path):
        pair = _pair(_fragment(text_of(item.get("sql"))))
        sides = [_table_of(item.get(side)) for side in ("left", "right")]
        uses_both = all(side is not None and side in _tables(answer) for side in sides)
        if pair is not None and uses_both and pair in set(_pairs(expected)) and pair not in set(_pairs(answer)):
            return f"the join of {label_of(JOIN, item)}"
    return None


def _fragment(sql: str) -> exp.Expr | None:
    try:
        return parse_fragment(sql.partition("--rt=")[0])
    except SqlParseError:
        return None


def _condition(sql: str) -> str | None:
    tree = _fragment(sql)
    return None if tree is None else _bare(tree)


def _conditions(tree: exp.Query) -> Iterator[str]:
    """Yield every condition that is joined by AND, in WHERE, HAVING and ON."""
    for clause in tree.find_all(exp.Where, exp.Having, exp.Join):
        condition = clause.args.get("on") if isinstance(clause, exp.Join) else clause.this
        if isinstance(condition, exp.Expr):
            yield _bare(condition)
            yield from (_bare(part) for part in condition.flatten() if isinstance(condition, exp.And))


def _bare(condition: exp.Expr) -> str:
    """Return a condition without qualifiers and case, so that aliases do not matter."""
    bare = condition.unnest().copy()
    for column in bare.find_all(exp.Column):
        for part in ("table", "db", "catalog"):
            column.set(part, None)
    for identifier in bare.find_all(exp.Identifier):
        identifier.set("this", identifier.name.lower())
        identifier.set("quoted", False)
    return bare.sql("databricks", comments=False)


def _pair(tree: exp.Expr | None) -> frozenset[str] | None:
    if not isinstance(tree, exp.EQ):
        return None
    sides = (tree.this, tree.expression)
    if not all(isinstance(side, exp.Column) for side in sides):
        return None
    return frozenset(side.name.lower() for side in sides)


def _pairs(tree: exp.Query) -> Iterator[frozenset[str]]:
    """Yield the names of the columns that are held equal, and those of USING."""
    for equality in tree.find_all(exp.EQ):
        if (pair := _pair(equality)) is not None:
            yield pair
    for join in tree.find_all(exp.Join):
        yield from (frozenset({name.name.lower()}) for name in join.args.get("using") or ())


def _table_of(side: object) -> str | None:
    identifier = side.get("identifier") if isinstance(side, dict) else None
    return normalise_name(identifier).rpartition(".")[2] if isinstance(identifier, str) else None


def _tables(tree: exp.Query) -> set[str]:
    return {table.name.lower() for table in tree.find_all(exp.Table)}
