# ruff: noqa: E501  (a query is read best on one line)

from __future__ import annotations

import subprocess
import sys

import pytest

from mlflow_genie_plugin.errors import SqlFailedError, UsageError
from mlflow_genie_plugin.sql_engine.catalog_objects import database_of
from mlflow_genie_plugin.sql_engine.engine import RoutineColumn, RoutineParameter, SqlEngine

YAML = "source: shop.sales.items\ndimensions: [{name: kind, expr: kind}]\nmeasures: [{name: n, expr: count(1)}]"


def test_everything_survives_a_restart(tmp_path, filled):
    with SqlEngine(tmp_path / "db") as engine:
        filled(engine)
        engine.register_metric_view("shop.sales.m", YAML)
        engine.register_table_function("shop.sales.f", [RoutineParameter("k", "STRING")], "SELECT k AS k")
        engine.attach_catalog("odd name; --")
        before = (engine.catalogs(), engine.tables(), engine.routines(), engine.columns("shop.sales.items"))
    with SqlEngine(tmp_path / "db") as engine:
        assert (engine.catalogs(), engine.tables(), engine.routines(), engine.columns("shop.sales.items")) == before
        assert engine.execute("SELECT kind, MEASURE(n) FROM shop.sales.m GROUP BY kind ORDER BY 1").rows == (
            ("a", 2),
            ("b", 1),
        )
        assert engine.execute("SELECT * FROM shop.sales.f('x')").rows == (("x",),)
        # a catalog can still be added after the first query locked the files away
        engine.attach_catalog("later")
        engine.run_script("CREATE SCHEMA later.s; CREATE TABLE later.s.t AS SELECT 7 AS x")
        assert engine.execute("SELECT x FROM later.s.t").rows == ((7,),)
    with SqlEngine(tmp_path / "db") as engine:
        assert engine.execute("SELECT x FROM later.s.t").rows == ((7,),)


