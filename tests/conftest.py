"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import contextlib

import pytest


@pytest.fixture(autouse=True)
def own_mlflow_environment():
    """Whatever a test makes MLflow write into the environment goes away with the test.

    ``mlflow.set_registry_uri`` writes ``MLFLOW_REGISTRY_URI`` and nothing ever takes it out again, so the commands that
    later tests start would look for their registry at a server that has ended.
    """
    import os
    import sys

    before = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}
    yield
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
        sys.modules["mlflow"].set_registry_uri(None)
    for name in [name for name in os.environ if name.startswith("MLFLOW_") and name not in before]:
        del os.environ[name]
    os.environ.update(before)


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
