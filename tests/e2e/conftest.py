import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Quickstart:
    directory: Path
    result: dict[str, Any]
    talk: str

    @property
    def good(self) -> dict[str, Any]:
        return self.result["good"]

    @property
    def bad(self) -> dict[str, Any]:
        return self.result["bad"]

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.directory / 'mlflow.db'}",
            "MLFLOW_EXPERIMENT_NAME": "genie-quickstart",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def _model(self, model_id: str) -> Any:
        import mlflow

        return mlflow.MlflowClient(f"sqlite:///{self.directory / 'mlflow.db'}").get_logged_model(model_id)

    @property
    def experiment_id(self) -> str:
        return self._model(self.good["model_id"]).experiment_id

    @property
    def good_name(self) -> str:
        return self._model(self.good["model_id"]).name

    @property
    def bad_name(self) -> str:
        return self._model(self.bad["model_id"]).name


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory) -> Quickstart:
    # Inside a project with pytest settings and a conftest of its own, as in a checkout.
    project = tmp_path_factory.mktemp("quickstart")
    (project / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')
    (project / "conftest.py").write_text("")
    directory = project / "story"
    run = subprocess.run(
        [sys.executable, "-m", "mlflow_genie_plugin.cli.main", "quickstart", "--dir", str(directory), "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:] + run.stdout[-2000:]
    return Quickstart(directory, json.loads(run.stdout), run.stderr)
