"""The warehouse of the workspace: one SQL engine, and what the other parts need to know of its catalog."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.emulator.catalog_view import CatalogView, StaticCatalog
from mlflow_genie_plugin.errors import SqlFailedError

if TYPE_CHECKING:
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine


class Warehouse:
    """Runs read-only SQL on the engine and describes its tables."""

    def __init__(self, engine: SqlEngine | None) -> None:
        self._engine = engine
        self.view: CatalogView = StaticCatalog()

    def execute(self, sql: str, *, parameters: Mapping[str, Any] | None, row_limit: int, timeout_seconds: float) -> Any:
        if self._engine is None:
            raise SqlFailedError("this local workspace has no SQL engine yet")
        return self._engine.execute(sql, parameters=parameters, row_limit=row_limit, timeout_seconds=timeout_seconds)

    def explain(self, sql: str, parameters: Any) -> str | None:
        if self._engine is None:
            raise SqlFailedError("this local workspace has no SQL engine yet")
        return self._engine.explain(sql, parameters)

    def require_assets(self, document: dict[str, Any]) -> None:
        """Refuse a configuration whose tables do not exist."""

    def in_namespace(self, sql: str, catalog: str | None, schema: str | None) -> str:
        return sql

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


def open_warehouse(folder: Path, *, keep: bool, sample: bool) -> Warehouse:
    """Return the warehouse of a workspace folder."""
    return Warehouse(None)
