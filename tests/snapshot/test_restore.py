import json
import threading
import time
from dataclasses import replace

import pytest

import mlflow_genie_plugin as genie
from mlflow_genie_plugin import registry
from mlflow_genie_plugin.errors import (
    CompensatedError,
    ConflictError,
    InvalidSpaceError,
    ProtectedSpaceError,
    TrackingUnavailableError,
    UnverifiedWriteError,
    UsageError,
)
from mlflow_genie_plugin.flavor.load import read_snapshot
from mlflow_genie_plugin.settings import Settings, resolve_settings
from mlflow_genie_plugin.snapshot.create import create_snapshot
from mlflow_genie_plugin.snapshot.lineage import LIVE_SINCE
from mlflow_genie_plugin.snapshot.plan_restore import plan_restore
from mlflow_genie_plugin.snapshot.restore import apply_restore, restore_config
from mlflow_genie_plugin.space.fingerprint import content_hash


@pytest.fixture
def saved(workspace, space_id):
    """A version of the sample space as it was at first."""
    return read_snapshot(create_snapshot(space_id, "sales", workspace=workspace, capture_uc=False).model_id)


@pytest.fixture
def settings():
    return replace(resolve_settings(), read_back_seconds=30.0)


@pytest.fixture
def outcome(tracking):
    """Return a function that gives the recorded outcome of the latest restore."""

    def outcome():
        runs = [r for r in registry.search_runs(experiment_ids=["0"]) if r.tags.get("genie.kind") == "restore"]
        return (runs[0].tags["genie.outcome"], runs[0].status) if runs else None

    return outcome


def test_rolling_back_by_the_name_that_scripts_know_writes_the_space(saved, edit, live_document, space_id, outcome):
    edit()
    result = genie.rollback_to_model(saved.model_id, space_id)
    assert content_hash(live_document()) == saved.content_sha256 == result.live_content_sha256
    assert outcome() == ("restored", "FINISHED")


def test_an_edited_space_becomes_the_version_again_and_the_edit_is_saved(
    saved, workspace, edit, live_document, settings, outcome
):
    edited = edit()
    result = restore_config(saved.model_id, workspace=workspace, settings=settings)
    assert content_hash(live_document()) == saved.content_sha256 == result.live_content_sha256
    assert result.live_behaviour_sha256 == saved.behaviour_sha256
    safety = read_snapshot(result.safety_model_id)
    assert content_hash(edited) == safety.content_sha256
    assert outcome() == ("restored", "FINISHED")
    assert registry.get_run(result.run_id).tags["genie.safety_model_id"] == safety.model_id
    plan = json.loads(registry.download_run_artifact(result.run_id, "restore_plan.json"))
    assert plan["target_content_sha256"] == saved.content_sha256


def test_a_restore_can_be_undone_with_what_it_saved(saved, workspace, edit, live_document, settings):
    edited = edit()
    result = restore_config(saved.model_id, workspace=workspace, settings=settings)
    restore_config(result.safety_model_id, workspace=workspace, settings=settings, keep_benchmarks=False)
    assert content_hash(live_document()) == content_hash(edited)


def test_the_same_live_state_is_saved_only_once(saved, workspace, edit, settings, space_id):
    edit()
    known = create_snapshot(space_id, "sales", workspace=workspace, capture_uc=False)
    result = restore_config(saved.model_id, workspace=workspace, settings=settings)
    assert result.safety_model_id == known.model_id


def test_after_a_restore_the_next_version_comes_from_the_restored_one(saved, workspace, edit, settings, space_id):
    edit()
    restore_config(saved.model_id, workspace=workspace, settings=settings)
    assert LIVE_SINCE in registry.get_model(saved.model_id).tags
    assert create_snapshot(space_id, "sales", workspace=workspace).parent_model_id == saved.model_id


def test_nothing_to_do_writes_nothing(saved, workspace, settings, writes, outcome):
    def guard(snapshot, space_id):
        raise AssertionError("nothing is written, so nobody need be asked")

    result = restore_config(saved.model_id, workspace=workspace, settings=settings, guard=guard)
    assert (result.outcome, result.safety_model_id, result.run_id) == ("unchanged", None, None)
    assert writes() == []
    assert outcome() is None


