import json

import mlflow
import pytest
import yaml
from mlflow.models import Model

import mlflow_genie_plugin as genie
from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import InvalidSpaceError, UsageError
from mlflow_genie_plugin.flavor.load import read_snapshot


def test_a_saved_folder_holds_the_config_and_no_code(answer, tmp_path):
    genie.save_model(answer, tmp_path / "m")
    names = {path.name for path in (tmp_path / "m").rglob("*")}
    assert names == {"MLmodel", "genie_space.json", "conda.yaml", "python_env.yaml", "requirements.txt"}
    stored = json.loads((tmp_path / "m" / "genie_space.json").read_text(encoding="utf-8"))
    assert stored["serialized_space"] == answer["serialized_space"]
    assert stored["envelope"] == {
        "title": "Verkäufe",
        "description": "d",
        "warehouse_id": "5a3b1e0c0de00001",
        "parent_path": None,
    }


def test_the_document_comes_back_equal_from_a_folder_and_from_a_model(answer, tmp_path, tracking):
    genie.save_model(answer, tmp_path / "m")
    info = genie.log_model(answer, name="sales")
    for uri in (str(tmp_path / "m"), (tmp_path / "m").as_uri(), info.model_uri, info.model_id):
        config = genie.load_model(uri)
        assert config.document == answer["serialized_space"]
        assert config.envelope.title == "Verkäufe"
        assert (config.space_id, config.etag) == (answer["space_id"], "e1")


def test_loading_into_a_folder_leaves_a_model_that_loads(answer, tmp_path, tracking):
    info = genie.log_model(answer, name="sales")
    genie.load_model(info.model_uri, dst_path=str(tmp_path))
    assert genie.load_model(str(tmp_path)).document == answer["serialized_space"]


def test_integers_beyond_64_bits_survive(answer, tmp_path):
    answer["serialized_space"]["future_key"] = 2**80
    genie.save_model(answer, tmp_path / "m")
    assert genie.load_model(str(tmp_path / "m")).document["future_key"] == 2**80


def test_a_json_file_a_config_and_a_bare_document_are_accepted(answer, tmp_path):
    (tmp_path / "s.json").write_text(json.dumps(answer), encoding="utf-8")
    genie.save_model(tmp_path / "s.json", tmp_path / "a")
    genie.save_model(genie.load_model(str(tmp_path / "a")), tmp_path / "b")
    genie.save_model(answer["serialized_space"], tmp_path / "c", space_id=answer["space_id"])
    hashes = {genie.load_model(str(tmp_path / name)).content_sha256 for name in "abc"}
    assert len(hashes) == 1


def test_the_hashes_are_write_once_params_of_the_model(answer, tracking):
    info = genie.log_model(answer, name="sales", params={"iteration": 4}, tags={"domain": "sales"})
    record = registry.get_model(info.model_id)
    config = genie.load_model(info.model_uri)
    assert record.params["config_sha256"] == config.content_sha256
    assert record.params["config_hash"] == config.content_sha256[:12]
    assert record.params["behaviour_sha256"] == config.behaviour_sha256
    assert record.params["space_id"] == answer["space_id"]
    assert record.params["iteration"] == "4"
    assert (record.tags["domain"], record.model_type) == ("sales", "genie-space")


def test_resources_name_the_space_its_warehouse_tables_and_functions(answer, tmp_path):
    genie.save_model(answer, tmp_path / "m")
    resources = yaml.safe_load((tmp_path / "m" / "MLmodel").read_text())["resources"]["databricks"]
    assert resources["genie_space"] == [{"name": answer["space_id"]}]
    assert resources["sql_warehouse"] == [{"name": "5a3b1e0c0de00001"}]
    assert [entry["name"] for entry in resources["table"]] == ["samples.tpch.orders", "samples.tpch.order_metrics"]
    assert resources["function"] == [{"name": "samples.tpch.top_customers"}]


def test_an_auth_policy_replaces_the_resources(answer, tracking):
    from mlflow.models.auth_policy import AuthPolicy, SystemAuthPolicy

    policy = AuthPolicy(system_auth_policy=SystemAuthPolicy(resources=[]))
    info = genie.log_model(answer, name="sales", auth_policy=policy)
    assert Model.load(info.model_uri).resources is None


