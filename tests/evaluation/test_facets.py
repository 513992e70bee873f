from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation.facets.diff import diff_queries
from mlflow_genie_plugin.evaluation.facets.facet import FACET_ORDER
from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.sql_dialect import parse_query

COLUMNS = {
    "region": "r_regionkey bigint, r_name string, r_comment string",
    "nation": "n_nationkey bigint, n_name string, n_regionkey bigint, n_comment string",
    "customer": "c_custkey bigint, c_name string, c_address string, c_nationkey bigint, c_phone string, "
    "c_acctbal decimal(15|2), c_mktsegment string, c_comment string",
    "supplier": "s_suppkey bigint, s_name string, s_nationkey bigint, s_acctbal decimal(15|2)",
    "part": "p_partkey bigint, p_name string, p_brand string, p_type string, p_size int, p_retailprice decimal(15|2)",
    "partsupp": "ps_partkey bigint, ps_suppkey bigint, ps_availqty int, ps_supplycost decimal(15|2)",
    "orders": "o_orderkey bigint, o_custkey bigint, o_orderstatus string, o_totalprice decimal(15|2), "
    "o_orderdate date, o_orderpriority string, o_clerk string",
    "lineitem": "l_orderkey bigint, l_partkey bigint, l_suppkey bigint, l_linenumber int, l_quantity decimal(15|2), "
    "l_extendedprice decimal(15|2), l_discount decimal(15|2), l_tax decimal(15|2), l_returnflag string, "
    "l_linestatus string, l_shipdate date, l_commitdate date, l_receiptdate date, l_shipmode string",
}
KEYS = {
    "region": ("r_regionkey",), "nation": ("n_nationkey",), "customer": ("c_custkey",), "supplier": ("s_suppkey",),
    "part": ("p_partkey",), "partsupp": ("ps_partkey", "ps_suppkey"), "orders": ("o_orderkey",),
    "lineitem": ("l_orderkey", "l_linenumber"),
}  # fmt: skip
METRICS = [("order_date", "date"), ("order_year", "int"), ("order_status", "string"), ("customer_region", "string")]
MEASURES = ["order_count", "total_order_value", "customer_count"]


def _columns(text):
    return tuple(SchemaColumn(name, kind.replace("|", ",")) for name, kind in (c.split() for c in text.split(", ")))


@pytest.fixture(scope="module")
def schema():
    assets = {
        f"samples.tpch.{name}": SchemaAsset(
            f"samples.tpch.{name}", "TABLE", _columns(columns), unique_keys=(KEYS[name],)
        )
        for name, columns in COLUMNS.items()
    }
    metrics = tuple(SchemaColumn(*each) for each in METRICS) + tuple(SchemaColumn(m, "bigint", True) for m in MEASURES)
    view = "samples.tpch.order_metrics"
    assets[view] = SchemaAsset(view, "MV", metrics)
    function = "samples.tpch.top_customers"
    assets[function] = SchemaAsset(
        function,
        "TVF",
        (SchemaColumn("customer_name", "string"), SchemaColumn("nation", "string")),
        parameters=(SchemaColumn("how_many", "int"), SchemaColumn("segment", "string")),
        required_parameters=2,
    )
    return SpaceSchema(assets)


def first_fault(expected, answer, schema, **options):
    diff = diff_queries(parse_query(expected), parse_query(answer), schema, **options)
    assert diff.problem is None
    assert diff.faults, f"no fault found, only {[facet.name for facet in diff.differing]}"
    return diff.faults[0]


C, O, L = "samples.tpch.customer", "samples.tpch.orders", "samples.tpch.lineitem"  # noqa: E741
N, R, P = "samples.tpch.nation", "samples.tpch.region", "samples.tpch.part"
MV = "samples.tpch.order_metrics"
CO = f"{C} JOIN {O} ON c_custkey = o_custkey"
REVENUE = "SUM(l_extendedprice * (1 - l_discount))"

