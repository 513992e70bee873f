"""A version is held against the champion that is really registered, and against the space as it really is now."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
import yaml
from click.testing import CliRunner

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.cli.main import main
from mlflow_genie_plugin.emulator.sample import bad_edit, sample_benchmarks, sample_document
from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

pytestmark = pytest.mark.e2e


def genie(*arguments):
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, f"{arguments}: {result.exit_code}\n{result.output[-4000:]}"
    return json.loads(result.stdout)


def gates(folder: Path, model_id: str) -> tuple[int, str, dict]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "GITHUB"))}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "gates/", f"--model-id={model_id}"],
        capture_output=True, text=True, check=False, cwd=folder, env=environment,
    )  # fmt: skip
    assert (folder / "genie-verdict").is_dir(), run.stdout + run.stderr
    verdict = json.loads((folder / "genie-verdict" / "candidate" / "verdict.json").read_bytes())
    return run.returncode, " ".join(run.stdout.split()), {gate["gate"]: gate for gate in verdict["gates"]}


@pytest.fixture
def project(tmp_path, tracking, local_workspace):
    """Gates that compare with the champion and look at the live space, and 21 questions."""
    with as_file(files("mlflow_genie_plugin.suite")) as suite:
        copytree(suite, tmp_path / "gates", ignore=ignore_patterns("__pycache__"))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    path = tmp_path / "gates" / "criteria.yaml"
    text = path.read_text()
    # The first of each line belongs to the stage candidate.
    for old, new in (
        ("        parent: {rule: point, tolerance: 0.02, minimum_common: 0.8, no_baseline: allowed}",
         "        champion: {rule: point, tolerance: 0.02, minimum_common: 0.8, no_baseline: refused}"),
        ('drift: {off: "needs a workspace; the evaluation recorded the live space before and after asking"}',
         "drift: {same: behaviour}"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    document = yaml.safe_load(sample_benchmarks())
    document["benchmarks"] = document["benchmarks"][:21]
    (tmp_path / "questions.yaml").write_text(yaml.safe_dump(document))
    return tmp_path


def evaluated(project: Path, *options: str) -> str:
    model = genie("snapshot", SAMPLE_SPACE_ID, "--domain", "sample", *options)["model_id"]
    genie("evaluate", "--model-id", model, "--benchmarks", str(project / "questions.yaml"), "--no-traces")
    return model


def test_the_champion_and_the_live_space_are_looked_at(project, local_workspace):
    champion = evaluated(project, "--register", "sample")

    code, output, found = gates(project, champion)
    assert code == 10, output
    assert found["regression[champion]"]["outcome"] == "undecided"
    assert "has no alias champion" in found["regression[champion]"]["reason"]
    assert found["no_drift"]["outcome"] == "passed"

    registry.set_alias("sample", "champion", registry.versions_of_model(champion)[0].version)
    local_workspace.control.edit_space(SAMPLE_SPACE_ID, serialized_space=json.dumps(bad_edit(sample_document())))
    worse = evaluated(project, "--register", "sample", "--parent", champion)
    code, output, found = gates(project, worse)
    assert code == 1, output
    assert found["regression[champion]"]["outcome"] == "failed"
    assert champion in found["regression[champion]"]["reason"]
    assert found["no_drift"]["outcome"] == "passed"

    # The space holds the worse config, so the champion's own run fails for that reason alone.
    code, output, found = gates(project, champion)
    assert code == 1, output
    assert found["no_drift"]["outcome"] == "failed"
    assert "mlflow-genie drift" in found["no_drift"]["reason"]
    assert "same_config" not in {name for name, gate in found.items() if gate["outcome"] == "failed"}

    genie("restore", champion, "--yes")
    assert gates(project, champion)[2]["no_drift"]["outcome"] == "passed"
