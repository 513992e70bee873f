from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation.refuter.pair import Pair
from mlflow_genie_plugin.evaluation.refuter.tables import Constraints, ForeignKey
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.space.parse import parse_space


def table(name, columns, keys=()):
    return SchemaAsset(name, "TABLE", tuple(SchemaColumn(*column) for column in columns.items()), unique_keys=keys)


SHOP = SpaceSchema(
    {
        "people": table("people", {"id": "bigint", "name": "string", "joined": "string"}, (("id",),)),
        "orders": table("orders", {"id": "bigint", "who": "bigint", "price": "decimal(6,2)"}, (("id",),)),
        "lines": table("lines", {"order_id": "bigint", "line": "int", "day": "date"}, (("order_id", "line"),)),
    }
)
KNOWN = Constraints(
    foreign_keys=(
        ForeignKey("orders", ("who",), "people", ("id",)),
        ForeignKey("lines", ("order_id",), "orders", ("id",)),
    ),
    not_null={"orders": frozenset({"price"})},
)
QUERY = """SELECT p.id, p.name, o.id, o.who, o.price, l.order_id, l.line, l.day
    FROM people p JOIN orders o ON o.who = p.id JOIN lines l ON l.order_id = o.id
    WHERE YEAR(p.joined) = 2012 AND o.price > 100 AND l.day BETWEEN '2020-01-01' AND '2020-03-31'"""


@settings(max_examples=24, deadline=None)
@given(number=st.integers(0, 200))
def test_every_database_keeps_keys_references_and_not_null(number):
    pair = Pair(QUERY, QUERY.replace(">", ">="), SHOP, KNOWN)
    data = pair.generator.database(number)
    values = {
        name: [dict(zip(pair.tables[name].columns, row, strict=True)) for row in rows] for name, rows in data.items()
    }
    for name, key in (("people", ("id",)), ("orders", ("id",)), ("lines", ("order_id", "line"))):
        found = [tuple(row[column] for column in key) for row in values[name]]
        assert len(found) == len(set(found))
        assert not any(None in each for each in found)
    assert {row["who"] for row in values["orders"]} - {None} <= {row["id"] for row in values["people"]}
    assert {row["order_id"] for row in values["lines"]} <= {row["id"] for row in values["orders"]}
    assert None not in {row["price"] for row in values["orders"]}


def test_a_number_stands_for_one_database():
    pairs = [Pair(QUERY, QUERY, SHOP, KNOWN) for _ in range(2)]
    assert [pairs[0].generator.database(n) for n in range(8)] == [pairs[1].generator.database(n) for n in range(8)]
    assert pairs[0].generator.database(1) != pairs[0].generator.database(2)


def test_constants_and_their_neighbours_come_up():
    pair = Pair(QUERY, QUERY, SHOP, KNOWN)
    prices, joined = set(), set()
    for number in range(8):
        data = pair.generator.database(number)
        prices |= {row[list(pair.tables["orders"].columns).index("price")] for row in data["orders"]}
        joined |= {row[list(pair.tables["people"].columns).index("joined")] for row in data["people"]} - {None}
    assert {100, 101} <= prices
    assert any(text.startswith("2012-") for text in joined)
    assert any(not text.startswith("2012-") for text in joined)


@pytest.mark.parametrize(
    ("marker", "keys"),
    [
        ("MANY_TO_ONE", {"people"}),
        ("ONE_TO_MANY", {"orders"}),
        ("ONE_TO_ONE", {"orders", "people"}),
        ("MANY_TO_MANY", set()),
    ],
)
def test_joins_of_the_space_tell_keys(marker, keys):
    join = {
        "id": "01f0aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "left": {"identifier": "c.s.orders", "alias": "o"},
        "right": {"identifier": "c.s.people", "alias": "p"},
        "sql": ["`o`.`who` = `p`.`id`", f"--rt=FROM_RELATIONSHIP_TYPE_{marker}--"],
    }
    tables = [{"identifier": "c.s.orders"}, {"identifier": "c.s.people"}]
    config = parse_space({"version": 2, "data_sources": {"tables": tables}, "instructions": {"join_specs": [join]}})
    found = Constraints.of(config).unique_keys
    assert {name.rpartition(".")[2] for name in found} == keys
    assert all(key in ((("who",),), (("id",),)) for key in found.values())
