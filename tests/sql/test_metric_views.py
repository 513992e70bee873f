# ruff: noqa: E501, ISC004  (a query is read best on one line)

from __future__ import annotations

from decimal import Decimal

import pytest

from mlflow_genie_plugin.errors import SqlFailedError, UnreadableFileError, UsageError
from mlflow_genie_plugin.sql_engine.metric_view_yaml import parse_metric_view

YAML = """
version: 0.1
source: shop.sales.items
filter: id < 100
comment: Sales by kind
joins:
  - name: k
    source: shop.sales.kinds
    on: source.kind = k.kind
    joins:
      - name: z
        source: shop.sales.zones
        using: [zone]
dimensions:
  - name: kind
    expr: kind
  - name: Label
    expr: upper(k.label)
    comment: What it is called
  - name: zone name
    expr: k.z.name
  - name: month
    expr: date_trunc('MONTH', sold)
  - name: month text
    expr: date_format(month, 'yyyy-MM')
measures:
  - name: revenue
    expr: SUM(price)
    comment: Money
    synonyms: [turnover]
  - name: pieces
    expr: COUNT(*)
  - name: per piece
    expr: MEASURE(revenue) / MEASURE(pieces)
  - name: alpha pieces
    expr: COUNT_IF(k.label = 'Alpha')
  - name: labels
    expr: COUNT(DISTINCT k.label)
  - name: light
    expr: SUM(weight) FILTER (WHERE weight < 0)
"""
MV = "shop.sales.metrics"


@pytest.fixture(scope="module")
def engine(filled):
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine

    with SqlEngine() as opened:
        filled(opened)
        # `zone` of the join with USING is looked up in the parent, so the parent has it
        opened.register_metric_view(MV, YAML)
        yield opened


