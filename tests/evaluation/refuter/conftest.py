"""A small shop's schema and the labelled pairs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlflow_genie_plugin.evaluation.refuter.tables import Constraints, ForeignKey
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema

PAIRS = yaml.safe_load((Path(__file__).parent / "pairs.yaml").read_text(encoding="utf-8"))


def pytest_generate_tests(metafunc):
    if "pair" in metafunc.fixturenames:
        metafunc.parametrize("pair", PAIRS["pairs"], ids=[pair["trap"].replace(" ", "-") for pair in PAIRS["pairs"]])


@pytest.fixture(scope="session")
def tpch():
    """The pairs' schema and what is known of its data."""
    tables = PAIRS["schema"]
    assets = {
        name: SchemaAsset(
            name,
            "TABLE",
            tuple(SchemaColumn(column, kind) for column, kind in table["columns"].items()),
            unique_keys=tuple(map(tuple, table["keys"])),
        )
        for name, table in tables.items()
    }
    references = tuple(
        ForeignKey(name, tuple(columns), parent, tuple(parents))
        for name, table in tables.items()
        for columns, parent, parents in table.get("foreign_keys", ())
    )
    not_null = {name: frozenset(table.get("not_null", ())) for name, table in tables.items()}
    return SpaceSchema(assets), Constraints(foreign_keys=references, not_null=not_null)


@pytest.fixture
def make_schema():
    """``make_schema({"c.s.t": {"id": "bigint"}}, keys={"c.s.t": [("id",)]})``."""

    def make(tables, *, keys=None, more=()):
        assets = {
            name: SchemaAsset(
                name,
                "TABLE",
                tuple(SchemaColumn(column, kind) for column, kind in columns.items()),
                unique_keys=tuple((keys or {}).get(name, ())),
            )
            for name, columns in tables.items()
        }
        return SpaceSchema({**assets, **{asset.name: asset for asset in more}})

    return make
