# ruff: noqa: E501  (a case is read best on one line)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.sql_dialect import SqlParseError, assets_in, replace_identifiers

MAPPING = {"dev": "prod", "dev.sales.orders": "prod.`new sales`.orders2", "s.t": "u.v"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELECT * FROM dev.x.y", "SELECT * FROM prod.x.y"),
        ("select  *\nFROM DEV . X . y -- dev.x.y", "select  *\nFROM prod . X . y -- dev.x.y"),
        ("SELECT * FROM `dev`.`a b`.`c`", "SELECT * FROM `prod`.`a b`.`c`"),
        ("SELECT * FROM dev.sales.orders o", "SELECT * FROM prod.`new sales`.orders2 o"),
        # qualifiers follow a renamed table unless it has an alias
        ("SELECT orders.a FROM dev.sales.orders", "SELECT orders2.a FROM prod.`new sales`.orders2"),
        ("SELECT orders.a FROM dev.sales.orders AS orders", "SELECT orders.a FROM prod.`new sales`.orders2 AS orders"),
        ("SELECT dev.sales.orders.a FROM dev.sales.orders", "SELECT prod.`new sales`.orders2.a FROM prod.`new sales`.orders2"),
        ("SELECT 1 FROM dev.sales.orders WHERE EXISTS (SELECT 1 FROM t orders WHERE orders.z = 1)",
         "SELECT 1 FROM prod.`new sales`.orders2 WHERE EXISTS (SELECT 1 FROM t orders WHERE orders.z = 1)"),
        ("SELECT 1 FROM dev.sales.orders WHERE EXISTS (SELECT 1 FROM t WHERE t.z = orders.a)",
         "SELECT 1 FROM prod.`new sales`.orders2 WHERE EXISTS (SELECT 1 FROM t WHERE t.z = orders2.a)"),
        # aliases, CTEs, strings, comments and struct fields are not catalogs
        ("SELECT dev.a.b FROM x.y.z AS dev", "SELECT dev.a.b FROM x.y.z AS dev"),
        ("WITH dev AS (SELECT 1 AS x) SELECT dev.x FROM dev", "WITH dev AS (SELECT 1 AS x) SELECT dev.x FROM dev"),
        ("SELECT 'dev.x.y', \"dev.x.y\" /* dev.x.y */ FROM t", "SELECT 'dev.x.y', \"dev.x.y\" /* dev.x.y */ FROM t"),
        ("SELECT dev FROM dev", "SELECT dev FROM dev"),
        # two parts: only a key of two parts means them
        ("SELECT s.t.a, t.a FROM s.t", "SELECT u.v.a, v.a FROM u.v"),
        ("SELECT * FROM dev.x", "SELECT * FROM dev.x"),
        # functions
        ("SELECT dev.sales.f(1), dev.f(2)", "SELECT prod.sales.f(1), dev.f(2)"),
        ("SELECT * FROM dev.a.Top_N(n => 3)", "SELECT * FROM prod.a.Top_N(n => 3)"),
        ("SELECT * FROM TABLE(dev.a.g(1))", "SELECT * FROM TABLE(prod.a.g(1))"),
        ("SELECT * FROM IDENTIFIER('dev.sales.orders')", "SELECT * FROM IDENTIFIER('prod.`new sales`.orders2')"),
        # fragments: filters, join conditions, measures
        ("dev.a.b.c > 5 AND x = 'dev.a.b'", "prod.a.b.c > 5 AND x = 'dev.a.b'"),
        ("`o`.`id` = `c`.`id`", "`o`.`id` = `c`.`id`"),
        ("SUM(dev.a.b.c) / dev.x", "SUM(prod.a.b.c) / dev.x"),
        ("--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--", "--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--"),
        ("", ""),
        ("SELECT count(*) FROM dev.s.t GROUP BY window(ts, '1 day')", "SELECT count(*) FROM prod.s.t GROUP BY window(ts, '1 day')"),
        ("SELECT 'it''s dev.a.b' FROM dev.a.b@v2", "SELECT 'it''s dev.a.b' FROM prod.a.b@v2"),
    ],
)  # fmt: skip
def test_only_names_change(before, after):
    assert replace_identifiers(before, MAPPING) == after


def test_the_longest_key_wins():
    mapping = {"a": "x", "a.b": "y.z", "a.b.c": "k.l.m"}
    assert replace_identifiers("SELECT * FROM a.b.c, a.b.d, a.e.f", mapping) == "SELECT * FROM k.l.m, y.z.d, x.e.f"


def test_a_name_that_needs_backticks_gets_them():
    assert replace_identifiers("SELECT * FROM a.b.c", {"a": "my-catalog"}) == "SELECT * FROM `my-catalog`.b.c"


@pytest.mark.parametrize("mapping", [{"a": "b.c"}, {"a.b": "c"}, {"a.b.c.d": "a.b.c.e"}, {"": ""}, {"a.": "b.c"}])
def test_a_mapping_that_cannot_be_meant_is_refused(mapping):
    with pytest.raises(ValueError, match="the same number of parts"):
        replace_identifiers("SELECT * FROM a.b.c", mapping)


def test_text_whose_names_cannot_be_told_apart_is_refused():
    with pytest.raises(SqlParseError):
        replace_identifiers("SELECT FROM WHERE a.b.c", {"a": "x"})


part = st.text(alphabet="abcxyzé_ -.`", min_size=1, max_size=6).filter(lambda text: text.strip() == text)
word = st.sampled_from(["cat1", "cat2", "Cat1", "`cat1`", "other"])


def ticked(name):
    return "`" + name.replace("`", "``") + "`"


@given(catalog=part, schema=part, table=part, new=part, literal=st.text(alphabet="ab.;-'\"é日", max_size=12))
def test_renaming_there_and_back_restores_every_byte(catalog, schema, table, new, literal):
    if new.lower() == catalog.lower():
        return
    quoted = "'" + literal.replace("'", "''") + "'"
    name = ".".join(map(ticked, (catalog, schema, table)))
    sql = f"SELECT  {quoted} ,t.x /* {ticked(catalog)} */\nFROM {name} AS t"
    there = replace_identifiers(sql, {ticked(catalog): ticked(new)})
    assert {asset.name for asset in assets_in(there)} == {".".join((new, schema, table)).lower()}
    assert replace_identifiers(there, {ticked(new): ticked(catalog)}) == sql


@given(st.lists(word, min_size=1, max_size=4))
def test_a_mapping_of_a_name_to_itself_changes_nothing(catalogs):
    sql = "SELECT * FROM " + ", ".join(f"{catalog}.s.t{index}" for index, catalog in enumerate(catalogs))
    assert replace_identifiers(sql, {"zzz": "yyy"}) == sql