def test_live_benchmarks_stay_unless_asked_otherwise(
    saved, workspace, local_workspace, live_document, space_id, settings
):
    document = live_document()
    document["benchmarks"]["questions"] = document["benchmarks"]["questions"][:1]
    del document["instructions"]["example_question_sqls"][-1]
    local_workspace.control.edit_space(space_id, document)
    result = restore_config(saved.model_id, workspace=workspace, settings=settings)
    assert live_document()["benchmarks"] == document["benchmarks"]
    assert result.live_behaviour_sha256 == saved.behaviour_sha256
    assert result.live_content_sha256 != saved.content_sha256
    result = restore_config(saved.model_id, workspace=workspace, settings=settings, keep_benchmarks=False)
    assert result.live_content_sha256 == saved.content_sha256


def test_deployment_fields_are_written_only_when_asked_for(
    saved, workspace, local_workspace, space_id, settings, edit, writes
):
    edit()
    local_workspace.control.edit_space(space_id, title="Renamed", description="other")
    restore_config(saved.model_id, workspace=workspace, settings=settings)
    stored = local_workspace.control.space(space_id)
    assert (stored["title"], stored["description"]) == ("Renamed", "other")
    assert len(writes()) == 1
    result = restore_config(
        saved.model_id, workspace=workspace, settings=settings, include=["title", "description", "warehouse"]
    )
    stored = local_workspace.control.space(space_id)
    assert stored["title"] == saved.config.envelope.title
    assert stored["description"] == saved.config.envelope.description
    assert result.fields_written == ("title", "description")


def test_an_unknown_deployment_field_is_refused(saved, workspace):
    with pytest.raises(UsageError, match="choose from title, description, warehouse, folder"):
        restore_config(saved.model_id, workspace=workspace, include=["titel"])


def test_an_edit_between_plan_and_apply_is_a_conflict_and_stays(
    saved, workspace, edit, live_document, settings, writes, space_id
):
    edit()
    plan = plan_restore(saved, workspace.spaces.get_space(space_id))
    later = edit()
    with pytest.raises(ConflictError, match="configuration changed") as caught:
        apply_restore(plan, workspace, guard=None, settings=settings)
    assert int(caught.value.exit_code) == 4
    assert live_document() == later
    assert writes() == []


def test_an_edit_that_was_taken_back_meanwhile_is_a_conflict_too(
    saved, workspace, edit, live_document, settings, local_workspace, space_id
):
    edited = edit()
    plan = plan_restore(saved, workspace.spaces.get_space(space_id))
    edit()
    local_workspace.control.edit_space(space_id, edited)
    with pytest.raises(ConflictError, match="written meanwhile"):
        apply_restore(plan, workspace, guard=None, settings=settings)


def test_a_renamed_space_is_a_conflict_when_the_title_is_to_be_written(
    saved, workspace, settings, local_workspace, space_id
):
    local_workspace.control.edit_space(space_id, title="A")
    plan = plan_restore(saved, workspace.spaces.get_space(space_id), include=["title"])
    local_workspace.control.edit_space(space_id, title="B")
    with pytest.raises(ConflictError, match="title of the space changed"):
        apply_restore(plan, workspace, guard=None, settings=settings)


def test_an_edit_after_the_last_read_is_stopped_by_the_etag(
    saved, workspace, edit, live_document, settings, outcome, local_workspace, space_id
):
    edit()
    edited = {}

    def edit_late(text):
        if "saved the live state" in text:
            edited.update(edit())

    plan = plan_restore(saved, workspace.spaces.get_space(space_id))
    with pytest.raises(ConflictError, match="nothing was written to it"):
        apply_restore(plan, workspace, guard=None, settings=settings, progress=edit_late)
    assert live_document() == edited
    assert outcome() == ("conflict", "FAILED")


