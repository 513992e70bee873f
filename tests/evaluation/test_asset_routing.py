from __future__ import annotations

import pytest

from mlflow_genie_plugin.evaluation.asset_use import assets_of_query, made_of
from mlflow_genie_plugin.evaluation.benchmark import Benchmark
from mlflow_genie_plugin.evaluation.judge import judge_case
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult

ASSETS = SpaceAssets(
    tables=frozenset({"c.s.orders", "c.s.customers", "c.s.odd name", "a.x.twins", "b.x.twins", "c.s.listed_view"}),
    metric_views=frozenset({"c.s.order_metrics", "c.s.over_metrics", "c.s.query_metrics"}),
    functions=frozenset({"c.s.top_customers", "c.s.net"}),
)
VIEW = (
    "version: 1.1\nsource: {source}\n{joins}dimensions: [{{name: d, expr: d}}]\nmeasures: [{{name: m, expr: SUM(x)}}]\n"
)
JOINS = (
    "joins:\n  - {name: h, source: c.s.hidden, on: source.k = h.k, joins: [{name: g, source: deep, on: h.k = g.k}]}\n"
)
SCHEMA = SpaceSchema({
    asset.name: asset
    for asset in (
        SchemaAsset("c.s.order_metrics", "MV", (SchemaColumn("d"),),
                    definition=VIEW.format(source="c.s.orders", joins=JOINS)),
        SchemaAsset("c.s.over_metrics", "MV", (SchemaColumn("d"),),
                    definition=VIEW.format(source="c.s.order_metrics", joins="")),
        SchemaAsset("c.s.query_metrics", "MV", (SchemaColumn("d"),),
                    definition=VIEW.format(source="SELECT * FROM c.s.customers WHERE x > 0", joins="")),
        SchemaAsset("c.s.listed_view", "MV", (SchemaColumn("d"),), definition="not: a view"),
        SchemaAsset("c.s.top_customers", "TVF", None, (), definition="SELECT c.n FROM c.s.customers c JOIN c.s.hidden"),
    )
})  # fmt: skip

MV, OVER, TOP = "SELECT MEASURE(m) FROM c.s.order_metrics", "SELECT MEASURE(m) FROM c.s.over_metrics", (
    "SELECT * FROM c.s.top_customers(5)"
)  # fmt: skip
ORDERS, CUSTOMERS = "SELECT 1 FROM c.s.orders", "SELECT 1 FROM c.s.customers"
BOTH = "SELECT 1 FROM c.s.orders o JOIN c.s.customers k ON o.k = k.k"
PASS = None

