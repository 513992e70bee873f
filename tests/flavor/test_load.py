import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import pytest
import yaml

import mlflow_genie_plugin as genie
from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import (
    ModelNotFoundError,
    NotAGenieModelError,
    TamperedModelError,
    UnsupportedFormatError,
    UsageError,
)
from mlflow_genie_plugin.flavor.load import read_snapshot


@pytest.fixture
def model(answer, tracking):
    return registry.get_model(genie.log_model(answer, name="sales").model_id)


@pytest.fixture
def folder(model):
    return Path(urlsplit(model.artifact_location).path)


def edit_mlmodel(folder, change):
    document = yaml.safe_load((folder / "MLmodel").read_text())
    change(document)
    (folder / "MLmodel").write_text(yaml.safe_dump(document))


def set_pyfunc(key, value):
    return lambda document: document["flavors"]["python_function"].__setitem__(key, value)


def set_flavor(key, value):
    return lambda document: document["flavors"]["genie-space"].__setitem__(key, value)


def test_a_snapshot_carries_what_was_recorded(model, answer):
    snapshot = read_snapshot(model.model_id)
    assert snapshot.space_id == answer["space_id"]
    assert snapshot.content_sha256 == model.params["config_sha256"] == snapshot.config.content_sha256
    assert snapshot.behaviour_sha256 == snapshot.config.behaviour_sha256
    assert snapshot.snapshot_sha256 == model.params["snapshot_sha256"]
    assert read_snapshot(model) == snapshot


def test_any_changed_byte_of_the_config_is_found(model, folder):
    file = folder / "genie_space.json"
    original = file.read_bytes()
    for position in range(0, len(original), max(1, len(original) // 25)):
        changed = bytearray(original)
        changed[position] ^= 1
        file.write_bytes(bytes(changed))
        with pytest.raises(TamperedModelError, match=r"genie_space\.json of model m-.* was changed"):
            read_snapshot(model.model_id)
    file.write_bytes(original)
    assert read_snapshot(model.model_id)


def test_a_changed_config_with_matching_mlmodel_is_still_found(model, folder):
    from mlflow_genie_plugin.flavor.layout import make_space_file

    config = genie.load_model(model.model_id)
    config.document["instructions"] = {}
    forged = make_space_file(
        type(config)(config.document, config.envelope), config.space_id, "2026-01-01T00:00:00.000Z"
    )
    (folder / "genie_space.json").write_bytes(forged.data)
    edit_mlmodel(folder, lambda d: d["flavors"]["genie-space"].update({**forged.proof(), "format_version": 1}))
    with pytest.raises(TamperedModelError, match="config_sha256 in the MLmodel file"):
        read_snapshot(model.model_id)
    loaded = mlflow.pyfunc.load_model(f"models:/{model.model_id}")
    for use in (loaded.get_raw_model, lambda: loaded.predict("q")):
        with pytest.raises(TamperedModelError, match="recorded for model"):
            use()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (set_pyfunc("loader_module", "evil"), "loader_module is 'evil'"),
        (set_pyfunc("data", "../other.json"), "data names '../other.json'"),
        (set_flavor("data", "/etc/passwd"), "data names '/etc/passwd'"),
        (set_pyfunc("code", "code"), "hold no code"),
        (set_flavor("code", "code"), "hold no code"),
        (set_pyfunc("env", {"conda": "evil.yaml", "virtualenv": "python_env.yaml"}), "env is"),
        (set_pyfunc("env", {"conda": "conda.yaml", "virtualenv": "python_env.yaml", "x": "y"}), "env is"),
        (set_pyfunc("model_code_path", "evil.py"), "entries this package does not write: model_code_path"),
        (set_pyfunc("predict_fn", "evil"), "entries this package does not write: predict_fn"),
        (set_pyfunc("config", {"space_id": "f" * 32}), "asks space"),
        (lambda d: d["flavors"]["python_function"]["config"].update(allow_drift=True), "switches a check off"),
        (lambda d: d["flavors"]["python_function"]["config"].update(verify="file"), "switches a check off"),
        (lambda d: d["flavors"]["python_function"]["config"].update(evil=1), "not what this package writes"),
        (lambda d: d["flavors"].update(sklearn={"pickled_model": "model.pkl"}), "further flavors: sklearn"),
        (lambda d: d["flavors"].pop("python_function"), "not what this package writes"),
        (lambda d: d["flavors"].pop("genie-space"), "no longer names the flavor"),
        (lambda d: d.update(flavors=[]), "no longer names the flavor"),
        (lambda d: d.update(model_id="m-" + "0" * 32), "is that of model m-000"),
        (lambda d: d.pop("model_id"), "is that of model None"),
        (set_flavor("snapshot_sha256", "0" * 64), "snapshot_sha256 in the MLmodel file"),
        (set_flavor("behaviour_sha256", "0" * 64), "behaviour_sha256 in the MLmodel file"),
        (set_flavor("space_id", "f" * 32), "asks space"),
    ],
)
def test_every_change_of_the_mlmodel_file_is_found_and_no_code_runs(model, folder, tmp_path, monkeypatch, change, says):
    (tmp_path / "evil.py").write_text("import pathlib; pathlib.Path(__file__).with_name('ran').touch()")
    (folder / "code").mkdir()
    (folder / "code" / "mlflow_genie_plugin.py").write_text((tmp_path / "evil.py").read_text())
    monkeypatch.syspath_prepend(str(tmp_path))
    edit_mlmodel(folder, change)
    path_before = list(sys.path)
    for load in (read_snapshot, genie.load_model):
        with pytest.raises(TamperedModelError) as caught:
            load(model.model_id)
        assert says in str(caught.value)
    assert not (tmp_path / "ran").exists()
    assert not (folder / "code" / "ran").exists()
    assert "evil" not in sys.modules
    assert sys.path == path_before


