"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import contextlib
import signal
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from hypothesis import settings

import __main__

# PySpark takes a process without a main file for a run of its doctests and ends it; workers of xdist have none.
if getattr(__main__, "__spec__", None) is None and not hasattr(__main__, "__file__"):
    __main__.__spec__ = ModuleSpec("__main__", None)

# A shell starts background jobs with Ctrl-C ignored, which tests and the commands they start would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that is busy with something else must not fail a test, and neither must the luck of a draw: examples and
# order are the same every time. Others are looked for by --hypothesis-profile=search and --randomly-seed=NUMBER, as the
# nightly workflow does.
settings.register_profile("project", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    if getattr(config.option, "randomly_seed", None) == "default":
        config.option.randomly_seed = 1
    # xdist would begin with the files of most tests; those that take longest are files of few.
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """Begin with the files that run whole commands, so that no process is left alone with one of them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("e2e")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def own_mlflow_environment():
    """Whatever a test makes MLflow write into the environment goes away with the test.

    ``mlflow.set_registry_uri`` writes ``MLFLOW_REGISTRY_URI`` and nothing ever takes it out again, so the commands that
    later tests start would look for their registry at a server that has ended.
    """
    import gc
    import os
    import sys

    before = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}
    yield
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
        sys.modules["mlflow"].set_registry_uri(None)
        # So does mlflow.set_experiment, in a variable of its own that wins over the environment.
        sys.modules["mlflow.tracking.fluent"]._active_experiment_id = None
        close_databases()
    for name in [name for name in os.environ if name.startswith("MLFLOW_") and name not in before]:
        del os.environ[name]
    os.environ.update(before)
    # The SDK's clients hold their connections in circles of references, and thousands of tests open more than a process
    # may have.
    if sum(1 for _ in Path("/dev/fd").iterdir()) > 200:
        gc.collect()


def close_databases():
    """Close the connections that MLflow keeps to every store it was ever asked for, one database a test.

    ``dispose`` leaves the engine usable, so that a store that outlives its test connects anew.
    """
    import sys

    for name in ("tracking", "model_registry", "jobs"):
        if module := sys.modules.get(f"mlflow.store.{name}.sqlalchemy_store"):
            for store in vars(module).values():
                engines = getattr(store, "_engine_map", None) if isinstance(store, type) else None
                for engine in (engines or {}).values():
                    if engine.pool.checkedin():
                        engine.dispose()


@pytest.fixture(scope="session")
def tracking_template(tmp_path_factory):
    """An SQLite tracking store with MLflow's migrations applied; they take seconds, so this happens once a session."""
    import os
    import subprocess
    import sys

    path = tmp_path_factory.mktemp("tracking-template") / "mlflow.db"
    script = "import sys, mlflow; mlflow.MlflowClient(sys.argv[1]).search_experiments()"
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": f"sqlite:///{path}"}
    # In a process of its own, so that this session's MLflow never holds a connection to the template.
    subprocess.run(
        [sys.executable, "-c", script, f"sqlite:///{path}"], check=True, capture_output=True, env=environment
    )
    return path


@pytest.fixture
def tracking(tracking_template, tmp_path, monkeypatch):
    """A fresh tracking store of this test alone, set as MLFLOW_TRACKING_URI; yields its URI."""
    import shutil
    import sqlite3

    folder = tmp_path / "tracking"
    folder.mkdir()
    database = folder / "mlflow.db"
    shutil.copyfile(tracking_template, database)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        artifacts = (folder / "artifacts").as_uri()
        connection.execute("UPDATE experiments SET artifact_location = ? || '/' || experiment_id", (artifacts,))
    uri = f"sqlite:///{database}"
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("DO_NOT_TRACK", "true")
    monkeypatch.setenv("GENIE_STATE_DIR", str(tmp_path / "state"))
    import mlflow

    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    # Set first by monkeypatch, so that what set_experiment writes into the environment goes away with the test.
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    mlflow.set_experiment(experiment_id="0")
    yield uri
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


@pytest.fixture(scope="session")
def local_workspace_server():
    """One local workspace for the whole session; tests use ``local_workspace``, which resets it for each of them."""
    from mlflow_genie_plugin.emulator.server import LocalWorkspace

    with LocalWorkspace() as workspace:
        yield workspace


@pytest.fixture
def local_workspace(local_workspace_server, monkeypatch, tmp_path):
    """A running local workspace with only the sample space in it, set as the Databricks host of this test."""
    local_workspace_server.control.reset()
    for name, value in local_workspace_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "no.databrickscfg"))
    monkeypatch.delenv("DATABRICKS_CONFIG_PROFILE", raising=False)
    monkeypatch.setenv("GENIE_STATE_DIR", str(tmp_path / "state"))
    return local_workspace_server


