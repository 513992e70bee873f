import pytest

from mlflow_genie_plugin.cli import store_checks
from mlflow_genie_plugin.cli.preflight import require_ready
from mlflow_genie_plugin.errors import TrackingUnavailableError


class Remote:
    is_local = False


class Local:
    is_local = True


@pytest.mark.parametrize(
    ("uri", "chosen", "workspace", "status"),
    [
        ("sqlite:////tmp/x.db", False, Remote(), "fail"),
        ("sqlite:////tmp/x.db", True, Remote(), "ok"),
        ("sqlite:////tmp/x.db", False, Local(), "ok"),
        ("databricks", True, Remote(), "ok"),
        ("databricks://PROD", True, Remote(), "ok"),
        ("https://mlflow.example.com", True, Remote(), "ok"),
        ("postgresql+psycopg2://db:5432/mlflow", True, Remote(), "ok"),
    ],
)
def test_results_about_a_remote_workspace_need_a_shared_or_a_chosen_store(uri, chosen, workspace, status, monkeypatch):
    monkeypatch.setattr(store_checks, "_tracking_uri", lambda: uri)
    environ = {"MLFLOW_TRACKING_URI": uri} if chosen else {}
    assert store_checks.check_tracking_suits(workspace, environ).status == status


def test_a_command_that_writes_stops_before_it_begins(tracking, monkeypatch):
    require_ready(Local())
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(TrackingUnavailableError, match=r"file of this machine — set MLFLOW_TRACKING_URI=databricks"):
        require_ready(Remote())


@pytest.mark.parametrize(
    ("environ", "status", "words"),
    [
        ({}, "fail", "no credentials"),
        ({"AWS_ACCESS_KEY_ID": "a"}, "fail", "no credentials"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "ok", "AWS"),
        ({"AWS_PROFILE": "x", "MLFLOW_S3_ENDPOINT_URL": "http://minio:9000"}, "ok", "MLFLOW_S3_ENDPOINT_URL"),
        ({"AWS_PROFILE": "x", "MLFLOW_S3_ENDPOINT_URL": "minio:9000"}, "fail", "not an address"),
    ],
)
def test_artifacts_on_s3_need_boto3_credentials_and_an_address(environ, status, words, monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setenv("HOME", "/nonexistent")
    check = store_checks.check_artifact_root("s3://bucket/path", environ)
    assert (check.status, words in check.message) == (status, True)


def test_artifacts_on_s3_without_boto3_fail(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    check = store_checks.check_artifact_root("s3://bucket/path", {"AWS_PROFILE": "x"})
    assert (check.status, check.next_step) == ("fail", "pip install boto3")
