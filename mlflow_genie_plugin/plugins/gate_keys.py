"""Where the pytest plugin keeps the session of the gates, and what it calls a gate on a test's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mlflow_genie_plugin.gating.gate_session import GateSession

GATE_PROPERTY = "genie_gate"
FILE_PROPERTY = "genie_gate_file"
SESSION: pytest.StashKey[GateSession] = pytest.StashKey()