# Expected SQL, answer's SQL, facet, failure type, words of the rationale.
FAULTS = [
    # Tables.
    (f"SELECT COUNT(*) FROM {O}", f"SELECT COUNT(*) FROM {L}", "tables", "wrong_table",
     "reads lineitem instead of orders"),
    (f"SELECT COUNT(*) FROM {CO}", f"SELECT COUNT(*) FROM {C}", "tables", "wrong_table", "does not read orders"),
    (f"SELECT SUM(o_totalprice) FROM {O}", f"SELECT SUM(o_totalprice) FROM {O} JOIN {L} ON l_orderkey = o_orderkey",
     "tables", "wrong_table", "also reads lineitem"),
    (f"SELECT MEASURE(order_count) FROM {MV}", f"SELECT COUNT(*) FROM {O}", "tables", "wrong_table",
     "reads orders instead of order_metrics"),
    (f"SELECT a.n_name FROM {N} a JOIN {N} b ON a.n_regionkey = b.n_regionkey", f"SELECT n_name FROM {N}",
     "tables", "wrong_table", "reads nation only once"),
    # Arguments of functions.
    ("SELECT * FROM samples.tpch.top_customers(10, 'BUILDING')",
     "SELECT * FROM samples.tpch.top_customers(5, segment => 'BUILDING')",
     "function_arguments", "tvf_parameter_error", "another value of how_many"),
    # Joins.
    (f"SELECT c_name FROM {CO}", f"SELECT c_name FROM {C} JOIN {O} ON c_custkey = o_orderkey", "joins", "wrong_join",
     "joins on customer.c_custkey = orders.o_orderkey instead of customer.c_custkey = orders.o_custkey"),
    (f"SELECT c_name FROM {CO}", f"SELECT c_name FROM {C}, {O}", "joins", "wrong_join",
     "the join on customer.c_custkey = orders.o_custkey is missing"),
    (f"SELECT c_name, COUNT(o_custkey) FROM {C} LEFT JOIN {O} ON c_custkey = o_custkey GROUP BY c_name",
     f"SELECT c_name, COUNT(o_custkey) FROM {CO} GROUP BY c_name", "joins", "wrong_join",
     "orders is joined by INNER JOIN instead of LEFT JOIN"),
    (f"SELECT c_name FROM {CO}", f"SELECT c_name FROM {C} FULL JOIN {O} ON c_custkey = o_custkey", "joins",
     "wrong_join", "FULL JOIN instead of INNER JOIN"),
    (f"SELECT COUNT(*) FROM {C} LEFT ANTI JOIN {O} ON c_custkey = o_custkey",
     f"SELECT COUNT(*) FROM {C} LEFT SEMI JOIN {O} ON c_custkey = o_custkey", "joins", "wrong_join",
     "SEMI JOIN instead of ANTI JOIN"),
    (f"SELECT n_name FROM {N} JOIN {R} ON n_regionkey = r_regionkey",
     f"SELECT n_name FROM {N} JOIN {R} ON n_nationkey = r_regionkey", "joins", "wrong_join", "nation.n_nationkey"),
    # Filters: missing.
    (f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F'", f"SELECT COUNT(*) FROM {O}", "filters", "missing_filter",
     "the filter o_orderstatus = 'F' is missing"),
    (f"SELECT c_name FROM {C} WHERE c_acctbal < 0 AND c_mktsegment = 'BUILDING'",
     f"SELECT c_name FROM {C} WHERE c_acctbal < 0", "filters", "missing_filter",
     "the filter c_mktsegment = 'BUILDING' is missing"),
    (f"SELECT COUNT(*) FROM {CO} AND o_orderstatus = 'O'", f"SELECT COUNT(*) FROM {CO}", "filters", "missing_filter",
     "o_orderstatus = 'O' is missing"),
    (f"SELECT o_custkey FROM {O} GROUP BY o_custkey HAVING COUNT(*) > 10", f"SELECT DISTINCT o_custkey FROM {O}",
     "filters", "missing_filter", "the condition HAVING COUNT(*) > 10 is missing"),
    (f"SELECT COUNT(*) FROM {L} WHERE l_receiptdate > l_commitdate", f"SELECT COUNT(*) FROM {L}", "filters",
     "missing_filter", "l_receiptdate > l_commitdate is missing"),
    (f"SELECT p_name FROM {P} WHERE p_type LIKE '%BRASS'", f"SELECT p_name FROM {P}", "filters", "missing_filter",
     "p_type LIKE '%BRASS'"),
    (f"SELECT c_name FROM {C} WHERE c_phone IS NOT NULL", f"SELECT c_name FROM {C}", "filters", "missing_filter",
     "c_phone IS NOT NULL is missing"),
    # Filters: other value, other column, other operator, one too many.
    (f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F'", f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'O'",
     "filters", "wrong_filter", "the filter is o_orderstatus = 'O' instead of o_orderstatus = 'F'"),
    (f"SELECT COUNT(*) FROM {O} WHERE o_orderpriority IN ('1-URGENT', '2-HIGH')",
     f"SELECT COUNT(*) FROM {O} WHERE o_orderpriority = '1-URGENT'", "filters", "wrong_filter", "o_orderpriority"),
    (f"SELECT COUNT(*) FROM {P} WHERE p_size BETWEEN 1 AND 10",
     f"SELECT COUNT(*) FROM {P} WHERE p_size BETWEEN 1 AND 20", "filters", "wrong_filter", "BETWEEN 1 AND 20"),
    (f"SELECT p_name FROM {P} WHERE p_type LIKE '%BRASS'", f"SELECT p_name FROM {P} WHERE p_type LIKE 'BRASS%'",
     "filters", "wrong_filter", "LIKE 'BRASS%'"),
    (f"SELECT COUNT(*) FROM {C} WHERE UPPER(c_name) = 'A'", f"SELECT COUNT(*) FROM {C} WHERE c_name = 'A'", "filters",
     "wrong_filter", "instead of UPPER(c_name) = 'A'"),
    (f"SELECT COUNT(*) FROM {O}", f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F'", "filters", "wrong_filter",
     "also filters by o_orderstatus = 'F'"),
    (f"SELECT COUNT(*) FROM {L} WHERE l_returnflag = 'F'", f"SELECT COUNT(*) FROM {L} WHERE l_linestatus = 'F'",
     "filters", "wrong_column", "the filter is on l_linestatus instead of l_returnflag"),
    (f"SELECT o_custkey FROM {O} GROUP BY 1 HAVING SUM(o_totalprice) > 100",
     f"SELECT o_custkey FROM {O} GROUP BY 1 HAVING AVG(o_totalprice) > 100", "filters", "wrong_aggregation",
     "o_totalprice"),
    (f"SELECT COUNT(*) FROM {O} WHERE o_totalprice > 1000", f"SELECT COUNT(*) FROM {O} WHERE o_totalprice >= 1000",
     "operators", "wrong_filter", "the filter is o_totalprice >= 1000 instead of o_totalprice > 1000"),
    (f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus <> 'F'", f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F'",
     "operators", "wrong_filter", "instead of o_orderstatus <> 'F'"),
    (f"SELECT c_name FROM {C} WHERE c_phone IS NULL", f"SELECT c_name FROM {C} WHERE c_phone IS NOT NULL",
     "operators", "wrong_filter", "c_phone IS NOT NULL instead of c_phone IS NULL"),
    (f"SELECT o_custkey FROM {O} GROUP BY 1 HAVING COUNT(*) > 5",
     f"SELECT o_custkey FROM {O} GROUP BY 1 HAVING COUNT(*) >= 5", "operators", "wrong_filter", "COUNT(*) >= 5"),
    (f"SELECT c_name FROM {C} WHERE c_custkey NOT IN (SELECT o_custkey FROM {O})",
     f"SELECT c_name FROM {C} WHERE c_custkey IN (SELECT o_custkey FROM {O})", "operators", "wrong_filter", "NOT IN"),
    (f"SELECT c_name FROM {C} WHERE NOT EXISTS (SELECT 1 FROM {O} WHERE o_custkey = c_custkey)",
     f"SELECT c_name FROM {C} WHERE EXISTS (SELECT 1 FROM {O} WHERE o_custkey = c_custkey)", "operators",
     "wrong_filter", "EXISTS"),
    (f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F' OR o_totalprice > 5",
     f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F' AND o_totalprice > 5", "operators", "wrong_filter",
     "conditions are combined"),
    (f"SELECT COUNT(*) FROM {P} WHERE p_size = 1 AND (p_brand = 'A' OR p_type = 'B')",
     f"SELECT COUNT(*) FROM {P} WHERE p_size = 1 AND p_brand = 'A' OR p_type = 'B'", "operators", "wrong_filter",
     "conditions are combined"),
    # Periods.
    (f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) = 1995", f"SELECT COUNT(*) FROM {O}", "temporal_filters",
     "missing_temporal_filter", "the filter YEAR(o_orderdate) = 1995 is missing"),
    (f"SELECT COUNT(*) FROM {O} WHERE o_orderdate >= '1995-01-01' AND o_orderstatus = 'F'",
     f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F'", "temporal_filters", "missing_temporal_filter",
     "o_orderdate >= '1995-01-01' is missing"),
    (f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) = 1995",
     f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) = 1996", "temporal_filters", "wrong_filter",
     "YEAR(o_orderdate) = 1996 instead of YEAR(o_orderdate) = 1995"),
    (f"SELECT COUNT(*) FROM {L} WHERE YEAR(l_shipdate) = 1995",
     f"SELECT COUNT(*) FROM {L} WHERE YEAR(l_receiptdate) = 1995", "temporal_filters", "wrong_column",
     "the filter is on l_receiptdate instead of l_shipdate"),
    (f"SELECT COUNT(*) FROM {O} WHERE o_orderdate < '1996-01-01'",
     f"SELECT COUNT(*) FROM {O} WHERE o_orderdate <= '1996-01-01'", "temporal_filters", "wrong_filter", "o_orderdate"),
    (f"SELECT COUNT(*) FROM {O} WHERE o_orderdate >= DATE_SUB(CURRENT_DATE(), 30)", f"SELECT COUNT(*) FROM {O}",
     "temporal_filters", "missing_temporal_filter", "o_orderdate"),
    (f"SELECT MEASURE(order_count) FROM {MV} WHERE order_year = 1995", f"SELECT MEASURE(order_count) FROM {MV}",
     "temporal_filters", "missing_temporal_filter", "order_year = 1995 is missing"),
    (f"SELECT MEASURE(order_count) FROM {MV} WHERE order_year = 1995",
     f"SELECT MEASURE(order_count) FROM {MV} WHERE order_date < '1995-01-01'", "temporal_filters", "wrong_filter",
     "the filter is order_date < '1995-01-01' instead of order_year = 1995"),
    # Aggregates.
    (f"SELECT COUNT(DISTINCT o_custkey) FROM {O}", f"SELECT COUNT(*) FROM {O}", "aggregates", "wrong_aggregation",
     "counts rows instead of a count of distinct o_custkey"),
    (f"SELECT SUM(o_totalprice) FROM {O}", f"SELECT AVG(o_totalprice) FROM {O}", "aggregates", "wrong_aggregation",
     "averages o_totalprice instead of the sum of o_totalprice"),
    (f"SELECT MAX(o_totalprice) FROM {O}", f"SELECT MIN(o_totalprice) FROM {O}", "aggregates", "wrong_aggregation",
     "takes the smallest o_totalprice instead of the largest o_totalprice"),
    (f"SELECT {REVENUE} FROM {L}", f"SELECT SUM(l_extendedprice) FROM {L}", "aggregates", "wrong_aggregation",
     "sums l_extendedprice instead of the sum of"),
    (f"SELECT {REVENUE} FROM {L}", f"SELECT SUM(l_extendedprice * (1 + l_discount)) FROM {L}", "aggregates",
     "wrong_aggregation", "l_discount"),
    (f"SELECT SUM(o_totalprice) FROM {O}", f"SELECT o_totalprice FROM {O}", "aggregates", "missing_aggregation",
     "does not aggregate"),
    (f"SELECT o_orderstatus, COUNT(*) FROM {O} GROUP BY 1", f"SELECT o_orderstatus FROM {O}", "aggregates",
     "missing_aggregation", "it lacks COUNT(*)"),
    (f"SELECT o_totalprice FROM {O}", f"SELECT SUM(o_totalprice) FROM {O}", "aggregates", "wrong_aggregation",
     "computes SUM(o_totalprice), which is not expected"),
    (f"SELECT COUNT(*) FILTER (WHERE o_orderstatus = 'F') FROM {O}",
     f"SELECT COUNT_IF(o_orderstatus = 'O') FROM {O}", "aggregates", "wrong_aggregation", "o_orderstatus"),
    (f"SELECT MEASURE(total_order_value) FROM {MV}", f"SELECT MEASURE(order_count) FROM {MV}", "aggregates",
     "wrong_measure", "uses the measure order_count instead of the measure total_order_value"),
    # Windows.
    (f"SELECT o_orderkey, SUM(o_totalprice) OVER (PARTITION BY o_custkey) FROM {O}",
     f"SELECT o_orderkey, SUM(o_totalprice) OVER (PARTITION BY o_clerk) FROM {O}", "windows", "wrong_aggregation",
     "o_clerk"),
    (f"SELECT o_orderkey, RANK() OVER (ORDER BY o_totalprice DESC) FROM {O}",
     f"SELECT o_orderkey, RANK() OVER (ORDER BY o_totalprice) FROM {O}", "windows", "wrong_orderby", "RANK()"),
    # Grain.
    (f"SELECT o_orderstatus, COUNT(*) FROM {O} GROUP BY 1", f"SELECT COUNT(*) FROM {O}", "grain", "wrong_groupby",
     "the grouping by o_orderstatus is missing"),
    (f"SELECT COUNT(*) FROM {O} GROUP BY YEAR(o_orderdate)", f"SELECT COUNT(*) FROM {O} GROUP BY MONTH(o_orderdate)",
     "grain", "wrong_groupby", "groups by MONTH(o_orderdate) instead of YEAR(o_orderdate)"),
    (f"SELECT o_orderstatus, COUNT(*) FROM {O} GROUP BY o_orderstatus",
     f"SELECT o_orderstatus, COUNT(*) FROM {O} GROUP BY o_orderstatus, o_orderpriority", "grain", "wrong_groupby",
     "also groups by o_orderpriority"),
    (f"SELECT c_name, COUNT(*) FROM {CO} GROUP BY c_custkey, c_name",
     f"SELECT c_name, COUNT(*) FROM {CO} GROUP BY c_name", "grain", "wrong_groupby", "c_custkey is missing"),
    # Set operations and duplicates.
    (f"SELECT n_name FROM {N} UNION SELECT r_name FROM {R}", f"SELECT n_name FROM {N} UNION ALL SELECT r_name FROM {R}",
     "set_operations", "wrong_distinct", "UNION ALL instead of UNION"),
    (f"SELECT o_custkey FROM {O} EXCEPT SELECT c_custkey FROM {C}",
     f"SELECT o_custkey FROM {O} INTERSECT SELECT c_custkey FROM {C}", "set_operations", "different_scope", "EXCEPT"),
    (f"SELECT DISTINCT o_custkey FROM {O}", f"SELECT o_custkey FROM {O}", "distinct", "wrong_distinct",
     "DISTINCT is missing"),
    (f"SELECT c_mktsegment FROM {C}", f"SELECT DISTINCT c_mktsegment FROM {C}", "distinct", "wrong_distinct",
     "drops duplicate rows"),
    # Ranking.
    (f"SELECT c_name FROM {C} ORDER BY c_acctbal DESC LIMIT 10",
     f"SELECT c_name FROM {C} ORDER BY c_acctbal DESC LIMIT 5", "ranking", "wrong_orderby",
     "shows the first 5 rows where 10 are expected"),
    (f"SELECT c_name FROM {C} ORDER BY c_acctbal DESC LIMIT 10",
     f"SELECT c_name FROM {C} ORDER BY c_acctbal LIMIT 10", "ranking", "wrong_orderby",
     "ranks ascending instead of descending"),
    (f"SELECT c_name FROM {C} ORDER BY c_acctbal DESC LIMIT 10", f"SELECT c_name FROM {C} ORDER BY c_acctbal DESC",
     "ranking", "wrong_orderby", "not cut to the first 10 rows"),
    (f"SELECT c_name FROM {C} ORDER BY c_acctbal DESC LIMIT 10",
     f"SELECT c_name FROM {C} ORDER BY c_name DESC LIMIT 10",
     "ranking", "wrong_orderby", "ranks by c_name DESC instead of c_acctbal DESC"),
    (f"SELECT c_name FROM {C} ORDER BY c_acctbal DESC LIMIT 10", f"SELECT c_name FROM {C} LIMIT 10", "ranking",
     "wrong_orderby", "without the order by c_acctbal DESC"),
    (f"SELECT c_name FROM {C}", f"SELECT c_name FROM {C} LIMIT 100", "ranking", "wrong_orderby", "cut to 100 rows"),
    (f"SELECT c_name FROM {C} ORDER BY c_name LIMIT 5 OFFSET 5", f"SELECT c_name FROM {C} ORDER BY c_name LIMIT 5",
     "ranking", "wrong_orderby", "skips no rows where 5 are expected"),
    # Output columns.
    (f"SELECT c_name FROM {C}", f"SELECT c_address FROM {C}", "select", "wrong_column",
     "shows c_address instead of c_name"),
    (f"SELECT c_name, c_phone FROM {C}", f"SELECT c_name FROM {C}", "select", "missing_column",
     "c_phone is missing from the output"),
    (f"SELECT o_orderstatus, COUNT(*), SUM(o_totalprice) FROM {O} GROUP BY 1",
     f"SELECT o_orderstatus, COUNT(*) FROM {O} GROUP BY 1", "select", "missing_column", "SUM(o_totalprice) is missing"),
    (f"SELECT o_totalprice * 2 FROM {O}", f"SELECT o_totalprice * 3 FROM {O}", "select", "wrong_expression",
     "computes o_totalprice * 3 instead of o_totalprice * 2"),
    (f"SELECT DATEDIFF(l_receiptdate, l_shipdate) FROM {L}", f"SELECT DATEDIFF(l_shipdate, l_receiptdate) FROM {L}",
     "select", "wrong_expression", "DATEDIFF"),
    (f"SELECT CASE WHEN o_totalprice > 5 THEN 'a' ELSE 'b' END FROM {O}",
     f"SELECT CASE WHEN o_totalprice > 6 THEN 'a' ELSE 'b' END FROM {O}", "select", "wrong_expression", "CASE"),
    (f"SELECT c_name FROM {C} JOIN {N} ON c_nationkey = n_nationkey",
     f"SELECT n_name FROM {C} JOIN {N} ON c_nationkey = n_nationkey", "select", "wrong_column", "n_name"),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "answer", "name", "failure_type", "words"), FAULTS)