def test_an_mlmodel_that_names_python_objects_is_not_constructed(model, folder, tmp_path):
    (folder / "MLmodel").write_text(f"!!python/object/apply:os.mkdir ['{tmp_path / 'made'}']\n")
    with pytest.raises(TamperedModelError, match="cannot be read"):
        read_snapshot(model.model_id)
    assert not (tmp_path / "made").exists()


@pytest.fixture(params=["a folder", "a symbolic link", "a symbolic link to nowhere", "something that is no file"])
def put(request, tmp_path):
    def put(path):
        copy = path.rename(tmp_path / f"was-{path.name}")
        if request.param == "a folder":
            path.mkdir()
            (path / "x.py").write_text("raise SystemExit")
        elif request.param == "something that is no file":
            os.mkfifo(path)
        else:
            path.symlink_to(tmp_path / "nowhere" if request.param.endswith("nowhere") else copy)
        return request.param.removesuffix(" to nowhere")

    return put


@pytest.mark.parametrize("name", ["MLmodel", "genie_space.json"])
def test_what_was_put_in_the_place_of_a_file_is_named_whatever_it_holds(model, folder, name, put):
    instead = put(folder / name)
    for load in (read_snapshot, genie.load_model):
        with pytest.raises(TamperedModelError) as caught:
            load(model.model_id)
        assert str(caught.value) == (
            f"file {name} of model {model.model_id} was replaced: {instead} stands in its place — "
            "do not use it; find out who can write to the artifacts, then snapshot the space again"
        )


@pytest.mark.parametrize("name", ["MLmodel", "genie_space.json"])
def test_a_plain_folder_may_hold_links_but_no_folders_and_no_links_to_nowhere(answer, tmp_path, name):
    saved, copy = tmp_path / "saved", tmp_path / "copy"
    genie.save_model(answer, saved)
    path = (saved / name).rename(copy)
    (saved / name).symlink_to(copy)
    assert genie.load_model(str(saved)).space_id == answer["space_id"]
    path.unlink()
    with pytest.raises(TamperedModelError, match=f"{name} is a symbolic link that leads nowhere"):
        genie.load_model(str(saved))
    (saved / name).unlink()
    (saved / name).mkdir()
    with pytest.raises(TamperedModelError, match=f"{name} was replaced: a folder stands in its place"):
        genie.load_model(str(saved))