@pytest.fixture(scope="session")
def make_cases():
    """``make_cases(n)`` gives cases to judge: right, wrong, failed, truncated and without a result, in turn."""
    import datetime as dt
    from decimal import Decimal

    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
    from mlflow_genie_plugin.evaluation.question import Benchmark
    from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
    from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
    from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, stored_json, stored_result
    from mlflow_genie_plugin.space.config import Envelope, SpaceConfig
    from mlflow_genie_plugin.workspace.answer import Column, QueryResult

    types = ("STRING", "DECIMAL", "DOUBLE", "DATE", "BINARY", "ARRAY")
    columns = tuple(Column(f"c{number}", name, name) for number, name in enumerate(types))
    assets = SpaceAssets(tables=frozenset({"main.s.t"}))
    schema = SpaceSchema({"main.s.t": SchemaAsset("main.s.t", "TABLE", (SchemaColumn("a", "int"),))})
    config = SpaceConfig({"version": 2, "data_sources": {"tables": [{"identifier": "main.s.t"}]}}, Envelope("Sales"))

    def rows(number, shift=0):
        day = dt.date(2024, 1, 1 + number % 28)
        return tuple(
            (f"r{i}", Decimal(number + i + shift) / 100, 0.1 * i + 1e-17, day, b"\x00\xff", [i, None]) for i in range(3)
        )

    def case(number):
        benchmark = Benchmark(
            f"q{number}", f"Question {number}?", "SELECT a FROM main.s.t", "TABLE", required_columns=("a",)
        )
        expected = stored_result(QueryResult(columns, rows(number), 3), None)
        kind = number % 6
        given = QueryResult(columns, rows(number, shift=kind == 1), 3 if kind != 3 else 9, truncated=kind == 3)
        answer = stored_result(None if kind in (2, 4) else given, "it failed" if kind == 4 else None)
        more = (
            {"status": "FAILED"}
            if kind == 2
            else {"sql": "SELECT a FROM main.s.t", "text": "Here: \u2713", "compiles": kind != 4}
        )
        record = AnswerRecord(**{**stored_json(answer), "columns": answer.columns, **more})
        return JudgedCase(benchmark, record, expected, assets, schema, config, (record,) if kind == 5 else ())

    return lambda count: [case(number) for number in range(count)]


@pytest.fixture(scope="session")
def answers_table(make_cases):
    """``answers_table(n)`` gives the same cases as the table that ``judge_table`` reads, without assets and repeats."""
    import orjson
    import pyarrow as pa

    from mlflow_genie_plugin.evaluation.stored_result import stored_json

    def side(record, name):
        document = stored_json(record)
        cells = {
            key: None if document[key] is None else orjson.dumps(document[key]).decode() for key in ("columns", "rows")
        }
        return {
            f"{name}_{key}": {**document, **cells}[key]
            for key in ("columns", "rows", "row_count", "truncated", "error")
        }

    def build(count):
        return pa.Table.from_pylist(
            [
                {
                    "question_id": case.benchmark.id,
                    "question": case.benchmark.question,
                    "expected_sql": case.benchmark.expected_sql,
                    "expected_asset": case.benchmark.expected_asset,
                    "answer_sql": case.answer.sql,
                    "answer_text": case.answer.text,
                    "status": case.answer.status,
                    "compiles": case.answer.compiles,
                    **side(case.answer, "answer"),
                    **side(case.expected, "expected"),
                }
                for case in make_cases(count)
            ]
        )

    return build


@pytest.fixture(scope="session")
def chromium():
    """Path of a browser without a window; the test is skipped where there is none."""
    import os
    import shutil

    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.environ.get("GENIE_REQUIRE_BROWSER"):
        pytest.fail("no Chromium found, and GENIE_REQUIRE_BROWSER is set")
    pytest.skip("no Chromium on this machine")


@pytest.fixture(scope="session")
def mlflow_ui():
    """``mlflow_ui(tracking_uri)`` serves MLflow's own pages of a store and gives their address."""
    import os
    import socket
    import subprocess
    import sys
    import time
    import urllib.error
    import urllib.request

    servers = []

    def serve(tracking_uri):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "mlflow", "ui", "--workers", "1", "--port", str(port)]
        server = subprocess.Popen(
            [*command, "--backend-store-uri", tracking_uri],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        )  # fmt: skip
        servers.append(server)
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=2).read()
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline or server.poll() is not None:
                    pytest.fail("mlflow ui did not come up")
                time.sleep(0.3)
            else:
                return address

    yield serve
    for server in servers:
        server.terminate()
        server.wait(20)


@pytest.fixture
def page_text(chromium, tmp_path):
    """``page_text(address)`` gives a page's document once its scripts have run."""
    import subprocess

    def read(address, *options):
        run = subprocess.run(
            [
                *(chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                *(f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1600,1200"),
                *("--virtual-time-budget=25000", *(options or ("--dump-dom",)), address),
            ],
            capture_output=True, text=True, timeout=150, check=False,
        )  # fmt: skip
        return run.stdout

    return read
