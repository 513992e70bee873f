"""Routes of native evaluation runs."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.routing import Route

ROUTES: list[Route] = []
