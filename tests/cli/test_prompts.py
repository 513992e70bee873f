from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlflow_genie_plugin.evaluation.prompt_registration import register_optimizer_prompts, register_prompts
from mlflow_genie_plugin.evaluation.prompts import (
    JUDGE_PROMPTS,
    OPTIMIZER_PROMPTS,
    collect_prompt_versions,
    packaged_text,
    production_prompt,
    prompt_name,
)


def run(*arguments):
    from mlflow_genie_plugin.cli.prompts import prompts

    return CliRunner().invoke(prompts, list(map(str, arguments)))


def client():
    import mlflow

    return mlflow.MlflowClient()


def edited(key="completeness", text="Is it complete?"):
    """Make a text of someone's own the production prompt, as MLflow's own functions do."""
    version = client().create_prompt_version(prompt_name(key), text).version
    client().set_prompt_alias(prompt_name(key), "production", version)
    return int(version)


def test_the_six_prompts_are_packaged_and_differ():
    assert len({packaged_text(key) for key in OPTIMIZER_PROMPTS}) == len(OPTIMIZER_PROMPTS) == 6
    assert OPTIMIZER_PROMPTS[:5] == JUDGE_PROMPTS


def test_registering_gives_versions_alias_tags_artifacts_and_params(tracking):
    from mlflow_genie_plugin.registry import download_run_artifact, get_run, list_run_artifacts

    done = register_prompts("prompts", "sales")
    assert done.prompts == {
        key: {"name": f"genie_opt_{key}", "version": 1, "storage": "prompt_registry"} for key in OPTIMIZER_PROMPTS
    }
    found = client().get_prompt_version_by_alias("genie_opt_arbiter", "production")
    assert (found.version, found.template) == (1, packaged_text("arbiter"))
    assert (found.tags["type"], found.tags["domain"]) == ("judge", "sales")
    kind = client().get_prompt_version_by_alias("genie_opt_introspection_cluster", "production").tags["type"]
    assert kind == "introspection"
    run = get_run(done.run_id)
    assert run.name.startswith("register_prompts_")
    assert run.experiment_id == client().get_experiment_by_name("prompts").experiment_id
    assert (run.params["num_prompts"], run.params["domain"]) == ("6", "sales")
    assert run.params["prompt_keys"] == ",".join(OPTIMIZER_PROMPTS)
    assert run.params["registration_date"].endswith("Z")
    assert run.params["prompt.completeness"] == "genie_opt_completeness@1"
    assert list_run_artifacts(done.run_id) == sorted(f"judge_prompts/{k}/genie_opt_{k}.txt" for k in OPTIMIZER_PROMPTS)
    stored = download_run_artifact(done.run_id, "judge_prompts/completeness/genie_opt_completeness.txt")
    assert stored.decode() == packaged_text("completeness")
    experiments = client().get_prompt("genie_opt_arbiter").tags["_mlflow_experiment_ids"]
    assert experiments == f",{run.experiment_id},"


def test_the_function_for_sessions_returns_name_version_and_storage(tracking):
    done = register_optimizer_prompts("prompts", "sales", "main.genie")
    assert done == register_prompts("prompts", "sales", "main.genie").prompts
    assert done["arbiter"] == {"name": "main.genie.genie_opt_arbiter", "version": 1, "storage": "prompt_registry"}


def test_registering_again_changes_nothing(tracking):
    from mlflow_genie_plugin.registry import search_runs

    first = register_prompts("prompts", "sales")
    second = register_prompts("prompts", "sales")
    assert (second.prompts, second.run_id) == (first.prompts, first.run_id)
    assert {item.action for item in second.planned} == {"unchanged"}
    assert len(client().search_prompt_versions("genie_opt_arbiter")) == 1
    experiment = client().get_experiment_by_name("prompts").experiment_id
    assert len(search_runs(experiment_ids=[experiment])) == 1


