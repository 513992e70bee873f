# ruff: noqa: E501  (a case is read best on one line)

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlflow_genie_plugin.errors import SqlFailedError, UnsafeSqlError, UsageError
from mlflow_genie_plugin.sql_engine.engine import SqlEngine
from mlflow_genie_plugin.sql_engine.limits import Limits

ENDLESS = "SELECT count(*) FROM range(3000000) a JOIN range(3000000) b ON a.id % 7 <> b.id % 5"


def test_a_query_beyond_its_time_is_interrupted_with_the_reason(engine):
    started = time.monotonic()
    with pytest.raises(SqlFailedError, match=r"\[STATEMENT_TIMEOUT\].*0\.3 seconds"):
        engine.execute(ENDLESS, timeout_seconds=0.3)
    assert time.monotonic() - started < 60  # alone it would run for hours
    assert engine.execute("SELECT 1").rows == ((1,),)


def test_a_timeout_of_one_query_leaves_others_alone(engine):
    results = []
    other = threading.Thread(
        target=lambda: results.append(engine.execute("SELECT count(*) FROM range(6000000) WHERE id % 3 = 0").rows)
    )
    other.start()
    with pytest.raises(SqlFailedError, match="STATEMENT_TIMEOUT"):
        engine.execute(ENDLESS, timeout_seconds=0.2)
    other.join()
    assert results == [((2000000,),)]


def test_rows_beyond_the_limit_are_counted_not_returned(engine):
    result = engine.execute("SELECT id FROM range(100000) ORDER BY id", row_limit=3)
    assert result.rows == ((0,), (1,), (2,))
    assert (result.row_count, result.truncated) == (100000, True)


@pytest.mark.parametrize(("limit", "count", "truncated"), [(3, 3, False), (4, 3, False), (2, 3, True), (0, 3, True)])
def test_truncated_is_exact_at_the_border(engine, limit, count, truncated):
    result = engine.execute("SELECT id FROM shop.sales.items", row_limit=limit)
    assert (result.row_count, result.truncated, len(result.rows)) == (count, truncated, min(limit, 3))


def test_counting_a_huge_result_does_not_hold_it_in_memory():
    with SqlEngine(limits=Limits(memory="100MB", temporary="0GB")) as small:
        result = small.execute("SELECT id, repeat('x', 100) AS t FROM range(5000000)", row_limit=10)
    assert (result.row_count, result.truncated) == (5000000, True)


def test_memory_is_bounded():
    with (
        SqlEngine(limits=Limits(memory="50MB", temporary="0GB")) as small,
        pytest.raises(SqlFailedError, match=r"\[OUT_OF_MEMORY\]"),
    ):
        small.execute("SELECT sum(length(t)) FROM (SELECT collect_list(repeat('x', 1000) || id) AS l FROM range(1000000))"
                      " LATERAL VIEW explode(l) v AS t")  # fmt: skip


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('x.parquet')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_files('/etc/passwd')",
        "SELECT * FROM csv.`/etc/passwd`",
        "SELECT * FROM parquet.`s3://bucket/x`",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM `/etc/passwd`",
        "SELECT getenv('HOME')",
        "SELECT current_setting('temp_directory')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_tables",
        "SELECT * FROM main.genie_objects",
        "SELECT * FROM memory.main.genie_objects",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM query('SELECT 1')",
        "SELECT query_table('x')",
        "SELECT nextval('s')",
        "SELECT spark_plus(DATE '2024-01-01', INTERVAL 1 DAY)",
        "SELECT ai_query('model', 'prompt')",
    ],
)
def test_a_query_reaches_no_file_setting_or_inner_table(engine, sql):
    with pytest.raises((SqlFailedError, UnsafeSqlError), match=r"UNRESOLV|NOT_FOUND|UNSUPPORTED|syntax error"):
        engine.execute(sql)


@pytest.mark.parametrize(
    "sql", ["INSTALL httpfs", "ATTACH 'x.db' AS y", "COPY t TO 'x'", "SET threads = 1", "DELETE FROM t"]
)
def test_statements_are_refused_before_the_engine(engine, sql):
    with pytest.raises(UnsafeSqlError):
        engine.execute(sql)


@pytest.mark.parametrize(
    "script",
    [
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "CREATE TABLE shop.sales.x AS SELECT * FROM read_csv('/etc/passwd')",
        "ATTACH '{folder}/other.db' AS other",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
    ],
)
def test_even_our_own_statements_reach_no_file_once_a_query_ran(fresh_engine, tmp_path, script):
    fresh_engine.execute("SELECT 1")
    with pytest.raises(SqlFailedError):
        fresh_engine.run_script(script.format(folder=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_many_threads_get_their_own_answers(engine):
    def ask(number):
        sql = f"SELECT {number} AS n, count(*) FROM shop.sales.items WHERE id <= {number % 4}"
        return engine.execute(sql).rows[0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(200))) == [(number, min(number % 4, 3)) for number in range(200)]


def test_a_closed_engine_says_so_and_leaves_no_temporary_folder():
    engine = SqlEngine()
    folder = engine._temporary
    assert Path(folder).exists()
    engine.close()
    engine.close()
    assert not Path(folder).exists()
    with pytest.raises(UsageError, match="closed"):
        engine.execute("SELECT 1")


def test_a_negative_row_limit_is_refused(engine):
    with pytest.raises(UsageError, match="row_limit"):
        engine.execute("SELECT 1", row_limit=-1)


def test_without_duckdb_the_extra_is_named(monkeypatch):
    import sys

    from mlflow_genie_plugin.errors import MissingExtraError

    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mlflow-genie-plugin\[local\]'"):
        SqlEngine()


def test_a_result_too_large_for_memory_is_cut_off_with_the_reason():
    with_limit = SqlEngine(limits=Limits(result_bytes=5 * 2**20))
    with pytest.raises(SqlFailedError, match=r"\[RESULT_TOO_LARGE\].*limit of 5 MiB"):
        with_limit.execute("SELECT repeat('x', 10000) AS s FROM range(1000000)", row_limit=5000)
    with pytest.raises(SqlFailedError, match="RESULT_TOO_LARGE"):
        with_limit.execute("SELECT repeat('x', 10000) AS s FROM range(1000000)")
    assert len(with_limit.execute("SELECT repeat('x', 10000) AS s FROM range(1000000)", row_limit=300).rows) == 300
    with_limit.close()


def test_a_query_that_somebody_stops_ends_at_once(engine):
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    started = time.monotonic()
    endless = "SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c WHERE a.id + b.id + c.id < 0"
    with pytest.raises(SqlFailedError, match="OPERATION_CANCELED"):
        engine.execute(endless, stop=stop)
    assert time.monotonic() - started < 60  # alone it would run for hours
    with pytest.raises(SqlFailedError, match="STATEMENT_TIMEOUT"):
        engine.execute(endless, timeout_seconds=0.2, stop=threading.Event())
