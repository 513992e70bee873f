from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlflow_genie_plugin.emulator.sample import sample_benchmarks_path, sample_document
from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

QUESTIONS = """\
format_version: 1
benchmarks:
- id: one
  question: How many customers are there?
  expected_sql: SELECT COUNT(*) FROM samples.tpch.customer
"""


@pytest.fixture
def run():
    def invoke(*arguments):
        from mlflow_genie_plugin.cli.main import main

        return CliRunner().invoke(main, ["benchmarks", *map(str, arguments)])

    return invoke


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.yaml"
    path.write_text(QUESTIONS)
    return path


def test_show_counts_the_questions(run):
    with sample_benchmarks_path() as path:
        text, document = run("show", path), json.loads(run("show", path, "--json").stdout)
    assert "tpch-orders: 64 questions" in text.stdout
    assert sum(document["counts"]["priority"].values()) == 64


def test_lint_exits_with_1_on_errors_only(run, questions):
    clean = run("lint", questions)
    assert clean.exit_code == 0, clean.stdout
    assert "few-questions" in clean.stdout
    assert "Not looked at: leakage" in clean.stderr
    questions.write_text(QUESTIONS + "- {id: two, question: Drop it, expected_sql: DROP TABLE x}\n")
    bad = run("lint", questions, "--json")
    assert bad.exit_code == 1
    document = json.loads(bad.stdout)
    assert (document["valid"], document["questions"], document["errors"]) == (False, 1, 1)


def test_lint_of_a_missing_file_or_with_two_spaces_is_bad_usage(run, questions, tmp_path):
    assert run("lint", tmp_path / "none.yaml").exit_code == 2
    assert run("lint", questions, "--space", "a.json", "--model", "m-1").exit_code == 2


def test_lint_runs_the_sql_on_the_warehouse_only_when_asked(run, questions, local_workspace):
    def statements():
        return [item for item in local_workspace.control.requests() if "sql/statements" in item["path"]]

    space = f"genie:/{SAMPLE_SPACE_ID}"
    assert run("lint", questions, "--space", space).exit_code == 0
    assert statements() == []
    questions.write_text(
        QUESTIONS + "- {id: two, question: None of it, expected_sql: SELECT no FROM samples.tpch.customer}\n"
    )
    found = run("lint", questions, "--space", space, "--execute", "--json")
    assert found.exit_code == 1, found.output
    assert [item["rule"] for item in json.loads(found.stdout)["violations"] if item["severity"] == "error"] == [
        "sql-fails"
    ]
    assert len(statements()) >= 2


def test_import_from_the_space_shows_the_plan_first_and_reads_back(run, tmp_path, local_workspace):
    output = tmp_path / "imported.yaml"
    planned = run("import", SAMPLE_SPACE_ID, "-o", output, "--dry-run")
    assert planned.exit_code == 0, planned.output
    assert not output.exists()
    source = tmp_path / "space.json"
    document = sample_document()
    document["benchmarks"] = {"questions": [{"id": "a" * 32, "question": ["How many?"], "answer": [
        {"format": "SQL", "content": ["SELECT COUNT(*) FROM samples.tpch.customer"]}]}]}  # fmt: skip
    source.write_text(json.dumps(document))
    done = run("import", source, "-o", output)
    assert done.exit_code == 0, done.output
    assert "took 1 new question, replaced 0, skipped 0" in done.stdout
    assert run("show", output).exit_code == 0


def test_import_from_csv_adds_to_a_file_and_never_overwrites(run, tmp_path, questions):
    source = tmp_path / "more.csv"
    source.write_text("question,expected_sql\nHow many customers are there?,SELECT 1\nHow many orders?,SELECT 2\n")
    done = run("import", source, "-o", questions, "--json")
    document = json.loads(done.stdout)
    assert document["written"] is True
    assert [item["question"] for item in document["taken"]] == ["How many orders?"]
    assert "--force" in document["skipped"][0]["reason"]
    assert questions.read_text().startswith(QUESTIONS)
    again = json.loads(run("import", source, "-o", questions, "--json").stdout)
    assert (again["written"], again["taken"]) == (False, [])


def test_import_tells_which_variables_need_a_value(run, tmp_path):
    source, output = tmp_path / "golden.yaml", tmp_path / "out.yaml"
    source.write_text("cost:\n- {id: c1, question: Spend?, expected_sql: 'SELECT 1 FROM ${catalog}.a.b', owner: x}\n")
    done = run("import", source, "-o", output)
    assert "--variable catalog=VALUE" in done.stdout
    assert "the field 'owner' of 1 question was not taken" in done.stdout
    assert run("show", output, "--variable", "catalog=main").exit_code == 0


def test_import_of_broken_csv_names_the_lines_and_writes_nothing(run, tmp_path):
    source, output = tmp_path / "bad.csv", tmp_path / "out.yaml"
    source.write_text("question,expected_sql\nq1,SELECT 1,2\n")
    done = run("import", source, "-o", output)
    assert done.exit_code == 2
    assert "MG216" in done.stderr
    assert "line 2" in done.stderr
    assert not output.exists()


def test_sync_plans_carries_out_and_is_then_in_step(run, tracking, questions):
    planned = run("sync", questions, "--dataset", "d", "--dry-run", "--json")
    assert planned.exit_code == 0, planned.output
    assert json.loads(planned.stdout)["written"] is False
    assert "changed" in run("sync", questions, "--dataset", "d").stdout
    assert "in step" in run("sync", questions, "--dataset", "d").stdout