# expected SQL, answer's SQL, kind the benchmark names, failure type or None
ROUTES = [
    # the same asset, however it is written
    (ORDERS, "SELECT 2 FROM C.S.`Orders` o", None, PASS),
    (ORDERS, "SELECT 1 FROM orders", None, PASS),
    (ORDERS, "SELECT 1 FROM s.orders", None, PASS),
    (ORDERS, "SELECT 1 FROM `c`.`s`.`orders`", None, PASS),
    ("SELECT 1 FROM orders", ORDERS, None, PASS),
    ("SELECT 1 FROM `c`.`s`.`Odd Name`", "SELECT 1 FROM c.s.`odd name` x", "TABLE", PASS),
    (ORDERS, "SELECT 1 FROM c.s.orders@v3", None, PASS),
    (ORDERS, "SELECT 1 FROM c.s.orders VERSION AS OF 3 AS o", None, PASS),
    (ORDERS, "SELECT 1 FROM c.s.orders TIMESTAMP AS OF '2024-01-01'", None, PASS),
    (ORDERS, "SELECT 1 FROM c.s.orders TABLESAMPLE (5 PERCENT) o", None, PASS),
    (ORDERS, "FROM c.s.orders |> WHERE x > 1", None, PASS),
    (ORDERS, "SELECT 1 FROM IDENTIFIER('c.s.orders')", None, PASS),
    (ORDERS, "SELECT 1 FROM IDENTIFIER('c.s.' || 'Orders') o", None, PASS),
    (ORDERS, "SELECT 1 FROM IDENTIFIER(:t)", None, PASS),
    (ORDERS, "SELECT 1 FROM IDENTIFIER(:catalog || '.s.orders')", None, PASS),
    (ORDERS, "SELECT 1 FROM IDENTIFIER(:unknown)", None, "OUTSIDE_SPACE"),
    (ORDERS, "SELECT 'FROM c.s.customers' /* FROM x.y.z */ FROM c.s.orders -- FROM c.s.order_metrics", None, PASS),
    (ORDERS, "SELECT /*+ BROADCAST(customers) */ 1 FROM c.s.orders", None, PASS),
    (ORDERS, "SELECT widget_id, get_json_object(a, 'mv_x') FROM c.s.orders", "TABLE", PASS),
    # common table expressions are no assets
    (ORDERS, "WITH orders AS (SELECT 1 FROM c.s.orders) SELECT * FROM orders", None, PASS),
    (ORDERS, "WITH orders AS (SELECT 1 FROM orders) SELECT * FROM orders", None, PASS),
    (ORDERS, "WITH orders AS (SELECT 1 FROM c.s.customers) SELECT * FROM orders", None, "MISSING_ASSET"),
    (ORDERS, "WITH order_metrics AS (SELECT 1 FROM c.s.orders) SELECT * FROM order_metrics", None, PASS),
    (ORDERS, "WITH x AS (SELECT 1), y AS (SELECT * FROM x) SELECT * FROM y JOIN c.s.orders", None, PASS),
    (ORDERS, "WITH RECURSIVE r AS (SELECT 1 FROM c.s.orders UNION ALL SELECT 1 FROM r) SELECT * FROM r", None, PASS),
    (ORDERS, "WITH orders AS (SELECT 1) SELECT * FROM orders", None, "MISSING_ASSET"),
    (ORDERS, "WITH orders AS (SELECT 1) SELECT * FROM c.s.orders", None, PASS),
    (MV, "WITH v AS (SELECT d, MEASURE(m) AS m FROM c.s.order_metrics GROUP BY d) SELECT * FROM v", "MV", PASS),
    # anywhere in the query
    (BOTH, "SELECT 1 FROM c.s.orders WHERE EXISTS (SELECT 1 FROM c.s.customers)", None, PASS),
    (BOTH, "SELECT (SELECT max(x) FROM c.s.customers) FROM c.s.orders", None, PASS),
    (BOTH, "SELECT 1 FROM c.s.orders UNION ALL SELECT 1 FROM c.s.customers", None, PASS),
    (BOTH, "SELECT 1 FROM c.s.orders, c.s.customers", None, PASS),
    (BOTH, "SELECT 1 FROM c.s.orders o JOIN LATERAL (SELECT 1 FROM c.s.customers) z", None, PASS),
    (BOTH, ORDERS, None, "MISSING_ASSET"),
    (ORDERS, BOTH, None, PASS),
    (ORDERS, CUSTOMERS, None, "MISSING_ASSET"),
    # short names that two assets have
    ("SELECT 1 FROM a.x.twins", "SELECT 1 FROM twins", None, PASS),
    ("SELECT 1 FROM twins", "SELECT 1 FROM b.x.twins", None, PASS),
    ("SELECT 1 FROM a.x.twins", "SELECT 1 FROM b.x.twins", None, "MISSING_ASSET"),
    (ORDERS, "SELECT 1 FROM c.s.orders JOIN twins", None, PASS),
    # outside the space
    (ORDERS, "SELECT 1 FROM other.s.orders", None, "OUTSIDE_SPACE"),
    (ORDERS, "SELECT 1 FROM c.s.orders JOIN other.s.secret", None, "OUTSIDE_SPACE"),
    (ORDERS, "SELECT 1 FROM system.information_schema.tables", None, "OUTSIDE_SPACE"),
    (ORDERS, "SELECT 1 FROM c.s.orders, unlisted(5)", None, "OUTSIDE_SPACE"),
    ("SELECT 1 FROM c.s.orders JOIN other.s.secret", "SELECT 1 FROM c.s.orders JOIN other.s.secret", None, PASS),
    # metric views and what they are made of
    (MV, "SELECT d, measure(m) FROM order_metrics GROUP BY ALL", "MV", PASS),
    (MV, "SELECT d FROM c.s.order_metrics", "MV", PASS),
    (MV, "SELECT sum(x) FROM c.s.orders", "MV", "TABLE_INSTEAD_OF_MV"),
    (MV, "SELECT sum(x) FROM c.s.orders", None, "TABLE_INSTEAD_OF_MV"),
    (MV, "SELECT sum(x) FROM c.s.hidden", None, "TABLE_INSTEAD_OF_MV"),
    (MV, "SELECT sum(x) FROM c.s.deep", None, "TABLE_INSTEAD_OF_MV"),
    (MV, "SELECT sum(x) FROM c.s.other_hidden", None, "OUTSIDE_SPACE"),
    (MV, "SELECT sum(x) FROM c.s.customers", "MV", "TABLE_INSTEAD_OF_MV"),
    (MV, "SELECT MEASURE(m) FROM c.s.order_metrics JOIN c.s.orders", "MV", "EXTRA_TABLE"),
    (MV, "SELECT MEASURE(m) FROM c.s.query_metrics", "MV", "MISSING_ASSET"),
    (OVER, "SELECT sum(x) FROM c.s.orders", "MV", "TABLE_INSTEAD_OF_MV"),
    (OVER, MV, "MV", "MISSING_ASSET"),
    ("SELECT MEASURE(m) FROM c.s.query_metrics", "SELECT sum(x) FROM c.s.customers", "MV", "TABLE_INSTEAD_OF_MV"),
    (f"{MV} UNION ALL {CUSTOMERS}", f"{ORDERS} UNION ALL {CUSTOMERS}", None, "TABLE_INSTEAD_OF_MV"),
    (f"{MV} UNION ALL {CUSTOMERS}", CUSTOMERS, None, "MISSING_ASSET"),
    (f"{MV} UNION ALL {CUSTOMERS}", f"{MV} UNION ALL {CUSTOMERS} UNION ALL {ORDERS}", None, "EXTRA_TABLE"),
    (f"{MV} UNION ALL {ORDERS}", ORDERS, None, "TABLE_INSTEAD_OF_MV"),
    (f"{MV} UNION ALL {CUSTOMERS}", MV, "MV", PASS),
    (ORDERS, MV, "TABLE", "MV_INSTEAD_OF_TABLE"),
    (ORDERS, f"{ORDERS} UNION ALL {MV}", "TABLE", "EXTRA_MV"),
    ("SELECT MEASURE(m) FROM c.s.listed_view", "SELECT d FROM c.s.listed_view", "MV", PASS),
    ("SELECT d FROM c.s.listed_view", "SELECT MEASURE(m) FROM listed_view", "MV", PASS),
    ("SELECT d FROM c.s.listed_view", ORDERS, "MV", "TABLE_INSTEAD_OF_MV"),
    # functions
    (TOP, "SELECT * FROM c.s.top_customers(n => 6)", "TVF", PASS),
    (TOP, "SELECT * FROM C.S.`Top_Customers`(6) AS t(a)", "TVF", PASS),
    (TOP, "SELECT * FROM top_customers(6)", "TVF", PASS),
    (TOP, "SELECT * FROM TABLE(c.s.top_customers(5))", "TVF", PASS),
    (TOP, "SELECT * FROM (SELECT 1), LATERAL c.s.top_customers(5) t", "TVF", PASS),
    (TOP, "SELECT * FROM c.s.customers LIMIT 5", "TVF", "TABLE_INSTEAD_OF_TVF"),
    (TOP, "SELECT * FROM c.s.hidden LIMIT 5", "TVF", "TABLE_INSTEAD_OF_TVF"),
    (TOP, "SELECT * FROM c.s.bottom_customers(5)", "TVF", "OUTSIDE_SPACE"),
    (TOP, MV, "TVF", "MV_INSTEAD_OF_TVF"),
    (MV, TOP, "MV", "TVF_INSTEAD_OF_MV"),
    (CUSTOMERS, TOP, None, "TVF_INSTEAD_OF_TABLE"),
    (CUSTOMERS, f"{CUSTOMERS}, c.s.top_customers(5)", None, "EXTRA_TVF"),
    (ORDERS, "SELECT 1 FROM c.s.orders, explode(array(1)), range(3)", None, PASS),
    (ORDERS, "SELECT 1 FROM c.s.orders LATERAL VIEW explode(x) AS y", None, PASS),
    (ORDERS, "SELECT c.s.net(x) FROM c.s.orders", None, PASS),
    ("SELECT c.s.net(5)", "SELECT net(6) AS n", "TVF", PASS),
    ("SELECT c.s.net(x) FROM c.s.orders", ORDERS, None, "MISSING_ASSET"),
    ("SELECT c.s.net(x) FROM c.s.orders", "SELECT x * 0.9 FROM c.s.orders", "TABLE", PASS),
]