def test_a_run_that_was_cut_off_is_not_taken_for_a_complete_one(tracking):
    first = register_prompts("prompts", "sales")
    client().set_terminated(first.run_id, "KILLED")
    assert register_prompts("prompts", "sales").run_id != first.run_id


def test_prompts_of_a_schema_carry_its_name(tracking):
    done = register_prompts("prompts", "sales", "main.genie")
    assert done.prompts["arbiter"]["name"] == "main.genie.genie_opt_arbiter"
    assert collect_prompt_versions("main.genie") == dict.fromkeys(JUDGE_PROMPTS, 1)
    assert collect_prompt_versions() == dict.fromkeys(JUDGE_PROMPTS, "inline")


def test_a_production_prompt_of_ones_own_stays_unless_it_is_to_be_replaced(tracking):
    register_prompts("prompts")
    own = edited()
    assert own == 2
    kept = register_prompts("prompts")
    assert kept.prompts["completeness"]["version"] == 2
    assert production_prompt("completeness").text == "Is it complete?"
    assert [item.action for item in kept.planned if item.prompt.key == "completeness"] == ["keep yours"]
    replaced = register_prompts("prompts", replace_own=True)
    assert replaced.prompts["completeness"]["version"] == 1
    assert production_prompt("completeness").text == packaged_text("completeness")


def test_a_newer_packaged_text_replaces_an_older_packaged_one(tracking):
    name = prompt_name("completeness")
    client().create_prompt(name)
    client().create_prompt_version(name, "an older packaged text", tags={"genie.packaged": "0" * 12})
    client().set_prompt_alias(name, "production", 1)
    assert register_prompts("prompts").prompts["completeness"]["version"] == 2


def test_inline_means_that_there_is_no_production_prompt(tracking):
    assert collect_prompt_versions() == dict.fromkeys(JUDGE_PROMPTS, "inline")
    client().create_prompt(prompt_name("arbiter"))
    client().create_prompt_version(prompt_name("arbiter"), "a draft that is not in production")
    assert collect_prompt_versions()["arbiter"] == "inline"
    register_prompts("prompts")
    assert collect_prompt_versions() == {**dict.fromkeys(JUDGE_PROMPTS, 1), "arbiter": 2}
    edited()
    assert collect_prompt_versions()["completeness"] == 2


def test_an_outage_is_never_taken_for_inline(tracking, monkeypatch):
    import mlflow

    from mlflow_genie_plugin.errors import TrackingUnavailableError

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_registry_uri("http://127.0.0.1:9")
    with pytest.raises(TrackingUnavailableError):
        collect_prompt_versions()


def test_a_store_that_breaks_in_between_is_never_taken_for_inline(tracking):
    import contextlib
    import sqlite3

    from mlflow_genie_plugin.errors import TrackingUnavailableError

    register_prompts("prompts")
    with contextlib.closing(sqlite3.connect(tracking.removeprefix("sqlite:///"))) as database, database:
        database.execute("ALTER TABLE registered_model_aliases RENAME TO gone")
    with pytest.raises(TrackingUnavailableError):
        collect_prompt_versions()


def test_a_model_of_that_name_is_named_as_the_reason(tracking):
    client().create_registered_model(prompt_name("completeness"))
    for arguments in (["register"], ["list"]):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "genie_opt_completeness is a registered model" in result.stderr


def test_a_dry_run_says_what_would_happen_and_writes_nothing(tracking):
    result = run("register", "--dry-run", "--experiment", "prompts")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("new version, becomes production") == 6
    assert "Nothing was written." in result.stderr
    assert client().search_prompts() == []
    assert client().get_experiment_by_name("prompts") is None
    document = json.loads(run("register", "--dry-run", "--json").stdout)
    assert document["arbiter"] == {"name": "genie_opt_arbiter", "action": "register"}


