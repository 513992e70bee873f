"""One Spark session for the whole test session (it takes ten seconds and more to start), and the corpus of queries."""

import datetime as dt
import importlib.util
import json
import logging
import math
import os
import re
import shutil
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[1] / "sql" / "corpus"
RECORDED = CORPUS / "spark.jsonl"


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    missing = [] if importlib.util.find_spec("pyspark") else ["PySpark"]
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        missing.append("Java")
    if missing and os.environ.get("GENIE_REQUIRE_SPARK"):
        pytest.fail(f"no {' and no '.join(missing)}, and GENIE_REQUIRE_SPARK is set")
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} on this machine")
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").appName("mlflow-genie-tests")
        settings = {
            "spark.ui.enabled": "false",
            "spark.log.level": "OFF",
            "spark.ui.showConsoleProgress": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.ansi.enabled": "true",
            "spark.sql.shuffle.partitions": "1",
            "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.catalogImplementation": "in-memory",
        }
        for name, value in settings.items():
            builder = builder.config(name, value)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PYSPARK_PYTHON", sys.executable)
            session = builder.getOrCreate()
    yield session
    session.stop()


@dataclass(frozen=True)
class Entry:
    """One query of the corpus; ``differs`` is the kind of difference (refused, value, type, name, error)."""

    name: str
    sql: str
    differs: str | None
    why: str


def read_corpus():
    entries = {}
    for path in sorted(CORPUS.glob("*.sql")):
        for block in re.split(r"(?m)^(?=-- \w+$)", path.read_text(encoding="utf-8")):
            if not block.strip():
                continue
            head, *lines = block.strip().splitlines()
            differs, why = None, ""
            if lines[0].startswith("-- differs "):
                differs, why = re.fullmatch(r"-- differs \((\w+)\): (.+)", lines.pop(0)).groups()
            name = f"{path.stem}/{head.removeprefix('-- ')}"
            assert name not in entries, f"two queries are named {name}"
            entries[name] = Entry(name, "\n".join(lines).rstrip().removesuffix(";"), differs, why)
    return entries


def pytest_generate_tests(metafunc):
    if "entry" in metafunc.fixturenames:
        entries = read_corpus()
        metafunc.parametrize("entry", entries.values(), ids=entries.keys())


@pytest.fixture(scope="session")
def corpus():
    """The queries by name."""
    return read_corpus()


@pytest.fixture(scope="session")
def recorded():
    """What Spark answered, by name; see ``outcome_of_spark``."""
    lines = RECORDED.read_text(encoding="utf-8").splitlines()
    return {item["name"]: item for item in map(json.loads, lines)}


@pytest.fixture(scope="session")
def tpch_files(tmp_path_factory):
    """TPC-H at a scale of 1,500 orders, as Parquet files."""
    from mlflow_genie_plugin.emulator.tpch_files import generate_tpch

    return generate_tpch(tmp_path_factory.mktemp("tpch"), 0.001)


@pytest.fixture(scope="session")
def tpch_engine(tpch_files):
    from mlflow_genie_plugin.emulator.sample_data import load_tpch
    from mlflow_genie_plugin.sql_engine.engine import SqlEngine

    with SqlEngine() as engine:
        load_tpch(engine, tpch_files.parent, 0.001)
        yield engine


@pytest.fixture(scope="session")
def tpch_spark(spark, tpch_files):
    spark.sql("CREATE DATABASE IF NOT EXISTS tpch")
    for path in sorted(tpch_files.glob("*.parquet")):
        spark.sql(f"CREATE TABLE tpch.{path.stem} USING parquet LOCATION '{path}'")
    return spark


@pytest.fixture(scope="session")
def outcome_of_engine(tpch_engine):
    """``outcome_of_engine(sql)`` gives columns and rows as JSON, or the error's condition."""

    def run(sql):
        from mlflow_genie_plugin.errors import SqlFailedError

        try:
            result = tpch_engine.execute(sql)
        except SqlFailedError as error:
            return {"error": error.details["condition"], "text": error.what}
        columns = [[column.name, _type_text(column.type_text)] for column in result.columns]
        return {"columns": columns, "rows": [[_cell(value) for value in row] for row in result.rows]}

    return run


