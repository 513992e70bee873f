from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation.canonical.query import canonical_query
from mlflow_genie_plugin.evaluation.refuter.refute import refute
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema

SCHEMA = SpaceSchema(
    {
        name: SchemaAsset(name, "TABLE", tuple(SchemaColumn(column, "bigint") for column in columns))
        for name, columns in {"c.s.t": ("a", "b", "c"), "c.s.u": ("a", "d")}.items()
    }
)


def same(one, other, schema=SCHEMA):
    form = canonical_query(one, schema)
    return form is not None and form == canonical_query(other, schema)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM c.s.t", "select X.A as z from C.S.T as X"),
        ("SELECT a FROM c.s.t WHERE a = 1 AND b > 2", "SELECT a FROM c.s.t WHERE 2 < b AND (1 = a)"),
        ("SELECT a FROM c.s.t WHERE a BETWEEN 1 AND 2", "SELECT a FROM c.s.t WHERE a <= 2 AND a >= 1"),
        ("SELECT a FROM c.s.t WHERE a IN (2, 1, 2)", "SELECT a FROM c.s.t WHERE a = 1 OR a = 2"),
        ("SELECT a FROM c.s.t WHERE NOT (a < 1 OR b = 2)", "SELECT a FROM c.s.t WHERE a >= 1 AND b <> 2"),
        ("SELECT a + b FROM c.s.t", "SELECT b + a FROM c.s.t"),
        ("SELECT t.b, u.d FROM c.s.t t JOIN c.s.u u ON t.a = u.a",
         "SELECT t.b, u.d FROM c.s.u u, c.s.t t WHERE u.a = t.a"),
        ("SELECT t.b FROM c.s.t t JOIN c.s.u u USING (a)", "SELECT t.b FROM c.s.t t JOIN c.s.u u ON u.a = t.a"),
        ("WITH x AS (SELECT a, b FROM c.s.t WHERE c = 1) SELECT a FROM x WHERE b = 2",
         "SELECT a FROM (SELECT * FROM c.s.t) WHERE b = 2 AND c = 1"),
        ("SELECT COUNT(*) FROM c.s.t", "SELECT count(1) FROM c.s.t"),
        ("SELECT DISTINCT a, b FROM c.s.t", "SELECT a, b FROM c.s.t GROUP BY 2, 1"),
        ("SELECT a, SUM(b) FROM c.s.t GROUP BY ALL", "SELECT a, SUM(b) FROM c.s.t GROUP BY a"),
        ("SELECT * FROM c.s.t", "SELECT a, b, c FROM c.s.t"),
        ("SELECT a FROM c.s.t ORDER BY b", "SELECT a FROM c.s.t"),
        ("SELECT a AS k FROM c.s.t ORDER BY k LIMIT 3", "SELECT a FROM c.s.t ORDER BY 1 LIMIT 3"),
        ("SELECT a FROM c.s.t WHERE EXISTS (SELECT 1 FROM c.s.u WHERE u.a = t.a)",
         "SELECT a FROM c.s.t WHERE EXISTS (SELECT * FROM c.s.u WHERE t.a = u.a)"),
        ("SELECT a FROM c.s.t UNION ALL SELECT d FROM c.s.u", "SELECT d FROM c.s.u UNION ALL SELECT a FROM c.s.t"),
        ("SELECT IF(a = 1, b, c) FROM c.s.t", "SELECT CASE a WHEN 1 THEN b ELSE c END FROM c.s.t"),
        ("SELECT MEAN(a), NVL(b, 1) FROM c.s.t GROUP BY b", "SELECT AVG(a), COALESCE(b, 1) FROM c.s.t GROUP BY b"),
        ("SELECT rand() FROM c.s.t", "select rand()  from c.s.t"),
    ],
)  # fmt: skip
def test_the_same_meaning_has_one_form(one, other):
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM c.s.t",
         "SELECT percentile_approx(a, 0.5) FROM c.s.t"),
        ("SELECT COUNT(*) FROM c.s.t", "SELECT COUNT(a) FROM c.s.t"),
        ("SELECT COUNT(DISTINCT a) FROM c.s.t", "SELECT COUNT(a) FROM c.s.t"),
        ("SELECT a - b FROM c.s.t", "SELECT b - a FROM c.s.t"),
        ("SELECT a FROM c.s.t WHERE a <=> 1", "SELECT a FROM c.s.t WHERE a = 1"),
        ("SELECT t.a FROM c.s.t t LEFT JOIN c.s.u u ON t.a = u.a",
         "SELECT t.a FROM c.s.u u LEFT JOIN c.s.t t ON t.a = u.a"),
        ("SELECT a FROM c.s.t UNION SELECT d FROM c.s.u", "SELECT a FROM c.s.t UNION ALL SELECT d FROM c.s.u"),
        ("SELECT a FROM c.s.t ORDER BY a LIMIT 3", "SELECT a FROM c.s.t LIMIT 3"),
        ("SELECT a FROM c.s.t ORDER BY a DESC LIMIT 3", "SELECT a FROM c.s.t ORDER BY a LIMIT 3"),
        ("SELECT a FROM c.s.t WHERE a NOT IN (SELECT d FROM c.s.u)",
         "SELECT a FROM c.s.t WHERE NOT EXISTS (SELECT 1 FROM c.s.u WHERE d = t.a)"),
        ("SELECT SUM(a) FROM c.s.t", "SELECT SUM(DISTINCT a) FROM c.s.t"),
        ("SELECT a, b FROM c.s.t", "SELECT DISTINCT a, b FROM c.s.t"),
        ("SELECT x.a FROM c.s.t x JOIN c.s.t y ON x.a = y.b", "SELECT y.a FROM c.s.t x JOIN c.s.t y ON x.a = y.b"),
        ("SELECT SUM(a) OVER (ORDER BY b) FROM c.s.t", "SELECT SUM(a) OVER (PARTITION BY b) FROM c.s.t"),
        ("SELECT CAST(a AS INT) FROM c.s.t", "SELECT CAST(a AS STRING) FROM c.s.t"),
        ("SELECT a FROM c.s.t WHERE b = 1", "SELECT a FROM c.s.t WHERE b = '1'"),
        ("WITH u AS (SELECT a AS d FROM c.s.t) SELECT d FROM u", "SELECT d FROM c.s.u"),
    ],
)  # fmt: skip
def test_another_meaning_has_another_form(one, other):
    assert not same(one, other)