@pytest.mark.parametrize("name", ["MLmodel", "genie_space.json"])
def test_a_missing_file_is_named(model, folder, name):
    (folder / name).unlink()
    with pytest.raises(TamperedModelError, match=rf"{name}.* is gone|the {name} file of model .* is gone"):
        read_snapshot(model.model_id)


def test_a_model_of_another_flavor_is_not_ours(tracking, tmp_path):
    class Echo(mlflow.pyfunc.PythonModel):
        def predict(self, model_input: list[str]) -> list[str]:
            return model_input

    info = mlflow.pyfunc.log_model(name="echo", python_model=Echo())
    with pytest.raises(NotAGenieModelError, match="its flavors: python_function"):
        read_snapshot(info.model_id)
    external = mlflow.create_external_model(name="external", model_type="genie-space")
    with pytest.raises(NotAGenieModelError):
        read_snapshot(external.model_id)


def test_a_model_without_recorded_hashes_is_not_trusted(answer, tracking, tmp_path):
    genie.save_model(answer, tmp_path / "m")
    run = registry.create_run("r")
    made = registry.create_model(
        "forged", source_run_id=run.run_id, experiment_id="0", params={}, tags={}, model_type="genie-space"
    )
    edit_mlmodel(tmp_path / "m", lambda d: d.update(model_id=made.model_id))
    mlflow.MlflowClient().log_model_artifacts(made.model_id, str(tmp_path / "m"))
    registry.finalize_model(made.model_id, "READY")
    with pytest.raises(TamperedModelError, match="has no recorded"):
        read_snapshot(made.model_id)


def test_a_later_format_is_refused_as_such(model, folder):
    edit_mlmodel(folder, set_flavor("format_version", 2))
    with pytest.raises(UnsupportedFormatError, match="format_version 2"):
        read_snapshot(model.model_id)


def test_an_unknown_format_of_the_space_file_is_refused(tmp_path):
    from mlflow_genie_plugin.flavor.layout import parse_space_file

    with pytest.raises(UnsupportedFormatError):
        parse_space_file(json.dumps({"format_version": 9}).encode())


def test_a_folder_that_is_no_model_says_so(tmp_path):
    with pytest.raises(ModelNotFoundError, match="does not exist"):
        genie.load_model(str(tmp_path / "none"))
    with pytest.raises(NotAGenieModelError, match="not a saved space"):
        genie.load_model(str(tmp_path))


def test_a_changed_folder_is_found_by_its_own_digest(answer, tmp_path):
    genie.save_model(answer, tmp_path / "m")
    path = tmp_path / "m" / "genie_space.json"
    path.write_bytes(path.read_bytes().replace(b"samples.tpch.orders", b"samples.tpch.secret"))
    with pytest.raises(TamperedModelError):
        genie.load_model(str(tmp_path / "m"))


def test_pyfunc_loading_refuses_unknown_model_config(model):
    from mlflow_genie_plugin.flavor.load import _load_pyfunc

    path = Path(urlsplit(model.artifact_location).path) / "genie_space.json"
    with pytest.raises(UsageError, match="unknown entries: tiemout"):
        _load_pyfunc(str(path), {"tiemout": 1})
    with pytest.raises(UsageError, match="verify"):
        _load_pyfunc(str(path), {"verify": "no"})


def test_mlflow_pyfunc_itself_imports_what_a_hostile_mlmodel_names_as_documented(model, folder, tmp_path, monkeypatch):
    (tmp_path / "hostile_loader.py").write_text(
        "import pathlib; pathlib.Path(__file__).with_name('ran').touch()\ndef _load_pyfunc(path, config=None): ..."
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    edit_mlmodel(folder, set_pyfunc("loader_module", "hostile_loader"))
    with pytest.raises(TamperedModelError):
        genie.load_model(model.model_id)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(mlflow.MlflowException, match="missing required predict"):
        mlflow.pyfunc.load_model(f"models:/{model.model_id}")
    # When this fails MLflow has become stricter: docs/flavor.md has a section to correct.
    assert (tmp_path / "ran").exists()
    sys.modules.pop("hostile_loader")