@pytest.fixture
def finding_of():
    def judge(expected_sql, sql, kind, schema=SCHEMA):
        benchmark = Benchmark("q", "How many?", expected_sql, kind)
        answer = AnswerRecord(sql=sql, parameters={"t": "c.s.orders", "catalog": "c"})
        case = JudgedCase(benchmark, answer, StoredResult(), ASSETS, schema)
        return judge_case(case, JUDGES.choose(["asset_routing"]))["asset_routing"]

    return judge


@pytest.mark.parametrize(("expected_sql", "sql", "kind", "code"), ROUTES)
def test_routing_compares_assets_not_text(finding_of, expected_sql, sql, kind, code):
    finding = finding_of(expected_sql, sql, kind)
    assert (finding.outcome.value, finding.failure_type) == ("failed" if code else "passed", code), finding.rationale
    assert (finding.score == 1.0) is (code is None)
    if code:
        assert finding.blame or code == "OUTSIDE_SPACE"
        assert finding.fix


@pytest.mark.parametrize(
    ("expected_sql", "sql", "kind", "code"),
    [
        (ORDERS, ORDERS, "MV", "NO_EXPECTED_ASSET"),
        ("SELECT 1", ORDERS, None, "NO_EXPECTED_ASSET"),
        (ORDERS, "SELECT FROM WHERE", None, "UNPARSABLE"),
        ("SELECT FROM WHERE", ORDERS, None, "UNPARSABLE"),
    ],
)
def test_what_cannot_be_decided_abstains(finding_of, expected_sql, sql, kind, code):
    finding = finding_of(expected_sql, sql, kind)
    assert (finding.outcome.value, finding.failure_type) == ("abstained", code)