def test_a_fault_is_typed_and_named(schema, expected, answer, name, failure_type, words):
    fault = first_fault(expected, answer, schema)
    assert (fault.name, fault.failure_type) == (name, failure_type)
    assert words in fault.rationale


@pytest.mark.parametrize(("expected", "answer"), [(fault[0], fault[1]) for fault in FAULTS])
def test_a_query_differs_from_itself_in_nothing_and_a_fault_shows_from_both_sides(schema, expected, answer):
    for sql in (expected, answer):
        assert diff_queries(parse_query(sql), parse_query(sql), schema).differing == ()
    assert diff_queries(parse_query(expected), parse_query(answer), schema).faults
    reverse = diff_queries(parse_query(answer), parse_query(expected), schema)
    assert reverse.faults or {facet.name for facet in reverse.differing} == {"extra_columns"}


def test_every_type_that_a_fault_gets_is_registered_and_every_facet_is_known():
    assert {fault[3] for fault in FAULTS} <= FAILURE_TYPES.keys()
    assert {fault[2] for fault in FAULTS} <= set(FACET_ORDER)


SAME = [
    (f"SELECT o_custkey FROM {O} GROUP BY 1 HAVING COUNT(*) > 55",
     f"SELECT o_custkey FROM {O} GROUP BY 1 HAVING 56 <= COUNT(o_orderkey)"),
    (f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) IN (1995, 1996)",
     (f"SELECT COUNT(*) FROM {O} WHERE (o_orderdate >= DATE'1995-01-01' AND o_orderdate < DATE'1996-01-01') "
     "OR (o_orderdate >= DATE'1996-01-01' AND o_orderdate < DATE'1997-01-01')")),
    (f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) = 1997",
     f"SELECT count(1) FROM {O} o WHERE o.o_orderdate BETWEEN DATE'1997-01-01' AND DATE'1997-12-31'"),
    (f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) = 1997",
     f"SELECT COUNT(*) FROM {O} WHERE o_orderdate >= '1997-01-01' AND o_orderdate < '1998-01-01'"),
    (f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) = 1997",
     f"SELECT COUNT(*) FROM {O} WHERE DATE_TRUNC('YEAR', o_orderdate) = '1997-01-01'"),
    (f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) = 1997 AND MONTH(o_orderdate) = 3",
     f"SELECT COUNT(*) FROM {O} WHERE DATE_FORMAT(o_orderdate, 'yyyy-MM') = '1997-03'"),
    (f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) = 1997 AND QUARTER(o_orderdate) = 2",
     f"SELECT COUNT(*) FROM {O} WHERE o_orderdate >= '1997-04-01' AND o_orderdate <= '1997-06-30'"),
    (f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) IN (1995, 1996)",
     f"SELECT COUNT(*) FROM {O} WHERE EXTRACT(YEAR FROM o_orderdate) BETWEEN 1995 AND 1996"),
    (f"SELECT COUNT(*) FROM {O} WHERE o_orderdate < DATE '1995-01-01' + INTERVAL 1 YEAR",
     f"SELECT COUNT(*) FROM {O} WHERE o_orderdate < MAKE_DATE(1996, 1, 1)"),
    (f"SELECT {REVENUE} FROM {L}", f"SELECT SUM(l_extendedprice - l_discount * l_extendedprice) FROM {L}"),
    (f"SELECT 100.0 * SUM(o_totalprice) / COUNT(*) FROM {O}",
     f"SELECT SUM(o_totalprice) / NULLIF(COUNT(*), 0) * 100 FROM {O}"),
    (f"SELECT c_name FROM {CO}", f"SELECT x.c_name AS n FROM {O} y, {C} x WHERE x.c_custkey = y.o_custkey"),
    (f"SELECT c_name FROM {CO} WHERE o_orderstatus = 'F'",
     f"SELECT c_name FROM {C} JOIN (SELECT * FROM {O} WHERE o_orderstatus = 'F') f ON f.o_custkey = c_custkey"),
    (f"SELECT c_name FROM {CO} WHERE o_orderstatus = 'F'",
     (f"WITH f AS (SELECT o_custkey AS k FROM {O} WHERE 'F' = o_orderstatus) "
     f"SELECT c_name FROM {C}, f WHERE k = c_custkey")),
    (f"SELECT c_name FROM {C} LEFT JOIN {O} ON c_custkey = o_custkey",
     f"SELECT c_name FROM {O} RIGHT JOIN {C} ON c_custkey = o_custkey"),
    (f"SELECT c_name FROM {C} LEFT JOIN {O} ON c_custkey = o_custkey WHERE o_orderstatus = 'F'",
     f"SELECT c_name FROM {CO} WHERE o_orderstatus = 'F'"),
    (f"SELECT DISTINCT o_custkey FROM {O}", f"SELECT o_custkey FROM {O} GROUP BY ALL"),
    (f"SELECT c_mktsegment, COUNT(DISTINCT c_custkey) FROM {C} GROUP BY 1",
     f"SELECT c_mktsegment, COUNT(*) FROM {C} GROUP BY c_mktsegment"),
    (f"SELECT c_name, SUM(o_totalprice) FROM {CO} GROUP BY c_custkey, c_name",
     f"SELECT c_name, SUM(o_totalprice) FROM {CO} GROUP BY o_custkey, c_name"),
    (f"SELECT COUNT_IF(o_orderstatus = 'F') FROM {O}",
     f"SELECT SUM(CASE WHEN o_orderstatus = 'F' THEN 1 ELSE 0 END) FROM {O}"),
    (f"SELECT COUNT(*) FROM {O} WHERE o_orderpriority IN ('a', 'b')",
     f"SELECT COUNT(*) FROM {O} WHERE o_orderpriority = 'b' OR o_orderpriority = 'a'"),
    (f"SELECT COUNT(*) FROM {O} WHERE NOT (o_totalprice > 5 OR o_orderstatus = 'F')",
     f"SELECT COUNT(*) FROM {O} WHERE o_totalprice <= 5 AND o_orderstatus != 'F'"),
    (f"SELECT a.n_name, b.n_name FROM {C} JOIN {N} a ON c_nationkey = a.n_nationkey JOIN {N} b ON b.n_nationkey = 5",
     f"SELECT x.n_name, y.n_name FROM {N} y, {C}, {N} x WHERE y.n_nationkey = 5 AND x.n_nationkey = c_nationkey"),
    (f"SELECT IF(c_acctbal < 0, 'debt', 'fine') FROM {C}",
     f"SELECT CASE WHEN c_acctbal < 0 THEN 'debt' ELSE 'fine' END FROM {C}"),
    (f"SELECT c_name FROM {C} ORDER BY c_acctbal DESC LIMIT 10",
     f"SELECT c_name FROM {C} ORDER BY c_acctbal DESC, c_name LIMIT 10"),
    (f"SELECT c_name || c_phone FROM {C}", f"SELECT CONCAT(c_name, c_phone) FROM {C}"),
    ("SELECT * FROM samples.tpch.top_customers(10, 'BUILDING')",
     "SELECT * FROM samples.tpch.top_customers(segment => 'BUILDING', how_many => 10)"),
    (f"SELECT COUNT(*) FROM {O} NATURAL JOIN (SELECT o_orderkey FROM {O}) x",
     f"SELECT COUNT(*) FROM {O} a JOIN {O} b USING (o_orderkey)"),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "answer"), SAME)
