import configparser
import importlib
import json
import subprocess
import sys
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_setup_cfg_lists_every_package_folder():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(parser["options"]["packages"].split())
    package = ROOT / "mlflow_genie_plugin"
    found = {".".join(init.parent.relative_to(ROOT).parts) for init in package.rglob("__init__.py")}
    assert listed == found | {"mlflow_genie_plugin.suite"}


def test_every_non_python_file_in_the_package_is_shipped():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    data = dict(parser["options.package_data"])
    missing = []
    for path in (ROOT / "mlflow_genie_plugin").rglob("*"):
        if not path.is_file() or path.suffix in {".py", ".pyc"} or "__pycache__" in path.parts:
            continue
        covered = any(
            path.match(f"{package.replace('.', '/')}/{pattern}")
            for package, patterns in data.items()
            for pattern in patterns.split()
        )
        if not covered:
            missing.append(path.name)
    assert not missing


def test_every_entry_point_loads():
    points = distribution("mlflow-genie-plugin").entry_points
    assert {point.group for point in points} == {
        "console_scripts",
        "pytest11",
        "mlflow.deployments",
        "mlflow.model_evaluator",
    }
    for point in points:
        assert point.load() is not None


def test_the_suite_is_shipped_with_its_criteria():
    names = {item.name for item in files("mlflow_genie_plugin.suite").iterdir()}
    assert "criteria.yaml" in names
    assert any(name.startswith("test_") for name in names)


def test_public_names_are_sorted_unique_and_importable():
    package = importlib.import_module("mlflow_genie_plugin")
    assert package.__all__ == sorted(set(package.__all__))
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_an_unknown_public_name_is_an_attribute_error():
    package = importlib.import_module("mlflow_genie_plugin")
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = package.no_such_name


@pytest.mark.parametrize("module", ["mlflow_genie_plugin", "mlflow_genie_plugin.plugins.pytest_gates"])
def test_importing_at_start_up_loads_nothing_heavy(module):
    # What pytest itself has loaded is not ours to count.
    code = (
        "import sys, pytest, json; before = set(sys.modules); import importlib;"
        f"importlib.import_module({module!r});"
        "print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))"
    )
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    heavy = {
        "mlflow",
        "databricks",
        "pandas",
        "numpy",
        "sqlglot",
        "duckdb",
        "jsonschema",
        "rich",
        "click",
        "yaml",
        "sqlalchemy",
    }
    assert not heavy & set(loaded)


def test_import_floors_hold():
    run = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]