QUERIES = [
    (f"SELECT kind, MEASURE(revenue) AS r FROM {MV} GROUP BY kind ORDER BY kind", [("a", Decimal("10.50")), ("b", Decimal("20.00"))]),
    (f"SELECT MEASURE(pieces) FROM {MV}", [(3,)]),
    (f"SELECT Label, measure(PIECES) AS pieces FROM {MV} GROUP BY ALL ORDER BY pieces DESC", [("ALPHA", 2), ("BETA", 1)]),
    (f"SELECT `zone name`, MEASURE(`per piece`) AS p FROM {MV} GROUP BY 1 ORDER BY 1", [("North", 5.25), ("South", 20.0)]),
    (f"SELECT MEASURE(`alpha pieces`), MEASURE(labels), MEASURE(light) FROM {MV}", [(2, 2, -2.5)]),
    (f"SELECT `month text`, MEASURE(pieces) FROM {MV} WHERE month IS NOT NULL GROUP BY `month text` ORDER BY 1",
     [("2024-01", 1), ("2024-02", 1)]),
    (f"SELECT m.kind, MEASURE(m.pieces) FROM {MV} m WHERE m.kind = 'a' GROUP BY m.kind", [("a", 2)]),
    (f"SELECT kind FROM {MV} GROUP BY kind HAVING MEASURE(pieces) > 1", [("a",)]),
    (f"SELECT kind FROM {MV} GROUP BY kind ORDER BY MEASURE(pieces) DESC LIMIT 1", [("a",)]),
    (f"SELECT DISTINCT kind FROM {MV} ORDER BY kind", [("a",), ("b",)]),
    (f"SELECT upper(kind) AS k, MEASURE(pieces) * 10 AS n FROM {MV} GROUP BY upper(kind) ORDER BY k", [("A", 20), ("B", 10)]),
    (f"WITH x AS (SELECT kind, MEASURE(pieces) AS n FROM {MV} GROUP BY kind) SELECT x.n, k.label FROM x"
     " JOIN shop.sales.kinds k ON x.kind = k.kind ORDER BY 2", [(2, "Alpha"), (1, "Beta")]),
    (f"SELECT id FROM shop.sales.items WHERE id > (SELECT MEASURE(labels) FROM {MV})", [(3,)]),
    (f"SELECT {MV}.kind FROM {MV} GROUP BY 1 ORDER BY 1", [("a",), ("b",)]),
    (f"SELECT MEASURE(pieces) FROM {MV} WHERE Label = 'ALPHA' UNION ALL SELECT MEASURE(labels) FROM {MV}", [(2,), (2,)]),
    (f"SELECT kind, MEASURE(pieces) AS n, rank() OVER (ORDER BY MEASURE(pieces) DESC) AS r FROM {MV} GROUP BY kind ORDER BY r",
     [("a", 2, 1), ("b", 1, 2)]),
    (f"SELECT kind, MEASURE(pieces) AS pieces FROM {MV} GROUP BY kind HAVING pieces > 1", [("a", 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), QUERIES, ids=[sql for sql, _ in QUERIES])
def test_query_over_a_metric_view(engine, sql, expected):
    assert list(engine.execute(sql).rows) == expected


ERRORS = [
    (f"SELECT * FROM {MV}", "METRIC_VIEW_MISSING_MEASURE_FUNCTION", "`revenue`"),
    (f"SELECT revenue FROM {MV}", "METRIC_VIEW_MISSING_MEASURE_FUNCTION", "`revenue`"),
    (f"SELECT kind, SUM(revenue) FROM {MV} GROUP BY kind", "METRIC_VIEW_MISSING_MEASURE_FUNCTION", "`revenue`"),
    (f"SELECT kind FROM {MV} WHERE revenue > 1", "METRIC_VIEW_MISSING_MEASURE_FUNCTION", "`revenue`"),
    (f"SELECT MEASURE(kind) FROM {MV}", "METRIC_VIEW_INVALID_MEASURE_FUNCTION_INPUT", "kind"),
    (f"SELECT MEASURE(revenue + 1) FROM {MV}", "METRIC_VIEW_INVALID_MEASURE_FUNCTION_INPUT", "revenue + 1"),
    (f"SELECT MEASURE(nope) FROM {MV}", "UNRESOLVED_COLUMN", "`pieces`"),
    (f"SELECT nope, MEASURE(pieces) FROM {MV} GROUP BY 1", "UNRESOLVED_COLUMN", "`nope`"),
    (f"SELECT weight FROM {MV}", "UNRESOLVED_COLUMN", "`weight`"),
    (f"SELECT m.kind FROM {MV} m JOIN shop.sales.kinds k ON m.kind = k.kind", "METRIC_VIEW_JOIN_NOT_SUPPORTED", "CTE"),
    (f"SELECT k.kind FROM shop.sales.kinds k JOIN {MV} m ON m.kind = k.kind", "METRIC_VIEW_JOIN_NOT_SUPPORTED", "CTE"),
    (f"SELECT k.kind FROM shop.sales.kinds k, {MV} m", "METRIC_VIEW_JOIN_NOT_SUPPORTED", "CTE"),
    ("SELECT MEASURE(id) FROM shop.sales.items", "METRIC_VIEW_INVALID_MEASURE_FUNCTION_INPUT", "one metric view"),
    (f"SELECT kind, MEASURE(pieces) FROM {MV}", "MISSING_AGGREGATION", "`kind`"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "condition", "word"), ERRORS, ids=[sql for sql, _, _ in ERRORS])
def test_what_a_metric_view_does_not_allow(engine, sql, condition, word):
    with pytest.raises(SqlFailedError) as caught:
        engine.execute(sql)
    assert str(caught.value).startswith(f"[{condition}")
    assert word in str(caught.value)
    assert "__m_" not in str(caught.value)


def test_dimensions_and_measures_have_names_types_and_comments(engine):
    columns = {column.name: column for column in engine.columns("Shop.Sales.`Metrics`")}
    assert [column.role for column in columns.values()] == ["dimension"] * 5 + ["measure"] * 6
    assert (columns["Label"].type_name, columns["Label"].comment) == ("STRING", "What it is called")
    assert columns["month"].type_name == "TIMESTAMP"
    assert columns["pieces"].type_text == "BIGINT"
    view = engine.metric_view(MV)
    assert view.measure("REVENUE").synonyms == ("turnover",)
    assert view.comment == "Sales by kind"


def test_a_query_as_source_and_a_definition_in_circles(fresh_engine):
    fresh_engine.register_metric_view(
        "shop.sales.q",
        "source: SELECT kind, id FROM shop.sales.items WHERE id > 1\n"
        "dimensions: [{name: kind, expr: kind}]\nmeasures: [{name: n, expr: count(1)}]",
    )
    assert fresh_engine.execute("SELECT MEASURE(n) FROM shop.sales.q").rows == ((2,),)
    fresh_engine.register_metric_view(
        "shop.sales.self", "source: SELECT a FROM shop.sales.self\ndimensions: [{name: a, expr: a}]"
    )
    with pytest.raises(SqlFailedError, match="RECURSIVE_VIEW"):
        fresh_engine.execute("SELECT a FROM shop.sales.self")
    fresh_engine.register_metric_view(
        "shop.sales.loop",
        "source: shop.sales.items\nmeasures: [{name: a, expr: MEASURE(b)}, {name: b, expr: MEASURE(a)}]",
    )
    with pytest.raises(SqlFailedError, match="refers to itself"):
        fresh_engine.execute("SELECT MEASURE(a) FROM shop.sales.loop")


def test_window_measures_are_refused_not_miscounted(fresh_engine):
    fresh_engine.register_metric_view(
        "shop.sales.w",
        "source: shop.sales.items\ndimensions: [{name: sold, expr: sold}]\n"
        "measures: [{name: n, expr: count(1), window: [{order: sold, range: trailing 7 day, semiadditive: last}]}]",
    )
    with pytest.raises(SqlFailedError, match=r"UNSUPPORTED_FEATURE.*window measures \(n\)"):
        fresh_engine.execute("SELECT MEASURE(n) FROM shop.sales.w")


@pytest.mark.parametrize(
    ("yaml_text", "reason"),
    [
        ("a: [", "not YAML"),
        ("- 1", "not a mapping"),
        ("dimensions: [{name: a, expr: a}]", "the view has no source"),
        ("source: a.b.c", "neither dimensions nor measures"),
        ("source: a.b.c\nmeasures: [{name: a}]", "one of the measures has no expr"),
        ("source: a.b.c\nmeasures: {a: 1}", "measures is not a list of mappings"),
        (
            "source: a.b.c\ndimensions: [{name: a, expr: a}]\nmeasures: [{name: A, expr: sum(a)}]",
            "'a' is defined twice",
        ),
        (
            "source: a.b.c\nmeasures: [{name: a, expr: sum(a)}]\njoins: [{name: j, source: x.y.z}]",
            "neither `on` nor `using`",
        ),
    ],
)
def test_yaml_that_defines_no_metric_view_is_refused(yaml_text, reason):
    with pytest.raises(UnreadableFileError, match="cannot be used") as caught:
        parse_metric_view(yaml_text)
    assert reason in str(caught.value)


def test_a_metric_view_needs_a_full_name_of_its_own(fresh_engine):
    with pytest.raises(UsageError, match="full name"):
        fresh_engine.register_metric_view("metrics", YAML)
    with pytest.raises(UsageError, match="a table of that name exists"):
        fresh_engine.register_metric_view("shop.sales.ITEMS", YAML)
