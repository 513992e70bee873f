import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from mlflow_genie_plugin.cli.main import main


def doctor(*arguments):
    return CliRunner().invoke(main, ["doctor", *arguments])


def checks_of(result):
    return {item["name"]: item for item in json.loads(result.stdout)["checks"]}


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_all_is_well_with_a_local_workspace_and_a_store(local_workspace, tracking, here):
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

    result = doctor("--json", "--space", SAMPLE_SPACE_ID)
    assert result.exit_code == 0, result.output
    checks = checks_of(result)
    assert {name: item["status"] for name, item in checks.items()} == dict.fromkeys(
        ["versions", "plugins", "settings", "tracking", "registry", "artifacts", "profile", "sign-in", "spaces",
         "results", "space", "warehouse"], "ok"
    )  # fmt: skip
    assert checks["warehouse"]["message"].endswith("is running")


def test_lines_for_people_are_short_and_say_what_to_do(local_workspace, tracking, here, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "planted-token-4711")
    result = doctor()
    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    assert lines[-1] == "1 problem."
    (failed,) = [index for index, line in enumerate(lines) if line.startswith("  fail")]
    assert "sign-in" in lines[failed]
    assert lines[failed + 1].strip().startswith("do: databricks auth login")
    assert "planted-token-4711" not in result.output
    assert local_workspace.url.removeprefix("http://") not in result.output


def test_a_reader_learns_that_editing_is_missing(local_workspace, tracking, here, monkeypatch):
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

    token = local_workspace.control.add_identity("ben@local.workspace", level="CAN_RUN", space_id=SAMPLE_SPACE_ID)
    monkeypatch.setenv("DATABRICKS_TOKEN", token)
    result = doctor("--json", "--space", f"genie:/{SAMPLE_SPACE_ID}")
    assert result.exit_code == 3
    assert "CAN EDIT" in checks_of(result)["space"]["message"]


@pytest.mark.parametrize("registry", ["", "sqlite:///{}/new.db", "sqlite:///{}/there.db"])
def test_looking_makes_no_database(local_workspace, here, monkeypatch, tmp_path, registry):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/new.db")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", registry.format(tmp_path))
    (tmp_path / "there.db").touch()
    mlflow.set_tracking_uri(None)
    result = doctor("--json")
    assert result.exit_code == 0, result.output
    assert checks_of(result)["registry"]["status"] == "skip"
    assert checks_of(result)["tracking"]["message"].endswith("(made at the first use)")
    assert not (tmp_path / "new.db").exists()
    assert list(here.iterdir()) == []


def test_a_tracking_server_that_does_not_answer_fails(local_workspace, here, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    mlflow.set_tracking_uri(None)
    result = doctor("--json")
    assert result.exit_code == 3
    assert checks_of(result)["tracking"]["status"] == "fail"


def test_a_setting_that_cannot_be_used_fails(local_workspace, tracking, here, monkeypatch):
    monkeypatch.setenv("GENIE_ANSWER_TIMEOUT_SECONDS", "soon")
    result = doctor("--json")
    assert result.exit_code == 3
    assert "GENIE_ANSWER_TIMEOUT_SECONDS" in checks_of(result)["settings"]["message"]


def test_a_malformed_bundle_is_the_profiles_problem(local_workspace, tracking, here):
    (here / "databricks.yml").write_text("workspace: [")
    result = doctor("--json")
    assert result.exit_code == 3
    checks = checks_of(result)
    assert "databricks.yml:1" in checks["profile"]["message"]
    assert checks["sign-in"]["status"] == "skip"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_names_program_and_variable(shell):
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert "mlflow-genie" in result.stdout
    assert "_MLFLOW_GENIE_COMPLETE" in result.stdout


def test_the_bash_script_completes_a_command_through_the_program(tmp_path):
    from pathlib import Path

    program = Path(sys.executable).parent / "mlflow-genie"
    script = subprocess.run([program, "completion", "bash"], capture_output=True, text=True, check=True).stdout
    (tmp_path / "completion.bash").write_text(script)
    lines = (
        f"PATH={program.parent}:$PATH; source {tmp_path}/completion.bash; COMP_WORDS=(mlflow-genie doc); COMP_CWORD=1;"
        f"_mlflow_genie_completion {program}; echo ${{COMPREPLY[@]}}"
    )
    found = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "doctor"


@pytest.mark.parametrize("arguments", [["doctor", "--help"], ["completion", "bash"]])
def test_help_and_completion_load_nothing_heavy(arguments):
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom mlflow_genie_plugin.cli.main import main\n"
        f"assert CliRunner().invoke(main, {arguments!r}).exit_code == 0\n"
        "print([name for name in ('mlflow', 'databricks', 'pandas', 'sqlglot', 'duckdb') if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