@pytest.fixture(scope="session")
def outcome_of_spark(tpch_spark):
    """``outcome_of_spark(sql)`` gives the same of Spark, which knows no catalog ``samples``."""

    def run(sql):
        from py4j.protocol import Py4JJavaError
        from pyspark.errors import PySparkException

        try:
            frame = tpch_spark.sql(sql.replace("samples.tpch.", "tpch."))
            rows = frame.collect()
        except PySparkException as error:
            return {"error": error.getCondition() or type(error).__name__}
        except Py4JJavaError as error:  # an exception of Java that Spark lets through
            found = re.search(r"Exception: \[([A-Z_.]+)\]", str(error))
            return {"error": found[1] if found else error.java_exception.getClass().getSimpleName()}
        fields = frame.schema.fields
        columns = [[field.name, _type_text(field.dataType.simpleString())] for field in fields]
        read = [_reader(field.dataType) for field in fields]
        return {"columns": columns, "rows": [[_cell(get(x)) for get, x in zip(read, row, strict=True)] for row in rows]}

    return run


def _type_text(text):
    return re.sub(r"\s*([,:<>])\s*", r"\1", text).upper()


def _reader(kind):
    """Return what turns a collected value of that type into what DuckDB gives for it."""
    from pyspark.sql import types

    if isinstance(kind, types.TimestampType):  # collected as the local time of this process
        return lambda value: None if value is None else value.astimezone(dt.UTC)
    if isinstance(kind, types.BinaryType):
        return lambda value: None if value is None else bytes(value)
    if isinstance(kind, types.ArrayType):
        item = _reader(kind.elementType)
        return lambda value: None if value is None else [item(each) for each in value]
    if isinstance(kind, types.MapType):
        key, item = _reader(kind.keyType), _reader(kind.valueType)
        return lambda value: None if value is None else {key(k): item(v) for k, v in value.items()}
    if isinstance(kind, types.StructType):
        fields = [(field.name, _reader(field.dataType)) for field in kind.fields]
        return lambda value: None if value is None else {n: get(x) for (n, get), x in zip(fields, value, strict=True)}
    return lambda value: value


def _cell(value):
    from mlflow_genie_plugin.evaluation.cells import encode_cell

    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    if isinstance(value, dt.timedelta):
        return {"$interval": value.total_seconds()}
    if isinstance(value, list | tuple):
        return [_cell(item) for item in value]
    if isinstance(value, dict):
        return {"$map": [[_cell(key), _cell(item)] for key, item in value.items()]}
    return encode_cell(value)


def _close(left, right):
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-12, abs_tol=1e-12)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_close, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_close(left[key], right[key]) for key in left)
    return type(left) is type(right) and left == right


@pytest.fixture(scope="session")
def difference():
    """``difference(sql, ours, sparks)`` gives the kind of difference, or None when the outcomes are the same."""

    def compare(sql, ours, sparks):
        if "error" in ours and "error" in sparks:
            return None if ours["error"].split(".")[0] == sparks["error"].split(".")[0] else "error"
        if "error" in ours:
            return "refused" if ours["error"] in ("UNSUPPORTED_FEATURE", "UNRESOLVED_ROUTINE") else "error"
        if "error" in sparks:
            return "accepted"
        rows = [ours["rows"], sparks["rows"]]
        if "ORDER BY" not in sql:
            rows = [sorted(each, key=json.dumps) for each in rows]
        if not _close(*rows):
            return "value"
        kinds = [[kind for _, kind in each["columns"]] for each in (ours, sparks)]
        if kinds[0] != kinds[1]:
            return "type"
        names = [[name for name, _ in each["columns"]] for each in (ours, sparks)]
        return None if names[0] == names[1] else "name"

    return compare


@pytest.fixture
def recorded_path():
    return RECORDED
