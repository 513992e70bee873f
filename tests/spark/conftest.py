"""One Spark session for the whole test session; Spark takes ten seconds and more to start."""

import importlib.util
import os
import shutil
import sys
import warnings

import pytest


@pytest.fixture(scope="session")
def spark():
    missing = [] if importlib.util.find_spec("pyspark") else ["PySpark"]
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        missing.append("Java")
    if missing and os.environ.get("GENIE_REQUIRE_SPARK"):
        pytest.fail(f"no {' and no '.join(missing)}, and GENIE_REQUIRE_SPARK is set")
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} on this machine")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").appName("mlflow-genie-tests")
        settings = {
            "spark.ui.enabled": "false",
            "spark.log.level": "OFF",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.ansi.enabled": "true",
            "spark.sql.shuffle.partitions": "1",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.catalogImplementation": "in-memory",
        }
        for name, value in settings.items():
            builder = builder.config(name, value)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PYSPARK_PYTHON", sys.executable)
            session = builder.getOrCreate()
    yield session
    session.stop()
