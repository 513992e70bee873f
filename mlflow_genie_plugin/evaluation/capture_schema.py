"""Reads the columns, parameters and keys of a space's assets from the workspace's catalog."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.errors import GenieError
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.shape import JOIN, dicts_of, text_of
from mlflow_genie_plugin.sql_dialect import SqlParseError, normalise_name, split_name
from mlflow_genie_plugin.sql_dialect.parse import parse_fragment
from mlflow_genie_plugin.workspace.data_port import CatalogPort

Row = Mapping[str, Any]

_MARKER = re.compile(r"--\s*rt=FROM_RELATIONSHIP_TYPE_(ONE|MANY)_TO_(ONE|MANY)\s*--\s*\Z")


def capture_schema(config: SpaceConfig, catalog: CatalogPort, warehouse_id: str | None = None) -> SpaceSchema:
    """Return the columns, parameters and keys of every asset of the space.

    Nothing is raised when reading fails: what could not be read is None in the asset, and ``problem`` says why. An
    evaluation is worth having without it; judges that need what is missing abstain.

    Args:
        config: Names the assets and how they join.
        catalog: Where to read.
        warehouse_id: The warehouse that reads.
    """
    return _Capture(config, catalog, warehouse_id).schema()


class _Capture:
    def __init__(self, config: SpaceConfig, catalog: CatalogPort, warehouse_id: str | None) -> None:
        self._config = config
        self._catalog = catalog
        self._warehouse_id = warehouse_id
        self._problems: list[str] = []

    def schema(self) -> SpaceSchema:
        tables = self._full_names(self._config.tables())
        views = self._full_names(self._config.metric_views())
        functions = self._full_names(self._config.functions())
        listed = list(dict.fromkeys([*tables, *views]))
        types = self._by_table(self._rows("kinds of the tables", self._catalog.table_types, listed))
        columns = self._by_table(self._rows("columns", self._catalog.columns, listed))
        keys = self._by_table(self._rows("keys", self._catalog.unique_keys, listed))
        # An export may list a metric view among the tables.
        measured = {name for name, rows in types.items() if str(rows[0].get("table_type")).upper() == "METRIC_VIEW"}
        assets = {}
        for name in listed:
            if name in views or name in measured:
                assets[name] = self._metric_view(name, columns.get(name, []))
            else:
                unique = tuple(tuple(map(str, row["columns"])) for row in keys.get(name, []))
                assets[name] = SchemaAsset(name, "TABLE", self._columns(name, columns.get(name, [])), None, 0, unique)
        assets |= self._functions(functions)
        for name, key in unique_by_joins(self._config.document):
            if name in assets and not _has_key(assets[name], key):
                assets[name] = replace(assets[name], unique_keys=(*assets[name].unique_keys, key))
        problems = list(dict.fromkeys(self._problems))
        return SpaceSchema(assets, "; ".join(problems) if problems else None)

    def _full_names(self, identifiers: Iterable[str]) -> list[str]:
        names = []
        for identifier in dict.fromkeys(identifiers):
            if len([part for part in split_name(identifier) if part]) == 3:
                names.append(normalise_name(identifier))
            else:
                self._problems.append(f"{identifier} is not a three-part name")
        return list(dict.fromkeys(names))

    def _rows(self, what: str, read: Callable[..., list[dict[str, Any]]], names: Sequence[str]) -> list[dict[str, Any]]:
        if not names:
            return []
        try:
            # The catalog reads dots as separators, so parts that hold one are quoted.
            return read([_quoted(name) for name in names], warehouse_id=self._warehouse_id)
        except GenieError as error:
            self._problems.append(f"the {what} could not be read: {error.what}")
            return []

    @staticmethod
    def _by_table(rows: Iterable[Row]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            found[f"{row['table_catalog']}.{row['table_schema']}.{row['table_name']}".lower()].append(row)
        return found

    def _columns(self, name: str, rows: Sequence[Row]) -> tuple[SchemaColumn, ...] | None:
        if not rows or not all(row["column_name"] for row in rows):
            # A table without columns does not exist, or not for this identity: that is "unknown", not "none".
            self._problems.append(f"the catalog shows no columns of {name}")
            return None
        return tuple(
            SchemaColumn(
                str(row["column_name"]),
                str(row["data_type"] or ""),
                nullable=str(row.get("is_nullable")).upper() != "NO",
            )
            for row in rows
        )

    def _metric_view(self, name: str, rows: Sequence[Row]) -> SchemaAsset:
        try:
            described = self._catalog.metric_view(_quoted(name), warehouse_id=self._warehouse_id)
        except GenieError as error:
            self._problems.append(f"the metric view {name} could not be described: {error.what}")
            described = {"columns": [], "definition": None}
        definition = described["definition"]
        measures = _measures_of(definition)
        types = {str(row["column_name"]).lower(): str(row["data_type"] or "") for row in rows}
        columns = []
        for item in described["columns"]:
            type_text, said = _without_role(item["data_type"] or types.get(item["name"].lower(), ""))
            is_measure = item["is_measure"] if item["is_measure"] is not None else said
            if is_measure is None and measures is not None:
                is_measure = item["name"].lower() in measures
            if is_measure is None:
                self._problems.append(f"nothing says which columns of the metric view {name} are measures")
                return SchemaAsset(name, "MV", None, definition=definition)
            columns.append(SchemaColumn(item["name"], type_text, is_measure))
        return SchemaAsset(name, "MV", tuple(columns) or None, definition=definition)

    def _functions(self, names: Sequence[str]) -> dict[str, SchemaAsset]:
        found = {}
        for row in self._rows("functions", self._catalog.signatures, names):
            name = f"{row['routine_catalog']}.{row['routine_schema']}.{row['routine_name']}".lower()
            parameters = tuple(SchemaColumn(item["name"], item["data_type"] or "") for item in row["parameters"])
            columns = tuple(SchemaColumn(item["name"], item["data_type"] or "") for item in row["columns"])
            found[name] = SchemaAsset(
                name,
                "TVF",
                # A table function that declares no columns returns those of its body, which nobody told us.
                columns or None,
                parameters,
                sum(item["default"] is None for item in row["parameters"]),
                definition=row["routine_definition"],
            )
        for name in names:
            if name not in found:
                self._problems.append(f"the catalog shows no function {name}")
                found[name] = SchemaAsset(name, "TVF")
        return found


def unique_by_joins(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (asset, columns) for every side of a join that the space says matches at most one row."""
    for _, join in dicts_of(dict(document), JOIN.path):
        sql = text_of(join.get("sql"))
        marker = _MARKER.search(sql)
        sides = [join.get("left"), join.get("right")]
        if marker is None or not all(isinstance(side, dict) and side.get("identifier") for side in sides):
            continue
        for side, many in zip(sides, marker.groups(), strict=True):
            if many == "ONE" and isinstance(side, dict):
                alias = side.get("alias") or split_name(side["identifier"])[-1]
                if key := _columns_of_side(sql[: marker.start()], str(alias)):
                    yield normalise_name(side["identifier"]), key


