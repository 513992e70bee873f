"""What a person sees in MLflow's own pages after the quickstart, in a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@pytest.fixture(scope="module")
def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.environ.get("GENIE_REQUIRE_BROWSER"):
        pytest.fail("no Chromium found, and GENIE_REQUIRE_BROWSER is set")
    pytest.skip("no Chromium on this machine")


@pytest.fixture(scope="module")
def ui(quickstart):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "ui", "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{quickstart.directory / 'mlflow.db'}", "--port", str(port)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2).read()
            break
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline or server.poll() is not None:
                server.kill()
                pytest.fail("mlflow ui did not come up")
            time.sleep(0.3)
    yield address
    server.terminate()
    server.wait(20)


@pytest.fixture
def page_text(chromium, tmp_path):
    def read(address: str) -> str:
        run = subprocess.run(
            [
                *(chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                *(f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1600,1200"),
                *("--virtual-time-budget=25000", "--dump-dom", address),
            ],
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        return run.stdout

    return read


def test_the_versions_page_lists_both_snapshots(ui, page_text, quickstart):
    page = page_text(f"{ui}/#/experiments/{quickstart.experiment_id}/models")
    assert quickstart.good_name in page
    assert quickstart.bad_name in page


def test_the_version_page_shows_params_and_lineage(ui, page_text, quickstart):
    page = page_text(f"{ui}/#/experiments/{quickstart.experiment_id}/models/{quickstart.bad['model_id']}")
    assert "parent_model_id" in page
    assert quickstart.good["model_id"] in page
    assert "behaviour_sha256" in page


def test_the_evaluation_shows_a_trace_a_question(ui, page_text, quickstart):
    run = f"runs/{quickstart.good['evaluation_run_id']}/traces"
    page = page_text(f"{ui}/#/experiments/{quickstart.experiment_id}/{run}")
    assert "result_correctness" in page
