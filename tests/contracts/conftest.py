"""The workspaces that the contract of the port is held against: the local one, and a real one when that is allowed.

With GENIE_TEST_ALLOW_WORKSPACE=true the same tests run against the workspace of the environment. They read there, ask a
question and run statements; GENIE_TEST_SPACE_ID names the space. Tests that create or change spaces run only when
GENIE_TEST_ALLOW_WRITES=true stands there as well, on a copy of their own (which they cannot delete: trash it yourself).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import pytest

ALLOWED = os.environ.get("GENIE_TEST_ALLOW_WORKSPACE", "").lower() == "true"
WRITES = os.environ.get("GENIE_TEST_ALLOW_WRITES", "").lower() == "true"
# The fixtures of other tests replace these variables, so they are read before any test runs.
REAL = {name: value for name, value in os.environ.items() if name.startswith(("DATABRICKS_", "GENIE_"))}


@dataclass
class Held:
    """A signed-in workspace and a space in it that can be read, edited and asked."""

    workspace: Any
    space_id: str
    question: str
    table: str
    clock: Any
    settings: Any


@pytest.fixture(params=["local", "real"] if ALLOWED else ["local"])
def held(request, tmp_path, monkeypatch):
    from mlflow_genie_plugin.clock import SYSTEM_CLOCK
    from mlflow_genie_plugin.settings import resolve_settings
    from mlflow_genie_plugin.workspace.auth import connect

    monkeypatch.chdir(tmp_path)
    if request.param == "local":
        from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

        request.getfixturevalue("local_workspace")
        space_id = SAMPLE_SPACE_ID
    else:
        for name, value in REAL.items():
            monkeypatch.setenv(name, value)
        space_id = REAL["GENIE_TEST_SPACE_ID"]
    settings = replace(resolve_settings(), state_dir=tmp_path / "state")
    return Held(
        connect(settings=settings),
        space_id,
        os.environ.get("GENIE_TEST_QUESTION", "How many orders are there?"),
        os.environ.get("GENIE_TEST_TABLE", "samples.tpch.orders"),
        SYSTEM_CLOCK,
        settings,
    )


@pytest.fixture
def written(held, request):
    """A copy of the space that a test may change."""
    if request.node.callspec.params.get("held") == "real" and not WRITES:
        pytest.skip("writing to a real workspace is not allowed")
    live = held.workspace.spaces.get_space(held.space_id)
    return held.workspace.spaces.create_space(
        serialized_space=live.serialized_space,
        warehouse_id=live.warehouse_id,
        title="mlflow-genie contract test",
        description="made by a test; may be trashed",
        parent_path=None,
    )
