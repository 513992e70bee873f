from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlflow_genie_plugin.cli.main import main


@pytest.fixture
def report(tracking, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(main, ["report", *arguments])

    return run


def snapshot(parent=None, note="orders"):
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version

    document = {
        "version": 2,
        "data_sources": {"tables": [{"identifier": "samples.tpch.orders", "description": [note]}]},
    }
    return create_genie_model_version("0" * 32, document, 1, "orders", parent_model_id=parent)


def test_a_version_without_gate_run_is_decided_for_the_page_only(report, tmp_path):
    model_id = snapshot()
    done = report(model_id)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "genie-report.html").read_text("utf-8")
    assert "No gate run has decided on this version" in page
    assert "<title>UNDECIDED: " in page
    from mlflow_genie_plugin.registry import current_experiment_id, search_runs

    assert not search_runs(experiment_ids=[current_experiment_id()], tags={"mlflow.runType": "genie_gate"})


def test_json_says_what_changed_and_writes_no_page(report, tmp_path):
    parent = snapshot()
    done = report(snapshot(parent, "orders of shops"), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["outcome"] == "undecided"
    assert found["gate_run_id"] is None
    [since] = found["changed_since"]
    assert (since["role"], since["model_id"]) == ("parent", parent)
    assert since["diff"]["counts"]["changed"] == 1
    assert not (tmp_path / "genie-report.html").exists()


def test_the_page_goes_to_standard_output_when_asked(report, tmp_path):
    done = report(snapshot(), "-o", "-")
    assert done.exit_code == 0
    assert done.stdout.startswith("<!DOCTYPE html>")
    assert not list(tmp_path.glob("*.html"))


def test_an_unknown_version_is_an_error_and_no_page(report, tmp_path):
    done = report("m-" + "0" * 32)
    assert done.exit_code == 2
    assert done.output.startswith("error[MG")
    assert not list(tmp_path.glob("*.html"))
