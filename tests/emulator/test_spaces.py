from __future__ import annotations

import json

import pytest
from databricks.sdk.errors import (
    Aborted,
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceDoesNotExist,
)

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID, WAREHOUSE_ID

IDS = [f"{number:032x}" for number in range(1, 10)]
TABLE = {"identifier": "main.sales.orders"}


def config_of(client, space_id):
    return json.loads(client.genie.get_space(space_id, include_serialized_space=True).serialized_space)


def test_a_fresh_workspace_lists_only_the_sample_space_without_its_config(client):
    listed = client.genie.list_spaces().spaces
    assert [(space.space_id, space.serialized_space, space.etag) for space in listed] == [(SAMPLE_SPACE_ID, None, None)]


def test_pages_of_spaces_hold_every_space_once(client, make_space):
    made = {make_space(title=f"space {number}").space_id for number in range(7)}
    seen, token, pages = [], None, 0
    while True:
        page = client.genie.list_spaces(page_size=3, page_token=token)
        seen += [space.space_id for space in page.spaces]
        pages += 1
        if not (token := page.next_page_token):
            break
    assert (pages, sorted(seen)) == (3, sorted(made | {SAMPLE_SPACE_ID}))


def test_an_unknown_page_token_is_refused(client):
    with pytest.raises(InvalidParameterValue, match="page_token"):
        client.genie.list_spaces(page_token="elsewhere")


def test_config_and_etag_come_only_when_asked_for(client, make_space):
    space = make_space()
    without = client.genie.get_space(space.space_id)
    with_config = client.genie.get_space(space.space_id, include_serialized_space=True)
    assert (without.serialized_space, without.etag) == (None, None)
    assert json.loads(with_config.serialized_space) == {"version": 2, "data_sources": {}}
    assert with_config.etag


def test_times_and_folder_are_reported_without_the_workspace_prefix(client, make_space):
    client.workspace.mkdirs("/Workspace/Shared/team")
    space = make_space(parent_path="/Workspace/Shared/team", title="x")
    got = client.genie.get_space(space.space_id)
    assert got.parent_path == "/Shared/team"
    assert got.create_time is not None
    assert make_space().parent_path == f"/Users/{client.current_user.me().user_name}"


def test_the_etag_changes_with_the_config_only(client, make_space):
    space = make_space({"version": 2, "data_sources": {"tables": [TABLE]}})
    same = client.genie.update_space(space.space_id, title="other", description="d", warehouse_id="w2")
    assert (same.etag, same.title, same.description, same.warehouse_id) == (space.etag, "other", "d", "w2")
    rewritten = client.genie.update_space(space.space_id, serialized_space=space.serialized_space)
    assert rewritten.etag == space.etag
    changed = client.genie.update_space(space.space_id, serialized_space='{"version":2,"data_sources":{}}')
    assert changed.etag != space.etag
    assert config_of(client, space.space_id) == {"version": 2, "data_sources": {}}


def test_a_stale_etag_is_a_conflict_and_nothing_is_written(client, control, make_space):
    space = make_space(title="mine")
    control.edit_space(space.space_id, {"version": 2, "data_sources": {"tables": [TABLE]}})
    with pytest.raises(Aborted):
        client.genie.update_space(space.space_id, title="theirs", serialized_space='{"version":2}', etag=space.etag)
    after = client.genie.get_space(space.space_id, include_serialized_space=True)
    assert after.title == "mine"
    assert json.loads(after.serialized_space)["data_sources"] == {"tables": [TABLE]}
    client.genie.update_space(space.space_id, serialized_space='{"version":2}', etag=after.etag)


def test_version_1_is_stored_as_version_2_with_its_flags_renamed(client, make_space):
    column = {"column_name": "a", "get_example_values": True, "build_value_dictionary": False}
    table = {"identifier": "c.s.t", "column_configs": [column]}
    space = make_space({"version": 1, "data_sources": {"tables": [table]}})
    assert config_of(client, space.space_id) == {
        "version": 2,
        "data_sources": {
            "tables": [
                {
                    "identifier": "c.s.t",
                    "column_configs": [
                        {"column_name": "a", "enable_format_assistance": True, "enable_entity_matching": False}
                    ],
                }
            ]
        },
    }


def test_benchmarks_come_back_in_descending_order_and_sample_questions_ascending(client, make_space):
    answer = [{"format": "SQL", "content": ["SELECT 1"]}]
    space = make_space(
        {
            "version": 2,
            "config": {"sample_questions": [{"id": IDS[2], "question": ["c"]}, {"id": IDS[1], "question": ["b"]}]},
            "data_sources": {},
            "benchmarks": {
                "questions": [
                    {"id": IDS[4], "question": ["d"], "answer": answer},
                    {"id": IDS[5], "question": ["e"], "answer": answer},
                ]
            },
        }
    )
    config = config_of(client, space.space_id)
    assert [item["id"] for item in config["config"]["sample_questions"]] == [IDS[1], IDS[2]]
    assert [item["id"] for item in config["benchmarks"]["questions"]] == [IDS[5], IDS[4]]


def test_a_taken_title_gets_a_number(make_space):
    assert [make_space(title="Sales").title for _ in range(3)] == ["Sales", "Sales (2)", "Sales (3)"]