def _columns_of_side(condition: str, alias: str) -> tuple[str, ...]:
    """Return the columns of one side, or nothing when the condition is more than equalities between columns."""
    try:
        tree = parse_fragment(condition)
    except SqlParseError:
        return ()
    names = []
    for part in tree.flatten() if isinstance(tree, exp.And) else [tree]:
        pair = [part.this, part.expression] if isinstance(part, exp.EQ) else []
        own = [item.name for item in pair if isinstance(item, exp.Column) and item.table.lower() == alias.lower()]
        if len(own) != 1 or not all(isinstance(item, exp.Column) for item in pair):
            return ()
        names += own
    return tuple(names)


def _has_key(asset: SchemaAsset, key: tuple[str, ...]) -> bool:
    wanted = {name.lower() for name in key}
    return any({name.lower() for name in known} <= wanted for known in asset.unique_keys)


def _measures_of(definition: str | None) -> frozenset[str] | None:
    from mlflow_genie_plugin.sql_engine.metric_view_yaml import parse_metric_view

    if definition is None:
        return None
    try:
        return frozenset(measure.name.lower() for measure in parse_metric_view(definition).measures)
    except GenieError:
        return None  # then nothing says what is a measure, which the caller records


def _without_role(type_text: str) -> tuple[str, bool | None]:
    """Take the role off a type such as ``bigint measure``."""
    bare = type_text.removesuffix(" measure")
    return (bare, True) if bare != type_text else (type_text, None)


def _quoted(name: str) -> str:
    return ".".join(f"`{part}`" for part in name.split("."))
