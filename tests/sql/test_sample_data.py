# ruff: noqa: E501  (a query is read best on one line)

from __future__ import annotations

import hashlib

import pytest

from mlflow_genie_plugin.emulator import tpch_files
from mlflow_genie_plugin.emulator.sample_data import load_tpch
from mlflow_genie_plugin.emulator.sample_tables import METRIC_VIEW, TABLES
from mlflow_genie_plugin.emulator.tpch_files import generate_tpch
from mlflow_genie_plugin.errors import MissingExtraError, UnwritableFileError
from mlflow_genie_plugin.sql_engine.engine import SqlEngine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tpch")


@pytest.fixture(scope="module")
def engine(folder):
    with SqlEngine() as opened:
        load_tpch(opened, folder)
        yield opened


def test_tables_have_the_standard_rows_and_every_column_a_comment(engine):
    counts = {name: engine.execute(f"SELECT count(*) FROM samples.tpch.{name}").rows[0][0] for name in TABLES}
    assert counts == {
        "region": 5, "nation": 25, "customer": 1500, "supplier": 100, "part": 2000, "partsupp": 8000, "orders": 15000,
        "lineitem": 60175,
    }  # fmt: skip
    for name, (comment, columns) in TABLES.items():
        described = engine.columns(f"samples.tpch.{name}")
        assert {column.name: column.comment for column in described} == columns
        assert comment in {info.comment for info in engine.tables() if info.name == name}


def test_a_second_load_makes_nothing_anew(folder, engine):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    load_tpch(engine, folder)
    with SqlEngine() as other:
        load_tpch(other, folder)
        assert other.execute("SELECT count(*) FROM samples.tpch.orders").rows == ((15000,),)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before
    assert len(before) == 8


def test_the_data_is_the_same_every_time(tmp_path, folder):
    again = generate_tpch(tmp_path)
    for name in TABLES:
        first, second = (path / f"{name}.parquet" for path in (generate_tpch(folder), again))
        assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()


def test_metric_view_and_functions_agree_with_the_tables(engine):
    from_view = engine.execute(
        "SELECT customer_region, order_year, MEASURE(order_count), MEASURE(total_order_value), MEASURE(customer_count),"
        f" MEASURE(open_order_value) FROM {METRIC_VIEW} WHERE market_segment = 'BUILDING' GROUP BY ALL ORDER BY 1, 2"
    ).rows
    from_tables = engine.execute(
        "SELECT r_name, year(o_orderdate) AS y, count(*), sum(o_totalprice), count(DISTINCT o_custkey),"
        " sum(CASE WHEN o_orderstatus = 'O' THEN o_totalprice END) FROM samples.tpch.orders"
        " JOIN samples.tpch.customer ON o_custkey = c_custkey JOIN samples.tpch.nation ON c_nationkey = n_nationkey"
        " JOIN samples.tpch.region ON n_regionkey = r_regionkey WHERE c_mktsegment = 'BUILDING' GROUP BY ALL ORDER BY 1, 2"
    ).rows
    assert from_view == from_tables
    assert len(from_view) == 35
    top = engine.execute("SELECT * FROM samples.tpch.top_customers(3, 'BUILDING') ORDER BY total_order_value DESC").rows
    assert (
        top
        == engine.execute(
            "SELECT c_name, n_name, CAST(sum(o_totalprice) AS DECIMAL(27, 2)) AS v FROM samples.tpch.orders"
            " JOIN samples.tpch.customer ON o_custkey = c_custkey JOIN samples.tpch.nation ON c_nationkey = n_nationkey"
            " WHERE c_mktsegment = 'BUILDING' GROUP BY ALL ORDER BY v DESC, 1 LIMIT 3"
        ).rows
    )
    late = engine.execute("SELECT * FROM samples.tpch.late_deliveries('1995-01-01', '1995-01-31') ORDER BY 1").rows
    assert (
        late
        == engine.execute(
            "SELECT l_shipmode, count(*), count_if(l_receiptdate > l_commitdate) FROM samples.tpch.lineitem"
            " WHERE l_shipdate >= '1995-01-01' AND l_shipdate < '1995-02-01' GROUP BY 1 ORDER BY 1"
        ).rows
    )
    assert len(late) == 7


def test_a_known_query_of_the_benchmark_has_its_published_shape(engine):
    rows = engine.execute(
        "SELECT l_returnflag, l_linestatus, sum(l_quantity) AS q, avg(l_discount) AS d, count(*) AS n"
        " FROM samples.tpch.lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY"
        " GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus"
    ).rows
    assert [row[:2] for row in rows] == [("A", "F"), ("N", "F"), ("N", "O"), ("R", "F")]
    assert rows[0][4] == 14876
    assert float(rows[0][3]) == pytest.approx(0.0499, abs=1e-3)


def test_a_missing_generator_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setattr(tpch_files, "_script_folders", list)
    with pytest.raises(MissingExtraError, match=r"mlflow-genie-plugin\[local\]"):
        generate_tpch(tmp_path)


def test_a_folder_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableFileError, match="cannot be written"):
        generate_tpch(tmp_path / "file" / "x")


def test_a_scale_the_generator_refuses_leaves_no_folder(tmp_path):
    with pytest.raises(UnwritableFileError, match="could not be generated"):
        generate_tpch(tmp_path, scale=-1)
    assert list(tmp_path.iterdir()) == []
