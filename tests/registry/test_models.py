import socket
import sqlite3
import threading
import time
from contextlib import closing

import mlflow
import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import ModelNotFoundError, TrackingUnavailableError, UsageError


@pytest.fixture
def model(tracking):
    run = registry.create_run("creator")
    made = registry.create_model(
        "genie-sales-iter1-abc",
        source_run_id=run.run_id,
        experiment_id=run.experiment_id,
        params={"space_id": "s1"},
        tags={"domain": "sales"},
        model_type="genie-space",
    )
    client = mlflow.MlflowClient()
    from mlflow.entities import LoggedModelOutput

    client.log_outputs(run.run_id, [LoggedModelOutput(made.model_id, step=0)])
    registry.finalize_model(made.model_id, "READY")
    return registry.get_model(made.model_id)


def test_every_reference_form_resolves_to_the_same_id(model):
    version = registry.register_model(model.model_id, "sales")
    registry.set_alias("sales", "champion", version.version)
    references = [
        model.model_id,
        f"models:/{model.model_id}",
        f"models:/sales/{version.version}",
        "models:/sales/latest",
        "models:/sales@champion",
        f"runs:/{model.source_run_id}",
        f"runs:/{model.source_run_id}/{model.name}",
    ]
    assert {registry.resolve_model(reference).model_id for reference in references} == {model.model_id}


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("m-" + "0" * 32, "model m-000"),
        ("models:/nobody/1", "version 1 of registered model nobody does not exist"),
        ("models:/sales/9", "version 9 of registered model sales"),
        ("models:/sales@nobody", "alias nobody of registered model sales"),
        ("models:/nobody@champion", "alias champion of registered model nobody"),
        ("models:/nobody/latest", "registered model nobody"),
        ("runs:/" + "0" * 32, "run 000"),
    ],
)
def test_a_reference_to_nothing_names_what_is_missing(model, reference, says):
    registry.register_model(model.model_id, "sales")
    with pytest.raises(ModelNotFoundError) as caught:
        registry.resolve_model(reference)
    assert says in str(caught.value)
    assert "does not exist" in str(caught.value)


def test_a_run_without_a_model_says_so(tracking):
    run = registry.create_run("empty")
    with pytest.raises(ModelNotFoundError, match="has 0 models"):
        registry.resolve_model(f"runs:/{run.run_id}")


@pytest.mark.parametrize("reference", ["", "sales", "models:/sales", "models:/sales/Production", "models:/a/1/file"])
def test_text_that_is_no_reference_is_a_usage_error_that_lists_the_forms(tracking, reference):
    with pytest.raises(UsageError, match=r"models:/NAME@ALIAS"):
        registry.resolve_model(reference)


def test_a_model_that_was_never_finished_is_not_resolved(tracking):
    run = registry.create_run("creator")
    made = registry.create_model(
        "half", source_run_id=run.run_id, experiment_id=run.experiment_id, params={}, tags={}, model_type="x"
    )
    with pytest.raises(ModelNotFoundError, match="never finished"):
        registry.resolve_model(made.model_id)


def test_a_version_that_is_not_a_logged_model_is_refused(tracking, tmp_path):
    mlflow.MlflowClient().create_registered_model("files")
    mlflow.MlflowClient().create_model_version("files", str(tmp_path))
    with pytest.raises(ModelNotFoundError, match="not registered from a logged model"):
        registry.resolve_model("models:/files/1")


def test_models_registered_from_an_id_are_found_back_from_it(model):
    registry.register_model(model.model_id, "sales")
    registry.register_model(model.model_id, "sales")
    assert [(v.name, v.version) for v in registry.versions_of_model(model.model_id)] == [("sales", "1"), ("sales", "2")]


def test_search_returns_newest_first_and_only_exact_matches(model):
    assert [m.model_id for m in registry.search_models(experiment_ids=["0"], params={"space_id": "s1"})] == [
        model.model_id
    ]
    assert registry.search_models(experiment_ids=["0"], params={"space_id": "s"}) == []
    assert registry.search_models(experiment_ids=["0"], tags={"domain": "sales"}, status="PENDING") == []