def test_a_folder_in_use_by_another_process_is_named(tmp_path):
    script = (
        "import sys; from pathlib import Path; from mlflow_genie_plugin.sql_engine.engine import SqlEngine;"
        "engine = SqlEngine(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read(); engine.close()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(UsageError, match="cannot be opened") as caught:
            SqlEngine(tmp_path)
        assert "another process" in str(caught.value) or "other process" in str(caught.value)
    finally:
        other.communicate("")
    SqlEngine(tmp_path).close()


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        SqlEngine(tmp_path / "x")


def test_metadata_lists_tables_columns_and_comments(engine):
    assert [(info.full_name, info.kind) for info in engine.tables()] == [
        ("shop.sales.items", "TABLE"), ("shop.sales.kinds", "TABLE"), ("shop.sales.zones", "TABLE"),
    ]  # fmt: skip
    columns = {column.name: column for column in engine.columns("SHOP.`sales`.Items")}
    assert (columns["price"].type_name, columns["price"].type_text) == ("DECIMAL", "DECIMAL(10,2)")
    assert columns["kind"].comment == "What it is"
    assert columns["tags"].type_text == "ARRAY<STRING>"
    assert engine.columns("shop.sales.nope") == ()
    assert engine.columns("items") == ()


def test_new_tables_are_seen_by_queries_that_failed_before(fresh_engine):
    sql = "SELECT * FROM shop.sales.later"
    with pytest.raises(SqlFailedError, match="TABLE_OR_VIEW_NOT_FOUND"):
        fresh_engine.execute(sql)
    fresh_engine.run_script("CREATE TABLE shop.sales.later AS SELECT 1 AS a")
    assert fresh_engine.execute(sql).rows == ((1,),)
    fresh_engine.run_script("DROP TABLE shop.sales.later; CREATE VIEW shop.sales.later AS SELECT 2 AS b")
    assert fresh_engine.execute(sql).rows == ((2,),)


def test_information_schema_answers_tools(fresh_engine):
    fresh_engine.register_metric_view("shop.sales.m", YAML)
    fresh_engine.register_table_function(
        "shop.sales.f",
        [RoutineParameter("k", "STRING", comment="the key")],
        "SELECT 'it''s' AS k",
        comment="A function",
    )
    rows = fresh_engine.execute(
        "SELECT column_name, data_type, full_data_type, comment FROM shop.information_schema.columns"
        " WHERE table_schema = :s AND table_name = 'items' ORDER BY ordinal_position LIMIT 3",
        parameters={"s": "sales"},
    ).rows
    assert rows == (
        ("id", "INT", "int", None), ("kind", "STRING", "string", "What it is"), ("price", "DECIMAL", "decimal(10,2)", None)
    )  # fmt: skip
    assert fresh_engine.execute(
        "SELECT table_name, table_type FROM system.information_schema.tables ORDER BY table_name"
    ).rows == (("items", "MANAGED"), ("kinds", "MANAGED"), ("m", "METRIC_VIEW"), ("zones", "MANAGED"))
    assert fresh_engine.execute(
        "SELECT routine_name, routine_definition, comment FROM shop.information_schema.routines"
    ).rows == (("f", "SELECT 'it''s' AS k", "A function"),)
    assert fresh_engine.execute("SELECT parameter_name FROM shop.information_schema.parameters").rows == (("k",),)
    assert fresh_engine.execute("SELECT * FROM shop.information_schema.column_tags").rows == ()
    with pytest.raises(SqlFailedError, match="TABLE_OR_VIEW_NOT_FOUND"):
        fresh_engine.execute("SELECT * FROM nope.information_schema.tables")


def test_columns_of_a_metric_view_are_in_the_information_schema(fresh_engine):
    fresh_engine.register_metric_view("shop.sales.m", YAML)
    rows = fresh_engine.execute(
        "SELECT column_name, data_type FROM shop.information_schema.columns WHERE table_name = 'm' ORDER BY 1"
    ).rows
    assert rows == (("kind", "STRING"), ("n", "BIGINT"))


def test_a_broken_metric_view_hides_no_other_table(fresh_engine):
    fresh_engine.register_metric_view("shop.sales.m", YAML.replace("items", "gone"))
    with pytest.raises(SqlFailedError, match="TABLE_OR_VIEW_NOT_FOUND"):
        fresh_engine.columns("shop.sales.m")
    rows = fresh_engine.execute("SELECT table_name, comment FROM shop.information_schema.columns").rows
    assert {name for name, _ in rows} == {"items", "kinds", "zones", "m"}
    assert any(name == "m" and "TABLE_OR_VIEW_NOT_FOUND" in comment for name, comment in rows)


def test_a_primary_key_is_shown_in_the_information_schema_and_survives_a_restart(tmp_path, filled):
    asked = """SELECT k.table_name, k.column_name FROM shop.information_schema.table_constraints c
        JOIN shop.information_schema.key_column_usage k ON k.constraint_name = c.constraint_name
        WHERE c.constraint_type = 'PRIMARY KEY' ORDER BY k.ordinal_position"""
    with SqlEngine(tmp_path / "db") as engine:
        filled(engine)
        for columns in ((), ("nope",)):
            with pytest.raises(UsageError, match="primary key"):
                engine.set_primary_key("shop.sales.items", columns)
        assert engine.execute(asked).rows == ()
        engine.set_primary_key("shop.sales.items", ("kind", "id"))
        assert engine.execute(asked).rows == (("items", "kind"), ("items", "id"))
    with SqlEngine(tmp_path / "db") as engine:
        assert engine.execute(asked).rows == (("items", "kind"), ("items", "id"))


def test_columns_of_a_function_are_in_the_information_schema(fresh_engine):
    returns = [RoutineColumn("a", "INT"), RoutineColumn("b", "DECIMAL(3,1)", "the b")]
    fresh_engine.register_table_function("shop.sales.f", [], "SELECT 1, 2", returns=returns)
    assert fresh_engine.execute(
        "SELECT column_name, full_data_type, comment FROM shop.information_schema.routine_columns ORDER BY ordinal_position"
    ).rows == (("a", "int", None), ("b", "decimal(3,1)", "the b"))


@pytest.mark.parametrize("name", ["main", "Main", "system", "temp", "memory"])
def test_a_catalog_may_have_a_name_that_duckdb_keeps_for_itself(tmp_path, name):
    with SqlEngine(tmp_path / "db") as engine:
        engine.attach_catalog(name)
        engine.run_script(
            f'CREATE SCHEMA "{database_of(name)}".s; CREATE TABLE "{database_of(name)}".s.t AS SELECT 7 AS x'
        )
        assert [info.full_name for info in engine.tables()] == [f"{name}.s.t"]
    with SqlEngine(tmp_path / "db") as engine:
        assert engine.execute(f"SELECT t.x FROM {name.lower()}.s.t").rows == ((7,),)
        assert engine.columns(f"{name}.s.t")[0].name == "x"
