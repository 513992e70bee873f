"""Small deterministic tables, metric views and table functions for the identifiers of any exported space.

Nothing is known about the real tables but what the space says, so names, types and values are guesses that fit its
SQL. They are
good for rehearsing a pipeline; what a query returns from them means nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.emulator.generating.column_types import is_averaged
from mlflow_genie_plugin.emulator.generating.templates import fill_placeholders
from mlflow_genie_plugin.emulator.generation_report import GeneratedAsset, GenerationReport, OwnSqlOutcome
from mlflow_genie_plugin.errors import GenieError, SqlFailedError, UsageError
from mlflow_genie_plugin.sql_dialect import split_name

if TYPE_CHECKING:
    from mlflow_genie_plugin.emulator.generating.plan import Plan, PlannedFunction, PlannedMetricView
    from mlflow_genie_plugin.emulator.generating.rows import PlannedTable
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine

_DUCKDB_TYPES = {"STRING": "VARCHAR", "ARRAY<STRING>": "VARCHAR[]"}


def generate_tables(
    engine: SqlEngine,
    document: dict[str, Any],
    *,
    placeholders: Mapping[str, str] | None = None,
    rows: int = 60,
    today: dt.date | None = None,
) -> GenerationReport:
    """Make tables, metric views and functions for everything a space names, where the engine does not have them yet.

    The same document, ``rows`` and ``today`` give the same data.

    Args:
        engine: Where to make them; must not have run a query yet only if it reads files, which this does not.
        document: A ``serialized_space``, version 1 or 2.
        placeholders: Values for a template's placeholders, by ``${name}`` or ``name``.
        rows: Rows of a table, about.
        today: The day that "recent" values lie before; the current day in UTC when omitted.

    Raises:
        TemplateSpaceError: Placeholders without a value remain.
    """
    from mlflow_genie_plugin.emulator.generating.plan import plan_for

    filled = fill_placeholders(document, placeholders or {})
    plan = plan_for(filled)
    return _Maker(engine, plan, rows, today or dt.datetime.now(dt.UTC).date()).make(filled)


def run_own_sql(engine: SqlEngine, document: dict[str, Any]) -> tuple[OwnSqlOutcome, ...]:
    """Run every trusted example (with default parameters) and benchmark answer of a space; say what came out."""
    from mlflow_genie_plugin.emulator.generating.statements import own_statements

    outcomes = []
    for statement in own_statements(document):
        parameters = {name: _typed(value, hint) for name, (value, hint) in statement.parameters.items()}
        try:
            result = engine.execute(statement.sql, parameters=parameters or None, row_limit=100, timeout_seconds=20)
            outcomes.append(OwnSqlOutcome(statement.kind, statement.question, result.row_count, None))
        except GenieError as error:
            outcomes.append(OwnSqlOutcome(statement.kind, statement.question, None, error.what))
    return tuple(outcomes)


class _Maker:
    def __init__(self, engine: SqlEngine, plan: Plan, rows: int, today: dt.date) -> None:
        self._engine = engine
        self._plan = plan
        self._rows = rows
        self._today = today
        self._made: list[GeneratedAsset] = []
        self._kept: list[str] = []
        self._refused: list[tuple[str, str]] = []

    def make(self, document: dict[str, Any]) -> GenerationReport:
        for table in self._plan.tables:
            self._attempt(table.identifier, lambda table=table: self._table(table))
        for view in self._plan.metric_views:
            self._attempt(view.identifier, lambda view=view: self._metric_view(view))
        for function in self._plan.functions:
            self._attempt(function.identifier, lambda function=function: self._function(function))
        return GenerationReport(document, tuple(self._made), tuple(self._kept), tuple(self._refused))

    def _attempt(self, identifier: str, make: Any) -> None:
        parts = split_name(identifier)
        if len(parts) != 3 or not all(parts):
            self._refused.append((identifier, "not a name of three parts, catalog.schema.name"))
            return
        if self._exists(identifier):
            self._kept.append(identifier)
            return
        try:
            make()
        except (SqlFailedError, UsageError) as error:
            self._refused.append((identifier, error.what))

    def _exists(self, identifier: str) -> bool:
        names = {".".join(split_name(routine.name)).lower() for routine in self._engine.routines()}
        return (
            bool(self._engine.columns(identifier))
            or self._engine.metric_view(identifier) is not None
            or ".".join(split_name(identifier)).lower() in names
        )

    def _table(self, table: PlannedTable, name: str | None = None) -> int:
        from mlflow_genie_plugin.emulator.generating.rows import as_duckdb, make_rows
        from mlflow_genie_plugin.sql_engine.catalog_objects import database_of

        catalog, schema, own = split_name(table.identifier)
        folder = f"{_quoted(database_of(catalog))}.{_quoted(schema)}"
        target = f"{folder}.{_quoted(name or own)}"
        columns = ", ".join(f"{_quoted(c.name)} {_DUCKDB_TYPES.get(c.type_text, c.type_text)}" for c in table.columns)
        rows = make_rows(table, self._rows, self._plan.domain_size, self._today)
        script = [
            f"CREATE SCHEMA IF NOT EXISTS {folder}",
            f"CREATE TABLE {target} ({columns})",
            f"INSERT INTO {target} VALUES {', '.join(as_duckdb(row) for row in rows)}",  # noqa: S608 - our own literals
        ]
        if table.description:
            script.append(f"COMMENT ON TABLE {target} IS {_text(table.description)}")
        script += [
            f"COMMENT ON COLUMN {target}.{_quoted(c.name)} IS {_text(c.description)}"
            for c in table.columns
            if c.description
        ]
        self._engine.attach_catalog(catalog)
        self._engine.run_script(";\n".join(script))
        if name is None:
            self._made.append(
                GeneratedAsset(table.identifier, "TABLE", len(table.columns), len(rows), self._note(table.identifier))
            )
        return len(rows)

    def _metric_view(self, view: PlannedMetricView) -> None:
        import yaml

        catalog, schema, own = split_name(view.identifier)
        base = f"{own}__base"
        rows = self._table(view.base, base)
        definition = {
            "version": "1.1",
            "source": ".".join(_backticked(part) for part in (catalog, schema, base)),
            "dimensions": [
                {"name": c.name, "expr": _backticked(c.name)} for c in view.base.columns if c.name not in view.measures
            ],
            "measures": [
                {"name": name, "expr": f"{'AVG' if is_averaged(name) else 'SUM'}({_backticked(name)})"}
                for name in view.measures
            ],
        }
        self._engine.register_metric_view(
            view.identifier, yaml.safe_dump(definition, sort_keys=False, allow_unicode=True)
        )
        note = self._note(view.identifier) or ("" if view.measures else "no measure is known from the space")
        self._made.append(GeneratedAsset(view.identifier, "METRIC VIEW", len(view.base.columns), rows, note))

    def _function(self, function: PlannedFunction) -> None:
        from mlflow_genie_plugin.sql_engine.routines import RoutineParameter

        catalog, schema, own = split_name(function.identifier)
        rows = self._table(function.result, f"{own}__rows")
        source = ".".join(_backticked(part) for part in (catalog, schema, f"{own}__rows"))
        self._engine.register_table_function(
            function.identifier,
            [
                RoutineParameter(name, type_text, None if required else "NULL")
                for name, type_text, required in function.parameters
            ],
            f"SELECT * FROM {source}",  # noqa: S608 - quoted names
        )
        guessed = "parameters and columns are unknown, nothing in the space calls it" if function.is_guessed else ""
        note = guessed or self._note(function.identifier)
        self._made.append(GeneratedAsset(function.identifier, "FUNCTION", len(function.result.columns), rows, note))

    def _note(self, identifier: str) -> str:
        inside = ".".join(split_name(identifier)).lower() in self._plan.in_space
        return "" if inside else "not listed in the space, but its SQL uses it"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _backticked(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''").replace("\0", "") + "'"


def _typed(value: str, hint: str) -> Any:
    if hint.upper().startswith(("INT", "BIGINT", "LONG", "SMALLINT", "TINYINT")):
        return int(value)
    if hint.upper().startswith(("DOUBLE", "FLOAT", "DECIMAL", "NUM")):
        return float(value)
    return dt.date.fromisoformat(value) if hint.upper() == "DATE" else value
