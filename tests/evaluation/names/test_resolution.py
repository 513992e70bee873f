from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.names.resolution import resolve_names
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.sql_dialect import parse_query


def columns(text):
    return tuple(SchemaColumn(*pair.split(":", 1)) for pair in text.split(" "))


def measures(text):
    return tuple(SchemaColumn(name, "double", is_measure=True) for name in text.split())


SCHEMA = SpaceSchema({
    asset.name: asset
    for asset in (
        SchemaAsset("c.s.orders", "TABLE", columns(
            "id:bigint customer_id:bigint placed:date total:decimal(10,2) status:string tags:array<string> "
            "extra:map<string,string> payload:string "
            "place:struct<city:string,geo:struct<lat:double,lon:double>> items:array<struct<sku:string,n:int>>")),
        SchemaAsset("c.s.customers", "TABLE", columns("id:bigint name:string region:string Since:date")),
        SchemaAsset("c.s.wide", "TABLE", columns("id:bigint q1:int q2:int q3:int `Odd:int")),
        SchemaAsset("c.s.order_metrics", "MV", (
            *columns("region:string month:date"), *measures("revenue orders"),
            SchemaColumn("Net Value", "double", True))),
        SchemaAsset("c.s.top", "TVF", columns("name:string total:double"), columns("n:int seg:string since:date"), 2),
        SchemaAsset("c.s.untold", "TVF", None, columns("n:int"), 1),
        SchemaAsset("c.s.label", "TVF", None, columns("x:string"), 1),
        SchemaAsset("c.s.unread", "TABLE", None),
        SchemaAsset("d.s.orders", "TABLE", columns("id:bigint")),
    )
})  # fmt: skip
ASSETS = SpaceAssets(
    frozenset({"c.s.orders", "c.s.customers", "c.s.wide", "c.s.unread", "d.s.orders", "c.s.never_captured"}),
    frozenset({"c.s.order_metrics"}),
    frozenset({"c.s.top", "c.s.untold", "c.s.label"}),
)


def resolve(sql, parameters=None):
    return resolve_names(parse_query(sql), SCHEMA, ASSETS, parameters)


