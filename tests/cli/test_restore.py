import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.cli.main import main
from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
from mlflow_genie_plugin.space.fingerprint import content_hash


@pytest.fixture
def genie(local_workspace, tracking):
    """Return a function that runs a command in this process, without a terminal."""

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def saved(genie):
    result = genie("snapshot", SAMPLE_SPACE_ID, "--domain", "sales", "--no-uc", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["model_id"]


@pytest.fixture
def document(local_workspace):
    return lambda: json.loads(local_workspace.control.space(SAMPLE_SPACE_ID)["serialized_space"])


@pytest.fixture
def edit(local_workspace, document):
    def edit():
        changed = document()
        del changed["instructions"]["example_question_sqls"][-1]
        local_workspace.control.edit_space(SAMPLE_SPACE_ID, changed)
        return changed

    return edit


@pytest.fixture
def writes(local_workspace):
    return lambda: [r for r in local_workspace.control.requests() if r["method"] == "PATCH"]


def test_snapshot_prints_the_id_on_stdout_and_talks_on_stderr(genie):
    result = genie("snapshot", SAMPLE_SPACE_ID, "-d", "sales", "--no-uc", "--register", "sales")
    assert result.exit_code == 0, result.stderr
    assert registry.resolve_model(result.stdout.strip()).model_id == result.stdout.strip()
    for part in ("as iteration 1 of sales", "parent   none (no parent: this is the first version", "sales/1", "Next: "):
        assert part in result.stderr
    assert all(len(line) <= 100 for line in result.stderr.splitlines())


def test_snapshot_takes_a_browser_address_patches_and_prompt_versions(genie, tmp_path):
    (tmp_path / "p.json").write_text('[{"type": "add_instruction", "lever": 6}]')
    (tmp_path / "v.json").write_text('{"arbiter": 2}')
    result = genie(
        "snapshot", f"https://adb-1.azuredatabricks.net/genie/rooms/{SAMPLE_SPACE_ID}?o=1", "-d", "sales", "--no-uc",
        "--patches", tmp_path / "p.json", "--prompt-versions", tmp_path / "v.json", "--json",
    )  # fmt: skip
    params = registry.get_model(json.loads(result.stdout)["model_id"]).params
    assert (params["patch_types"], params["prompt_versions"]) == ("add_instruction", '{"arbiter": 2}')


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["0" * 32, "-d", "x"], 2, "MG105"),
        (["nonsense", "-d", "x"], 2, "no space id"),
        ([SAMPLE_SPACE_ID, "-d", "x", "--patches", "missing.json"], 2, "MG206"),
        ([SAMPLE_SPACE_ID, "-d", "x", "--parent", "m-" + "0" * 32], 2, "MG301"),
        ([SAMPLE_SPACE_ID, "-d", " / "], 2, "MG200"),
        ([SAMPLE_SPACE_ID, "-d", "x", "--uc-schema", "a"], 2, "MG200"),
        ([SAMPLE_SPACE_ID], 2, "--domain"),
    ],
)
def test_snapshot_says_what_is_wrong_with_its_input(genie, arguments, code, says):
    result = genie("snapshot", *arguments)
    assert result.exit_code == code
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_restore_puts_the_version_back_and_gives_the_hash_it_read(genie, saved, edit, document):
    edit()
    result = genie("restore", saved, "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    model = registry.get_model(saved)
    assert facts["live_behaviour_sha256"] == model.params["behaviour_sha256"]
    assert content_hash(document()) == model.params["config_sha256"]


def test_restore_without_a_terminal_and_without_yes_writes_nothing(genie, saved, edit, document, writes):
    edited = edit()
    result = genie("restore", saved)
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert writes() == []
    assert document() == edited


def test_restore_of_what_is_live_says_so_and_needs_no_yes(genie, saved, writes):
    result = genie("restore", saved)
    assert result.exit_code == 0, result.stderr
    assert "Nothing to do" in result.stderr
    assert writes() == []


def test_a_dry_run_shows_the_plan_and_writes_nothing(genie, saved, edit, writes):
    edit()
    result = genie("restore", saved, "--dry-run")
    assert result.exit_code == 0
    assert "Plan: put back model" in result.stdout
    assert "+ example SQL" in result.stdout
    assert "Nothing was written." in result.stderr
    assert all(len(line) <= 100 for line in result.stdout.splitlines())
    assert writes() == []
    machine = json.loads(genie("restore", saved, "--dry-run", "--json").stdout)
    assert machine["model_id"] == saved


def test_a_saved_plan_is_applied_once_and_not_twice(genie, saved, edit, tmp_path, document):
    edit()
    plan = tmp_path / "plan.json"
    assert genie("restore", saved, "--plan", plan).exit_code == 0
    first = genie("apply", plan, "--yes")
    assert first.exit_code == 0, first.stderr
    assert content_hash(document()) == registry.get_model(saved).params["config_sha256"]
    second = genie("apply", plan, "--yes")
    assert second.exit_code == 4
    assert "no longer fits" in second.stderr
    assert "Plan:" not in second.stderr


def test_a_plan_is_refused_after_an_edit_of_the_space(genie, saved, edit, tmp_path, document, writes):
    edit()
    plan = tmp_path / "plan.json"
    genie("restore", saved, "--plan", plan)
    later = edit()
    result = genie("apply", plan, "--yes")
    assert result.exit_code == 4
    assert document() == later
    assert writes() == []


def test_a_plan_is_refused_after_an_edit_of_the_plan_or_the_model(genie, saved, edit, tmp_path, writes):
    from pathlib import Path
    from urllib.parse import urlsplit

    edit()
    plan = tmp_path / "plan.json"
    genie("restore", saved, "--plan", plan)
    changed = json.loads(plan.read_text())
    (tmp_path / "changed.json").write_text(json.dumps({**changed, "keep_benchmarks": False}))
    assert "was changed after it was saved" in genie("apply", tmp_path / "changed.json", "--yes").stderr
    (tmp_path / "text.json").write_text("hello")
    assert genie("apply", tmp_path / "text.json", "--yes").exit_code == 2
    assert genie("apply", tmp_path / "none.json", "--yes").exit_code == 2
    folder = Path(urlsplit(registry.get_model(saved).artifact_location).path)
    (folder / "genie_space.json").write_text("{}")
    result = genie("apply", plan, "--yes")
    assert (result.exit_code, "MG303" in result.stderr) == (2, True)
    assert writes() == []


def test_a_production_space_takes_no_unverified_version(genie, saved, edit, monkeypatch, writes):
    edit()
    monkeypatch.setenv("GENIE_PRODUCTION_SPACES", SAMPLE_SPACE_ID)
    result = genie("restore", saved, "--yes")
    assert result.exit_code == 1
    assert "MG313" in result.stderr
    assert writes() == []
    broken = genie("restore", saved, "--yes", "--break-glass", "outage 4711", "--json")
    assert broken.exit_code == 0, broken.stderr
    run = registry.get_run(json.loads(broken.stdout)["run_id"])
    assert run.tags["genie.break_glass"] == "outage 4711"


def test_rollback_puts_the_parent_back(genie, saved, edit, document):
    edit()
    child = json.loads(genie("snapshot", SAMPLE_SPACE_ID, "-d", "sales", "--no-uc", "--json").stdout)["model_id"]
    result = genie("rollback", SAMPLE_SPACE_ID, "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["model_id"] == saved
    assert content_hash(document()) == registry.get_model(saved).params["config_sha256"]
    again = genie("rollback", child, "--yes")
    assert "Nothing to do" in again.stderr


def test_rollback_refuses_without_a_parent_and_on_an_unsaved_edit(genie, saved, edit, writes):
    first = genie("rollback", SAMPLE_SPACE_ID, "--yes")
    assert (first.exit_code, "has no parent" in first.stderr) == (2, True)
    edit()
    second = genie("rollback", SAMPLE_SPACE_ID, "--yes")
    assert second.exit_code == 2
    assert f"mlflow-genie restore {saved}" in second.stderr
    assert writes() == []


@pytest.mark.parametrize("command", ["snapshot", "restore", "rollback", "apply", "evaluate"])
def test_what_writes_is_refused_when_results_would_stay_on_this_machine(
    genie, saved, edit, writes, monkeypatch, tmp_path, command
):
    from mlflow_genie_plugin.workspace.auth import DatabricksWorkspace

    edit()
    child = json.loads(genie("snapshot", SAMPLE_SPACE_ID, "-d", "sales", "--no-uc", "--json").stdout)["model_id"]
    genie("restore", saved, "--plan", tmp_path / "plan.json")
    benchmarks = tmp_path / "benchmarks.yaml"
    benchmarks.write_text("format_version: 1\nbenchmarks: [{id: a, question: How?, expected_sql: SELECT 1}]\n")
    arguments = {
        "snapshot": (SAMPLE_SPACE_ID, "-d", "sales"),
        "restore": (saved, "--yes"),
        "rollback": (child, "--yes"),
        "apply": (tmp_path / "plan.json", "--yes"),
        "evaluate": ("--model-id", child, "--benchmarks", benchmarks),
    }
    # A workspace elsewhere, and a store that nobody chose: MLflow's URI is set in the process, not by the user.
    monkeypatch.setattr(DatabricksWorkspace, "is_local", property(lambda _: False, lambda *_: None), raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    before = len(registry.search_models(experiment_ids=["0"]))
    result = genie(command, *arguments[command])
    assert result.exit_code == 3
    assert "set MLFLOW_TRACKING_URI=databricks" in result.stderr
    assert (len(registry.search_models(experiment_ids=["0"])), writes()) == (before, [])


def test_drift_says_same_drifted_and_unknown(genie, saved, edit, local_workspace):
    assert genie("drift", saved, "--exit-code").exit_code == 0
    edit()
    assert genie("drift", saved).exit_code == 0
    drifted = genie("drift", saved, "--exit-code")
    assert (drifted.exit_code, drifted.stdout.startswith("DRIFTED")) == (1, True)
    assert json.loads(genie("drift", saved, "--json").stdout)["changes_behaviour"] is True
    local_workspace.control.trash_space(SAMPLE_SPACE_ID)
    for options in ([], ["--exit-code"], ["--json"]):
        assert genie("drift", saved, *options).exit_code == 10
    assert genie("drift", saved).stdout.startswith("UNKNOWN")


def test_drift_without_a_workspace_is_unknown(genie, saved, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "expired")
    result = genie("drift", saved, "--exit-code")
    assert (result.exit_code, result.stdout.startswith("UNKNOWN")) == (10, True)


def test_lineage_shows_the_chain_and_exits_1_on_a_problem(genie, saved, edit):
    edit()
    child = json.loads(genie("snapshot", SAMPLE_SPACE_ID, "-d", "sales", "--no-uc", "--json").stdout)["model_id"]
    result = genie("lineage", child)
    assert result.exit_code == 0, result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()] == [child, saved]
    import mlflow

    mlflow.MlflowClient().delete_logged_model(saved)
    broken = genie("lineage", child, "--json")
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["problems"] == 1


def test_an_unknown_model_is_one_clear_line(genie):
    for command in ("restore", "rollback", "drift", "lineage"):
        result = genie(command, "m-" + "0" * 32)
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
        assert "error[MG301]" in result.stderr


def test_help_of_the_commands_loads_nothing_heavy():
    script = """
import sys
from click.testing import CliRunner
from mlflow_genie_plugin.cli.main import main
for name in ("snapshot", "restore", "rollback", "apply", "drift", "lineage"):
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0, name
print([name for name in ("mlflow", "databricks", "pandas", "sqlglot", "jsonschema") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, check=True)
    assert run.stdout.strip() == "[]"