def test_model_files_come_back_byte_for_byte(model, tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"x": "\xc3\xa9"}\n')
    mlflow.MlflowClient().log_model_artifact(model.model_id, str(tmp_path / "a.json"))
    assert registry.download_model_file(model, "a.json") == b'{"x": "\xc3\xa9"}\n'
    assert registry.list_model_files(model) == ["a.json"]
    with pytest.raises(ModelNotFoundError, match=r"file b\.json of model m-"):
        registry.download_model_file(model, "b.json")
    with pytest.raises(UsageError):
        registry.download_model_file(model, "../../mlflow.db")


def test_run_artifacts_come_back_byte_for_byte(tracking):
    run = registry.create_run("r", tags={"k": 1})
    registry.log_artifacts(run.run_id, {"model_state/a.json": b"1", "b.txt": b"2"})
    assert registry.list_run_artifacts(run.run_id) == ["b.txt", "model_state/a.json"]
    assert registry.download_run_artifact(run.run_id, "model_state/a.json") == b"1"
    assert registry.get_run(run.run_id).tags["k"] == "1"


def test_deleting_a_tag_that_is_not_there_is_fine(model):
    registry.delete_model_tag(model.model_id, "nope")
    registry.set_model_tags(model.model_id, {"n": 3})
    registry.delete_model_tag(model.model_id, "n")
    assert "n" not in registry.get_model(model.model_id).tags


def test_a_created_run_inherits_nothing_from_an_active_run(tracking):
    with mlflow.start_run():
        mlflow.log_param("p", 1)
        run = registry.create_run("own")
    assert run.params == {}
    assert "mlflow.parentRunId" not in run.tags


def test_a_refused_connection_fails_in_seconds_and_hides_the_password(monkeypatch):
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    mlflow.set_tracking_uri(f"http://me:secret@127.0.0.1:{port}")
    try:
        started = time.monotonic()
        with pytest.raises(TrackingUnavailableError) as caught:
            registry.get_model("m-" + "0" * 32)
        assert time.monotonic() - started < 5
        assert "secret" not in str(caught.value)
    finally:
        mlflow.set_tracking_uri(None)


def test_a_registry_that_does_not_answer_is_named_with_its_variable(tracking):
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    mlflow.set_registry_uri(f"http://127.0.0.1:{port}")
    with pytest.raises(TrackingUnavailableError, match=rf"registry URI http://127.0.0.1:{port}.*MLFLOW_REGISTRY_URI"):
        registry.get_model("m-" + "0" * 32)


def test_a_server_that_dies_after_the_first_contact_fails_in_seconds_too(tracking):
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/health" else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    mlflow.set_tracking_uri(f"http://127.0.0.1:{server.server_port}")
    try:
        started = time.monotonic()
        with pytest.raises(TrackingUnavailableError):
            registry.get_model("m-" + "0" * 32)
        assert time.monotonic() - started < 15
    finally:
        server.shutdown()
        server.server_close()


def test_a_locked_database_is_named_as_such(tracking):
    path = tracking.removeprefix("sqlite:///")

    def write_without_waiting():
        # The store itself waits 20 s for a lock before it raises this same error.
        with registry.translate_errors(), closing(sqlite3.connect(path, timeout=0)) as mine:
            mine.execute("UPDATE experiments SET name = 'x'")

    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TrackingUnavailableError, match="locked by another process"):
            write_without_waiting()


def test_a_database_in_a_missing_folder_is_one_clear_line(tmp_path):
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/missing/mlflow.db")
    try:
        with pytest.raises(TrackingUnavailableError, match="folder does not exist"):
            registry.current_experiment_id()
    finally:
        mlflow.set_tracking_uri(None)


def test_waiting_bounds_hold_only_inside_a_call_and_respect_the_users_own(monkeypatch):
    import os

    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    with registry.translate_errors(), registry.translate_errors():
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "2"
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"


def test_an_artifact_that_did_not_arrive_is_reported_with_its_cause(tracking):
    from mlflow.exceptions import MlflowException

    report = (
        "These failures occurred while downloading from /x:\n##### File a #####\n\n[Errno 28] No space left on device\n"
    )
    expected = r"from /x: \[Errno 28\] No space left on device — check"
    with pytest.raises(TrackingUnavailableError, match=expected), registry.translate_errors():
        raise MlflowException(report)
