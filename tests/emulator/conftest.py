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