def test_an_update_with_a_title_gets_a_suffix_only_when_that_is_switched_on(client, control, make_space):
    space = make_space(title="a")
    assert client.genie.update_space(space.space_id, title="b").title == "b"
    control.configure(title_suffix_on_update=True)
    assert client.genie.update_space(space.space_id, title="b").title == "b (updated)"
    assert client.genie.update_space(space.space_id, description="c").title == "b (updated)"


def test_a_trashed_space_vanishes(client, make_space):
    space = make_space()
    client.genie.trash_space(space.space_id)
    assert space.space_id not in {item.space_id for item in client.genie.list_spaces().spaces}
    for call in (
        lambda: client.genie.get_space(space.space_id),
        lambda: client.genie.update_space(space.space_id, title="x"),
        lambda: client.genie.trash_space(space.space_id),
        lambda: client.genie.start_conversation(space.space_id, "q"),
    ):
        with pytest.raises(ResourceDoesNotExist):
            call()


def test_a_missing_folder_fails_in_either_of_two_ways(control, make_space):
    with pytest.raises(InvalidParameterValue, match="Tree node with path '/Shared/none' does not exist"):
        make_space(parent_path="/Workspace/Shared/none")
    control.configure(missing_folder_as_not_found=True)
    with pytest.raises(NotFound):
        make_space(parent_path="/Shared/none")


def test_reads_lag_writes_for_as_long_as_set(client, control, make_space):
    space = make_space(title="before")
    control.read_lag(60)
    updated = client.genie.update_space(space.space_id, title="after", serialized_space='{"version":2,"config":{}}')
    assert updated.title == "after"
    stale = client.genie.get_space(space.space_id, include_serialized_space=True)
    assert (stale.title, stale.etag) == ("before", space.etag)
    control.advance_clock(61)
    fresh = client.genie.get_space(space.space_id, include_serialized_space=True)
    assert fresh.etag == updated.etag


def test_the_etag_is_held_against_the_newest_config_even_while_reads_lag(client, control, make_space):
    space = make_space()
    control.read_lag(30)
    client.genie.update_space(space.space_id, serialized_space='{"version":2,"config":{}}')
    stale = client.genie.get_space(space.space_id, include_serialized_space=True)
    with pytest.raises(Aborted):
        client.genie.update_space(space.space_id, serialized_space='{"version":2}', etag=stale.etag)


def test_permissions_are_got_set_and_updated(client, make_space):
    from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

    space = make_space()

    def levels():
        found = client.permissions.get("genie", space.space_id).access_control_list
        return {entry.user_name or entry.group_name: entry.all_permissions[0].permission_level.value for entry in found}

    owner = client.current_user.me().user_name
    assert levels() == {owner: "CAN_MANAGE", "admins": "CAN_MANAGE"}
    client.permissions.update(
        "genie",
        space.space_id,
        access_control_list=[
            AccessControlRequest(group_name="analysts", permission_level=PermissionLevel.CAN_RUN),
            AccessControlRequest(user_name="a@b.c", permission_level=PermissionLevel.CAN_READ),
        ],
    )
    assert levels() == {owner: "CAN_MANAGE", "admins": "CAN_MANAGE", "analysts": "CAN_RUN", "a@b.c": "CAN_READ"}
    client.permissions.set(
        "genie",
        space.space_id,
        access_control_list=[AccessControlRequest(user_name="a@b.c", permission_level=PermissionLevel.CAN_EDIT)],
    )
    assert levels() == {"a@b.c": "CAN_EDIT", "admins": "CAN_MANAGE"}


def test_permissions_live_under_genie_and_nowhere_else(client, make_space):
    with pytest.raises(NotFound):
        client.permissions.get("dashboards", make_space().space_id)


@pytest.mark.parametrize(
    ("level", "sees_config", "may_ask", "may_edit"),
    [("CAN_READ", False, False, False), ("CAN_RUN", False, True, False), ("CAN_EDIT", True, True, True)],
)
def test_each_level_allows_what_it_says(
    client, control, make_client, make_space, level, sees_config, may_ask, may_edit
):
    space = make_space(title="t")
    other = make_client(control.add_identity("other@b.c", level=level, space_id=space.space_id))
    got = other.genie.get_space(space.space_id, include_serialized_space=True)
    assert (bool(got.serialized_space), bool(got.etag)) == (sees_config, sees_config)
    assert [item.space_id for item in other.genie.list_spaces().spaces] == [space.space_id]

    def allowed(call):
        try:
            call()
        except PermissionDenied:
            return False
        return True

    assert allowed(lambda: other.genie.start_conversation(space.space_id, "q")) == may_ask
    assert allowed(lambda: other.genie.update_space(space.space_id, title="u")) == may_edit
    assert not allowed(lambda: other.genie.trash_space(space.space_id))


def test_a_stranger_sees_no_space(control, make_client, make_space):
    stranger = make_client(control.add_identity("stranger@b.c"))
    assert not stranger.genie.list_spaces().spaces
    with pytest.raises(PermissionDenied):
        stranger.genie.get_space(make_space().space_id)


def test_a_warehouse_and_a_config_are_required(client):
    with pytest.raises(InvalidParameterValue, match="warehouse_id"):
        client.api_client.do("POST", "/api/2.0/genie/spaces", body={"serialized_space": '{"version":2}'})
    with pytest.raises(InvalidParameterValue, match="serialized_space"):
        client.api_client.do("POST", "/api/2.0/genie/spaces", body={"warehouse_id": WAREHOUSE_ID})