def test_other_words_for_the_same_are_no_fault(schema, expected, answer):
    diff = diff_queries(parse_query(expected), parse_query(answer), schema)
    assert diff.problem is None
    assert [facet.rationale for facet in diff.faults] == []
    assert diff.equal


PRESENTATIONAL = [
    (f"SELECT c_name FROM {C}", f"SELECT c_name AS customer FROM {C}", "aliases", True),
    (f"SELECT c_name, c_phone FROM {C}", f"SELECT c_phone, c_name FROM {C}", "select_order", True),
    (f"SELECT c_name FROM {C}", f"SELECT c_name FROM {C} ORDER BY c_name", "order", True),
    (f"SELECT c_name FROM {C}", f"SELECT c_name, c_phone FROM {C}", "extra_columns", False),
    (f"SELECT o_orderstatus, COUNT(*) FROM {O} GROUP BY 1",
     f"SELECT o_orderstatus, COUNT(*), SUM(o_totalprice) FROM {O} GROUP BY 1", "extra_columns", False),
    (f"SELECT AVG(o_totalprice) FROM {O}", f"SELECT ROUND(AVG(o_totalprice), 2) FROM {O}", "select", False),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "answer", "name", "is_equal"), PRESENTATIONAL)
def test_form_alone_is_presentational_and_only_names_and_order_are_equal(schema, expected, answer, name, is_equal):
    diff = diff_queries(parse_query(expected), parse_query(answer), schema)
    assert name in {facet.name for facet in diff.differing}
    assert diff.only_presentational
    assert diff.equal is is_equal


