"""The same promises behind ``mlflow server``, where artifacts go through HTTP too."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing

import mlflow
import pytest

import mlflow_genie_plugin as genie
from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import ModelNotFoundError, TamperedModelError, TrackingUnavailableError
from mlflow_genie_plugin.flavor.load import read_snapshot
from mlflow_genie_plugin.snapshot.lineage import lineage, verify_chain

SPACE_ID = "1" * 32
DOCUMENT = {"version": 2, "data_sources": {}, "future": "Grüße"}


def stop(process):
    if process.poll() is None:
        os.killpg(process.pid, 9)
        process.wait(30)


@pytest.fixture
def server(tracking, tracking_template, tmp_path, monkeypatch):
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copyfile(tracking_template, folder / "mlflow.db")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
         "--artifacts-destination", str(folder / "artifacts"), "--port", str(port), "--workers", "1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ, start_new_session=True,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=5)
                break
            except OSError:
                assert process.poll() is None, "mlflow server ended"
                assert time.monotonic() < deadline, "mlflow server did not start"
                time.sleep(0.3)
        mlflow.set_tracking_uri(url)
        mlflow.set_registry_uri(url)
        monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)
        mlflow.set_experiment("genie")
        yield url, process, folder / "artifacts"
    finally:
        stop(process)


@pytest.mark.e2e
def test_versions_lineage_registry_and_outage_over_http(server, capsys):
    _, process, files = server
    first = genie.create_genie_model_version(SPACE_ID, DOCUMENT, 1, "sales", patch_set=[{"type": "x"}])
    second = genie.create_genie_model_version(
        SPACE_ID, DOCUMENT, 2, "sales", parent_model_id=first, register="genie.sales"
    )
    assert capsys.readouterr().out == ""  # it belongs to the result of a command
    snapshot = read_snapshot("models:/genie.sales/1")
    assert snapshot.model_id == second
    assert snapshot.config.document == DOCUMENT
    assert [link.problem for link in verify_chain(lineage(second))] == [None, None]
    registry.set_alias("genie.sales", "champion", "1")
    assert registry.resolve_model("models:/genie.sales@champion").model_id == second
    assert [version.version for version in registry.versions_of_model(second)] == ["1"]
    run_id = registry.get_model(first).source_run_id
    assert "patches/patch_summary.json" in registry.list_run_artifacts(run_id)
    assert "patches/patch_set.json" in registry.list_model_files(registry.get_model(first))
    assert mlflow.pyfunc.load_model(f"models:/{second}").get_raw_model().document == DOCUMENT
    with pytest.raises(ModelNotFoundError, match="does not exist"):
        registry.get_model("m-" + "0" * 32)
    with pytest.raises(ModelNotFoundError, match="alias nobody"):
        registry.resolve_model("models:/genie.sales@nobody")

    (file,) = files.rglob(f"{second}/**/genie_space.json")
    copy = file.rename(file.with_name("copy"))
    with pytest.raises(TamperedModelError, match=r"genie_space\.json of model .* is gone"):
        read_snapshot(second)
    file.symlink_to("/etc/hostname")
    with pytest.raises(TamperedModelError, match="was replaced: a symbolic link stands in its place"):
        read_snapshot(second)
    file.unlink()
    file.mkdir()
    for _ in range(2):  # empty, and with something in it
        with pytest.raises(TamperedModelError, match="was replaced: a folder stands in its place"):
            read_snapshot(second)
        (file / "x").touch()
    shutil.rmtree(file)
    copy.rename(file)
    assert read_snapshot(second).config.document == DOCUMENT

    stop(process)
    started = time.monotonic()
    with pytest.raises(TrackingUnavailableError, match="failed: it does not answer any more — check"):
        read_snapshot(second)
    with pytest.raises(TrackingUnavailableError):
        genie.create_genie_model_version(SPACE_ID, DOCUMENT, 3, "sales")
    assert time.monotonic() - started < 40
