"""Gate runs of several people and identities at the same time, in processes of their own, on SQLite and on a server."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from mlflow_genie_plugin.gating.mark import mark_tags
from mlflow_genie_plugin.gating.verdict import parse_verdict

pytestmark = pytest.mark.e2e

STAGE = "genie.gate.candidate."
FAILING_GATE = """
    import pytest

    @pytest.mark.genie_gate("answers_fast")
    def test_answers_come_fast():
        assert False
"""


def command(store, *arguments: str, project: Path | None = None, **environment: str) -> subprocess.Popen:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "MLFLOW", "GENIE", "GITHUB"))}
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=project or store.project,
        env={**inherited, **store.environment, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def gates(store, model: str, project: Path | None = None, **environment: str) -> subprocess.Popen:
    return command(
        store, "pytest", "-p", "no:cacheprovider", "gates/", f"--model-id={model}", project=project, **environment
    )


def verify(store, *arguments: str, **environment: str) -> tuple[int, str]:
    return ended(command(store, "mlflow_genie_plugin.cli.main", "verify", *arguments, **environment))


def ended(process: subprocess.Popen) -> tuple[int, str]:
    output, _ = process.communicate(timeout=150)
    return process.returncode, output


def with_failing_gate(store, folder: Path) -> Path:
    """Return a copy of the project whose team has a gate of its own, and it fails."""
    shutil.copytree(store.project, folder)
    criteria = folder / "gates" / "criteria.yaml"
    criteria.write_text(criteria.read_text().replace("custom_gates: []", "custom_gates: [answers_fast]"))
    (folder / "gates" / "test_answers_fast.py").write_text(textwrap.dedent(FAILING_GATE).lstrip())
    return folder


def require_whole_mark(store, model: str) -> str:
    """Return what the mark says, after making sure that all of its tags are of one and the same verdict."""
    tags = store.tags(model)
    data = run_artifact(store, tags[f"{STAGE}run_id"], "gate/verdict.json")
    wanted = mark_tags(parse_verdict(data), tags[f"{STAGE}run_id"], tags[f"{STAGE}verdict_sha256"], {})
    said = tags[f"{STAGE}verdict"]
    own = {key: value for key, value in wanted.items() if key.startswith(STAGE)}
    if said == "revoked":
        own[f"{STAGE}verdict"] = "revoked"
    assert {key: value for key, value in tags.items() if key.startswith(STAGE)} == own
    return said


def run_artifact(store, run_id: str, name: str) -> bytes:
    import sqlite3

    with closing(sqlite3.connect(store.database)) as connection:
        (uri,) = connection.execute("SELECT artifact_uri FROM runs WHERE run_uuid = ?", (run_id,)).fetchone()
    return (Path(uri.removeprefix("file://")) / name).read_bytes()


class Server:
    """``mlflow server`` with users: an admin, one who may write to the experiment, one who may only read."""

    def __init__(self, store, folder: Path) -> None:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        settings = folder / "auth.ini"
        settings.write_text(
            "[mlflow]\ndefault_permission = READ\nadmin_username = admin\n"
            f"database_uri = sqlite:///{folder}/users.db\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
            "auth_cache_ttl_seconds = 300\n"
        )
        self.log = folder / "server.log"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--port", str(port), "--workers",
             "1", "--backend-store-uri", f"sqlite:///{store.database}"],
            env={**os.environ, "MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_AUTH_ADMIN_PASSWORD": "admin-password",
                 "MLFLOW_FLASK_SERVER_SECRET_KEY": "only-for-this-test"},
            stdout=self.log.open("w"), stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def wait(self) -> None:
        deadline = time.monotonic() + 120
        while not self.answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.3)

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/health", timeout=5)
        except OSError:
            return False
        return True

    def post(self, path: str, version: str = "2.0", **body: str) -> None:
        token = base64.b64encode(b"admin:admin-password").decode()
        request = urllib.request.Request(
            f"{self.url}/api/{version}/mlflow/{path}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Basic {token}", "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30)

    def identity(self, name: str) -> dict[str, str]:
        return {
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_USERNAME": name,
            "MLFLOW_TRACKING_PASSWORD": f"{name}-password",
        }


@pytest.fixture(scope="module")
def server(gate_template, tmp_path_factory, request):
    pytest.importorskip("flask_wtf", reason="mlflow[auth] is not installed")
    from types import SimpleNamespace

    folder = tmp_path_factory.mktemp("auth-server")
    # Its own copy of the database; the class of the store comes from conftest, which cannot be imported by name.
    store = type(request.getfixturevalue("shared_gate_store"))(gate_template, folder)
    running = Server(store, folder)
    try:
        running.wait()
        for name in ("writer", "reader"):
            running.post("users/create", username=name, password=f"{name}-password")
        granted = {"username": "writer", "resource_type": "experiment", "resource_id": "0", "permission": "EDIT"}
        running.post("users/permissions/grant", "3.0", **granted)
        yield SimpleNamespace(store=store, identity=running.identity)
    finally:
        if running.process.poll() is None:
            os.killpg(running.process.pid, 9)
            running.process.wait(30)


def test_a_reader_decides_and_only_a_writer_who_verifies_marks(server):
    store, reader, writer = server.store, server.identity("reader"), server.identity("writer")
    store.forget_marks()
    code, output = ended(gates(store, store.good, **reader))
    assert code == 0, output
    assert "not marked: this identity may only read from MLflow" in output
    assert not store.tags(store.good)
    verdict = str(store.project / "genie-verdict" / "candidate" / "verdict.json")
    asked = ("--model-id", store.good, "--suite", "gates/", "--verdict", verdict)
    code, output = verify(store, *asked, "--mark", **reader)
    assert code == 10, output
    assert "not marked: this identity may only read from MLflow" in output
    assert not store.tags(store.good)
    code, output = verify(store, *asked, "--mark", **writer)
    assert code == 0, output
    assert "marked: passed for candidate" in output
    code, output = verify(store, "--model-id", store.good, **reader)
    assert code == 0, output


def test_a_stranger_learns_nothing_and_marks_nothing(server):
    stranger = {**server.identity("reader"), "MLFLOW_TRACKING_PASSWORD": "wrong"}
    code, output = ended(gates(server.store, server.store.bad, **stranger))
    assert code == 10, output
    assert "Traceback" not in output


@pytest.fixture(params=["sqlite", "server"])
def place(request, gate_store):
    """A store for writing, as a database of one's own and behind a server, and the environment that leads there."""
    from types import SimpleNamespace

    if request.param == "sqlite":
        return SimpleNamespace(store=gate_store, environment={})
    shared = request.getfixturevalue("server")
    shared.store.forget_marks()
    return SimpleNamespace(store=shared.store, environment=shared.identity("writer"))


