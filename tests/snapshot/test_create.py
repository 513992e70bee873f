import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import mlflow
import pytest

import mlflow_genie_plugin as genie
from mlflow_genie_plugin import registry
from mlflow_genie_plugin.clock import SystemClock
from mlflow_genie_plugin.errors import (
    GenieError,
    ModelNotFoundError,
    NotAGenieModelError,
    SpaceNotEditableError,
    SpaceNotFoundError,
    TamperedModelError,
    UnreadableFileError,
    UsageError,
)
from mlflow_genie_plugin.flavor.load import read_snapshot
from mlflow_genie_plugin.snapshot.create import create_snapshot
from mlflow_genie_plugin.snapshot.stored_metadata import read_metadata

PATCHES = [
    {"type": "add_instruction", "lever": 6, "risk_level": "low", "target": "general"},
    {"type": "update_column_description", "lever": 1, "risk_level": "medium", "target": "samples.tpch.orders"},
    {"type": "add_instruction", "lever": 6, "risk_level": "low", "target": "general"},
]


def test_a_snapshot_holds_exactly_what_the_space_holds(workspace, space_id, live_document, local_workspace):
    record = create_snapshot(space_id, "sales", workspace=workspace)
    snapshot = read_snapshot(record.model_id)
    assert snapshot.config.document == live_document()
    stored = local_workspace.control.space(space_id)
    assert snapshot.config.envelope.title == stored["title"]
    assert snapshot.config.etag == stored["etag"]
    assert [p["level"] for p in snapshot.file.permissions]
    assert snapshot.file.permissions_error is None


def test_names_params_tags_and_run_follow_the_layout(workspace, space_id):
    record = create_snapshot(space_id, "my sales/eu.x", workspace=workspace, prompt_versions={"arbiter": 3})
    model = registry.get_model(record.model_id)
    run = registry.get_run(record.run_id)
    short = record.config_sha256[:12]
    assert model.name == record.name == f"genie-my-sales-eu-x-iter1-{short}"
    assert (run.name, run.status) == (f"create_model_iter1_{short}", "FINISHED")
    assert (model.source_run_id, model.model_type) == (run.run_id, "genie-space")
    config = read_snapshot(model).config
    expected = {
        "format_version": "1",
        "space_id": space_id,
        "iteration": "1",
        "domain": "my sales/eu.x",
        "config_sha256": record.config_sha256,
        "config_hash": short,
        "parent_model_id": "none",
        "patch_count": "0",
        "patch_sha256": "none",
        "table_count": str(len(config.tables())),
        "mv_count": str(len(config.metric_views())),
        "tvf_count": str(len(config.functions())),
        "data_asset_count": str(len(config.data_assets())),
        "benchmark_count": str(config.counts()["benchmarks"]),
        "instruction_char_count": str(len(config.instruction_text())),
        "instruction_preview": config.instruction_text()[:200],
        "prompt_versions": '{"arbiter": 3}',
        "plugin_version": genie.__version__,
        "uc_schema": "none",
        "uc_columns_changed": "none",
    }
    assert expected.items() <= model.params.items()
    assert {key: model.tags[key] for key in ("domain", "space_id", "iteration", "parent_model_id")} == {
        "domain": "my sales/eu.x",
        "space_id": space_id,
        "iteration": "1",
        "parent_model_id": "none",
    }


def test_nothing_is_inherited_from_an_active_run(workspace, space_id):
    with mlflow.start_run() as outer:
        mlflow.log_param("config_sha256", "f" * 64)
        mlflow.log_metric("accuracy", 0.1)
        record = create_snapshot(space_id, "sales", workspace=workspace)
        assert mlflow.active_run().info.run_id == outer.info.run_id
    run = registry.get_run(record.run_id)
    assert "mlflow.parentRunId" not in run.tags
    assert (run.params, run.metrics) == ({}, {})
    assert registry.get_model(record.model_id).params["config_sha256"] == record.config_sha256


def test_the_run_has_a_copy_in_the_layout_people_look_for(workspace, space_id, live_document):
    first = create_snapshot(space_id, "sales", workspace=workspace)
    second = create_snapshot(space_id, "sales", workspace=workspace, patch_set=PATCHES)
    uc = [f"model_state/uc_{kind}.json" for kind in ("columns", "metadata_diff", "routines", "tags")]
    assert registry.list_run_artifacts(first.run_id) == sorted(
        ["model_state/genie_config.json", *(name for name in uc if "diff" not in name)]
    )
    assert registry.list_run_artifacts(second.run_id) == sorted(
        ["model_state/genie_config.json", *uc, "patches/patch_set.json", "patches/patch_summary.json"]
    )
    stored = json.loads(registry.download_run_artifact(second.run_id, "model_state/genie_config.json"))
    assert stored == live_document()
    for name in [*uc, "patches/patch_set.json"]:
        model = registry.get_model(second.model_id)
        assert registry.download_model_file(model, name) == registry.download_run_artifact(second.run_id, name)