def test_reads_that_lag_are_waited_for(saved, workspace, edit, settings, local_workspace, outcome):
    edit()
    time.sleep(0.05)
    local_workspace.control.read_lag(0.7)
    time.sleep(0.7)
    result = restore_config(saved.model_id, workspace=workspace, settings=settings)
    assert result.live_content_sha256 == saved.content_sha256
    assert outcome() == ("restored", "FINISHED")


def test_a_read_back_that_never_shows_the_write_is_unverified_and_undoes_nothing(
    saved, workspace, edit, settings, local_workspace, live_document, outcome, writes
):
    edit()
    local_workspace.control.read_lag(30.0)
    quick = replace(settings, read_back_seconds=0.5)
    # The lagging read must show the edited space, so the edit itself has to be visible first.
    local_workspace.control.advance_clock(60)
    with pytest.raises(UnverifiedWriteError) as caught:
        restore_config(saved.model_id, workspace=workspace, settings=quick)
    assert int(caught.value.exit_code) == 10
    assert f"mlflow-genie drift {saved.model_id}" in str(caught.value)
    assert content_hash(live_document()) == saved.content_sha256
    assert len(writes()) == 1
    assert outcome() == ("unverified", "FAILED")


def test_a_third_state_in_the_read_back_is_a_conflict_and_undoes_nothing(
    saved, workspace, edit, settings, local_workspace, live_document, outcome, writes
):
    edit()
    third = {}

    def write_too(text):
        if text.startswith("wrote model"):
            third.update(edit(drop=2))

    live = workspace.spaces.get_space(saved.space_id)
    with pytest.raises(ConflictError, match="neither the old nor the restored") as caught:
        apply_restore(plan_restore(saved, live), workspace, guard=None, settings=settings, progress=write_too)
    assert "somebody else wrote" in str(caught.value)
    assert live_document() == third
    assert len(writes()) == 1
    assert outcome() == ("conflict", "FAILED")


def test_passing_failures_of_the_read_back_are_outlasted(saved, workspace, edit, settings, local_workspace):
    edit()
    live = workspace.spaces.get_space(saved.space_id)

    def fail_reads(text):
        if text.startswith("wrote model"):
            local_workspace.control.fault("genie.get_space", status=500, error_code="INTERNAL_ERROR", times=2)

    result = apply_restore(plan_restore(saved, live), workspace, guard=None, settings=settings, progress=fail_reads)
    assert result.live_content_sha256 == saved.content_sha256


def test_a_lost_answer_to_the_write_is_settled_by_reading_back(saved, workspace, edit, settings, local_workspace):
    edit()
    local_workspace.control.fault("genie.update_space", drop="after")
    result = restore_config(saved.model_id, workspace=workspace, settings=settings)
    assert result.live_content_sha256 == saved.content_sha256


@pytest.mark.parametrize("include", [[], ["title"]])
@pytest.mark.parametrize(
    ("status", "error_code"), [(403, "PERMISSION_DENIED"), (404, "RESOURCE_DOES_NOT_EXIST"), (401, "UNAUTHENTICATED")]
)
def test_a_space_that_cannot_be_read_after_the_write_is_said_to_be_written(
    saved, workspace, edit, settings, local_workspace, outcome, writes, space_id, include, status, error_code
):
    edit()
    local_workspace.control.edit_space(space_id, title="Renamed")
    live = workspace.spaces.get_space(space_id)
    last = "read back" if include else "wrote model"

    def lose_access(text):
        if text.startswith(last):
            local_workspace.control.fault(
                "genie.get_space", status=status, error_code=error_code, message="access ended", times=99
            )

    plan = plan_restore(saved, live, include=include)
    with pytest.raises(UnverifiedWriteError, match=r"did not show in reading|was written, but") as caught:
        apply_restore(plan, workspace, guard=None, settings=settings, progress=lose_access)
    assert "access ended" in str(caught.value)
    assert len(writes()) == 1 + len(include)
    assert outcome() == ("unverified", "FAILED")


