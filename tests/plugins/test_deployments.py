import json
import os
import subprocess
import sys

import pytest
from mlflow.deployments import get_deploy_client, run_local
from mlflow.exceptions import MlflowException

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
from mlflow_genie_plugin.snapshot.create import create_snapshot
from mlflow_genie_plugin.space.fingerprint import content_hash


@pytest.fixture
def saved(local_workspace, tracking):
    from mlflow_genie_plugin.workspace.auth import connect

    return create_snapshot(SAMPLE_SPACE_ID, "sales", workspace=connect(), capture_uc=False, register="sales")


@pytest.fixture
def client(saved):
    return get_deploy_client("genie")


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


def save(domain="sales"):
    from mlflow_genie_plugin.workspace.auth import connect

    return create_snapshot(SAMPLE_SPACE_ID, domain, workspace=connect(), capture_uc=False)


@pytest.mark.parametrize("method", ["create_deployment", "update_deployment"])
def test_deploying_restores_the_version_over_a_saved_one(client, saved, edit, document, method):
    edit()
    save()
    result = getattr(client, method)(SAMPLE_SPACE_ID, f"models:/{saved.model_id}")
    assert (result["name"], result["flavor"], result["outcome"]) == (SAMPLE_SPACE_ID, "genie-space", "restored")
    assert content_hash(document()) == saved.config_sha256


def test_an_edit_nobody_saved_is_not_overwritten_unless_forced(client, saved, edit, document):
    edited = edit()
    with pytest.raises(MlflowException, match="never saved"):
        client.create_deployment(SAMPLE_SPACE_ID, "models:/sales/1")
    assert document() == edited
    result = client.create_deployment(SAMPLE_SPACE_ID, "models:/sales/1", config={"force": "true"})
    assert content_hash(document()) == saved.config_sha256
    assert registry.get_model(result["safety_model_id"]).params["config_sha256"] == content_hash(edited)


def test_a_space_is_found_by_its_exact_title(client, saved, edit):
    title = saved.title
    assert client.create_deployment(title, f"models:/{saved.model_id}")["outcome"] == "unchanged"
    with pytest.raises(MlflowException, match="no spaces have the title"):
        client.create_deployment(title[:-1], f"models:/{saved.model_id}")


def test_get_names_the_version_the_space_holds(client, saved, edit):
    assert client.get_deployment(SAMPLE_SPACE_ID)["model_id"] == saved.model_id
    edit()
    assert client.get_deployment(SAMPLE_SPACE_ID)["model_id"] is None
    later = save()
    assert client.get_deployment(SAMPLE_SPACE_ID)["model_id"] == later.model_id
    assert [space["name"] for space in client.list_deployments()] == [SAMPLE_SPACE_ID]


def test_predict_asks_the_live_space(client, local_workspace):
    local_workspace.control.script_answer(text="scripted", times=0)
    response = client.predict(SAMPLE_SPACE_ID, {"inputs": ["How many orders?", "And parts?"]})
    assert [row["text"] for row in json.loads(response.to_json())["predictions"]] == ["scripted", "scripted"]
    assert response.get_predictions()["question"].tolist() == ["How many orders?", "And parts?"]


def test_delete_never_touches_the_space(client, document, local_workspace):
    before = document()
    local_workspace.control.clear_requests()
    client.delete_deployment(SAMPLE_SPACE_ID)
    client.delete_deployment(SAMPLE_SPACE_ID)
    assert local_workspace.control.requests() == []
    assert document() == before


def test_a_production_space_is_guarded_here_too(client, saved, edit, document, monkeypatch):
    monkeypatch.setenv("GENIE_PRODUCTION_SPACES", SAMPLE_SPACE_ID)
    edited = edit()
    save()
    with pytest.raises(MlflowException, match="MG313"):
        client.create_deployment(SAMPLE_SPACE_ID, f"models:/{saved.model_id}")
    assert document() == edited


@pytest.mark.parametrize(
    ("config", "says"), [({"forse": "true"}, "unknown config: forse"), ({"force": "yes"}, "use true or false")]
)
def test_config_that_means_nothing_is_refused(client, saved, config, says):
    with pytest.raises(MlflowException, match=says):
        client.create_deployment(SAMPLE_SPACE_ID, f"models:/{saved.model_id}", config=config)


def test_another_flavor_a_missing_model_and_a_missing_name_are_refused(client, saved):
    with pytest.raises(MlflowException, match="flavor sklearn"):
        client.create_deployment(SAMPLE_SPACE_ID, f"models:/{saved.model_id}", flavor="sklearn")
    with pytest.raises(MlflowException, match="MG301"):
        client.create_deployment(SAMPLE_SPACE_ID, "models:/nobody/1")
    with pytest.raises(MlflowException, match="no model is given"):
        client.update_deployment(SAMPLE_SPACE_ID)
    with pytest.raises(MlflowException, match="no deployment is given"):
        client.predict(inputs="q")


def test_running_locally_points_to_the_local_workspace(saved):
    with pytest.raises(MlflowException, match="mlflow-genie local serve"):
        run_local("genie", "x", f"models:/{saved.model_id}")


def test_mlflows_own_command_line_says_in_one_line_why_not(saved, tmp_path):
    from click.testing import CliRunner
    from mlflow.deployments.cli import commands

    missing = f"models:/m-{'0' * 32}"
    result = CliRunner().invoke(commands, ["create", "-t", "genie", "--name", SAMPLE_SPACE_ID, "-m", missing])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("Error: [MG301] model m-000")


@pytest.mark.e2e
def test_mlflows_own_command_line_deploys_and_asks(saved, edit, document, local_workspace, tmp_path):
    local_workspace.control.script_answer(text="scripted", times=0)
    edit()
    (tmp_path / "in.json").write_text('{"inputs": ["How many orders?"]}')

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "mlflow", "deployments", *arguments, "-t", "genie"],
            capture_output=True, text=True, env=os.environ, check=False, timeout=120,
        )  # fmt: skip

    created = run("create", "--name", saved.title, "-m", "models:/sales/1", "-C", "force=true")
    assert created.returncode == 0, created.stderr
    assert "genie-space deployment" in created.stdout
    assert content_hash(document()) == saved.config_sha256
    asked = run("predict", "--name", SAMPLE_SPACE_ID, "-I", str(tmp_path / "in.json"))
    assert asked.returncode == 0, asked.stderr
    assert "scripted" in asked.stdout
    assert "Config (-C NAME=VALUE)" in run("help").stdout