def test_the_order_counts_when_the_benchmark_says_so(schema):
    expected, answer = f"SELECT c_name FROM {C} ORDER BY c_name", f"SELECT c_name FROM {C} ORDER BY c_name DESC"
    assert first_fault(expected, answer, schema, ordered=True).failure_type == "wrong_orderby"
    assert diff_queries(parse_query(expected), parse_query(answer), schema).equal


def test_aliases_do_not_matter_without_a_schema_either():
    expected = (
        "SELECT o.status, COUNT(*) FROM c.s.orders o JOIN c.s.people p ON o.who = p.id WHERE p.age > 5 GROUP BY 1"
    )
    answer = "SELECT x.status, COUNT(*) FROM orders x, people y WHERE x.who = y.id AND age > 5 GROUP BY status"
    assert diff_queries(parse_query(expected), parse_query(answer)).equal


def test_the_first_fault_is_the_first_in_the_order_of_the_facets(schema):
    expected = (
        f"SELECT c_name, SUM(o_totalprice) FROM {CO} WHERE o_orderstatus = 'F' GROUP BY 1 ORDER BY 2 DESC LIMIT 3"
    )
    diff = diff_queries(parse_query(expected), parse_query(f"SELECT c_phone, COUNT(*) FROM {C} GROUP BY 1"), schema)
    names = [facet.name for facet in diff.differing]
    assert names == sorted(names, key=FACET_ORDER.index)
    assert names[0] == "tables"
    assert {"filters", "aggregates", "grain", "ranking", "select"} <= set(names)