def test_a_write_that_failed_in_the_server_is_not_said_to_have_happened(
    saved, workspace, edit, settings, local_workspace, live_document
):
    edited = edit()
    local_workspace.control.fault("genie.update_space", status=500, error_code="INTERNAL_ERROR", times=1)
    with pytest.raises(UnverifiedWriteError, match="may or may not have happened"):
        restore_config(saved.model_id, workspace=workspace, settings=replace(settings, read_back_seconds=0.5))
    assert content_hash(live_document()) == content_hash(edited)


def test_a_lost_answer_to_the_title_is_settled_by_reading_back(
    saved, workspace, edit, settings, local_workspace, space_id
):
    edit()
    local_workspace.control.edit_space(space_id, title="Renamed")
    local_workspace.control.fault("genie.update_space", drop="after", skip=1, times=1)
    result = restore_config(saved.model_id, workspace=workspace, settings=settings, include=["title"])
    assert result.fields_written == ("title",)
    assert workspace.spaces.get_space(space_id).title == saved.config.envelope.title


def test_a_failing_later_step_puts_the_saved_state_back(
    saved, workspace, edit, settings, local_workspace, live_document, outcome, space_id
):
    edited = edit()
    local_workspace.control.edit_space(space_id, title="Renamed")
    # The second PATCH is the one that writes the title; the first writes the configuration.
    local_workspace.control.fault(
        "genie.update_space", status=400, error_code="INVALID_PARAMETER_VALUE", skip=1, times=1
    )
    with pytest.raises(CompensatedError, match="was put back") as caught:
        restore_config(saved.model_id, workspace=workspace, settings=settings, include=["title"])
    assert caught.value.details["compensated"] is True
    assert content_hash(live_document()) == content_hash(edited)
    assert outcome() == ("compensated", "FAILED")


def test_a_compensation_that_fails_says_how_to_put_it_back(
    saved, workspace, edit, settings, local_workspace, live_document, outcome, space_id
):
    edit()
    local_workspace.control.edit_space(space_id, title="Renamed")
    local_workspace.control.fault(
        "genie.update_space", status=400, error_code="INVALID_PARAMETER_VALUE", skip=1, times=0
    )
    with pytest.raises(CompensatedError, match="failed too") as caught:
        restore_config(saved.model_id, workspace=workspace, settings=settings, include=["title"])
    assert "--with-benchmarks" in caught.value.next_step
    assert content_hash(live_document()) == saved.content_sha256
    assert outcome() == ("not compensated", "FAILED")


def test_compensation_overwrites_nothing_that_is_not_ours(
    saved, workspace, edit, settings, local_workspace, live_document, space_id
):
    edit()
    local_workspace.control.edit_space(space_id, title="Renamed")
    local_workspace.control.fault(
        "genie.update_space", status=400, error_code="INVALID_PARAMETER_VALUE", skip=1, times=1
    )
    others = {}

    def write_too(text):
        if text.startswith("read back"):
            others.update(edit(drop=3))

    live = workspace.spaces.get_space(space_id)
    plan = plan_restore(saved, live, include=["title"])
    with pytest.raises(CompensatedError, match="somebody else has changed the space"):
        apply_restore(plan, workspace, guard=None, settings=settings, progress=write_too)
    assert live_document() == others


def test_a_title_that_the_server_changes_is_unverified_not_undone(
    saved, workspace, settings, local_workspace, space_id
):
    local_workspace.control.edit_space(space_id, title="Renamed")
    local_workspace.control.configure(title_suffix_on_update=True)
    with pytest.raises(UnverifiedWriteError, match="title did not show"):
        restore_config(
            saved.model_id, workspace=workspace, settings=replace(settings, read_back_seconds=0.3), include=["title"]
        )


