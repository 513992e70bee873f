"""Snapshot, load and import cost, as ratios against a trivial flavor with the same run and artifacts.

The trivial flavor writes the same files into a model of the same kind with the same calls to MLflow and checks nothing;
its loader reads the JSON and returns it. Space: the sample space. Store: SQLite on this disk.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 25
SPACE_ID = "01f0c0de5a3b1e0c8000000000005a1e"


class TrivialModel:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def predict(self, data: Any, params: Any = None) -> Any:  # noqa: ARG002
        return data


def _load_pyfunc(path: str) -> TrivialModel:
    return TrivialModel(json.loads(Path(path).read_bytes()))


def save_model(path: str, mlflow_model: Any, files: dict[str, bytes], entry: dict[str, str]) -> None:
    """Write the same files as the real flavor, with MLflow's own helpers and no checks."""
    from mlflow import pyfunc
    from mlflow.utils.environment import _process_pip_requirements, _PythonEnv

    from mlflow_genie_plugin.flavor.serving import default_signature
    from mlflow_genie_plugin.registry.runs import write_files

    folder = Path(path)
    folder.mkdir()
    write_files(folder, files)
    mlflow_model.signature = default_signature()
    pyfunc.add_to_model(
        mlflow_model, loader_module="bench_flavor", data="genie_space.json", conda_env="conda.yaml",
        python_env="python_env.yaml",
    )  # fmt: skip
    mlflow_model.add_flavor("trivial", data="genie_space.json", **entry)
    mlflow_model.save(str(folder / "MLmodel"))
    conda, requirements, _ = _process_pip_requirements(["mlflow-genie-plugin"], None, None)
    import yaml

    (folder / "conda.yaml").write_text(yaml.safe_dump(conda))
    (folder / "requirements.txt").write_text("\n".join(requirements))
    _PythonEnv.current().to_yaml(str(folder / "python_env.yaml"))


def trivial_snapshot(text: str, params: dict[str, str], more: dict[str, bytes], resources: list[Any]) -> str:
    """Create the run, the model and all files as the real snapshot does, without reading, hashing or checking."""
    import mlflow
    from mlflow.models import Model

    client = mlflow.MlflowClient()
    run = client.create_run("0", run_name="trivial")
    model = client.create_logged_model(
        "0", name="trivial", source_run_id=run.info.run_id, params=params, tags={"domain": "x"}, model_type="trivial"
    )
    with tempfile.TemporaryDirectory() as folder:
        from mlflow_genie_plugin.registry.runs import write_files

        write_files(Path(folder), {"model_state/genie_config.json": text.encode(), **more})
        client.log_artifacts(run.info.run_id, folder)
    Model.log(
        artifact_path=None, flavor=sys.modules[__name__], run_id=run.info.run_id, model_id=model.model_id,
        files={"genie_space.json": text.encode(), **more}, resources=resources, entry=dict(list(params.items())[:6]),
    )  # fmt: skip
    client.set_terminated(run.info.run_id)
    return str(model.model_id)


def compare(name: str, ours: Callable[[], Any], baseline: Callable[[], Any]) -> None:
    """Print the ratio of the medians; the two take turns, so that a busy machine slows both."""
    taken: dict[str, list[float]] = {"ours": [], "baseline": []}
    ours(), baseline()
    for _ in range(ROUNDS):
        for label, call in (("ours", ours), ("baseline", baseline)):
            started = time.perf_counter()
            call()
            taken[label].append(time.perf_counter() - started)
    medians = {label: statistics.median(values) for label, values in taken.items()}
    ratio = medians["ours"] / medians["baseline"]
    print(f"{name:32} {ratio:5.2f} x  ({medians['ours'] * 1e3:.1f} ms against {medians['baseline'] * 1e3:.1f} ms)")


def import_cost(module: str) -> float:
    """Return the median milliseconds that ``import module`` adds to a Python that has started."""
    # pytest is there anyway when its plugin is imported.
    script = f"import time, pytest; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(7)
    ]
    return statistics.median(float(run.stdout) for run in runs) * 1e3


def main() -> None:
    for module in ("mlflow_genie_plugin", "mlflow_genie_plugin.plugins.pytest_gates"):
        print(f"import {module:42} {import_cost(module):5.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ.update(MLFLOW_TRACKING_URI="sqlite:///mlflow.db", MLFLOW_DISABLE_TELEMETRY="true")
        logging.disable(logging.WARNING)
        import mlflow

        import mlflow_genie_plugin as genie
        from mlflow_genie_plugin import registry
        from mlflow_genie_plugin.emulator.sample import sample_document
        from mlflow_genie_plugin.flavor.load import read_snapshot
        from mlflow_genie_plugin.flavor.serving import default_resources
        from mlflow_genie_plugin.space.config import SpaceConfig

        with contextlib.redirect_stderr(io.StringIO()):
            mlflow.MlflowClient().search_experiments()
        config = SpaceConfig(sample_document())
        ours_id = genie.create_genie_model_version(SPACE_ID, config, 1, "bench")
        record = registry.get_model(ours_id)
        snapshot = read_snapshot(record)
        text = snapshot.file.data.decode()
        more = {
            name: registry.download_model_file(record, name)
            for name in registry.list_model_files(record)
            if name.startswith("model_state/")
        }
        resources = default_resources(snapshot.config)
        trivial_id = trivial_snapshot(text, record.params, more, resources)
        document = config.document
        compare(
            "snapshot",
            lambda: genie.create_genie_model_version(SPACE_ID, SpaceConfig(document), 1, "bench"),
            lambda: trivial_snapshot(text, record.params, more, resources),
        )
        compare(
            "mlflow.pyfunc.load_model",
            lambda: mlflow.pyfunc.load_model(f"models:/{ours_id}"),
            lambda: mlflow.pyfunc.load_model(f"models:/{trivial_id}"),
        )


if __name__ == "__main__":
    main()