def test_without_a_schema_measure_still_tells_a_listed_metric_view(finding_of):
    assert (
        finding_of("SELECT MEASURE(m) FROM c.s.listed_view", ORDERS, "MV", None).failure_type == "TABLE_INSTEAD_OF_MV"
    )
    assert finding_of("SELECT MEASURE(m) FROM c.s.listed_view", "SELECT d FROM listed_view", "MV", None).passed
    assert finding_of(MV, "SELECT 1 FROM c.s.orders", "MV", None).failure_type == "TABLE_INSTEAD_OF_MV"


def test_the_message_names_what_was_read_and_what_should_have_been(finding_of):
    finding = finding_of(MV, "SELECT sum(x) FROM c.s.hidden", None)
    assert finding.rationale == (
        "the answer reads table c.s.hidden itself instead of metric view c.s.order_metrics, which is made of that"
    )
    assert finding.blame == ("metric view c.s.order_metrics",)
    assert finding.evidence == {"expected": ["metric view c.s.order_metrics"], "used": ["table c.s.hidden"]}


def test_the_score_is_the_share_of_assets_that_both_use(finding_of):
    assert finding_of(BOTH, ORDERS, None).score == pytest.approx(1 / 2)
    assert finding_of(BOTH, "SELECT 1 FROM c.s.orders JOIN other.s.secret", None).score == pytest.approx(1 / 3)


def test_a_view_is_made_of_everything_under_it():
    assert made_of("c.s.over_metrics", SCHEMA) == {"c.s.order_metrics", "c.s.orders", "c.s.hidden", "c.s.deep"}
    assert made_of("c.s.query_metrics", SCHEMA) == {"c.s.customers"}
    assert made_of("c.s.listed_view", SCHEMA) == made_of("c.s.nothing", SCHEMA) == made_of("c.s.orders", None) == set()


def test_measure_belongs_to_the_table_its_own_select_reads():
    sql = "SELECT (SELECT MEASURE(m) FROM c.s.listed_view) FROM c.s.orders"
    assert {(asset.name, asset.kind) for asset in assets_of_query(sql, ASSETS)} == {
        ("c.s.listed_view", "MV"),
        ("c.s.orders", "TABLE"),
    }


def test_an_asset_outside_the_space_is_added_and_not_described():
    case = JudgedCase(
        Benchmark("q", "How many?", "SELECT 1 FROM x.y.z"), AnswerRecord(sql=ORDERS), StoredResult(), ASSETS
    )
    finding = judge_case(case, JUDGES.choose(["asset_routing"]))["asset_routing"]
    assert finding.failure_type == "MISSING_ASSET"
    assert finding.fix == "add table x.y.z to the space, or correct the expected SQL"


def test_a_table_that_does_not_exist_is_not_to_be_added():
    answer = AnswerRecord(sql="SELECT 1 FROM c.s.order", compiles=False, compile_error="[TABLE_OR_VIEW_NOT_FOUND] no")
    case = JudgedCase(Benchmark("q", "How many?", ORDERS), answer, StoredResult(), ASSETS)
    finding = judge_case(case, JUDGES.choose(["asset_routing"]))["asset_routing"]
    assert finding.failure_type == "OUTSIDE_SPACE"
    assert finding.fix == "say in the instructions to use table c.s.orders"
