import json
import subprocess

import pytest
import yaml
from click.testing import CliRunner

from mlflow_genie_plugin.cli.main import main
from mlflow_genie_plugin.gating.manifest import STAGES


def init(*arguments):
    return CliRunner().invoke(main, ["init", *map(str, arguments)])


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def files_of(directory):
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and ".git/" not in f"{path.relative_to(directory).as_posix()}/"
    }


@pytest.mark.parametrize("ci", ["github", "gitlab", "azure", "databricks-job"])
def test_a_fresh_repository_gets_everything_and_again_nothing(repository, ci):
    first = init("--dir", repository, "--ci", ci)
    assert first.exit_code == 0, first.output
    before = files_of(repository)
    assert {"gates/criteria.yaml", "gates/requirements.txt", "benchmarks.yaml", "genie-version.txt"} <= set(before)
    again = init("--dir", repository)
    assert again.exit_code == 0, again.output
    assert "Nothing to do." in again.stdout
    assert f"{ci}, protected branch main" in again.stdout
    assert files_of(repository) == before


def test_without_ci_only_the_gates_and_what_they_need(tmp_path):
    done = init("--dir", tmp_path)
    assert done.exit_code == 0, done.output
    assert not (tmp_path / ".github").exists()
    assert (tmp_path / "gates" / "criteria.yaml").is_file()


def test_a_dry_run_shows_the_plan_and_writes_nothing(repository):
    done = init("--dir", repository, "--ci", "github", "--dry-run")
    assert done.exit_code == 0
    assert "write    gates/criteria.yaml" in done.stdout
    assert "Nothing was written." in done.stderr
    assert files_of(repository) == {}


def test_files_in_the_way_are_all_listed_and_nothing_is_written(repository):
    for name in ("genie-gates.yml", "genie-release.yml"):
        (repository / ".github" / "workflows").mkdir(parents=True, exist_ok=True)
        (repository / ".github" / "workflows" / name).write_text("on: push\n")
    before = files_of(repository)
    done = init("--dir", repository, "--ci", "github")
    assert done.exit_code == 2
    assert "error[MG200]" in done.stderr
    assert "genie-gates.yml, .github/workflows/genie-release.yml" in done.stderr
    assert "--force" in done.stderr
    assert files_of(repository) == before
    machine = init("--dir", repository, "--ci", "github", "--json")
    assert machine.exit_code == 2
    assert len(json.loads(machine.stdout)["error"]["details"]["conflicts"]) == 2
    assert init("--dir", repository, "--ci", "github", "--force").exit_code == 0
    assert "mlflow-genie" in (repository / ".github" / "workflows" / "genie-gates.yml").read_text()


def test_an_edited_gate_is_kept_named_and_put_back_only_by_force(repository):
    assert init("--dir", repository).exit_code == 0
    gate = next(path for path in sorted((repository / "gates").glob("test_*.py")))
    shipped = gate.read_bytes()
    gate.write_bytes(shipped + b"# mine\n")
    (repository / "gates" / "criteria.yaml").write_text("format_version: 1\n")
    for option in ([], ["--upgrade"]):
        done = init("--dir", repository, *option)
        assert done.exit_code == 0
        assert f"gates/{gate.name}: a packaged gate that was changed blocks every mark" in done.stdout
        assert gate.read_bytes() != shipped
    assert init("--dir", repository, "--force").exit_code == 0
    assert gate.read_bytes() == shipped
    assert (repository / "gates" / "criteria.yaml").read_text() == "format_version: 1\n"


def test_criteria_that_this_version_refuses_are_said(repository):
    assert init("--dir", repository).exit_code == 0
    (repository / "gates" / "criteria.yaml").write_text("format_version: 1\n")
    done = init("--dir", repository)
    assert "gates/criteria.yaml, for this version: $" in done.stdout


def test_the_criteria_that_are_written_are_accepted_at_every_stage(repository):
    from mlflow_genie_plugin.gating.criteria import read_criteria

    assert init("--dir", repository).exit_code == 0
    for stage in STAGES:
        assert read_criteria(repository / "gates" / "criteria.yaml", stage)


def test_code_owners_are_written_when_named_and_asked_for_otherwise(repository):
    done = init("--dir", repository, "--ci", "github")
    assert "--owners @ORG/TEAM" in done.stdout
    assert not (repository / ".github" / "CODEOWNERS").exists()
    done = init("--dir", repository, "--owners", "@acme/data", "--owners", "ana@example.com")
    assert done.exit_code == 0
    lines = (repository / ".github" / "CODEOWNERS").read_text().splitlines()
    assert "/gates/ @acme/data ana@example.com" in lines
    assert "/.github/ @acme/data ana@example.com" in lines
    assert "owner" not in init("--dir", repository).stdout.partition("By hand")[2]


@pytest.mark.parametrize("owner", ["acme/data", "@", "@acme/", "@a b", "data", "@acme/data\n* @evil"])
def test_an_owner_that_the_service_would_ignore_is_refused(repository, owner):
    done = init("--dir", repository, "--ci", "github", "--owners", owner)
    assert done.exit_code == 2
    assert "is no code owner" in done.stderr
    assert files_of(repository) == {}


def test_code_owners_that_are_there_are_kept_and_the_missing_lines_are_said(repository):
    (repository / "CODEOWNERS").write_text("* @everyone\n/gates/ @acme/data # ours\n/benchmarks.yaml\n")
    before = (repository / "CODEOWNERS").read_bytes()
    done = init("--dir", repository, "--ci", "github", "--owners", "@acme/data")
    assert done.exit_code == 0
    assert "CODEOWNERS has no owner for these" in done.stdout
    assert "/benchmarks.yaml @acme/data" in done.stdout
    assert "/gates/ @acme/data" not in done.stdout
    assert (repository / "CODEOWNERS").read_bytes() == before
    assert not (repository / ".github" / "CODEOWNERS").exists()


