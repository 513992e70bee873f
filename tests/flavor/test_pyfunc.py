import json
import os
import subprocess
import sys

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

import mlflow_genie_plugin as genie
from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import (
    DriftedSpaceError,
    InvalidSettingError,
    SpaceNotEditableError,
    TamperedModelError,
    TrackingUnavailableError,
)
from mlflow_genie_plugin.flavor.answer_row import COLUMNS
from mlflow_genie_plugin.snapshot.create import create_snapshot

QUESTIONS = ["How many orders are there?", "Something else?"]


@pytest.fixture
def space_id():
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

    return SAMPLE_SPACE_ID


@pytest.fixture
def record(local_workspace, tracking, space_id):
    from mlflow_genie_plugin.workspace.auth import connect

    made = create_snapshot(space_id, "sales", workspace=connect(), capture_uc=False, register="sales")
    registry.set_alias("sales", "champion", "1")
    return made


@pytest.fixture
def scripted(local_workspace):
    """Answers that do not depend on what the local workspace can work out."""
    local_workspace.control.script_answer(text="scripted", times=0)


@pytest.mark.parametrize(
    "data",
    [
        QUESTIONS,
        pd.DataFrame({"question": QUESTIONS}),
        pd.Series(QUESTIONS),
        {"question": QUESTIONS},
        [{"question": QUESTIONS[0]}, {"question": QUESTIONS[1]}],
        np.array(QUESTIONS),
    ],
    ids=["list", "frame", "series", "dict", "dicts", "array"],
)
def test_every_shape_of_questions_gives_one_row_each(record, scripted, data):
    model = mlflow.pyfunc.load_model(f"models:/{record.model_id}")
    answers = model.predict(data)
    assert list(answers.columns) == list(COLUMNS)
    assert answers["question"].tolist() == QUESTIONS
    assert answers["status"].tolist() == ["COMPLETED", "COMPLETED"]
    assert answers["text"].tolist() == ["scripted", "scripted"]
    assert answers["conversation_id"].nunique() == 2


def test_one_question_as_plain_text_is_one_row(record, scripted):
    model = mlflow.pyfunc.load_model(f"models:/{record.model_id}")
    assert model.predict(QUESTIONS[0])["question"].tolist() == QUESTIONS[:1]


def test_every_address_of_a_model_loads(record, scripted, tmp_path):
    genie.save_model(genie.load_model(record.model_id), tmp_path / "m")
    for uri in (
        f"models:/{record.model_id}",
        "models:/sales/1",
        "models:/sales@champion",
        f"runs:/{record.run_id}/{record.name}",
        str(tmp_path / "m"),
    ):
        model = mlflow.pyfunc.load_model(uri)
        assert len(model.predict(QUESTIONS)) == 2
        assert genie.load_model(uri).content_sha256 == record.config_sha256


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame({"id": ["1"], "question": ["q"]}),
        pd.DataFrame({"foo": ["q"]}),
        {"foo": ["q"]},
        [""],
        ["  "],
        [],
        ["q", None],
        [3],
        pd.DataFrame({"question": []}),
        {"question": []},
    ],
)
def test_what_is_no_question_is_refused_and_nothing_is_asked(record, local_workspace, data):
    model = mlflow.pyfunc.load_model(f"models:/{record.model_id}")
    with pytest.raises(MlflowException):
        model.predict(data)
    assert not [r for r in local_workspace.control.requests() if r["route"] == "genie.start_conversation"]


def test_a_changed_space_is_not_asked_unless_drift_is_allowed(record, scripted, local_workspace, space_id):
    document = json.loads(local_workspace.control.space(space_id)["serialized_space"])
    document["instructions"]["text_instructions"] = []
    local_workspace.control.edit_space(space_id, document)
    model = mlflow.pyfunc.load_model(f"models:/{record.model_id}")
    with pytest.raises(DriftedSpaceError, match="configured differently"):
        model.predict(QUESTIONS)
    assert not [r for r in local_workspace.control.requests() if r["route"] == "genie.start_conversation"]
    allowed = mlflow.pyfunc.load_model(f"models:/{record.model_id}", model_config={"allow_drift": True})
    assert len(allowed.predict(QUESTIONS)) == 2


def test_changed_benchmarks_are_no_drift_of_answers(record, scripted, local_workspace, space_id):
    document = json.loads(local_workspace.control.space(space_id)["serialized_space"])
    document["benchmarks"]["questions"] = []
    local_workspace.control.edit_space(space_id, document)
    assert len(mlflow.pyfunc.load_model(f"models:/{record.model_id}").predict(QUESTIONS)) == 2