def test_a_name_that_may_mean_two_things_has_no_form():
    assert canonical_query("SELECT x FROM t JOIN u ON t.i = u.i") is None


COLUMNS = st.sampled_from(["a", "b", "c"])
ATOMS = st.builds("{} {} {}".format, COLUMNS, st.sampled_from(["=", "<>", "<", ">="]), st.integers(0, 2)) | st.builds(
    "{} {}".format, COLUMNS, st.sampled_from(["IS NULL", "IN (1, 2)", "NOT IN (0, 1)", "BETWEEN 0 AND 1"])
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner)
        | st.builds("NOT ({})".format, inner)
    ),
    max_leaves=4,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(condition=CONDITIONS)
def test_rewriting_a_condition_never_changes_what_it_selects(condition):
    negated = f"NOT ({condition})"
    assert same(f"SELECT a FROM c.s.t WHERE {condition}", f"SELECT a FROM c.s.t WHERE NOT ({negated})")
    # Every row is kept by the condition, by its negation, or by neither where NULL decides; never by both.
    both = f"SELECT a, b, c FROM c.s.t WHERE ({condition}) AND {negated}"
    nothing = "SELECT a, b, c FROM c.s.t WHERE a IS NULL AND a IS NOT NULL"
    assert refute(both, nothing, SCHEMA).outcome != "different"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(one=CONDITIONS, other=CONDITIONS)
def test_databases_never_tell_apart_what_has_one_form(one, other):
    plain = [
        f"SELECT a, b FROM c.s.t WHERE {condition}"
        for condition in (f"({one}) AND ({other})", f"({other}) AND ({one})")
    ]
    assert same(*plain)
    # Inside a CASE the forms differ, so that databases decide.
    asked = [f"SELECT a, b, CASE WHEN {one} THEN {value} END AS x FROM c.s.t WHERE {other}" for value in ("1", "2 - 1")]
    assert not same(*asked)
    assert refute(*asked, SCHEMA).outcome != "different"