def test_gate_runs_at_the_same_time_leave_one_whole_and_right_mark_each(place):
    store = place.store
    runs = [gates(store, model, **place.environment) for model in (store.good, store.good, store.bad)]
    results = [ended(run) for run in runs]
    assert [code for code, _ in results] == [0, 0, 1], results
    assert require_whole_mark(store, store.good) == "passed"
    assert require_whole_mark(store, store.bad) == "failed"
    code, output = verify(store, "--model-id", store.good, **place.environment)
    assert code == 0, output


def test_of_a_passing_and_a_failing_run_of_one_model_no_contradicted_mark_remains(place, tmp_path):
    store = place.store
    strict = with_failing_gate(store, tmp_path / "strict")
    runs = [gates(store, store.good, **place.environment), gates(store, store.good, strict, **place.environment)]
    (passing, passing_output), (failing, failing_output) = [ended(run) for run in runs]
    assert failing == 1, failing_output
    assert passing in (0, 10), passing_output
    verdicts = [
        parse_verdict((folder / "genie-verdict" / "candidate" / "verdict.json").read_bytes())
        for folder in (store.project, strict)
    ]
    said = require_whole_mark(store, store.good)
    if verdicts[1].decided_at >= verdicts[0].decided_at:
        assert said != "passed"
    code, output = verify(store, "--model-id", store.good, **place.environment)
    assert (code == 0) is (said == "passed"), output