def test_an_identity_that_cannot_compare_is_told_how_to_go_on(record, local_workspace, space_id, monkeypatch):
    token = local_workspace.control.add_identity("reader@example.com", level="CAN_RUN", space_id=space_id)
    monkeypatch.setenv("DATABRICKS_TOKEN", token)
    with pytest.raises(SpaceNotEditableError, match="allow_drift"):
        mlflow.pyfunc.load_model(f"models:/{record.model_id}").predict(QUESTIONS)


def test_a_failed_answer_is_a_row_with_its_error(record, local_workspace):
    local_workspace.control.script_answer(
        status="FAILED", question=QUESTIONS[0], error_type="TABLES_MISSING_EXCEPTION", error="table is gone"
    )
    local_workspace.control.script_answer(text="ok", times=0)
    answers = mlflow.pyfunc.load_model(f"models:/{record.model_id}").predict(QUESTIONS)
    assert answers["status"].tolist() == ["FAILED", "COMPLETED"]
    assert "table is gone" in answers["error"][0]
    assert answers["error"].isna().tolist() == [False, True]


def test_the_time_for_an_answer_can_be_set_when_loading(record, local_workspace):
    local_workspace.control.latency(30)
    model = mlflow.pyfunc.load_model(f"models:/{record.model_id}", model_config={"timeout_seconds": 0.2})
    assert model.predict(QUESTIONS[0])["status"].tolist() == ["TIMED_OUT"]
    with pytest.raises(InvalidSettingError):
        mlflow.pyfunc.load_model(f"models:/{record.model_id}", model_config={"timeout_seconds": "soon"})


def test_another_copy_of_the_space_can_be_asked(record, scripted, local_workspace):
    from mlflow_genie_plugin.workspace.auth import connect

    live = local_workspace.control.space(record.space_id)
    copy = connect().spaces.create_space(
        serialized_space=live["serialized_space"],
        warehouse_id=live["warehouse_id"],
        title="Copy",
        description=None,
        parent_path=None,
    )
    model = mlflow.pyfunc.load_model(f"models:/{record.model_id}", model_config={"space_id": copy.space_id})
    assert len(model.predict(QUESTIONS)) == 2
    asked = [r["path"] for r in local_workspace.control.requests() if r["route"] == "genie.start_conversation"]
    assert asked
    assert all(copy.space_id in path for path in asked)


def test_the_raw_model_is_the_config(record):
    model = mlflow.pyfunc.load_model(f"models:/{record.model_id}")
    assert model.get_raw_model().content_sha256 == record.config_sha256


def test_pyfunc_holds_the_files_against_the_models_params(record):
    from pathlib import Path
    from urllib.parse import urlsplit

    folder = Path(urlsplit(registry.get_model(record.model_id).artifact_location).path)
    (folder / "genie_space.json").write_bytes((folder / "genie_space.json").read_bytes() + b" ")
    with pytest.raises(TamperedModelError):
        mlflow.pyfunc.load_model(f"models:/{record.model_id}")


def test_a_copied_model_loads_where_its_server_is_unknown_but_not_where_it_is_down(record, tmp_path, monkeypatch):
    genie.load_model(record.model_id, dst_path=str(tmp_path))
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/missing/mlflow.db")
    with pytest.raises(TrackingUnavailableError, match="verify"):
        mlflow.pyfunc.load_model(str(tmp_path)).predict("q")
    assert mlflow.pyfunc.load_model(str(tmp_path), model_config={"verify": "file"}).get_raw_model()
    mlflow.set_tracking_uri(None)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert mlflow.pyfunc.load_model(str(tmp_path)).get_raw_model()
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.e2e
def test_mlflow_models_predict_works(record, scripted, tmp_path):
    (tmp_path / "in.json").write_text(json.dumps({"inputs": QUESTIONS}))
    run = subprocess.run(
        [sys.executable, "-m", "mlflow", "models", "predict", "-m", "models:/sales/1", "--env-manager", "local",
         "-i", str(tmp_path / "in.json"), "-o", str(tmp_path / "out.json")],
        capture_output=True, text=True, env=os.environ, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    predictions = json.loads((tmp_path / "out.json").read_text())["predictions"]
    assert [row["question"] for row in predictions] == QUESTIONS
    assert [row["text"] for row in predictions] == ["scripted", "scripted"]
