"""Routes of Unity Catalog."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.routing import Route

ROUTES: list[Route] = []
