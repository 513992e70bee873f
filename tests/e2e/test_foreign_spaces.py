"""Configs that nobody here wrote go the whole way: load, snapshot, evaluate, gate, edit, caught, restore."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from mlflow_genie_plugin.cli.main import main

pytestmark = pytest.mark.e2e

SPACES = Path(__file__).parents[3] / "shared" / "spaces"
NUMERIC = ("INT", "BIGINT", "LONG", "DOUBLE", "FLOAT", "DECIMAL")
CASES = {
    "v1": "databricks-solutions__databricks-blogposts__genie_space_blog_demo.json",
    "metric view": "databricks-solutions__adtech-solutions__campaign_reach_qa.json",
    "taxi": "databricks__bundle-examples__nyc_taxi_genie.json",
}


def genie(*arguments):
    """Run a command in this process, where everything heavy is imported already."""
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, f"{arguments}: {result.exit_code}\n{result.output[-4000:]}"
    return json.loads(result.stdout)


def gate(model_id, directory):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--pyargs", "mlflow_genie_plugin.suite", f"--model-id={model_id}", "-q"],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
    )


def spoken(name):
    """``AnnualRevenue`` and ``annual_revenue`` as a person says them."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()


def own_questions(columns, identifier):
    """Plain questions on one table, with SQL written by hand from its columns."""
    numeric = [name for name, kind in columns if kind.upper().startswith(NUMERIC) and not name.lower().endswith("id")]
    words = {"total": "sum", "average": "avg", "lowest": "min", "highest": "max"}
    pairs = [
        (f"What is the {word} {spoken(name)}?", f"SELECT {function}({name}) AS v FROM {identifier}")
        for name in numeric
        for word, function in words.items()
    ]
    groups = [name for name, _ in columns if name not in numeric]
    pairs += [
        (
            f"What is the {word} {spoken(name)} by {spoken(group)}?",
            f"SELECT {group}, {function}({name}) AS v FROM {identifier} GROUP BY {group}",
        )
        for name in numeric
        for group in groups
        for word, function in list(words.items())[:2]
    ]
    return pairs


@pytest.mark.parametrize("case", CASES)
def test_a_foreign_space_goes_the_whole_way(case, tmp_path, tracking):
    path = SPACES / CASES[case]
    if not path.is_file():
        pytest.skip("the collection of public space configs is not beside this checkout")
    from mlflow_genie_plugin.emulator.server import LocalWorkspace
    from mlflow_genie_plugin.workspace.auth import connect

    with LocalWorkspace(tmp_path / "workspace", sample=False) as local, pytest.MonkeyPatch.context() as patch:
        for name, value in local.environment().items():
            patch.setenv(name, value)
        loaded = genie("local", "load", str(path), "--url", local.url, "--generate", "--fix")
        space_id = loaded["space_id"]
        document = json.loads(local.control.space(space_id)["serialized_space"])
        assert document["version"] == 2

        model = genie("snapshot", space_id, "--domain", "foreign")["model_id"]
        identifier = document["data_sources"]["tables"][0]["identifier"]
        rows = connect().catalog.columns([identifier], warehouse_id=connect().spaces.get_space(space_id).warehouse_id)
        columns = [(row["column_name"], row["data_type"]) for row in rows]
        questions = own_questions(columns, identifier)[:24]
        assert len(questions) >= 20, columns
        (tmp_path / "benchmarks.yaml").write_text(
            yaml.safe_dump(
                {
                    "format_version": 1,
                    "name": "own",
                    "benchmarks": [
                        {
                            "id": f"q{number:02}",
                            "question": question,
                            "expected_sql": sql,
                            "expected_asset": "TABLE",
                            "category": "aggregation",
                            "priority": "P0" if number < 3 else "P1",
                        }
                        for number, (question, sql) in enumerate(questions)
                    ],
                }
            )
        )
        ask = ["evaluate", "--benchmarks", str(tmp_path / "benchmarks.yaml"), "--model-id"]
        good = genie(*ask, model)
        passed = gate(model, tmp_path)
        assert passed.returncode == 0, json.dumps(good["scores"]) + passed.stdout[-4000:]

        # Somebody hides the column that most questions are about.
        edited = copy.deepcopy(document)
        victim = questions[0][1].split("(")[1].split(")")[0]
        table = next(t for t in edited["data_sources"]["tables"] if t["identifier"] == identifier)
        configs = [c for c in table.get("column_configs", []) if c["column_name"] != victim]
        table["column_configs"] = sorted(
            [*configs, {"column_name": victim, "exclude": True}], key=lambda column: column["column_name"]
        )
        local.control.edit_space(space_id, document=edited)

        worse = genie("snapshot", space_id)["model_id"]
        genie(*ask, worse)
        failed = gate(worse, tmp_path)
        assert failed.returncode == 1, failed.stdout[-4000:]
        assert "P0" in failed.stdout

        restored = genie("restore", model, "--yes")
        assert restored["outcome"] == "restored"
        assert genie("drift", model, "--exit-code")["state"] == "same"
        live = json.loads(local.control.space(space_id)["serialized_space"])
        assert live["data_sources"] == document["data_sources"]