@pytest.mark.parametrize(
    ("ci", "path", "line"),
    [
        ("gitlab", ".gitlab-ci.yml", "local: .gitlab/genie.gitlab-ci.yml"),
        ("databricks-job", "databricks.yml", "resources/*.yml"),
        ("github", ".gitignore", "genie-verdict/"),
    ],
)
def test_a_shared_file_is_kept_and_the_line_to_add_is_said_until_it_is_there(repository, ci, path, line):
    (repository / path).write_text("# ours\n")
    done = init("--dir", repository, "--ci", ci)
    assert done.exit_code == 0
    assert (repository / path).read_text() == "# ours\n"
    assert f"{path}: add" in done.stdout
    (repository / path).write_text(f"# {line}\n")
    assert f"{path}: add" not in init("--dir", repository).stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\n"),
        ("setup.cfg", "[tool:pytest]\n"),
        ("tox.ini", "[pytest]\n"),
    ],
)
def test_pytest_settings_that_are_there_are_left_alone(repository, name, text):
    (repository / name).write_text(text)
    assert init("--dir", repository).exit_code == 0
    assert (repository / name).read_text() == text
    assert (repository / "pytest.ini").exists() == (name == "pytest.ini")


def test_other_settings_files_do_not_hide_that_pytest_has_none(repository):
    (repository / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert init("--dir", repository).exit_code == 0
    assert (repository / "pytest.ini").is_file()


def test_a_folder_below_the_root_is_refused_because_no_service_would_look_there(repository):
    (repository / "sub").mkdir()
    done = init("--dir", repository / "sub", "--ci", "github")
    assert done.exit_code == 2
    assert "at the root only" in done.stderr
    assert init("--dir", repository / "sub").exit_code == 0


@pytest.mark.parametrize("branch", ["", "a b", "main]\n  x: [", "-x", "${{ github.token }}", '"'])
def test_a_branch_that_cannot_stand_in_a_workflow_is_refused(repository, branch):
    done = init("--dir", repository, "--ci", "github", f"--branch={branch}")
    assert done.exit_code in (0, 2)
    if branch:
        assert done.exit_code == 2
        assert files_of(repository) == {}


def test_another_branch_is_filled_in_and_remembered(repository):
    assert init("--dir", repository, "--ci", "github", "--branch", "release/prod").exit_code == 0
    text = (repository / ".github" / "workflows" / "genie-gates.yml").read_text()
    workflow = yaml.safe_load(text)
    assert workflow[True]["pull_request"]["branches"] == ["release/prod"]
    assert workflow["jobs"]["verify"]["steps"][0]["with"]["ref"] == "release/prod"
    assert "protected branch release/prod" in init("--dir", repository).stdout


def test_owners_without_a_service_that_knows_them_are_refused(repository):
    assert init("--dir", repository, "--owners", "@a").exit_code == 2
    assert init("--dir", repository, "--ci", "azure", "--owners", "@a").exit_code == 2


def test_json_says_each_files_state(repository):
    done = init("--dir", repository, "--ci", "github", "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["written"] is True
    assert {entry["state"] for entry in document["files"]} == {"new"}
    assert document["ci"] == "github"
    assert {entry["path"] for entry in document["files"]} | {"gates/.mlflow-genie.json"} == set(files_of(repository))


def test_the_questions_of_a_space_become_the_benchmarks(repository, local_workspace):
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

    done = init("--dir", repository, "--space-id", SAMPLE_SPACE_ID, "--ci", "github")
    assert done.exit_code == 0, done.output
    document = yaml.safe_load((repository / "benchmarks.yaml").read_text())
    assert document["benchmarks"]
    assert f"{len(document['benchmarks'])} question" in done.stderr
    again = init("--dir", repository, "--space-id", SAMPLE_SPACE_ID)
    assert again.exit_code == 0
    assert "benchmarks import" in again.stderr


def test_a_space_that_does_not_exist_stops_before_anything_is_written(repository, local_workspace):
    done = init("--dir", repository, "--space-id", "f" * 32)
    assert done.exit_code == 2
    assert "MG105" in done.stderr
    assert files_of(repository) == {}


def test_the_stub_of_questions_says_what_to_do(repository):
    assert init("--dir", repository).exit_code == 0
    done = CliRunner().invoke(main, ["benchmarks", "lint", str(repository / "benchmarks.yaml")])
    assert done.exit_code == 1
    text = (repository / "benchmarks.yaml").read_text()
    example = "\n".join(line[1:] for line in text.splitlines() if line.startswith("#  "))
    filled = text.partition("benchmarks: []")[0] + "benchmarks:\n" + example + "\n"
    (repository / "benchmarks.yaml").write_text(filled)
    shown = CliRunner().invoke(main, ["benchmarks", "show", str(repository / "benchmarks.yaml")])
    assert shown.exit_code == 0, shown.output
    assert "1 question" in shown.stdout


def test_a_file_where_a_folder_belongs_is_in_the_way(repository):
    (repository / "gates").write_text("mine")
    done = init("--dir", repository, "--force")
    assert done.exit_code == 2
    assert "in the way: gates/__init__.py" in done.stderr
    assert files_of(repository) == {"gates": b"mine"}