def test_the_guard_is_asked_before_any_write(saved, workspace, edit, settings, writes, live_document):
    edited = edit()
    asked = []

    def guard(snapshot, space_id):
        asked.append((snapshot.model_id, space_id))
        raise ProtectedSpaceError("no")

    models = len(registry.search_models(experiment_ids=["0"], status=None))
    with pytest.raises(ProtectedSpaceError):
        restore_config(saved.model_id, workspace=workspace, settings=settings, guard=guard)
    assert asked == [(saved.model_id, saved.space_id)]
    assert writes() == []
    assert live_document() == edited
    assert len(registry.search_models(experiment_ids=["0"], status=None)) == models


def test_without_a_guard_a_production_space_is_refused(saved, workspace, edit, settings, writes):
    edit()
    production = replace(settings, production_spaces=frozenset({saved.space_id}))
    with pytest.raises(ProtectedSpaceError, match="production space"):
        restore_config(saved.model_id, workspace=workspace, settings=production)
    assert writes() == []


def test_a_configuration_the_server_would_refuse_is_said_before_writing(
    workspace, space_id, settings, live_document, writes
):
    document = live_document()
    document["instructions"]["hello"] = []
    model_id = genie.create_genie_model_version(space_id, document, 1, "sales")
    with pytest.raises(InvalidSpaceError, match="hello"):
        restore_config(model_id, workspace=workspace, settings=settings)
    assert writes() == []


def test_a_version_restores_into_another_space(saved, workspace, settings, local_workspace):
    made = workspace.spaces.create_space(
        serialized_space='{"version": 2, "data_sources": {}}',
        warehouse_id=saved.config.envelope.warehouse_id,
        title="Copy",
        description=None,
        parent_path=None,
    )
    result = restore_config(
        saved.model_id, made.space_id, workspace=workspace, settings=settings, keep_benchmarks=False
    )
    assert result.space_id == made.space_id
    assert result.live_content_sha256 == saved.content_sha256


def test_a_broken_other_version_does_not_stand_in_the_way(saved, workspace, edit, settings, space_id):
    from pathlib import Path
    from urllib.parse import urlsplit

    edit()
    broken = create_snapshot(space_id, "sales", workspace=workspace, capture_uc=False)
    folder = Path(urlsplit(registry.get_model(broken.model_id).artifact_location).path)
    (folder / "genie_space.json").write_text("{}")
    result = restore_config(saved.model_id, workspace=workspace, settings=settings)
    assert result.live_content_sha256 == saved.content_sha256
    assert result.safety_model_id != broken.model_id


def test_a_failing_record_does_not_undo_a_proven_restore(
    saved, workspace, edit, settings, live_document, tracking, space_id
):
    import sqlite3
    from contextlib import closing

    edit()

    def break_tracking(text):
        if text.startswith("read back"):
            with closing(sqlite3.connect(tracking.removeprefix("sqlite:///"))) as connection, connection:
                connection.execute("DROP TABLE logged_model_tags")
                connection.execute("DROP TABLE tags")

    live = workspace.spaces.get_space(space_id)
    with pytest.raises(TrackingUnavailableError, match="is restored and was read back"):
        apply_restore(plan_restore(saved, live), workspace, guard=None, settings=settings, progress=break_tracking)
    assert content_hash(live_document()) == saved.content_sha256


def test_of_two_restores_at_once_one_wins_and_the_other_is_told(saved, workspace, edit, settings, space_id):
    edit()
    barrier = threading.Barrier(2, timeout=20)
    results = []

    def run():
        live = workspace.spaces.get_space(space_id)
        plan = plan_restore(saved, live)

        def together(text):
            if text.startswith("saved the live state"):
                barrier.wait()

        try:
            results.append(apply_restore(plan, workspace, guard=None, settings=settings, progress=together).outcome)
        except ConflictError:
            results.append("conflict")

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == ["conflict", "restored"]


def test_settings_bound_the_read_back(saved, workspace, edit, local_workspace):
    edit()
    local_workspace.control.read_lag(60.0)
    local_workspace.control.advance_clock(120)
    started = time.monotonic()
    with pytest.raises(UnverifiedWriteError, match=r"within 0\.3 s"):
        restore_config(saved.model_id, workspace=workspace, settings=Settings(read_back_seconds=0.3))
    assert time.monotonic() - started < 45