def test_patches_are_stored_and_summarised_by_type_lever_and_risk(workspace, space_id):
    record = create_snapshot(space_id, "sales", workspace=workspace, patch_set={"patches": PATCHES})
    model = registry.get_model(record.model_id)
    assert model.params["patch_count"] == "3"
    assert model.params["patch_types"] == "add_instruction,update_column_description"
    assert model.params["patch_levers"] == "6,1"
    assert model.params["patch_risk_levels"] == "low,medium"
    assert model.params["patch_targets"] == "general,samples.tpch.orders"
    summary = json.loads(registry.download_model_file(model, "patches/patch_summary.json"))
    assert summary["by_type"] == {"add_instruction": 2, "update_column_description": 1}
    assert summary["by_risk_level"] == {"low": 2, "medium": 1}
    from mlflow_genie_plugin.canonical_json import sha256_of_bytes

    data = registry.download_model_file(model, "patches/patch_set.json")
    assert model.params["patch_sha256"] == sha256_of_bytes(data)


@pytest.mark.parametrize("patches", ["text", 3, [1], {"patches": {}}, {"x": []}])
def test_patches_that_are_no_list_of_objects_are_refused(workspace, space_id, patches):
    with pytest.raises(UsageError, match="patch set"):
        create_snapshot(space_id, "sales", workspace=workspace, patch_set=patches)
    assert registry.search_models(experiment_ids=["0"], status=None) == []


def test_the_chain_of_parents_and_iterations_grows_by_itself(workspace, space_id, edit):
    first = create_snapshot(space_id, "sales", workspace=workspace)
    edit()
    second = create_snapshot(space_id, "sales", workspace=workspace)
    assert (first.iteration, first.parent_model_id) == (1, None)
    assert (second.iteration, second.parent_model_id) == (2, first.model_id)
    assert second.parent_reason == "the latest version of this space"
    assert len(second.changes.changes) == 1
    third = create_snapshot(space_id, "sales", workspace=workspace, parent="none", iteration=9)
    assert (third.iteration, third.parent_model_id) == (9, None)
    fourth = create_snapshot(space_id, "sales", workspace=workspace, parent=first.model_id)
    assert (fourth.iteration, fourth.parent_model_id) == (2, first.model_id)
    fifth = create_snapshot(space_id, "sales", workspace=workspace, parent="none")
    assert fifth.iteration == 10


def test_the_domain_is_the_parents_unless_it_is_named(workspace, space_id):
    with pytest.raises(UsageError, match="--domain"):
        create_snapshot(space_id, workspace=workspace)
    create_snapshot(space_id, "sales", workspace=workspace)
    assert create_snapshot(space_id, workspace=workspace).domain == "sales"
    with pytest.raises(UsageError, match="--domain"):
        create_snapshot(space_id, workspace=workspace, parent="none")


def test_the_same_config_gets_the_same_name_for_the_same_iteration(workspace, space_id):
    names = {create_snapshot(space_id, "sales", workspace=workspace, parent="none", iteration=3).name for _ in range(2)}
    assert len(names) == 1


def test_a_parent_must_exist_be_ours_be_untouched_and_be_of_the_same_space(workspace, space_id, tracking):
    first = create_snapshot(space_id, "sales", workspace=workspace)
    other = genie.create_genie_model_version("0" * 32, {"version": 2, "data_sources": {}}, 1, "other")
    with pytest.raises(ModelNotFoundError):
        create_snapshot(space_id, "sales", workspace=workspace, parent="m-" + "0" * 32)
    foreign = mlflow.create_external_model(name="x").model_id
    with pytest.raises(NotAGenieModelError):
        create_snapshot(space_id, "sales", workspace=workspace, parent=foreign)
    with pytest.raises(UsageError, match="not of"):
        create_snapshot(space_id, "sales", workspace=workspace, parent=other)
    accepted = create_snapshot(space_id, "sales", workspace=workspace, parent=other, allow_other_space=True)
    assert accepted.parent_model_id == other
    from pathlib import Path
    from urllib.parse import urlsplit

    folder = Path(urlsplit(registry.get_model(first.model_id).artifact_location).path)
    (folder / "genie_space.json").write_text("{}")
    with pytest.raises(TamperedModelError):
        create_snapshot(space_id, "sales", workspace=workspace, parent=first.model_id)


