"""A scripted workspace for tests of retries, lost answers and secrets: a real HTTP server, the real SDK before it."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

_CLEARED = ("DATABRICKS_", "ARM_", "GOOGLE_", "GENIE_", "MLFLOW_TRACKING")


class FakeClock:
    """Time that passes only by sleeping (and by ``advance``)."""

    def __init__(self):
        self.seconds = 1000.0
        self.slept = []
        self._lock = threading.Lock()

    def monotonic(self):
        return self.seconds

    def now(self):
        return datetime(2026, 11, 20, 12, 0, tzinfo=UTC) + timedelta(seconds=self.seconds - 1000.0)

    def sleep(self, seconds):
        with self._lock:
            if seconds > 0:
                self.slept.append(seconds)
                self.seconds += seconds

    def advance(self, seconds):
        self.seconds += seconds


@dataclass
class Script:
    """Answers by route: each a list used up in order (the last one stays), or a function of (query, body)."""

    routes: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)
    url: str = ""

    def on(self, method, path, *answers):
        self.routes[method, path] = list(answers)

    def sent(self, method, path=None):
        return [item for item in self.requests if item[0] == method and path in (None, item[1])]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def clean_environment(monkeypatch, tmp_path):
    import os

    for name in list(os.environ):
        if name.startswith(_CLEARED):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GENIE_STATE_DIR", str(tmp_path / "state"))
    # Without this the SDK would look for the Databricks CLI and clouds' metadata services.
    monkeypatch.setenv("PATH", "")
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return home


@pytest.fixture
def script():
    """A scripted server; an answer is (status, body[, headers]), "drop" (answer nothing) or a callable."""
    story = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def log_message(self, *args):
            pass

        def _serve(self):
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            if parts.path == "/.well-known/databricks-config":
                return self._send(200, {"oidc_endpoint": story.url, "workspace_id": "7"}, {})
            story.requests.append((self.command, parts.path, query, body))
            answers = story.routes.get((self.command, parts.path))
            if not answers:
                return self._send(501, {"error_code": "NOT_IMPLEMENTED", "message": f"{self.command} {parts.path}"}, {})
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if callable(answer):
                answer = answer(query, body)
            if answer == "drop":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return None
            status, content, *headers = answer
            return self._send(status, content, headers[0] if headers else {})

        def _send(self, status, content, headers):
            data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class looks for these names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    story.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    story.on("GET", "/api/2.0/genie/spaces", (200, {"spaces": []}))
    yield story
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings(tmp_path):
    from mlflow_genie_plugin.settings import Settings

    return Settings(questions_per_minute=0, state_dir=tmp_path / "state")


@pytest.fixture
def workspace(script, clock, settings, clean_environment, monkeypatch):
    """The real adapter, signed in to the scripted server, on a clock that does not wait."""
    from mlflow_genie_plugin.workspace.auth import connect

    monkeypatch.setenv("DATABRICKS_HOST", script.url)
    monkeypatch.setenv("DATABRICKS_TOKEN", "planted-token-4711")
    return connect(settings=settings, clock=clock, prove=False)
