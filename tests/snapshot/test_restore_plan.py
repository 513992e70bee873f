import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.canonical_json import sha256_of_json
from mlflow_genie_plugin.errors import UnreadableFileError, UnsupportedFormatError, UsageError
from mlflow_genie_plugin.flavor.layout import make_space_file
from mlflow_genie_plugin.flavor.load import Snapshot
from mlflow_genie_plugin.registry import ModelRecord
from mlflow_genie_plugin.snapshot.plan_restore import plan_restore, target_document
from mlflow_genie_plugin.snapshot.restore_plan import differences, read_plan
from mlflow_genie_plugin.space.config import Envelope, SpaceConfig
from mlflow_genie_plugin.space.fingerprint import behaviour_hash, content_hash
from mlflow_genie_plugin.workspace.live_space import LiveSpace

SPACE_ID = "1" * 32


def config(tables=("a.b.c",), benchmarks=("q1",), **envelope):
    document = {"version": 2, "data_sources": {"tables": [{"identifier": name} for name in tables]}}
    if benchmarks is not None:
        document["benchmarks"] = {
            "questions": [
                {"id": f"{number:032x}", "question": [text], "answer": [{"format": "SQL", "content": ["SELECT 1"]}]}
                for number, text in enumerate(benchmarks, 1)
            ]
        }
    return SpaceConfig(document, Envelope(**envelope), SPACE_ID, "e1")


def snapshot_of(saved):
    file = make_space_file(saved, SPACE_ID, "2026-01-01T00:00:00.000Z")
    params = {**file.proof(), "parent_model_id": "none"}
    record = ModelRecord("m-" + "a" * 32, "n", "0", params, {}, "file:///x", None, "READY", 0)
    return Snapshot(record, SPACE_ID, file.config, saved.content_sha256, saved.behaviour_sha256, file.sha256, file)


def live_of(now, etag="e1"):
    envelope = now.envelope
    return LiveSpace(
        SPACE_ID, envelope.title or "T", now.to_json(), etag, envelope.description, envelope.warehouse_id,
        envelope.parent_path,
    )  # fmt: skip


names = st.lists(st.from_regex(r"[a-z]\.[a-z]\.[a-z]{1,3}", fullmatch=True), unique=True, max_size=5)
questions = st.none() | st.lists(st.text(min_size=1, max_size=5), max_size=4)


@given(names, questions, names, questions)
def test_the_target_has_the_saved_behaviour_and_the_live_benchmarks(saved_tables, saved_bench, tables, bench):
    saved, now = config(saved_tables, saved_bench), config(tables, bench)
    kept = target_document(saved.document, now.document, keep_benchmarks=True)
    assert behaviour_hash(kept) == saved.behaviour_sha256
    assert content_hash({**kept, "data_sources": now.document["data_sources"]}) == now.content_sha256
    replaced = target_document(saved.document, now.document, keep_benchmarks=False)
    assert content_hash(replaced) == saved.content_sha256


@given(names, questions, names, questions, st.booleans())
def test_a_plan_survives_its_file_and_fits_the_same_space_again(saved_tables, saved_bench, tables, bench, keep):
    snapshot, live = snapshot_of(config(saved_tables, saved_bench)), live_of(config(tables, bench))
    plan = plan_restore(snapshot, live, keep_benchmarks=keep)
    again = read_plan(json.loads(json.dumps(plan.to_json())), "plan.json")
    assert again == plan
    assert differences(again, plan_restore(snapshot, live, keep_benchmarks=keep)) == []
    assert plan.nothing_to_do == (plan.target_content_sha256 == plan.live_content_sha256)
    assert bool(plan.changes["changes"]) == plan.changes_config


def test_planning_changes_neither_side():
    saved, now = config(("b.b.b", "a.a.a")), config(("z.z.z",))
    before = json.dumps([saved.document, now.document])
    plan_restore(snapshot_of(saved), live_of(now))
    assert json.dumps([saved.document, now.document]) == before


def test_deployment_fields_are_planned_only_when_asked_for_and_different():
    saved = config(title="Old", description=None, warehouse_id="w1", parent_path="/Workspace/x")
    now = config(title="New", description="text", warehouse_id="w1", parent_path="/x/")
    assert plan_restore(snapshot_of(saved), live_of(now)).field_changes == {}
    plan = plan_restore(snapshot_of(saved), live_of(now), include=["title", "description", "warehouse_id", "folder"])
    assert plan.field_changes == {"title": ("New", "Old"), "description": ("text", "")}
    assert plan.include == ("title", "description", "warehouse", "folder")
    assert not plan.nothing_to_do


def test_a_field_the_version_does_not_have_stays_and_is_named():
    plan = plan_restore(snapshot_of(config()), live_of(config(warehouse_id="w")), include=["warehouse"])
    assert (plan.field_changes, plan.not_recorded) == ({}, ("warehouse",))
    assert "warehouse stays: the model has none recorded" in plan.render()


def test_an_unknown_field_is_refused():
    with pytest.raises(UsageError, match="permissions"):
        plan_restore(snapshot_of(config()), live_of(config()), include=["permissions"])


def test_every_change_of_the_space_since_the_plan_is_named():
    snapshot, now = snapshot_of(config(("x.y.z",))), config(title="T")
    plan = plan_restore(snapshot, live_of(now), include=["title"])
    changed = plan_restore(snapshot, live_of(config(("a.b.d",), title="T")), include=["title"])
    assert any("configuration changed" in text for text in differences(plan, changed))
    written = plan_restore(snapshot, live_of(now, etag="e2"), include=["title"])
    assert differences(plan, written) == ["the space was written meanwhile (planned for etag e1, now e2)"]


@pytest.mark.parametrize(
    "key", ["space_id", "model_id", "keep_benchmarks", "live_etag", "text", "target_content_sha256"]
)
def test_an_edited_plan_file_is_refused(key):
    document = plan_restore(snapshot_of(config()), live_of(config(("q.q.q",)))).to_json()
    value = document[key]
    document[key] = not value if isinstance(value, bool) else value[:-1] + ("0" if value[-1] != "0" else "1")
    with pytest.raises(UnreadableFileError):
        read_plan(document, "plan.json")


@pytest.mark.parametrize(("key", "value"), [("text", "nothing changes"), ("changes", {})])
def test_a_plan_that_shows_other_changes_than_it_makes_is_named(key, value):
    snapshot, live = snapshot_of(config(("x.y.z",), title="T")), live_of(config(("q.q.q",), title="U"))
    plan = plan_restore(snapshot, live, include=["title"])
    body = {**plan.to_json(), key: value}
    body["digest"] = sha256_of_json({name: part for name, part in body.items() if name != "digest"})
    assert differences(read_plan(body, "plan.json"), plan) == ["the changes it shows are not those it would make"]
    assert differences(read_plan(json.loads(json.dumps(plan.to_json())), "plan.json"), plan) == []


def test_another_format_of_a_plan_is_refused():
    document = plan_restore(snapshot_of(config()), live_of(config())).to_json()
    with pytest.raises(UnsupportedFormatError, match="format_version 2"):
        read_plan({**document, "format_version": 2}, "plan.json")
    with pytest.raises(UnsupportedFormatError):
        read_plan([], "plan.json")
    with pytest.raises(UnreadableFileError, match="no restore plan"):
        read_plan({**document, "extra": 1}, "plan.json")