def test_requirements_are_the_package_and_mlflow_and_nothing_is_inferred(answer, tmp_path):
    genie.save_model(answer, tmp_path / "m", extra_pip_requirements=["polars"])
    lines = (tmp_path / "m" / "requirements.txt").read_text().split()
    assert [line.partition("==")[0] for line in lines] == ["mlflow", "mlflow-genie-plugin", "polars"]
    assert genie.get_default_pip_requirements() == [f"mlflow-genie-plugin=={genie.__version__}"]
    assert genie.get_default_conda_env()["dependencies"][-1]["pip"][-1] == f"mlflow-genie-plugin=={genie.__version__}"


@pytest.mark.parametrize(
    "arguments",
    [
        {"pip_requirements": ["mlflow", "mlflow-genie-plugin"]},
        {"conda_env": {"dependencies": ["python=3.11", {"pip": ["mlflow"]}]}},
        {"metadata": {"owner": "ana"}},
        {"input_example": ["How many orders?"]},
        {"model_config": {"timeout_seconds": 30}},
    ],
)
def test_mlflows_usual_arguments_give_a_model_that_loads(answer, tracking, arguments):
    info = genie.log_model(answer, name="sales", **arguments)
    assert read_snapshot(info.model_id).config.document == answer["serialized_space"]


def test_logging_never_asks_the_space_even_with_an_example(answer, tracking, monkeypatch):
    monkeypatch.setenv("DATABRICKS_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("DATABRICKS_TOKEN", "nobody")
    info = genie.log_model(answer, name="sales", input_example=["How many orders?"], validate_serving_input=True)
    assert registry.get_model(info.model_id).is_ready


def test_code_paths_are_refused(answer, tmp_path):
    with pytest.raises(UsageError, match="holds no code"):
        genie.save_model(answer, tmp_path / "m", code_paths=["x.py"])
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "config", [{"allow_drift": True}, {"space_id": "0" * 32}, {"verify": "file"}, {"tiemout_seconds": 3}]
)
def test_a_model_cannot_switch_its_own_checks_off(answer, tmp_path, config):
    with pytest.raises(UsageError, match="model_config"):
        genie.save_model(answer, tmp_path / "m", model_config=config)


def test_a_config_without_a_space_id_is_refused(answer, tmp_path):
    with pytest.raises(UsageError, match="give space_id"):
        genie.save_model(answer["serialized_space"], tmp_path / "m")
    with pytest.raises(UsageError, match="but space_id is"):
        genie.save_model(answer, tmp_path / "m", space_id="0" * 32)
    with pytest.raises(InvalidSpaceError):
        genie.save_model({"hello": 1}, tmp_path / "m", space_id="0" * 32)


def test_params_of_an_active_run_cannot_replace_the_hashes(answer, tracking):
    with mlflow.start_run():
        mlflow.log_param("config_sha256", "f" * 64)
        with pytest.raises(UsageError, match="the run's params hold config_sha256"):
            genie.log_model(answer, name="sales")
    with pytest.raises(UsageError, match="params hold space_id"):
        genie.log_model(answer, name="sales", params={"space_id": "other"})
    assert registry.search_models(experiment_ids=["0"], status=None) == []


def test_an_active_run_is_linked_and_without_one_no_run_is_made(answer, tracking):
    with mlflow.start_run() as run:
        info = genie.log_model(answer, name="sales")
    assert registry.get_model(info.model_id).source_run_id == run.info.run_id
    alone = genie.log_model(answer, name="alone")
    assert registry.get_model(alone.model_id).source_run_id is None
    assert len(mlflow.search_runs()) == 1


def test_a_finished_model_cannot_be_logged_again(answer, tracking):
    info = genie.log_model(answer, name="sales")
    with pytest.raises(UsageError, match="is finished"):
        genie.log_model(answer, model_id=info.model_id)


def test_registering_while_logging_works(answer, tracking):
    info = genie.log_model(answer, name="sales", registered_model_name="sales")
    assert registry.resolve_model("models:/sales/1").model_id == info.model_id