def test_metadata_that_cannot_be_read_is_recorded_as_failed_with_the_reason(workspace, space_id, local_workspace):
    local_workspace.control.fault(
        "statement_execution.execute_statement", status=403, error_code="PERMISSION_DENIED", times=0
    )
    record = create_snapshot(space_id, "sales", workspace=workspace)
    assert all(status.startswith("failed: ") for status in record.captures.values())
    model = registry.get_model(record.model_id)
    stored = json.loads(registry.download_model_file(model, "model_state/uc_columns.json"))
    assert stored["status"] == "failed"
    assert stored["error"]
    assert model.params["uc_columns_count"] == "failed"
    local_workspace.control.clear_faults()
    second = registry.get_model(create_snapshot(space_id, "sales", workspace=workspace).model_id)
    assert second.params["uc_columns_changed"] == "not comparable"


def test_metadata_is_not_read_when_not_wanted(workspace, space_id, local_workspace):
    local_workspace.control.clear_requests()
    record = create_snapshot(space_id, "sales", workspace=workspace, capture_uc=False)
    assert set(record.captures.values()) == {"not_requested"}
    assert not [r for r in local_workspace.control.requests() if "statements" in r["path"]]


def test_a_changed_metadata_file_is_found(workspace, space_id):
    record = create_snapshot(space_id, "sales", workspace=workspace)
    snapshot = read_snapshot(record.model_id)
    assert read_metadata(snapshot).columns.status in ("ok", "failed")
    from pathlib import Path
    from urllib.parse import urlsplit

    folder = Path(urlsplit(snapshot.model.artifact_location).path)
    (folder / "model_state" / "uc_tags.json").write_text('{"status": "ok", "rows": [{"x": 1}], "error": null}')
    with pytest.raises(TamperedModelError, match="uc_sha256"):
        read_metadata(snapshot)
    with pytest.raises(TamperedModelError):
        create_snapshot(space_id, "sales", workspace=workspace)


def test_a_malformed_schema_is_refused_before_anything_is_made(workspace, space_id):
    with pytest.raises(UsageError, match=r"CATALOG\.SCHEMA"):
        create_snapshot(space_id, "sales", workspace=workspace, uc_schema="tpch")
    assert registry.search_runs(experiment_ids=["0"]) == []


def test_a_space_that_is_missing_or_closed_is_said_so(workspace, space_id, local_workspace, monkeypatch):
    with pytest.raises(SpaceNotFoundError):
        create_snapshot("0" * 32, "sales", workspace=workspace)
    from mlflow_genie_plugin.workspace.auth import connect

    token = local_workspace.control.add_identity("reader@example.com", level="CAN_RUN", space_id=space_id)
    monkeypatch.setenv("DATABRICKS_TOKEN", token)
    with pytest.raises(SpaceNotEditableError):
        create_snapshot(space_id, "sales", workspace=connect())
    assert registry.search_models(experiment_ids=["0"], status=None) == []


def test_permissions_that_cannot_be_read_are_recorded_as_that(workspace, space_id, local_workspace):
    local_workspace.control.fault("permissions.get", status=403, error_code="PERMISSION_DENIED", times=0)
    record = create_snapshot(space_id, "sales", workspace=workspace)
    file = read_snapshot(record.model_id).file
    assert file.permissions == ()
    assert file.permissions_error


def test_no_token_or_host_is_stored_anywhere(workspace, space_id, local_workspace, tmp_path):
    create_snapshot(space_id, "sales", workspace=workspace, patch_set=PATCHES)
    blobs = [path.read_bytes() for path in (tmp_path / "tracking").rglob("*") if path.is_file()]
    assert blobs
    assert not [blob for blob in blobs if local_workspace.token.encode() in blob]
    assert not [blob for blob in blobs if local_workspace.url.encode() in blob]


@pytest.mark.parametrize("iteration", [-1, True, "3", 1.5])
def test_an_iteration_that_is_no_number_is_refused(tracking, iteration):
    with pytest.raises(UsageError, match="iteration"):
        genie.create_genie_model_version("0" * 32, {"version": 2, "data_sources": {}}, iteration, "sales")


def test_a_domain_without_letters_is_refused(tracking):
    with pytest.raises(UsageError, match="domain"):
        genie.create_genie_model_version("0" * 32, {"version": 2, "data_sources": {}}, 1, " /:. ")


def test_registering_makes_a_version_and_a_failed_one_keeps_the_model(workspace, space_id):
    record = create_snapshot(space_id, "sales", workspace=workspace, register="sales")
    assert record.registered == "sales/1"
    with pytest.raises(GenieError, match="is saved, but not registered"):
        create_snapshot(space_id, "sales", workspace=workspace, register="no/slash:allowed")
    assert len(registry.search_models(experiment_ids=["0"])) == 2


