"""Where the criteria of a gate run are found, and which files can change what it does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import UnreadableFileError
from mlflow_genie_plugin.gating.suite import (
    conftests_of,
    file_digest,
    find_criteria,
    packaged_criteria,
    packaged_files,
    shown_name,
    suite_argument,
    suite_sha256,
)

PACKAGED = packaged_criteria().absolute()


@pytest.fixture
def folder(tmp_path):
    """A project with three suites: ``gates/``, ``strict/`` and ``deep/er/``, and one folder without."""
    for name in ("gates", "strict", "deep/er"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "criteria.yaml").write_text("")
        (tmp_path / name / "test_p0.py").write_text("")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_own.py").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((), "gates"),
        (("gates/",), "gates"),
        (("strict",), "strict"),
        (("strict/test_p0.py",), "strict"),
        (("strict/test_p0.py::test_p0",), "strict"),
        (("strict/test_p0.py::test_p0[a]",), "strict"),
        (("deep/er",), "deep/er"),
        (("tests", "strict"), "strict"),
        (("strict", "gates"), "strict"),
        (("tests/test_own.py",), "gates"),
        (("nowhere",), "gates"),
        (("no where!",), "gates"),
        (("json",), "gates"),
        (("nowhere.at.all",), "gates"),
    ],
)
def test_the_criteria_stand_beside_the_gates_that_are_run(folder, arguments, found):
    assert find_criteria(None, arguments, folder, folder) == folder / found / "criteria.yaml"


def test_criteria_that_are_named_are_taken_wherever_they_stand(folder):
    assert find_criteria("mine.yaml", ("strict",), folder, folder) == folder / "mine.yaml"
    assert find_criteria("/elsewhere/mine.yaml", (), folder, folder) == Path("/elsewhere/mine.yaml")


def test_inside_a_folder_with_criteria_those_are_taken(folder):
    assert find_criteria(None, (), folder / "strict", folder) == folder / "strict" / "criteria.yaml"
    assert find_criteria(None, ("test_p0.py",), folder / "strict", folder) == folder / "strict" / "criteria.yaml"
    assert find_criteria(None, (), folder / "tests", folder) == folder / "gates" / "criteria.yaml"


def test_where_a_project_has_none_the_packaged_ones_are_taken(folder, tmp_path):
    (folder / "gates" / "criteria.yaml").unlink()
    assert find_criteria(None, (), folder, folder) == packaged_criteria()
    assert find_criteria(None, ("mlflow_genie_plugin.suite",), folder, folder) == PACKAGED


def test_gates_of_an_installed_package_bring_their_criteria(folder, tmp_path_factory, monkeypatch):
    gates = tmp_path_factory.mktemp("installed") / "house_rules" / "gates"
    gates.mkdir(parents=True)
    for place in (gates, gates.parent):
        (place / "__init__.py").write_text("")
    (gates / "criteria.yaml").write_text("")
    monkeypatch.syspath_prepend(gates.parent.parent)
    try:
        assert find_criteria(None, ("house_rules.gates",), folder, folder) == gates / "criteria.yaml"
    finally:
        # Looking for it imported it, and its folder goes away with this session.
        sys.modules.pop("house_rules", None)


def test_what_to_give_pytest_is_the_folder_of_the_criteria(folder):
    assert suite_argument(folder / "gates" / "criteria.yaml", folder) == "gates/"
    assert suite_argument(folder / "deep/er" / "criteria.yaml", folder) == "deep/er/"
    assert suite_argument(folder / "gates" / "criteria.yaml", folder / "tests") == f"{folder}/gates/"
    assert suite_argument(PACKAGED, folder) == "--pyargs mlflow_genie_plugin.suite"
    (folder / "gates" / "test_p0.py").unlink()
    criteria = folder / "gates" / "criteria.yaml"
    assert suite_argument(criteria, folder) == f"gates/ --genie-criteria={criteria}"


def test_every_conftest_between_a_gate_file_and_the_root_counts(folder):
    for name in ("conftest.py", "gates/conftest.py", "deep/conftest.py", "tests/conftest.py"):
        (folder / name).write_text("")
    gates, deep = folder / "gates" / "test_p0.py", folder / "deep/er" / "test_p0.py"
    assert conftests_of([gates], folder) == [folder / "conftest.py", folder / "gates/conftest.py"]
    assert conftests_of([deep, gates], folder) == [
        folder / "conftest.py",
        folder / "deep/conftest.py",
        folder / "gates/conftest.py",
    ]
    # Of a file outside the root folder only the one beside it.
    assert conftests_of([deep], folder / "gates") == []
    assert conftests_of([gates], folder / "deep") == [folder / "gates/conftest.py"]
    assert conftests_of([], folder) == []


def test_a_file_is_recorded_by_its_path_from_the_root_folder_or_by_its_name(folder):
    assert shown_name(folder / "deep/er/test_p0.py", folder) == "deep/er/test_p0.py"
    assert shown_name(folder / "gates/test_p0.py", folder / "deep") == "test_p0.py"


def test_the_digest_of_a_suite_is_over_names_and_contents(folder):
    path = folder / "gates" / "test_p0.py"
    path.write_bytes(b"a")
    assert file_digest(path) == sha256_of_bytes(b"a")
    with pytest.raises(UnreadableFileError, match=r"cannot read .*none\.py: No such file"):
        file_digest(folder / "none.py")
    one = suite_sha256({"a": "1", "b": "2"})
    assert one == suite_sha256({"b": "2", "a": "1"})
    assert len({one, suite_sha256({"a": "2", "b": "1"}), suite_sha256({"a": "1"}), suite_sha256({})}) == 4


def test_the_packaged_gates_are_known_by_their_digests():
    gates = Path(__file__).parents[2] / "gates"
    assert dict(packaged_files()) == {path.name: sha256_of_bytes(path.read_bytes()) for path in gates.glob("test_*.py")}
    assert PACKAGED.read_bytes() == (gates / "criteria.yaml").read_bytes()
