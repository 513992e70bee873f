"""From a space and the evidence of its SQL to the tables, metric views and functions that have to exist."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.emulator.answering.document import entries, text_of
from mlflow_genie_plugin.emulator.generating.column_types import column_type
from mlflow_genie_plugin.emulator.generating.evidence import AssetEvidence, ColumnEvidence, ColumnKey, Evidence
from mlflow_genie_plugin.emulator.generating.literals import Literal
from mlflow_genie_plugin.emulator.generating.read_document import read_document
from mlflow_genie_plugin.emulator.generating.rows import PlannedColumn, PlannedTable
from mlflow_genie_plugin.sql_dialect import normalise_name

MAX_RECIPES = 150


@dataclass
class PlannedMetricView:
    """A metric view over a generated base table: dimensions are its columns, measures aggregate a column each."""

    identifier: str
    base: PlannedTable
    measures: list[str]


@dataclass
class PlannedFunction:
    """A table function that returns a generated table. ``parameters``: (name, type, required)."""

    identifier: str
    result: PlannedTable
    parameters: list[tuple[str, str, bool]]
    is_guessed: bool


@dataclass
class Plan:
    """What to make; ``in_space`` are the names the space lists, the others only occur in its SQL."""

    tables: list[PlannedTable] = field(default_factory=list)
    metric_views: list[PlannedMetricView] = field(default_factory=list)
    functions: list[PlannedFunction] = field(default_factory=list)
    in_space: set[str] = field(default_factory=set)
    domain_size: int = 40


def plan_for(document: dict[str, Any]) -> Plan:
    """Return what a space needs in the catalog."""
    listed = {
        normalise_name(identifier): (identifier, entry)
        for group in ("tables", "metric_views")
        for entry in entries(document, "data_sources", group)
        if isinstance(identifier := entry.get("identifier"), str) and identifier
    }
    functions = [
        identifier
        for entry in entries(document, "instructions", "sql_functions")
        if isinstance(identifier := entry.get("identifier"), str) and identifier
    ]
    evidence, ones = read_document(document, [identifier for identifier, _ in listed.values()])
    plan = Plan(in_space={*listed, *map(normalise_name, functions)})
    plan.domain_size = max(plan.domain_size, 2 * min(len(evidence.recipes), MAX_RECIPES))
    metric_names = {
        normalise_name(str(entry.get("identifier"))) for entry in entries(document, "data_sources", "metric_views")
    } | {name for name, asset in evidence.assets.items() if any(column.is_measure for column in asset.columns.values())}
    domains = _domains(evidence)
    names = [
        *listed,
        *(n for n, a in evidence.assets.items() if n not in listed and not a.is_function and n.count(".") == 2),
    ]
    for name in names:
        identifier, entry = listed.get(name, (evidence.assets[name].name if name in evidence.assets else name, {}))
        table = _table(identifier, entry, evidence.assets.get(name), domains, ones.get(name), evidence)
        if name in metric_names:
            plan.metric_views.append(_metric_view(table, evidence.assets.get(name)))
        else:
            plan.tables.append(table)
    called = [asset.name for asset in evidence.assets.values() if asset.is_function]
    for identifier in {normalise_name(n): n for n in [*called, *functions]}.values():
        plan.functions.append(_function(identifier, evidence.assets.get(normalise_name(identifier)), evidence))
    fixed = _fixed_keys(evidence, domains)
    for table in [*plan.tables, *(view.base for view in plan.metric_views), *(f.result for f in plan.functions)]:
        _add_recipes(table, evidence, fixed)
    return plan


def _domains(evidence: Evidence) -> dict[ColumnKey, str]:
    """Return the name of the key domain of every column that some join compares with another."""
    parent: dict[ColumnKey, ColumnKey] = {}

    def root(key: ColumnKey) -> ColumnKey:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    for left, right in evidence.equal:
        parent[root(left)] = root(right)
    return {key: ".".join(root(key)) for key in list(parent)}


def _table(
    identifier: str,
    entry: dict[str, Any],
    asset: AssetEvidence | None,
    domains: dict[ColumnKey, str],
    unique: str | None,
    evidence: Evidence,
) -> PlannedTable:
    name = normalise_name(identifier)
    configs = {
        str(config["column_name"]).lower(): config
        for config in entries(entry, "column_configs")
        if isinstance(config.get("column_name"), str)
    }
    seen = asset.columns if asset is not None else {}
    columns = []
    for key in dict.fromkeys([*configs, *seen]):
        config, found = configs.get(key, {}), seen.get(key)
        domain = domains.get((name, key), "")
        description = text_of(config.get("description"))
        matched = bool(config.get("build_value_dictionary") or config.get("enable_entity_matching"))
        together = _shared(domain, domains, evidence) if domain else found
        type_text = column_type(
            str(config.get("column_name") or (found.name if found else key)),
            description,
            together,
            matches_values=matched,
        )
        literals = tuple(dict.fromkeys(together.literals if together is not None else []))
        columns.append(
            PlannedColumn(
                str(config.get("column_name") or (found.name if found else key)),
                "BIGINT" if domain and type_text == "DOUBLE" else type_text,
                description,
                literals,
                domain,
                unique == key or (unique is None and domain != "" and _looks_like_key(name, key)),
            )
        )
    if sum(column.unique for column in columns) > 1:
        for column in [column for column in columns if column.unique][1:]:
            column.unique = False
    if not columns:
        columns = [PlannedColumn("id", "BIGINT"), PlannedColumn("name", "STRING"), PlannedColumn("value", "DOUBLE")]
    return PlannedTable(identifier, columns, text_of(entry.get("description")))


def _shared(domain: str, domains: dict[ColumnKey, str], evidence: Evidence) -> ColumnEvidence:
    """Return the evidence of all columns of a key domain together: they must have one type."""
    members = sorted(key for key, name in domains.items() if name == domain)
    together = ColumnEvidence(members[0][1])
    for table, column in members:
        found = evidence.assets[table].columns.get(column) if table in evidence.assets else None
        if found is not None:
            together.votes.update(found.votes)
            together.literals += found.literals
    return together


def _looks_like_key(table: str, column: str) -> bool:
    """Return whether a joined column is the key of its table by its name: ``dim_store.store_key``, ``customers.id``."""
    entity = table.rsplit(".", 1)[-1].removeprefix("dim_").removeprefix("gold_").removeprefix("silver_")
    stem = column.removesuffix("_id").removesuffix("_key")
    named = column in {"id", "key"} or stem in {entity, entity.removesuffix("s"), entity.removesuffix("ies") + "y"}
    return named and (column.endswith(("id", "key")) or "dim_" in table)


def _metric_view(table: PlannedTable, asset: AssetEvidence | None) -> PlannedMetricView:
    seen = asset.columns if asset is not None else {}
    shown = any(found.is_measure for found in seen.values())
    measures = []
    for column in table.columns:
        found = seen.get(column.name.lower())
        counted = column.type_text in {"DOUBLE", "BIGINT"} and not column.domain
        bare = found is not None and bool(found.votes) and not found.is_measure
        if (found is not None and found.is_measure) or (counted and not (shown and bare)):
            column.type_text = "DOUBLE"
            measures.append(column.name)
    return PlannedMetricView(table.identifier, table, measures)


def _function(identifier: str, asset: AssetEvidence | None, evidence: Evidence) -> PlannedFunction:
    calls = asset.calls if asset is not None else []
    result = _table(identifier, {}, asset, {}, None, evidence)
    names = list(dict.fromkeys(name for call in calls for name, _ in call if name))
    longest = max((len([1 for name, _ in call if not name]) for call in calls), default=0)
    shortest = min((len(call) for call in calls), default=0)
    types = {"NUMBER": "DOUBLE", "INTEGER": "INT", "DATE": "DATE", "BOOLEAN": "BOOLEAN"}
    parameters = []
    for position in range(longest):
        families = [call[position][1] for call in calls if position < len(call) and not call[position][0]]
        family = families[0] if len(set(families)) == 1 else "STRING"
        parameters.append((f"p{position + 1}", types.get(family, "STRING"), position < shortest))
    for name in names:
        families = [family for call in calls for given, family in call if given == name]
        parameters.append((name, types.get(families[0], "STRING"), False))
    return PlannedFunction(identifier, result, parameters, is_guessed=not calls)


def _add_recipes(table: PlannedTable, evidence: Evidence, fixed: dict[tuple[int, str], Literal]) -> None:
    name = normalise_name(table.identifier)
    for number, recipe in enumerate(evidence.recipes[:MAX_RECIPES]):
        if name in recipe:
            keys = {c.name.lower(): fixed[number, c.domain] for c in table.columns if (number, c.domain) in fixed}
            table.recipes.append((number, {**recipe[name], **keys}))


def _fixed_keys(evidence: Evidence, domains: dict[ColumnKey, str]) -> dict[tuple[int, str], Literal]:
    """Return the keys that a recipe fixes for a whole domain: ``p.id = 'HOME'`` holds for all that is joined to it."""
    return {
        (number, domains[table, column]): value
        for number, recipe in enumerate(evidence.recipes[:MAX_RECIPES])
        for table, values in recipe.items()
        for column, value in values.items()
        if (table, column) in domains
    }
