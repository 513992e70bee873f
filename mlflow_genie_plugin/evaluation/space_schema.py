"""The columns, parameters and keys of a space's assets, as they were when the evaluation began.

Judges resolve names against it and the refuter builds its databases from it. It is kept in the result file, so that the
same answers can be judged again later, when the catalog may have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.sql_dialect import normalise_name


@dataclass(frozen=True, slots=True)
class SchemaColumn:
    """A column of a table, a dimension or measure of a metric view, or an output column of a function.

    Attributes:
        name: As the catalog writes it; names are compared without case.
        type_text: Spark type, for example ``decimal(15,2)``; empty when unknown.
        is_measure: Whether it must stand inside ``MEASURE()``.
        nullable: Whether it may hold NULL; columns that nothing forbids it may.
    """

    name: str
    type_text: str = ""
    is_measure: bool = False
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class SchemaAsset:
    """One table, metric view or function.

    Attributes:
        name: Three-part name in lower case.
        kind: TABLE, MV or TVF.
        columns: In the catalog's order; None when they could not be read, which is not the same as none.
        parameters: Of a function; None when unknown.
        required_parameters: How many of them have no default.
        unique_keys: Sets of columns that identify a row, where that is known.
        definition: Body of a function, or YAML of a metric view, when it may be read.
    """

    name: str
    kind: str
    columns: tuple[SchemaColumn, ...] | None = None
    parameters: tuple[SchemaColumn, ...] | None = None
    required_parameters: int = 0
    unique_keys: tuple[tuple[str, ...], ...] = ()
    definition: str | None = None


@dataclass(frozen=True, slots=True)
class SpaceSchema:
    """Assets by name. ``problem`` says why it is incomplete; judges that need what is missing abstain and repeat it."""

    assets: Mapping[str, SchemaAsset] = field(default_factory=dict)
    problem: str | None = None

    def asset(self, name: str) -> SchemaAsset | None:
        """Return the asset of that name: three parts, or fewer where only one asset can be meant."""
        wanted = normalise_name(name)
        if wanted in self.assets:
            return self.assets[wanted]
        fitting = [asset for full, asset in self.assets.items() if full.endswith(f".{wanted}")]
        return fitting[0] if len(fitting) == 1 else None

    def to_json(self) -> dict[str, Any]:
        return {"assets": [_asset_json(self.assets[name]) for name in sorted(self.assets)], "problem": self.problem}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> SpaceSchema:
        """Return the schema that :meth:`to_json` wrote."""
        assets = [_asset_from_json(item) for item in document["assets"]]
        return cls({asset.name: asset for asset in assets}, document["problem"])


def _asset_json(asset: SchemaAsset) -> dict[str, Any]:
    return {
        "name": asset.name,
        "kind": asset.kind,
        "columns": _columns_json(asset.columns),
        "parameters": _columns_json(asset.parameters),
        "required_parameters": asset.required_parameters,
        "unique_keys": [list(key) for key in asset.unique_keys],
        "definition": asset.definition,
    }


def _columns_json(columns: tuple[SchemaColumn, ...] | None) -> list[dict[str, Any]] | None:
    if columns is None:
        return None
    return [
        {"name": item.name, "type_text": item.type_text, "is_measure": item.is_measure, "nullable": item.nullable}
        for item in columns
    ]


def _asset_from_json(document: Mapping[str, Any]) -> SchemaAsset:
    columns, parameters = document["columns"], document["parameters"]
    return SchemaAsset(
        **{
            **document,
            "columns": None if columns is None else tuple(SchemaColumn(**item) for item in columns),
            "parameters": None if parameters is None else tuple(SchemaColumn(**item) for item in parameters),
            "unique_keys": tuple(tuple(key) for key in document["unique_keys"]),
        }
    )