RIGHT = """
SELECT id, total FROM c.s.orders
SELECT o.id, O.TOTAL FROM C.S.`Orders` o
SELECT orders.id, s.orders.id, c.s.orders.id FROM c.s.orders
SELECT c.name, count(*) AS n, sum(o.total) FROM c.s.orders o JOIN c.s.customers c ON o.customer_id = c.id GROUP BY c.name HAVING n > 1 ORDER BY n DESC
SELECT name FROM customers
SELECT name FROM s.customers
SELECT since FROM c.s.customers
WITH x AS (SELECT id AS k, total FROM c.s.orders), y AS (SELECT k FROM x) SELECT y.k FROM y
WITH orders AS (SELECT name FROM c.s.customers) SELECT name FROM orders
WITH x(a, b) AS (SELECT id, total FROM c.s.orders) SELECT a, b FROM x
WITH RECURSIVE r AS (SELECT id AS n FROM c.s.orders UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r
SELECT q.k FROM (SELECT id AS k FROM c.s.orders) q
SELECT k FROM (SELECT id FROM c.s.orders) AS q(k)
SELECT k + 1 AS k2 FROM (SELECT id AS k FROM c.s.orders) GROUP BY k2
SELECT total AS t, t * 2 AS u, u + 1 FROM c.s.orders
SELECT year(placed) AS y, sum(total) FROM c.s.orders GROUP BY y ORDER BY y
SELECT status, sum(total) FROM c.s.orders GROUP BY ALL
SELECT id FROM c.s.orders QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY placed DESC) = 1
SELECT row_number() OVER (ORDER BY total) AS rn FROM c.s.orders QUALIFY rn = 1
SELECT sum(total) OVER w FROM c.s.orders WINDOW w AS (PARTITION BY status ORDER BY placed)
SELECT t.tag FROM c.s.orders LATERAL VIEW explode(tags) t AS tag
SELECT k, v FROM c.s.orders LATERAL VIEW OUTER explode(extra) AS k, v
SELECT tag FROM c.s.orders LATERAL VIEW explode(tags) AS tag LATERAL VIEW explode(split(tag, ',')) AS piece WHERE piece > ''
SELECT e.x FROM c.s.orders, LATERAL explode(tags) AS e(x)
SELECT z.q FROM c.s.orders o JOIN LATERAL (SELECT o.total AS q) z
SELECT quarter, amount FROM c.s.wide UNPIVOT (amount FOR quarter IN (q1, q2, q3))
SELECT id, u.amount FROM c.s.wide UNPIVOT (amount FOR quarter IN (q1 AS a, q2, q3)) AS u
SELECT * FROM (SELECT status, total FROM c.s.orders) PIVOT (sum(total) FOR status IN ('O' AS open, 'F'))
SELECT place.city, place.geo.lat, o.place.geo.lon FROM c.s.orders o
SELECT orders.place.city FROM c.s.orders
SELECT items.sku, items[0].n, payload:a.b, extra['k'], extra.anything FROM c.s.orders
SELECT transform(tags, x -> concat(x, status)), filter(items, i -> i.n > 1) FROM c.s.orders
SELECT aggregate(items, 0, (acc, i) -> acc + i.n) FROM c.s.orders
SELECT region, MEASURE(revenue) FROM c.s.order_metrics GROUP BY region
SELECT region, measure(`Net Value`) AS revenue FROM c.s.order_metrics GROUP BY ALL ORDER BY revenue DESC
SELECT m.region, MEASURE(m.revenue) AS r FROM c.s.order_metrics m GROUP BY ALL HAVING MEASURE(m.orders) > 1 AND r > 2 ORDER BY MEASURE(revenue)
WITH v AS (SELECT region, MEASURE(revenue) AS revenue FROM c.s.order_metrics GROUP BY region) SELECT region, revenue FROM v JOIN c.s.customers USING (region)
SELECT name, total FROM c.s.top(5, 'BUILDING')
SELECT t.name FROM c.s.top(n => 5, seg => 'B', since => current_date) t
SELECT nn FROM c.s.top(5, seg => 'B') AS t(nn, tt)
SELECT top.name FROM c.s.top(1, 'x')
SELECT name FROM TABLE(c.s.top(5, 'B'))
SELECT o.id, t.name FROM c.s.orders o, LATERAL c.s.top(o.id, o.status) t
SELECT c.s.label(status) FROM c.s.orders
SELECT id FROM IDENTIFIER('c.s.orders')
SELECT IDENTIFIER('total') FROM IDENTIFIER('c.s.' || 'orders') o WHERE o.id > 1
SELECT id FROM IDENTIFIER(:t)
SELECT id, current_date, current_user, user, session_user(), current_catalog FROM c.s.orders WHERE placed < current_date
SELECT id FROM c.s.orders WHERE status = :status AND placed > :from
SELECT id FROM c.s.orders WHERE customer_id IN (SELECT id FROM c.s.customers WHERE region = 'EU')
SELECT name FROM c.s.customers k WHERE EXISTS (SELECT 1 FROM c.s.orders o WHERE o.customer_id = k.id AND name = status)
SELECT (SELECT max(total) FROM c.s.orders WHERE customer_id = k.id) FROM c.s.customers k
SELECT id, name FROM c.s.orders JOIN c.s.customers USING (id)
SELECT id FROM c.s.orders NATURAL JOIN c.s.customers
SELECT status FROM c.s.orders o LEFT SEMI JOIN c.s.customers k ON o.customer_id = k.id
SELECT o.id FROM c.s.orders o LEFT ANTI JOIN c.s.customers k ON o.customer_id = k.id
SELECT id FROM c.s.orders UNION ALL SELECT id FROM c.s.customers ORDER BY id LIMIT 3
SELECT id AS k FROM c.s.orders UNION SELECT id FROM c.s.customers ORDER BY k
(SELECT id FROM c.s.orders) ORDER BY id
SELECT * EXCEPT (payload) FROM c.s.orders
SELECT x.city FROM (SELECT place.* FROM c.s.orders) x
SELECT t.name FROM (SELECT o.*, k.name FROM c.s.orders o JOIN c.s.customers k ON o.customer_id = k.id) t
SELECT a FROM (VALUES (1, 2), (3, 4)) AS v(a, b)
SELECT col1 FROM VALUES (1, 2)
SELECT id FROM range(5)
SELECT dateadd(month, 1, placed), datediff(DAY, placed, current_date()), extract(YEAR FROM placed), date_add(WEEK, 1, placed) FROM c.s.orders
SELECT id FROM c.s.orders VERSION AS OF 3
SELECT id FROM c.s.orders@v3
SELECT o.id FROM c.s.orders TIMESTAMP AS OF '2024-01-01' AS o
SELECT id FROM c.s.orders TABLESAMPLE (10 PERCENT)
FROM c.s.orders |> WHERE total > 1 |> SELECT id
SELECT d.s.orders.id FROM d.s.orders
SELECT count(*), count(o.*), count(DISTINCT o.id, status) FROM c.s.orders o
SELECT struct(id, total AS t).t, named_struct('a', id).a FROM c.s.orders
SELECT sum(total) FILTER (WHERE status = 'O') FROM c.s.orders
SELECT status FROM c.s.orders GROUP BY GROUPING SETS ((status), ()), status
SELECT status FROM c.s.orders GROUP BY ROLLUP (status)
SELECT x.k FROM (c.s.orders o JOIN c.s.customers k2 ON o.customer_id = k2.id) JOIN (SELECT id AS k FROM c.s.orders) x ON x.k = k2.id
SELECT id FROM c.s.orders CLUSTER BY id
SELECT window(placed, '1 day').start, sum(total) FROM c.s.orders GROUP BY window(placed, '1 day')
SELECT 1
""".strip().splitlines()  # noqa: E501 one query a line


