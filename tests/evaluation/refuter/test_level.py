from __future__ import annotations

from decimal import Decimal

import sqlglot

from mlflow_genie_plugin.evaluation.refuter.level import averaged, levelled
from mlflow_genie_plugin.evaluation.refuter.tables import Column, ForeignKey, Table

COLUMNS = {
    "id": Column("id", "int", "BIGINT"),
    "who": Column("who", "int", "BIGINT"),
    "price": Column("price", "decimal", "DECIMAL(10,2)", scale=2, digits=10),
    "rate": Column("rate", "decimal", "DECIMAL(2,2)", scale=2, digits=2),
    "note": Column("note", "text", "VARCHAR"),
}
TABLES = {"t": Table("t", COLUMNS, keys=(("id",),)), "u": Table("u", {"id": Column("id", "int", "BIGINT")})}
DATA = {
    "t": [[1, 7, None, Decimal("0.75"), "a"], [2, 8, Decimal("10.50"), Decimal("0.10"), "b"]],
    "u": [[7], [8]],
}


def test_what_is_averaged_is_found_in_every_part_of_a_query():
    tree = sqlglot.parse_one(
        "WITH a AS (SELECT AVG(t.Price) AS p FROM t) "
        "SELECT id FROM t, a WHERE price > p GROUP BY id HAVING median(rate) > 1",
        dialect="databricks",
    )
    assert averaged([tree]) == {"price", "rate"}
    assert averaged([sqlglot.parse_one("SELECT SUM(price) FROM t WHERE rate > 1")]) == frozenset()


def test_all_rows_hold_one_whole_number_and_keys_and_references_stay():
    named = frozenset({"id", "who", "price", "rate", "note"})
    reference = ForeignKey("t", ("who",), "u", ("id",))
    before = {name: [list(row) for row in rows] for name, rows in DATA.items()}
    level = levelled(DATA, named, TABLES, [reference])
    # 0.75 has no whole number in DECIMAL(2,2) but 1, which it cannot hold.
    assert level["t"] == [[1, 7, Decimal(10), Decimal("0.75"), "a"], [2, 8, Decimal(10), Decimal("0.10"), "b"]]
    assert level["u"] == DATA["u"]
    assert before == DATA


def test_nothing_is_levelled_in_a_column_without_values():
    assert levelled({"u": [[None], [None]]}, frozenset({"id"}), {"u": TABLES["u"]}, []) == {"u": [[None], [None]]}
