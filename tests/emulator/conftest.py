"""Fixtures of the local workspace's tests; everything goes through the real SDK over HTTP."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def control(local_workspace):
    """The control API of the workspace."""
    return local_workspace.control


@pytest.fixture
def make_client(local_workspace):
    """Build an SDK client for a token (the owner's by default) that does not wait long for retries."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    def make(token=None, *, url=None, retry_seconds=5):
        config = Config(
            host=url or local_workspace.url,
            token=token or local_workspace.token,
            auth_type="pat",
            retry_timeout_seconds=retry_seconds,
        )
        return WorkspaceClient(config=config)

    return make


@pytest.fixture
def client(make_client):
    """The owner's SDK client."""
    return make_client()


@pytest.fixture
def make_space(client):
    """Create a space with a configuration and return it."""
    from mlflow_genie_plugin.emulator.server import WAREHOUSE_ID

    def make(document=None, **fields):
        text = json.dumps(document or {"version": 2, "data_sources": {}})
        return client.genie.create_space(WAREHOUSE_ID, text, **fields)

    return make


@pytest.fixture(scope="session")
def sample_engine(tmp_path_factory):
    """A SQL engine with the sample catalog; tests only read from it."""
    from mlflow_genie_plugin.emulator.sample_data import load_tpch
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine

    with SqlEngine() as engine:
        load_tpch(engine, tmp_path_factory.mktemp("tpch"))
        yield engine


@pytest.fixture(scope="session")
def sample_catalog(sample_engine):
    """The sample catalog as the answerer sees it."""
    from mlflow_genie_plugin.emulator.engine_catalog import EngineCatalog

    return EngineCatalog(sample_engine)


@pytest.fixture
def ask(sample_catalog):
    """Answer a question from a document, the sample space by default."""
    from mlflow_genie_plugin.emulator.answerer import answer
    from mlflow_genie_plugin.emulator.sample import sample_document

    def ask(question, document=None):
        return answer(question, sample_document() if document is None else document, sample_catalog)

    return ask


@pytest.fixture
def rows_of(sample_engine):
    """Run a generated answer and return its rows."""
    import datetime as dt

    typed = {"INTEGER": int, "DATE": dt.date.fromisoformat}

    def run(answered):
        types = answered.parameter_types
        values = {name: typed.get(types[name], str)(value) for name, value in answered.parameters.items()}
        return sample_engine.execute(answered.sql, parameters=values or None)

    return run