@pytest.mark.parametrize("sql", RIGHT)
def test_a_right_query_has_no_problem_and_nothing_left_unchecked(sql):
    found = resolve(sql, {"t": "c.s.orders"})
    assert [str(problem) for problem in found.problems] == []
    assert found.unchecked == []
    assert found.unknown_assets == []
    assert found.score == 1.0


WRONG = [
    ("SELECT totl FROM c.s.orders", "wrong_column", "c.s.orders has no column totl; did you mean total?"),
    ("SELECT o.totl FROM c.s.orders o", "wrong_column", "c.s.orders has no column totl; did you mean total?"),
    ("SELECT x.id FROM c.s.orders o", "wrong_column", "x.id cannot be resolved: the query has no table, alias or"),
    ("SELECT plce.city FROM c.s.orders o", "wrong_column", "no table, alias or column plce; did you mean place?"),
    ("SELECT ordrs.id FROM c.s.orders", "wrong_column", "no table, alias or column ordrs; did you mean orders?"),
    ("SELECT nam FROM c.s.orders o JOIN c.s.customers k ON o.customer_id = k.id", "wrong_column",
     "no table of the query has a column nam; did you mean name?"),
    ("SELECT id FROM c.s.orders WHERE statuss = 1", "wrong_column", "statuss"),
    ("SELECT total AS t FROM c.s.orders WHERE t > 1", "wrong_column", "column t"),
    ("SELECT id FROM c.s.orders o JOIN c.s.customers k ON o.customer_id = k.id", "wrong_column",
     "the column id is ambiguous: it can be c.s.orders.id or c.s.customers.id"),
    ("SELECT name FROM c.s.orders o LEFT SEMI JOIN c.s.customers k ON o.customer_id = k.id", "wrong_column", "name"),
    ("SELECT o.id FROM c.s.orders o JOIN c.s.customers k USING (customer_id)", "wrong_column", "customer_id"),
    ("WITH x AS (SELECT id FROM c.s.orders) SELECT total FROM x", "wrong_column", "total"),
    ("SELECT q.total FROM (SELECT id FROM c.s.orders) q", "wrong_column", "q has no column total"),
    ("SELECT id FROM (SELECT id FROM c.s.orders) AS q(k)", "wrong_column", "id"),
    ("SELECT place.town FROM c.s.orders", "wrong_column", "there is no field town"),
    ("SELECT place.geo.latt FROM c.s.orders", "wrong_column", "there is no field latt; did you mean lat?"),
    ("SELECT items.skuu FROM c.s.orders", "wrong_column", "did you mean sku?"),
    ("SELECT q1 FROM c.s.wide UNPIVOT (amount FOR quarter IN (q1, q2, q3))", "wrong_column", "q1"),
    ("SELECT amount FROM c.s.wide UNPIVOT (amount FOR quarter IN (q1, q4))", "wrong_column", "q4"),
    ("SELECT tag FROM c.s.orders LATERAL VIEW explode(tag_list) t AS tag", "wrong_column", "tag_list"),
    ("SELECT id FROM c.s.orders ORDER BY nope", "wrong_column", "nope"),
    ("SELECT id FROM c.s.orders UNION ALL SELECT id FROM c.s.customers ORDER BY total", "wrong_column", "total"),
    ("SELECT * EXCEPT (nope) FROM c.s.orders", "wrong_column", "nope"),
    ("SELECT transform(tags, x -> y) FROM c.s.orders", "wrong_column", "column y"),
    ("SELECT dateadd(id, nope, placed) FROM c.s.orders", "wrong_column", "nope"),
    ("SELECT id FROM c.s.orders WHERE customer_id IN (SELECT ident FROM c.s.customers)", "wrong_column", "ident"),
    ("SELECT IDENTIFIER('totl') FROM c.s.orders", "wrong_column", "did you mean total?"),
    ("SELECT id FROM c.s.order", "OUTSIDE_SPACE", "c.s.order is no table or metric view of the space; did you mean "),
    ("SELECT id FROM other.s.customers", "OUTSIDE_SPACE", "did you mean c.s.customers?"),
    ("SELECT 1 FROM system.billing.usage", "OUTSIDE_SPACE", "system.billing.usage"),
    ("SELECT 1 FROM IDENTIFIER('c.s.secret')", "OUTSIDE_SPACE", "c.s.secret"),
    ("SELECT id FROM c.s.orders WHERE id IN (SELECT id FROM c.s.secret)", "OUTSIDE_SPACE", "c.s.secret"),
    ("WITH x AS (SELECT 1) SELECT * FROM c.x", "OUTSIDE_SPACE", "c.x"),
    ("SELECT c.s.unlisted(id) FROM c.s.orders", "OUTSIDE_SPACE", "c.s.unlisted is no function of the space"),
    ("SELECT * FROM c.s.tops(5)", "OUTSIDE_SPACE", "did you mean c.s.top?"),
    ("SELECT region, revenue FROM c.s.order_metrics", "wrong_measure",
     "revenue is a measure of c.s.order_metrics and must stand in MEASURE()"),
    ("SELECT region, SUM(revenue) FROM c.s.order_metrics GROUP BY region", "wrong_measure", "MEASURE()"),
    ("SELECT * FROM c.s.order_metrics", "wrong_measure", "MEASURE()"),
    ("SELECT MEASURE(region) FROM c.s.order_metrics", "wrong_measure", "region, which is a dimension of"),
    ("SELECT MEASURE(revenu) FROM c.s.order_metrics", "wrong_measure",
     "c.s.order_metrics has no measure revenu; did you mean revenue?"),
    ("SELECT MEASURE(total) FROM c.s.orders", "wrong_measure", "no metric view is read there"),
    ("SELECT MEASURE(revenue) AS m FROM c.s.order_metrics WHERE revenue > 1", "wrong_measure", "revenue is a measure"),
    ("SELECT regio, MEASURE(revenue) FROM c.s.order_metrics GROUP BY ALL", "wrong_column", "did you mean region?"),
    ("SELECT * FROM c.s.top()", "tvf_parameter_error", "without n, seg"),
    ("SELECT * FROM c.s.top(5)", "tvf_parameter_error", "c.s.top is called without seg (n, seg, since)"),
    ("SELECT * FROM c.s.top(5, 'B', DATE'2024-01-01', 1)", "tvf_parameter_error", "with 4 arguments and takes 3"),
    ("SELECT * FROM c.s.top(n => 5, segment => 'B')", "tvf_parameter_error", "no parameter segment"),
    ("SELECT * FROM c.s.top(5, 'B', n => 3)", "tvf_parameter_error", "given n twice"),
    ("SELECT * FROM c.s.top(n => 5, 'B')", "tvf_parameter_error", "named arguments come after"),
    ("SELECT nam FROM c.s.top(5, 'B')", "wrong_column", "did you mean name?"),
    ("SELECT c.s.label(status, id) FROM c.s.orders", "tvf_parameter_error", "takes 1 (x)"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "failure_type", "text"), WRONG, ids=[case[0] for case in WRONG])