def test_nesting_alone_is_told_apart_from_a_fault_of_the_parts(schema):
    expected = (
        f"WITH b AS (SELECT o_custkey, SUM(o_totalprice) AS v FROM {O} GROUP BY o_custkey) "
        f"SELECT c_name, v FROM b JOIN {C} ON c_custkey = o_custkey"
    )
    answer = f"SELECT c_name, SUM(o_totalprice) FROM {CO} GROUP BY c_custkey, c_name"
    diff = diff_queries(parse_query(expected), parse_query(answer), schema)
    assert [facet.name for facet in diff.faults] == ["subqueries"]
    assert not diff.equal


def test_a_condition_that_moved_to_another_subquery_is_found(schema):
    inner = f"SELECT o_custkey FROM {O} GROUP BY o_custkey HAVING COUNT(*) > 3"
    expected = f"SELECT COUNT(*) FROM {C} WHERE c_custkey IN (SELECT o_custkey FROM {O} WHERE o_totalprice > 5)"
    assert not diff_queries(parse_query(expected), parse_query(f"SELECT COUNT(*) FROM ({inner})"), schema).equal
    moved = (
        f"SELECT COUNT(*) FROM {L} a WHERE EXISTS (SELECT 1 FROM {L} b WHERE b.l_orderkey = a.l_orderkey AND %s) AND %s"
    )
    first, second = "a.l_quantity > 5", "b.l_quantity > 5"
    assert not diff_queries(
        parse_query(moved % (second, "a.l_tax > 1")), parse_query(moved % (first, "a.l_tax > 1")), schema
    ).equal


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r", "recursive"),
        ("SELECT * FROM t PIVOT (SUM(x) FOR y IN ('a', 'b'))", "PIVOT"),
        ("SELECT * FROM IDENTIFIER(:name)", "IDENTIFIER"),
        ("SELECT a FROM unknown_one NATURAL JOIN unknown_two", "NATURAL JOIN"),
    ],
)
def test_what_is_not_understood_is_said_and_never_equal(schema, sql, words):
    diff = diff_queries(parse_query(sql), parse_query(sql), schema)
    assert words in diff.problem
    assert not diff.equal
    assert not diff.only_presentational
    assert diff.faults == ()


