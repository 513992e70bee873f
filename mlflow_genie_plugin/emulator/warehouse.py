"""The warehouse of the workspace: one SQL engine, and what the other parts need to know of its catalog."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from mlflow_genie_plugin.emulator.api_errors import denied
from mlflow_genie_plugin.emulator.description import description_of
from mlflow_genie_plugin.emulator.engine_catalog import EngineCatalog
from mlflow_genie_plugin.emulator.export_rules import items_at
from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.sql_dialect.parse import normalise_name, parse_query, split_name
from mlflow_genie_plugin.sql_dialect.tokens import SqlParseError

if TYPE_CHECKING:
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine
    from mlflow_genie_plugin.sql_engine.result import EngineResult

_EXPLAIN: Final = re.compile(r"\s*EXPLAIN(?:\s+(?:EXTENDED|FORMATTED|CODEGEN|COST))?\s+", re.IGNORECASE)
_DESCRIBE: Final = re.compile(
    r"\s*DESC(?:RIBE)?(?:\s+TABLE)?\s+(?:EXTENDED|FORMATTED)\s+((?:`(?:[^`]|``)+`|\w+)(?:\.(?:`(?:[^`]|``)+`|\w+))*)"
    r"\s+AS\s+JSON\s*;?\s*",
    re.IGNORECASE,
)
SECONDS: Final = 120.0


class Warehouse:
    """Runs read-only SQL on the engine and describes its tables."""

    def __init__(self, engine: SqlEngine) -> None:
        self.engine = engine
        self.view = EngineCatalog(engine)

    def execute(
        self,
        sql: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        row_limit: int | None = None,
        catalog: str | None = None,
        schema: str | None = None,
        timeout_seconds: float = SECONDS,
        stop: threading.Event | None = None,
    ) -> EngineResult:
        """Run one statement: a query, EXPLAIN of one, or the JSON description of a table.

        Raises:
            UnsafeSqlError: It is anything but one read-only statement.
            SqlFailedError: It failed; the message is worded as the cloud's.
        """
        if explain := _EXPLAIN.match(sql):
            return self._plan(sql[explain.end() :], parameters, catalog, schema)
        if describe := _DESCRIBE.fullmatch(sql):
            return self._description(describe[1], catalog, schema)
        _require_syntax(sql)
        return self.engine.execute(
            sql,
            parameters=parameters,
            row_limit=row_limit,
            timeout_seconds=timeout_seconds,
            catalog=catalog,
            schema=schema,
            stop=stop,
        )

    def _plan(
        self, sql: str, parameters: Mapping[str, Any] | None, catalog: str | None, schema: str | None
    ) -> EngineResult:
        from mlflow_genie_plugin.sql_engine.result import EngineColumn, EngineResult

        _require_syntax(sql)
        problem = self.engine.explain(sql, parameters, catalog=catalog, schema=schema)
        # As Spark does: an error of analysis is a text in a plan that succeeds; only unparsable SQL fails.
        text = (
            f"Error occurred during query planning: \n{problem}" if problem else "== Physical Plan ==\nLocalTableScan"
        )
        return EngineResult((EngineColumn("plan", "STRING", "STRING"),), ((text,),), 1, truncated=False)

    def _description(self, name: str, catalog: str | None, schema: str | None) -> EngineResult:
        from mlflow_genie_plugin.sql_engine.errors import table_not_found
        from mlflow_genie_plugin.sql_engine.result import EngineColumn, EngineResult

        parts = split_name(name)
        full = (*[part for part in (catalog, schema)[: max(3 - len(parts), 0)] if part], *parts)
        wanted = ".".join(full).lower()
        info = next((each for each in self.engine.tables() if each.full_name.lower() == wanted), None)
        if info is None:
            raise table_not_found(parts)
        text = orjson.dumps(description_of(self.engine, info)).decode()
        return EngineResult((EngineColumn("json_metadata", "STRING", "STRING"),), ((text,),), 1, truncated=False)

    def require_assets(self, document: dict[str, Any]) -> None:
        """Refuse a configuration that names a table, metric view or function which does not exist.

        Raises:
            ApiError: 403, with the first one missing.
        """
        tables = {normalise_name(info.full_name) for info in self.engine.tables()}
        functions = {normalise_name(routine.name) for routine in self.engine.routines()}
        for path, kind, known in (
            ("data_sources.tables", "Catalog", tables),
            ("data_sources.metric_views", "Catalog", tables),
            ("instructions.sql_functions", "Function", functions),
        ):
            for item in items_at(document, path):
                if normalise_name(item["identifier"]) not in known:
                    raise denied(
                        "An error occurred accessing the schema. Failed to fetch tables for the space. "
                        f"{kind} '{item['identifier']}' does not exist"
                    )

    def generate(self, document: dict[str, Any]) -> list[str]:
        """Make small tables for what a configuration names and does not exist; return a line for each thing made."""
        from mlflow_genie_plugin.emulator.generate import generate_tables

        report = generate_tables(self.engine, document)
        self.view.forget()
        return report.render().splitlines()

    def close(self) -> None:
        """Let go of the engine's files."""
        self.engine.close()


def open_warehouse(folder: Path, *, keep: bool, sample: bool) -> Warehouse:
    """Return the warehouse of a workspace, with the sample tables when asked for.

    Args:
        folder: The workspace's folder.
        keep: Keep tables in the folder; otherwise they live in memory, and only the generated files are kept for the
            next time, with the user's other state.
        sample: Load ``samples.tpch``.
    """
    from mlflow_genie_plugin.emulator.sample_data import load_tpch
    from mlflow_genie_plugin.settings import resolve_settings
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine

    engine = SqlEngine(folder / "warehouse" if keep else None)
    try:
        if sample:
            load_tpch(engine, folder if keep else resolve_settings().state_dir / "sample-data")
    except BaseException:
        engine.close()
        raise
    return Warehouse(engine)


def _require_syntax(sql: str) -> None:
    try:
        parse_query(sql)
    except SqlParseError as error:
        from mlflow_genie_plugin.sql_dialect.read_only import require_read_only

        # A statement of another kind is refused as such; what no reader understands is a syntax error.
        if _first_word(sql) in _OTHER_STATEMENTS:
            require_read_only(sql)
        raise SqlFailedError(f"[PARSE_SYNTAX_ERROR] Syntax error: {error}. SQLSTATE: 42601") from error


_OTHER_STATEMENTS: Final = frozenset({
    "ALTER", "ANALYZE", "CACHE", "CALL", "CLEAR", "COMMENT", "COPY", "CREATE", "DELETE", "DENY", "DESC", "DESCRIBE",
    "DROP", "EXECUTE", "GRANT", "INSERT", "LIST", "LOAD", "MERGE", "MSCK", "OPTIMIZE", "PUT", "REFRESH", "REMOVE",
    "REPAIR", "REPLACE", "RESET", "RESTORE", "REVOKE", "SET", "SHOW", "TRUNCATE", "UNCACHE", "UNDROP", "UPDATE",
    "USE", "VACUUM",
})  # fmt: skip


def _first_word(sql: str) -> str:
    match = re.match(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*([A-Za-z]+)", sql, re.DOTALL)
    return match[1].upper() if match else ""