def test_a_wrong_name_is_typed_and_named(sql, failure_type, text):
    found = resolve(sql)
    assert [problem.failure_type for problem in found.problems] == [failure_type], [str(p) for p in found.problems]
    assert text in str(found.problems[0])
    assert 0 <= found.score < 1


def test_one_wrong_name_in_five_scores_four_fifths():
    assert resolve("SELECT id, total, status, nope FROM c.s.orders").score == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("sql", "unchecked"),
    [
        ("SELECT anything FROM c.s.untold(1)", ["anything"]),
        ("SELECT x FROM (SELECT inline(items) FROM c.s.orders)", ["x"]),
        ("SELECT open FROM (SELECT status, total FROM c.s.orders) PIVOT (sum(total) FOR status IN ('O' AS open))",
         ["open"]),
        ("SELECT a FROM read_files('x')", ["a"]),
        ("SELECT weird FROM orders", ["weird"]),
        ("SELECT `count(1)` FROM (SELECT count(1) FROM c.s.orders)", ["count(1)"]),
    ],
)  # fmt: skip
def test_what_the_query_alone_cannot_tell_is_left_unchecked(sql, unchecked):
    found = resolve(sql)
    assert found.unchecked == unchecked
    assert found.problems == []


def test_assets_that_nobody_could_read_are_named_and_decide_nothing():
    found = resolve("SELECT u.x, n.y FROM c.s.unread u JOIN c.s.never_captured n ON u.k = n.k")
    assert found.unknown_assets == ["c.s.unread", "c.s.never_captured"]
    assert found.problems == []


def test_the_columns_that_a_query_uses_are_told_through_queries_around_them():
    found = resolve("WITH x AS (SELECT id AS k, total FROM c.s.orders) SELECT k FROM x WHERE k > 1")
    assert found.columns == {("c.s.orders", "id"), ("c.s.orders", "total")}


def test_what_to_blame_and_to_change_is_said():
    (problem,) = resolve("SELECT o.totl FROM c.s.orders o").problems
    assert problem.blame == ("column c.s.orders.total",)
    assert problem.fix == 'add "totl" to the synonyms of total in c.s.orders'