def test_the_objects_and_values_of_a_fault_are_named_in_full(schema):
    fault = first_fault(
        f"SELECT COUNT(*) FROM {O} AS x WHERE x.o_orderstatus = 'F'", f"SELECT COUNT(*) FROM {O}", schema
    )
    assert fault.objects == ("samples.tpch.orders.o_orderstatus",)
    assert fault.values == ("F",)
    assert fault.clause == "WHERE"


NAMES = ["o_orderkey", "o_custkey", "o_totalprice"]
numbers = st.integers(0, 2).map(str)
leaves = st.one_of(st.sampled_from(NAMES[:2]), numbers)
sums = st.recursive(
    leaves, lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=3,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(left=sums, right=sums, values=st.lists(st.integers(-50, 50), min_size=3, max_size=3))
def test_expressions_that_count_as_the_same_have_the_same_value(schema, left, right, values):
    known = dict(zip(NAMES, values, strict=True))
    diff = diff_queries(parse_query(f"SELECT {left} FROM {O}"), parse_query(f"SELECT {right} FROM {O}"), schema)
    if diff.equal:
        assert eval(left, {}, dict(known)) == eval(right, {}, dict(known))


comparisons = st.tuples(
    st.sampled_from(NAMES[:2]), st.sampled_from(["=", "<>", "<", ">="]), st.integers(0, 1).map(str)
).map(" ".join)
MARCH = "YEAR(o_orderdate) = 1995 AND MONTH(o_orderdate) = 3"


@pytest.mark.parametrize(
    ("wanted", "got", "kind", "rationale"),
    [
        (MARCH, "MONTH(o_orderdate) = 3", "missing_temporal_filter", "the filter YEAR(o_orderdate) = 1995 is missing"),
        (MARCH, "YEAR(o_orderdate) = 1995", "missing_temporal_filter", "the filter MONTH(o_orderdate) = 3 is missing"),
        ("MONTH(o_orderdate) = 3", MARCH, "wrong_filter",
         "the answer also filters by YEAR(o_orderdate) = 1995, which is not expected"),
        (MARCH, "o_orderdate < '1995-04-01'", "missing_temporal_filter", f"the filter {MARCH} is missing"),
        (MARCH, "o_orderdate >= '1995-03-01' AND o_orderdate < '1995-04-02'", "wrong_filter",
         f"the filter is o_orderdate < '1995-04-02' instead of {MARCH}"),
    ],
)  # fmt: skip
def test_a_month_of_a_year_is_shown_as_both_were_written(schema, wanted, got, kind, rationale):
    sql = f"SELECT COUNT(*) FROM {O} WHERE "
    fault = diff_queries(parse_query(sql + wanted), parse_query(sql + got), schema).faults[0]
    assert (fault.failure_type, fault.rationale) == (kind, rationale)


@pytest.mark.parametrize(
    ("wanted", "got", "rationale"),
    [
        ("WHERE o_orderkey IS NULL", "WHERE o_orderkey = NULL",
         "the filter is o_orderkey = NULL instead of o_orderkey IS NULL"),
        ("AND o_orderstatus = 'F'", "WHERE o_orderstatus = 'F'",
         "the filter o_orderstatus = 'F' stands in WHERE instead of the condition of the join"),
    ],
)  # fmt: skip
def test_a_filter_that_undoes_an_outer_join_is_the_fault_and_not_the_join(schema, wanted, got, rationale):
    sql = f"SELECT c_name, COUNT(o_orderkey) FROM {C} LEFT JOIN {O} ON o_custkey = c_custkey {{}} GROUP BY 1"
    diff = diff_queries(parse_query(sql.format(wanted)), parse_query(sql.format(got)), schema)
    assert (diff.faults[0].failure_type, diff.faults[0].rationale) == ("wrong_filter", rationale)
    assert "joins" not in [facet.name for facet in diff.faults]


conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda part: f"(NOT {part})"),
    ),
    max_leaves=3,
)


