"""The pipelines that init writes: valid for their service, and without the ways to be green by accident."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlflow_genie_plugin.scaffold.wanted import CI_FILES, rendered

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = list(CI_FILES["github"].values())
SCHEMAS = {
    "github": "vendor.github-workflows",
    "gitlab": "vendor.gitlab-ci",
    "azure": "vendor.azure-pipelines",
}
# The schema of Azure has patterns of older regular expressions, and knows expressions only after a transformation.
MORE = {"azure": ["--regex-variant", "nonunicode", "--data-transform", "azure-pipelines"]}


def scripts(node):
    """Every shell script in a pipeline, wherever it stands."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("run", "bash") and isinstance(value, str):
                yield value
            elif key in ("script", "before_script", "after_script") and isinstance(value, list):
                yield from value
            else:
                yield from scripts(value)
    elif isinstance(node, list):
        for item in node:
            yield from scripts(item)


def pipeline_files(ci, pipelines):
    return [pipelines[ci] / path for path in CI_FILES[ci] if path.endswith((".yml", ".yaml"))]


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def triggers(workflow):
    return workflow[True]  # YAML 1.1 reads the key "on" as true


@pytest.mark.parametrize("ci", SCHEMAS)
def test_the_service_accepts_every_pipeline(ci, pipelines):
    paths = [str(path) for path in pipeline_files(ci, pipelines)]
    done = subprocess.run(
        [str(BIN / "check-jsonschema"), "--builtin-schema", SCHEMAS[ci], *MORE.get(ci, []), *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_check_can_fail(tmp_path):
    broken = tmp_path / "broken.yml"
    broken.write_text(rendered("github-gates.yml", "main").decode().replace("runs-on:", "runs_on:"))
    done = subprocess.run(
        [str(BIN / "check-jsonschema"), "--builtin-schema", SCHEMAS["github"], str(broken)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1


def test_a_security_linter_finds_nothing_in_the_workflows(pipelines):
    workflows = pipelines["github"] / ".github" / "workflows"
    done = subprocess.run(
        [str(BIN / "zizmor"), "--offline", "--no-progress", "--persona=pedantic", str(workflows)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("ci", CI_FILES)
def test_no_script_swallows_a_failure(ci, pipelines):
    found = [script for path in pipeline_files(ci, pipelines) for script in scripts(load(path))]
    assert found or ci == "databricks-job"
    for script in found:
        assert not re.search(r"(?<!\|)\|(?!\|)", re.sub(r"\[\[.*?\]\]", "", script)), "a pipe hides the first exit code"
        assert "|| true" not in script
        assert "set +e" not in script
        assert "--exit-zero" not in script
        if ci in ("gitlab", "azure"):
            assert script.startswith("set -euo pipefail\n")


@pytest.mark.parametrize("ci", CI_FILES)
def test_nothing_is_allowed_to_fail_and_no_secret_is_named(ci, pipelines):
    for path in pipeline_files(ci, pipelines):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"continue-on-error|continueOnError|allow_failure:\s*true|succeededOrFailed", text)
        assert not re.search(r"secrets\.|DATABRICKS_TOKEN|CLIENT_SECRET|password", text, re.IGNORECASE)


@pytest.mark.parametrize("ci", CI_FILES)
def test_every_command_that_is_called_exists(ci, pipelines):
    from mlflow_genie_plugin.cli.main import COMMANDS, main

    called = set()
    for path in pipeline_files(ci, pipelines):
        for script in scripts(load(path)):
            for line in re.findall(r"^mlflow-genie (.*)$", script, re.MULTILINE):
                words = line.split()
                called.add(words[0])
                command = main.get_command(None, words[0])
                known = {option for parameter in command.params for option in parameter.opts}
                assert {word for word in words if word.startswith("-")} <= known
    assert called <= set(COMMANDS)
    assert called or ci == "databricks-job"


@pytest.mark.parametrize("template", WORKFLOWS)
def test_workflows_run_with_pipefail_no_default_rights_and_pinned_actions(template):
    workflow = yaml.safe_load(rendered(template, "main"))
    assert workflow["defaults"]["run"]["shell"] == "bash"
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 30
        assert set(job["permissions"]) <= {"contents", "id-token"}
        assert job["permissions"].get("contents", "read") == "read"
        for step in job["steps"]:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step.get("uses", "actions/x@" + "0" * 40))
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False
            # What a pull request brings along must never become part of a script.
            assert "${{" not in step.get("run", "")


def test_the_required_check_always_runs_and_looks_at_each_result():
    workflow = yaml.safe_load(rendered("github-gates.yml", "main"))
    required = workflow["jobs"]["genie-gates"]
    others = set(workflow["jobs"]) - {"genie-gates"}
    assert required["if"] == "always()"
    assert set(required["needs"]) == others
    (step,) = required["steps"]
    looked_at = set(step["env"].values())
    assert looked_at == {f"${{{{ needs.{name}.result }}}}" for name in others}
    assert step["run"].count("= success ]") == len(others)
    for name in others:
        assert "if" not in workflow["jobs"][name]
        assert "needs" not in workflow["jobs"][name]
    assert set(triggers(workflow)) == {"pull_request", "merge_group"}
    assert "paths" not in triggers(workflow)["pull_request"]


def test_the_check_names_of_the_two_workflows_do_not_collide():
    names = [job["name"] for t in WORKFLOWS for job in yaml.safe_load(rendered(t, "main"))["jobs"].values()]
    assert len(names) == len(set(names))


def test_a_pull_request_reaches_only_the_identity_that_reads():
    workflow = yaml.safe_load(rendered("github-gates.yml", "main"))
    assert {job.get("environment") for job in workflow["jobs"].values()} == {"genie-read", None}
    assert "--mark" not in rendered("github-gates.yml", "main").decode()


def test_each_job_of_a_release_has_an_identity_of_its_own_and_promotion_is_off():
    workflow = yaml.safe_load(rendered("github-release.yml", "main"))
    jobs = workflow["jobs"]
    assert [jobs[name]["environment"] for name in ("gates", "verify", "promote")] == [
        "genie-read",
        "genie-verify",
        "genie-production",
    ]
    assert jobs["verify"]["needs"] == "gates"
    assert jobs["promote"]["needs"] == "verify"
    assert jobs["promote"]["if"] == "vars.GENIE_PROMOTE == 'enabled'"
    assert set(triggers(workflow)) == {"push"}
    assert workflow["concurrency"]["cancel-in-progress"] is False


@pytest.mark.parametrize(("ci", "template"), [("gitlab", "gitlab.yml"), ("azure", "azure-gates.yml")])
def test_the_proposed_checkout_is_gone_before_anything_of_it_could_run(ci, template):
    script = next(s for s in scripts(yaml.safe_load(rendered(template, "main"))) if "FETCH_HEAD" in s)
    assert script.index("genie-version.txt") < script.index("git checkout") < script.index("git clean")
    assert script.index("git clean") < script.index("pip install") < script.index("pytest")


def test_gitlab_keeps_reports_of_failures_and_no_job_is_optional():
    jobs = yaml.safe_load(rendered("gitlab.yml", "main"))
    for name in ("genie-gates", "genie-verify"):
        assert jobs[name]["artifacts"]["when"] == "always"
        assert jobs[name]["artifacts"]["reports"]["junit"]
    manual = [rule for job in jobs.values() for rule in job.get("rules", ()) if rule.get("when") == "manual"]
    assert [rule["allow_failure"] for rule in manual] == [False]
    in_merge_requests = [
        name for name, job in jobs.items()
        if any("merge_request_event" in rule["if"] for rule in job.get("rules", ()))
    ]  # fmt: skip
    assert in_merge_requests == ["genie-gates", "genie-verify"]
    assert all("$GENIE_READER" in jobs[name]["variables"]["DATABRICKS_CLIENT_ID"] for name in in_merge_requests)


@pytest.mark.parametrize("template", ["azure-gates.yml", "azure-release.yml"])
def test_azure_fails_without_test_results(template):
    text = rendered(template, "main").decode()
    assert text.count("task: PublishTestResults@2") == text.count("failTaskOnMissingResultsFile: true") > 0
    assert text.count("failTaskOnFailedTests: true") == text.count("task: PublishTestResults@2")


def test_the_bundle_is_one_the_jobs_api_knows():
    from databricks.sdk.service.jobs import JobSettings

    bundle = yaml.safe_load(rendered("bundle.yml", "main"))
    jobs = yaml.safe_load(rendered("bundle-jobs.yml", "main"))["resources"]["jobs"]
    for job in jobs.values():
        assert JobSettings.from_dict(job).as_dict() == job
        assert all(task["max_retries"] == 0 for task in job["tasks"])
    identities = {name: job["run_as"]["service_principal_name"] for name, job in jobs.items()}
    assert len(set(identities.values())) == 2
    used = set(re.findall(r"\$\{var\.(\w+)\}", rendered("bundle-jobs.yml", "main").decode()))
    assert used == set(bundle["variables"])


@pytest.mark.parametrize("path", CI_FILES["github"])
def test_the_example_is_what_init_writes(path):
    example = ROOT / "examples" / "github" / path
    assert example.read_bytes() == rendered(CI_FILES["github"][path], "main")


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_the_workflows_of_this_repository_follow_the_same_rules(path):
    workflow = load(path)
    for job in workflow["jobs"].values():
        assert "if" not in job
        assert "continue-on-error" not in job
    for script in scripts(workflow):
        assert "|| true" not in script
    done = subprocess.run(
        [str(BIN / "check-jsonschema"), "--builtin-schema", SCHEMAS["github"], str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
