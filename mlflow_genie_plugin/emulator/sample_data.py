"""Filling the sample catalog ``samples.tpch``: its tables, one metric view and two table functions."""

from __future__ import annotations

from pathlib import Path

from mlflow_genie_plugin.emulator.sample_tables import (
    CATALOG,
    LATE_DELIVERIES,
    LATE_DELIVERIES_SQL,
    METRIC_VIEW,
    METRIC_VIEW_YAML,
    PRIMARY_KEYS,
    SCHEMA,
    TABLES,
    TOP_CUSTOMERS,
    TOP_CUSTOMERS_SQL,
)
from mlflow_genie_plugin.emulator.tpch_files import generate_tpch
from mlflow_genie_plugin.sql_engine.engine import RoutineColumn, RoutineParameter, SqlEngine


def load_tpch(engine: SqlEngine, directory: Path, scale: float = 0.01) -> None:
    """Fill catalog ``samples`` with TPC-H; what the engine has already is left as it is.

    Args:
        engine: The engine; in it no query may have run yet, unless the tables are there already.
        directory: Where the generated files are kept between runs; the same scale always gives the same rows.
        scale: TPC-H scale factor: 0.01 is 15,000 orders.

    Raises:
        MissingExtraError: The generator is not installed.
        UnwritableFileError: The files cannot be written.
        SqlFailedError: The engine could not load them.
    """
    engine.attach_catalog(CATALOG)
    present = {info.full_name.lower() for info in engine.tables()}
    if missing := [name for name in TABLES if f"{CATALOG}.{SCHEMA}.{name}" not in present]:
        files = generate_tpch(directory, scale)
        engine.run_script(
            "".join(["CREATE SCHEMA IF NOT EXISTS samples.tpch;", *(_loading(name, files) for name in missing)])
        )
        for name in missing:
            engine.set_primary_key(f"{CATALOG}.{SCHEMA}.{name}", PRIMARY_KEYS[name])
    if engine.metric_view(METRIC_VIEW) is None:
        engine.register_metric_view(METRIC_VIEW, METRIC_VIEW_YAML)
    if not {routine.name for routine in engine.routines()} >= {TOP_CUSTOMERS, LATE_DELIVERIES}:
        _register_functions(engine)


def _loading(name: str, files: Path) -> str:
    comment, columns = TABLES[name]
    table = f"{CATALOG}.{SCHEMA}.{name}"
    source = _quoted(str(files / f"{name}.parquet"))
    statements = [
        f"CREATE TABLE {table} AS SELECT * FROM read_parquet({source})",  # noqa: S608 names of ours, path quoted
        # As the TPC-H specification has them: without it, queries that differ only for NULLs would count as different.
        *(f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL" for column in columns),
        f"COMMENT ON TABLE {table} IS {_quoted(comment)}",
        *(f"COMMENT ON COLUMN {table}.{column} IS {_quoted(text)}" for column, text in columns.items()),
    ]
    return ";".join(statements) + ";"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _register_functions(engine: SqlEngine) -> None:
    engine.register_table_function(
        TOP_CUSTOMERS,
        [
            RoutineParameter("how_many", "INT", comment="Number of customers to return"),
            RoutineParameter("segment", "STRING", comment="Market segment, for example BUILDING"),
        ],
        TOP_CUSTOMERS_SQL,
        returns=[
            RoutineColumn("customer_name", "STRING", "Name of the customer"),
            RoutineColumn("nation", "STRING", "Nation of the customer"),
            RoutineColumn("total_order_value", "DECIMAL(27,2)", "Total price of the customer's orders in USD"),
        ],
        comment="Customers of one market segment ranked by the total value of their orders",
    )
    engine.register_table_function(
        LATE_DELIVERIES,
        [
            RoutineParameter("from_date", "DATE", comment="First shipping date, included"),
            RoutineParameter("to_date", "DATE", comment="Last shipping date, included"),
        ],
        LATE_DELIVERIES_SQL,
        returns=[
            RoutineColumn("ship_mode", "STRING", "How the line items were shipped"),
            RoutineColumn("line_count", "BIGINT", "Number of line items"),
            RoutineColumn("late_count", "BIGINT", "Number of line items received after the promised date"),
        ],
        comment="Line items shipped between two dates and how many of them were received after the committed date, "
        "by ship mode",
    )
