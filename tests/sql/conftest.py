"""An engine with small tables whose contents can be checked by eye."""

from __future__ import annotations

import pytest

from mlflow_genie_plugin.sql_engine.engine import SqlEngine

SCRIPT = """
CREATE SCHEMA shop.sales;
CREATE TABLE shop.sales.items (id INTEGER, kind VARCHAR, price DECIMAL(10, 2), weight DOUBLE, sold DATE,
    seen TIMESTAMP, tags VARCHAR[]);
INSERT INTO shop.sales.items VALUES
    (1, 'a', 10.50, 1.5, DATE '2024-01-31', TIMESTAMP '2024-01-31 10:20:30', ['x', 'y']),
    (2, 'b', 20.00, -2.5, DATE '2024-02-29', TIMESTAMP '2024-02-29 00:00:00', []),
    (3, 'a', NULL, NULL, NULL, NULL, NULL);
CREATE TABLE shop.sales.kinds (kind VARCHAR, label VARCHAR, zone INTEGER);
INSERT INTO shop.sales.kinds VALUES ('a', 'Alpha', 1), ('b', 'Beta', 2);
CREATE TABLE shop.sales.zones (zone INTEGER, name VARCHAR);
INSERT INTO shop.sales.zones VALUES (1, 'North'), (2, 'South');
COMMENT ON TABLE shop.sales.items IS 'Things for sale';
COMMENT ON COLUMN shop.sales.items.kind IS 'What it is';
"""


def fill(engine: SqlEngine) -> SqlEngine:
    engine.attach_catalog("shop")
    engine.run_script(SCRIPT)
    return engine


@pytest.fixture(scope="module")
def engine():
    with SqlEngine() as opened:
        yield fill(opened)


@pytest.fixture
def fresh_engine():
    with SqlEngine() as opened:
        yield fill(opened)


@pytest.fixture(scope="session")
def filled():
    return fill
