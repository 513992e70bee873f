"""The Spark session to judge on: the one that is there, Databricks Connect, or Spark on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow_genie_plugin.errors import SparkUnavailableError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_INSTALL = "run: pip install 'mlflow-genie-plugin[spark]'; or evaluate with --engine local"
_INSTALL_JAVA = (
    "install Java 17 or newer (Debian and Ubuntu: apt-get install default-jre-headless), set JAVA_HOME if it is not on "
    "the PATH; or evaluate with --engine local"
)


def require_spark() -> None:
    """Raise when no Spark session could be had; starts nothing.

    Raises:
        SparkUnavailableError: PySpark is not installed, or Spark would have to run here and there is no Java.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise SparkUnavailableError("PySpark is not installed", next_step=_INSTALL)
    if not (_is_remote() or _has_java()):
        raise SparkUnavailableError("Spark on this machine needs Java, and none was found", next_step=_INSTALL_JAVA)


@contextmanager
def spark_session() -> Iterator[SparkSession]:
    """Yield a session; one that had to be started here is stopped at the end, one that was there stays.

    In this order: the active session (a notebook's, a job's), Databricks Connect when it is installed, the cluster or
    the Spark Connect server that the environment names, else Spark on this machine.

    Raises:
        SparkUnavailableError: There is none and none can be started.
    """
    require_spark()
    with warnings.catch_warnings():
        # What Spark does here is Arrow only; its word about pandas versions would be noise.
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        from pyspark.sql import SparkSession

        active = SparkSession.getActiveSession()
        if active is not None:
            yield active
            return
        try:
            session = _open()
        except Exception as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise SparkUnavailableError(
                f"no Spark session could be opened: {reason}",
                next_step="check the cluster or the Databricks Connect profile; or evaluate with --engine local",
            ) from error
        try:
            yield session
        finally:
            if not os.environ.get("DATABRICKS_RUNTIME_VERSION"):
                session.stop()


def _open() -> SparkSession:
    from pyspark.sql import SparkSession

    if _has_databricks_connect():
        from databricks.connect import DatabricksSession

        connected: SparkSession = DatabricksSession.builder.getOrCreate()
        return connected
    if _is_remote():
        return SparkSession.builder.getOrCreate()
    builder = SparkSession.builder.master(os.environ.get("SPARK_MASTER") or "local[*]").appName("mlflow-genie")
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    # Read when Spark starts: workers would otherwise run the python3 of the PATH, which need not have this package, and
    # Spark would ask for an address of this machine that nobody needs.
    chosen = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    added = {name: value for name, value in chosen.items() if name not in os.environ}
    os.environ.update(added)
    try:
        return builder.getOrCreate()
    finally:
        for name in added:
            del os.environ[name]


def _has_databricks_connect() -> bool:
    return bool(
        importlib.util.find_spec("databricks") and importlib.util.find_spec("databricks.connect")
    ) and not os.environ.get("DATABRICKS_RUNTIME_VERSION")


def _is_remote() -> bool:
    """Whether the JVM is somewhere else, or is there already."""
    return bool(
        _has_databricks_connect() or os.environ.get("SPARK_REMOTE") or os.environ.get("DATABRICKS_RUNTIME_VERSION")
    )


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return bool(home and (Path(home) / "bin" / "java").exists()) or shutil.which("java") is not None