def test_registering_by_command_says_what_happened(tracking):
    result = run("register", "--domain", "sales", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["prompts"]["completeness"]["version"] == 1
    edited()
    again = run("register", "--domain", "sales")
    assert "genie_opt_completeness: production is version 2, a text of yours; it stays" in again.stdout
    assert "genie_opt_arbiter: version 1, unchanged" in again.stdout
    assert "--replace" in again.stderr


def test_the_list_says_which_text_is_used(tracking):
    before = run("list")
    assert before.stdout.count("inline") == 6
    assert "prompts register" in before.stderr
    register_prompts("prompts")
    edited()
    lines = run("list").stdout.splitlines()
    assert lines[3].split() == ["completeness", "2", "genie_opt_completeness", "(a", "text", "of", "yours)"]
    rows = json.loads(run("list", "--json").stdout)
    assert [row["version"] for row in rows] == ["1", "1", "1", "2", "1", "1"]


def test_texts_are_shown_by_name_version_or_as_packaged(tracking):
    register_prompts("prompts")
    edited()
    assert run("show", "completeness").stdout.strip() == "Is it complete?"
    assert run("show", "genie_opt_completeness", "--version", 1).stdout.strip() == packaged_text("completeness")
    assert run("show", "completeness", "--packaged").stdout.strip() == packaged_text("completeness")
    missing = run("show", "completeness", "--version", 9)
    assert (missing.exit_code, "version 9 of prompt genie_opt_completeness" in missing.stderr) == (2, True)
    unknown = run("show", "completness")
    assert (unknown.exit_code, "there is no prompt 'completness'" in unknown.stderr) == (2, True)
    assert run("show", "completeness", "--version", 1, "--packaged").exit_code == 2


def test_versions_are_listed_with_the_one_in_production(tracking):
    register_prompts("prompts")
    edited()
    rows = json.loads(run("versions", "completeness", "--json").stdout)["versions"]
    assert [(row["version"], row["aliases"], row["is_packaged_text"]) for row in rows] == [
        (2, ["production"], False),
        (1, [], True),
    ]
    assert "production" in run("versions", "completeness").stdout.splitlines()[0]
    none = run("versions", "arbiter", "--prompts-schema", "a.b")
    assert (none.exit_code, none.stdout) == (0, "")
    assert "is not registered" in none.stderr


def test_a_schema_must_have_two_parts(tracking):
    for schema in ("main", "a.b.c", "a."):
        result = run("list", "--prompts-schema", schema)
        assert (result.exit_code, "is not CATALOG.SCHEMA" in result.stderr) == (2, True)


def test_unity_catalog_needs_a_schema_to_register_and_none_to_say_inline(tracking, monkeypatch):
    import mlflow

    mlflow.set_registry_uri("databricks-uc")
    assert collect_prompt_versions() == dict.fromkeys(JUDGE_PROMPTS, "inline")
    result = run("register", "--dry-run")
    assert (result.exit_code, "--prompts-schema" in result.stderr) == (2, True)
    mlflow.set_registry_uri("databricks")
    assert collect_prompt_versions() == dict.fromkeys(JUDGE_PROMPTS, "inline")
    result = run("register", "--dry-run")
    assert (result.exit_code, "databricks-uc" in result.stderr) == (2, True)


def test_a_snapshot_records_the_versions_in_production(local_workspace, tracking):
    from mlflow_genie_plugin.cli.snapshot import snapshot
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
    from mlflow_genie_plugin.registry import get_model

    def recorded(*arguments):
        result = CliRunner().invoke(snapshot, [SAMPLE_SPACE_ID, "--domain", "sample", "--no-uc", *arguments])
        assert result.exit_code == 0, result.stderr
        return json.loads(get_model(result.stdout.strip()).params["prompt_versions"])

    assert recorded() == dict.fromkeys(JUDGE_PROMPTS, "inline")
    register_prompts("prompts", uc_schema="main.genie")
    assert recorded("--prompts-schema", "main.genie") == dict.fromkeys(JUDGE_PROMPTS, 1)
    assert recorded() == dict.fromkeys(JUDGE_PROMPTS, "inline")
