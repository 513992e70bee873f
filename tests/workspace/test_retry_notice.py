from __future__ import annotations

import logging

import pytest

from mlflow_genie_plugin.errors import WorkspaceUnavailableError
from mlflow_genie_plugin.workspace import retry_notice
from mlflow_genie_plugin.workspace.retry_notice import say_retrying


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(retry_notice, "_said_at", float("-inf"))


def test_it_is_said_once_in_ten_seconds_and_not_for_short_pauses(caplog):
    say_retrying("cannot read", 0.5, 60, 0.0)
    assert caplog.messages == []
    for now in (1.0, 2.0, 10.9, 11.1):
        say_retrying("cannot read", 1.0, 60 - now, now)
    assert caplog.messages == [
        "cannot read; trying again for up to 59 s",
        "cannot read; trying again for up to 49 s",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_a_workspace_that_is_down_is_waited_for_aloud(local_workspace, caplog):
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
    from mlflow_genie_plugin.workspace.auth import connect
    from mlflow_genie_plugin.workspace.calls import Doing

    calls = connect().spaces._calls
    local_workspace.control.fault("genie.get_space", status=503, times=0)
    with pytest.raises(WorkspaceUnavailableError):
        calls.read(Doing("read the space"), f"/api/2.0/genie/spaces/{SAMPLE_SPACE_ID}", patience=4.0)
    [said] = caplog.messages
    assert said.startswith("cannot read the space: the workspace does not answer as it should")
    assert "trying again for up to" in said
