from __future__ import annotations

import pytest

from mlflow_genie_plugin.sql_dialect import AssetRef, assets_in, has_measure, normalise_name, parameters_in, split_name


def names(sql, **parameters):
    return sorted((asset.name, asset.is_function) for asset in assets_in(sql, parameters or None))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", []),
        ("SELECT * FROM A.`B`.c x JOIN d.e ON 1 = 1", [("a.b.c", False), ("d.e", False)]),
        ("WITH t AS (SELECT * FROM a.b.c) SELECT * FROM t, T u", [("a.b.c", False)]),
        # a CTE does not see itself: inside, the name is the table
        ("WITH orders AS (SELECT * FROM orders) SELECT * FROM orders", [("orders", False)]),
        ("WITH x AS (SELECT 1), y AS (SELECT * FROM x) SELECT * FROM y", []),
        ("WITH y AS (SELECT * FROM x), x AS (SELECT 1) SELECT * FROM y", [("x", False)]),
        ("WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r) SELECT * FROM r", []),
        # a CTE is only visible in the query that defines it
        ("SELECT * FROM (WITH q AS (SELECT 1) SELECT * FROM q) JOIN q", [("q", False)]),
        ("WITH t AS (SELECT 1) SELECT * FROM s.t", [("s.t", False)]),
        ("SELECT * FROM a.b.Top_N(1, n => 2)", [("a.b.top_n", True)]),
        ("SELECT * FROM TABLE(a.b.f(3))", [("a.b.f", True)]),
        ("SELECT * FROM get_x(1)", [("get_x", True)]),
        ("SELECT * FROM t, LATERAL a.b.F(t.x) AS y", [("a.b.f", True), ("t", False)]),
        ("SELECT * FROM t, LATERAL explode(t.x) AS y", [("t", False)]),
        ("SELECT * FROM t JOIN LATERAL (SELECT * FROM u) z", [("t", False), ("u", False)]),
        ("SELECT * FROM IDENTIFIER('a.b.' || 'c')", [("a.b.c", False)]),
        ("SELECT * FROM IDENTIFIER(concat('a', '.b.c'))", [("a.b.c", False)]),
        ("SELECT * FROM range(3), explode(array(1))", []),
        ("SELECT * FROM t LATERAL VIEW explode(z) v AS k", [("t", False)]),
        ("SELECT * FROM IDENTIFIER('A.b.C')", [("a.b.c", False)]),
        ("SELECT * FROM IDENTIFIER(:t)", [(":t", False)]),
        ("SELECT (SELECT max(x) FROM a.b.c) FROM d WHERE EXISTS (SELECT 1 FROM e)",
         [("a.b.c", False), ("d", False), ("e", False)]),
        ("SELECT * FROM a.b.t@v3 x", [("a.b.t", False)]),
        ("SELECT * FROM a.b.t TIMESTAMP AS OF '2024-01-01'", [("a.b.t", False)]),
        ("SELECT 'FROM a.b.c' -- FROM d.e.f\nFROM g.h.i", [("g.h.i", False)]),
        ("SELECT /*+ BROADCAST(small) */ * FROM a.b.c", [("a.b.c", False)]),
        ("FROM a.b.c |> WHERE x > 1", [("a.b.c", False)]),
    ],
)  # fmt: skip
def test_assets_of_a_query(sql, expected):
    assert names(sql) == expected


def test_identifier_takes_its_name_from_the_parameters():
    assert names("SELECT * FROM IDENTIFIER(:t)", t="A.b.`c`") == [("a.b.c", False)]
    assert names("SELECT * FROM IDENTIFIER(:cat || '.b.c')", CAT="A") == [("a.b.c", False)]
    assert AssetRef("a") == AssetRef("a", is_function=False)


def test_measure_is_recognised_in_any_case():
    assert has_measure("SELECT measure(`Total Revenue`) FROM a.b.mv")
    assert not has_measure("SELECT measure, 'MEASURE(x)' FROM a.b.mv")


def test_parameters_come_in_the_order_of_the_text_once_each():
    sql = "SELECT ':no', payload:path FROM t WHERE a = :z AND b = :a -- :comment\n AND c = :z LIMIT :n"
    assert parameters_in(sql) == ("z", "a", "n")


def test_a_parameter_may_be_named_like_a_keyword():
    assert parameters_in("SELECT :from, x:order, m['k']:end FROM t WHERE d < :end LIMIT :limit") == (
        "from",
        "end",
        "limit",
    )


def test_names_lose_case_and_backticks_but_keep_quoted_dots_together():
    assert normalise_name("Cat.`Sch`.`T x`") == "cat.sch.t x"
    assert split_name("a.`b.c`.`d``e`") == ("a", "b.c", "d`e")