def test_a_failed_creation_leaves_nothing_ready(tracking, monkeypatch, tmp_path):
    import sqlite3
    from contextlib import closing

    database = tracking.removeprefix("sqlite:///")
    with closing(sqlite3.connect(database)) as connection, connection:
        blocked = tmp_path / "blocked"
        blocked.write_text("a file where a folder is needed")
        connection.execute("UPDATE experiments SET artifact_location = ?", (blocked.as_uri(),))
    with pytest.raises(GenieError):
        genie.create_genie_model_version("0" * 32, {"version": 2, "data_sources": {}}, 1, "sales")
    assert registry.search_models(experiment_ids=["0"]) == []
    assert [m.status for m in registry.search_models(experiment_ids=["0"], status=None)] == ["FAILED"]
    assert [r.status for r in registry.search_runs(experiment_ids=["0"])] == ["FAILED"]


@pytest.mark.e2e
def test_a_killed_creation_is_never_ready_and_is_cleaned_up_later(tracking, tmp_path):
    script = f"""
import os, signal, sys
import mlflow_genie_plugin as genie
from mlflow_genie_plugin.snapshot import create
def dies(*a, **k):
    print("here", flush=True); os.kill(os.getpid(), signal.SIGKILL)
create.log_prepared = dies
genie.create_genie_model_version("{"0" * 32}", {{"version": 2, "data_sources": {{}}}}, 1, "sales")
"""
    died = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert "here" in died.stdout
    (half,) = registry.search_models(experiment_ids=["0"], status=None)
    assert half.status == "PENDING"
    with pytest.raises(ModelNotFoundError, match="never finished"):
        read_snapshot(half.model_id)

    class Later(SystemClock):
        def now(self):
            return datetime.now(UTC) + timedelta(hours=2)

    document = {"version": 2, "data_sources": {}}
    genie.create_genie_model_version("0" * 32, document, 1, "sales")
    assert registry.get_model(half.model_id).status == "PENDING"
    genie.create_genie_model_version("0" * 32, document, 1, "sales", clock=Later())
    assert registry.get_model(half.model_id).status == "FAILED"
    assert registry.get_run(half.source_run_id).status == "KILLED"


def test_a_version_can_be_made_from_a_config_at_hand(tracking):
    started = time.time()
    model_id = genie.create_genie_model_version(
        "0" * 32, json.dumps({"version": 2, "data_sources": {}}), 1, "sales", [{"type": "x"}], None, {"a": "b"}, "c.s"
    )
    record = registry.resolve_model(model_id)
    assert record.params["uc_schema"] == "c.s"
    assert record.params["uc_columns_count"] == "not_requested"
    assert record.creation_timestamp >= started * 1000 - 1000
    with pytest.raises(UsageError, match="but space_id is"):
        genie.create_genie_model_version(
            "0" * 32, {"space_id": "1" * 32, "serialized_space": {"version": 2, "data_sources": {}}}, 1, "sales"
        )


@pytest.mark.parametrize(
    ("config", "shown"), [(None, "null"), (7, "a number"), ([], "an array"), (True, "true or false")]
)
def test_a_config_that_a_failed_request_left_behind_is_refused_with_words(tracking, config, shown):
    with pytest.raises(UnreadableFileError, match=f"the space config is {shown}, not an object") as error:
        genie.create_genie_model_version("0" * 32, config, 1, "sales")
    assert "read the space again" in str(error.value)


def test_catalog_metadata_is_captured_limited_by_schema_and_compared_with_the_parent(workspace, space_id):
    first = create_snapshot(space_id, "sales", workspace=workspace)
    assert set(first.captures.values()) == {"ok"}
    params = registry.get_model(first.model_id).params
    assert int(params["uc_columns_count"]) > 0
    columns = read_metadata(read_snapshot(first.model_id)).columns.rows
    assert len(columns) == int(params["uc_columns_count"])
    assert {row["table_catalog"] for row in columns} == {"samples"}
    again = registry.get_model(create_snapshot(space_id, "sales", workspace=workspace).model_id).params
    assert (again["uc_sha256"], again["uc_columns_changed"]) == (params["uc_sha256"], "0")
    same = create_snapshot(space_id, "sales", workspace=workspace, uc_schema="samples.TPCH")
    assert registry.get_model(same.model_id).params["uc_columns_count"] == params["uc_columns_count"]
    elsewhere = create_snapshot(space_id, "sales", workspace=workspace, uc_schema="a.b")
    none = registry.get_model(elsewhere.model_id).params
    # Limited to another schema than the parent: nothing was removed, the two are not comparable, and nothing was read.
    assert (none["uc_columns_count"], none["uc_columns_changed"]) == ("failed", "not comparable")
    assert elsewhere.captures["columns"] == (
        "failed: no table, metric view or function of the space lies in schema a.b"
    )