@settings(max_examples=150, deadline=None)
@given(left=conditions, right=conditions, values=st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_conditions_that_count_as_the_same_hold_for_the_same_rows(schema, left, right, values):
    diff = diff_queries(
        parse_query(f"SELECT 1 FROM {O} WHERE {left}"), parse_query(f"SELECT 1 FROM {O} WHERE {right}"), schema
    )
    if diff.equal:
        assert _holds(left, values) == _holds(right, values)


def _holds(condition, values):
    for sql, python in (("<>", "!="), (" = ", " == "), ("AND", "and"), ("OR", "or"), ("NOT", "not")):
        condition = condition.replace(sql, python)
    return eval(condition, {}, dict(zip(NAMES, values, strict=True)))


@settings(max_examples=100, deadline=None)
@given(first=sums, second=sums, third=sums)
def test_sums_and_products_do_not_depend_on_how_they_are_written(schema, first, second, third):
    one, other = f"{first} * ({second} + {third})", f"{third} * {first} + ({second}) * ({first})"
    diff = diff_queries(parse_query(f"SELECT {one} FROM {O}"), parse_query(f"SELECT {other} FROM {O}"), schema)
    assert diff.equal


@settings(max_examples=100, deadline=None)
@given(first=conditions, second=conditions)
def test_conditions_do_not_depend_on_how_a_negation_is_written(schema, first, second):
    one, other = f"NOT ({first} AND {second})", f"(NOT {second}) OR (NOT {first})"
    sql = f"SELECT 1 FROM {O} WHERE "
    assert diff_queries(parse_query(sql + one), parse_query(sql + other), schema).equal
