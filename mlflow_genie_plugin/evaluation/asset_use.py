"""Which assets of the space a query uses, and what a metric view or function is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.errors import GenieError
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SpaceSchema
from mlflow_genie_plugin.sql_dialect import AssetRef, SqlParseError, assets_in, normalise_name, parse_query, split_name
from mlflow_genie_plugin.sql_dialect.assets import dotted_name, function_name, is_cte_reference, is_measure

WORDS = {"TABLE": "table", "MV": "metric view", "TVF": "function"}


@dataclass(frozen=True, slots=True, order=True)
class Asset:
    """An asset that a query uses: full name, kind (TABLE, MV, TVF), and whether the space lists it.

    ``is_source`` is False for a function that is only called in expressions: it computes a value and brings no rows.
    """

    name: str
    kind: str
    in_space: bool = True
    is_source: bool = True

    def __str__(self) -> str:
        return f"{WORDS[self.kind]} {self.name}"


def assets_of_query(
    sql: str,
    assets: SpaceAssets,
    schema: SpaceSchema | None = None,
    parameters: Mapping[str, Any] | None = None,
    prefer: Iterable[str] = (),
) -> set[Asset]:
    """Return the assets a query uses, by kind; functions that the space lists count wherever they are called.

    Args:
        sql: The query.
        assets: What the space lists.
        schema: Tells metric views that an export lists among the tables; without it only MEASURE() does.
        parameters: Values of the query's parameters, for ``IDENTIFIER(:name)``.
        prefer: Full names that a short name means where it could mean several.

    Raises:
        SqlParseError: The text is not one query.
    """
    tree = parse_query(sql)
    preferred = frozenset(prefer)
    measured = {normalise_name(dotted_name(table)) for table in _measured_tables(tree)}
    found = {
        _asset(reference, assets, schema, preferred, measured=reference.name in measured)
        for reference in assets_in(sql, parameters)
    }
    sources = {asset.name for asset in found}
    for name in _called_names(tree):
        full, known = _full_name(name, assets.functions, preferred)
        if known and full not in sources:
            found.add(Asset(full, "TVF", is_source=False))
    return found


def made_of(name: str, schema: SpaceSchema | None) -> frozenset[str]:
    """Return the full names of everything that a metric view or function reads, through views inside it.

    Empty when its definition is not known or does not parse.
    """
    found: set[str] = set()
    waiting = [name]
    while waiting and schema is not None:
        asset = schema.assets.get(waiting.pop())
        for read in () if asset is None else _read_by(asset):
            if read not in found and read != name:
                found.add(read)
                waiting.append(read)
    return frozenset(found)


def _read_by(asset: SchemaAsset) -> Iterator[str]:
    for name in _names_in_definition(asset.kind, asset.definition or ""):
        # Short names inside a definition are completed with the place of what they define.
        place = asset.name.split(".")[: max(3 - len(split_name(name)), 0)]
        yield ".".join([*place, name])


@lru_cache(maxsize=256)
def _names_in_definition(kind: str, definition: str) -> tuple[str, ...]:
    from mlflow_genie_plugin.sql_engine.metric_view_yaml import MetricJoin, parse_metric_view

    def joined(joins: Iterable[MetricJoin]) -> Iterator[str]:
        for join in joins:
            yield join.source
            yield from joined(join.joins)

    sources = [definition] if kind == "TVF" and definition else []
    if kind == "MV" and definition:
        try:
            view = parse_metric_view(definition)
        except GenieError:
            return ()
        sources = [view.source, *joined(view.joins)]
    names: list[str] = []
    for source in sources:
        if not source.lstrip(" (\n").lower().startswith(("select", "with", "from", "values")):
            names.append(normalise_name(source))
            continue
        try:
            names += sorted(reference.name for reference in assets_in(source))
        except SqlParseError:
            continue
    return tuple(names)


def _asset(
    reference: AssetRef, assets: SpaceAssets, schema: SpaceSchema | None, prefer: frozenset[str], *, measured: bool
) -> Asset:
    if reference.is_function:
        name, known = _full_name(reference.name, assets.functions, prefer)
        return Asset(name, "TVF", known)
    name, known = _full_name(reference.name, assets.metric_views | assets.tables, prefer)
    captured = schema.assets.get(name) if schema is not None else None
    is_view = name in assets.metric_views or (captured.kind == "MV" if captured is not None else measured)
    return Asset(name, "MV" if is_view else "TABLE", known)


def _full_name(name: str, listed: Iterable[str], prefer: frozenset[str]) -> tuple[str, bool]:
    """Return the full name of the listed asset that ``name`` (perhaps written in part) means, and whether it is listed.

    A short name that several have stays as it is, unless one of them is preferred: the session's schema decides, which
    is not known.
    """
    names = set(listed)
    if name in names:
        return name, True
    fitting = sorted(full for full in names if full.endswith(f".{name}"))
    wanted = [full for full in fitting if full in prefer] or fitting
    return (wanted[0], True) if len(wanted) == 1 else (name, bool(fitting))


def _measured_tables(tree: exp.Expr) -> Iterator[exp.Table]:
    """Yield the tables that MEASURE() reads: the only table in the FROM clause of its own SELECT."""
    for call in tree.find_all(exp.Anonymous):
        select = call.find_ancestor(exp.Select) if is_measure(call) else None
        clause = select.args.get("from_") if select is not None else None
        if select is None or clause is None or select.args.get("joins"):
            continue
        table = clause.this
        if isinstance(table, exp.Table) and not (len(table.parts) == 1 and is_cte_reference(table)):
            yield table


def _called_names(tree: exp.Expr) -> Iterator[str]:
    """Yield the names of functions that are called in expressions and are not the parser's own."""
    for dot in tree.find_all(exp.Dot):
        flat = list(dot.flatten())
        names = [part.name for part in flat[:-1] if isinstance(part, exp.Identifier)]
        if isinstance(flat[-1], exp.Func) and len(names) == len(flat) - 1:
            yield ".".join([*names, function_name(flat[-1])]).lower()
    for call in tree.find_all(exp.Anonymous):
        if not isinstance(call.parent, exp.Dot | exp.Table | exp.Lateral):
            yield function_name(call)
