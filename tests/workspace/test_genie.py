import json

import pytest

from mlflow_genie_plugin.errors import (
    ConflictError,
    PermissionDeniedError,
    SpaceNotEditableError,
    SpaceNotFoundError,
    UnconfirmedRequestError,
    UsageError,
    WorkspaceRefusedError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.workspace.live_space import Permission

SPACES = "/api/2.0/genie/spaces"
ID = "01f0" * 8
DOCUMENT = json.dumps({"version": 2, "data_sources": {"tables": [{"identifier": "a.b.c"}]}})
SPACE = {"space_id": ID, "title": "Sales", "serialized_space": DOCUMENT, "etag": "e1", "warehouse_id": "w"}


def create(workspace, **changes):
    fields = {
        "serialized_space": DOCUMENT,
        "warehouse_id": "w",
        "title": "Sales",
        "description": None,
        "parent_path": None,
    }
    return workspace.spaces.create_space(**{**fields, **changes})


def test_all_pages_are_listed(workspace, script):
    pages = {None: (["a", "b"], "2"), "2": (["c"], "3"), "3": ([], None)}

    def page(query, body):
        ids, following = pages[query.get("page_token")]
        return 200, {"spaces": [{"space_id": i, "title": i.upper()} for i in ids], "next_page_token": following}

    script.on("GET", SPACES, page)
    assert [(s.space_id, s.title) for s in workspace.spaces.list_spaces()] == [("a", "A"), ("b", "B"), ("c", "C")]


def test_a_page_that_repeats_is_an_error_not_a_loop(workspace, script):
    script.on("GET", SPACES, (200, {"spaces": [], "next_page_token": "again"}))
    with pytest.raises(WorkspaceUnavailableError, match="repeats a page"):
        list(workspace.spaces.list_spaces())


def test_a_space_comes_with_configuration_and_etag(workspace, script):
    script.on("GET", f"{SPACES}/{ID}", (200, SPACE))
    live = workspace.spaces.get_space(ID)
    assert (live.serialized_space, live.etag, live.title) == (DOCUMENT, "e1", "Sales")
    assert script.sent("GET", f"{SPACES}/{ID}")[0][2] == {"include_serialized_space": "true"}


@pytest.mark.parametrize("empty", [{"serialized_space": ""}, {"serialized_space": None}, {}])
def test_a_space_without_configuration_needs_can_edit(workspace, script, empty):
    script.on("GET", f"{SPACES}/{ID}", (200, {"space_id": ID, "title": "Sales", **empty}))
    with pytest.raises(SpaceNotEditableError, match=r"does not have CAN EDIT — ask someone who can manage"):
        workspace.spaces.get_space(ID)


def test_a_forbidden_configuration_of_a_visible_space_needs_can_edit(workspace, script):
    def answer(query, body):
        return (403, {"error_code": "PERMISSION_DENIED", "message": "no"}) if query else (200, {"title": "Sales"})

    script.on("GET", f"{SPACES}/{ID}", answer)
    with pytest.raises(SpaceNotEditableError, match="CAN EDIT"):
        workspace.spaces.get_space(ID)


def test_a_forbidden_space_is_forbidden(workspace, script):
    script.on("GET", f"{SPACES}/{ID}", (403, {"error_code": "PERMISSION_DENIED", "message": "no"}))
    with pytest.raises(PermissionDeniedError, match="CAN VIEW"):
        workspace.spaces.get_space(ID)


def test_a_missing_space_says_so(workspace, script):
    script.on("GET", f"{SPACES}/{ID}", (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}))
    with pytest.raises(SpaceNotFoundError, match="trash"):
        workspace.spaces.get_space(ID)


@pytest.mark.parametrize("bad", ["", "a/b", "../x", "a?b=c", "a b", "ü"])
def test_what_is_no_id_never_reaches_an_address(workspace, script, bad):
    for call in (workspace.spaces.get_space, workspace.spaces.get_permissions):
        with pytest.raises(UsageError, match="not a space id"):
            call(bad)
    assert script.requests == []


def test_permissions_are_read_with_their_words(workspace, script):
    entries = [
        {"user_name": "ana", "all_permissions": [{"permission_level": "CAN_MANAGE", "inherited": False}]},
        {"group_name": "all", "all_permissions": [{"permission_level": "CAN_READ", "inherited": True}]},
        {"service_principal_name": "ci", "all_permissions": [{"permission_level": "CAN_FLY"}]},
    ]
    script.on("GET", f"/api/2.0/permissions/genie/{ID}", (200, {"access_control_list": entries}))
    assert workspace.spaces.get_permissions(ID) == [
        Permission("user", "ana", "CAN_MANAGE"),
        Permission("group", "all", "CAN_VIEW", inherited=True),
        Permission("service_principal", "ci", "CAN_FLY"),
    ]


@pytest.mark.parametrize("code", ["ABORTED", "RESOURCE_CONFLICT", None])
def test_a_stale_etag_is_a_conflict(workspace, script, code):
    script.on("PATCH", f"{SPACES}/{ID}", (409, {"error_code": code, "message": "modified since"}))
    with pytest.raises(ConflictError, match="modified since"):
        workspace.spaces.update_space(ID, serialized_space=DOCUMENT, etag="old")
    assert script.sent("PATCH")[0][3] == {"serialized_space": DOCUMENT, "etag": "old"}
    assert len(script.sent("PATCH")) == 1


def test_the_servers_words_of_a_refusal_are_kept(workspace, script):
    message = "Invalid export proto: data_sources.tables must be sorted by identifier"
    script.on("PATCH", f"{SPACES}/{ID}", (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": message}))
    with pytest.raises(WorkspaceRefusedError, match=message):
        workspace.spaces.update_space(ID, serialized_space=DOCUMENT)


def test_only_the_fields_given_are_sent(workspace, script):
    script.on("PATCH", f"{SPACES}/{ID}", (200, SPACE))
    workspace.spaces.update_space(ID, title="New")
    assert script.sent("PATCH")[0][3] == {"title": "New"}
    with pytest.raises(UsageError, match="nothing to change"):
        workspace.spaces.update_space(ID, etag="e1")


@pytest.mark.parametrize(
    "lost", ["drop", (500, {"message": "x"}), (503, {"message": "x"}, {"Retry-After": "0"}), (504, {})]
)
def test_a_lost_update_is_read_back_and_never_sent_again(workspace, script, lost):
    script.on("PATCH", f"{SPACES}/{ID}", lost)
    script.on("GET", f"{SPACES}/{ID}", (200, {**SPACE, "serialized_space": '{"version": 2}'}), (200, SPACE))
    assert workspace.spaces.update_space(ID, serialized_space=DOCUMENT).serialized_space == DOCUMENT
    assert len(script.sent("PATCH")) == 1


def test_a_lost_update_that_does_not_show_is_unconfirmed(workspace, script):
    script.on("PATCH", f"{SPACES}/{ID}", "drop")
    script.on("GET", f"{SPACES}/{ID}", (200, {**SPACE, "title": "Old"}))
    with pytest.raises(UnconfirmedRequestError, match="does not show the change"):
        workspace.spaces.update_space(ID, title="New")
    assert len(script.sent("PATCH")) == 1


def test_an_update_that_was_turned_away_is_sent_again(workspace, script, clock):
    script.on("PATCH", f"{SPACES}/{ID}", (429, {"message": "slow"}, {"Retry-After": "7"}), (200, SPACE))
    workspace.spaces.update_space(ID, serialized_space=DOCUMENT)
    assert len(script.sent("PATCH")) == 2
    assert 7 <= sum(clock.slept) < 8


def made(space_id, title="Sales", at="2026-11-20T12:00:01Z", document=DOCUMENT):
    return {"space_id": space_id, "title": title, "create_time": at, "serialized_space": document}


def on_spaces(script, *spaces, earlier=()):
    def listed(found):
        return 200, {"spaces": [{"space_id": space["space_id"], "title": space["title"]} for space in found]}

    script.on("GET", SPACES, listed(earlier), listed([*earlier, *spaces]))
    spaces = [*earlier, *spaces]
    for space in spaces:
        script.on("GET", f"{SPACES}/{space['space_id']}", (200, space))


@pytest.mark.parametrize(
    "lost", ["drop", (500, {"message": "x"}), (503, {"message": "x"}, {"Retry-After": "0"}), (504, {})]
)
def test_a_lost_create_is_looked_up_and_never_sent_again(workspace, script, lost):
    script.on("POST", SPACES, lost)
    on_spaces(
        script,
        made("old", at="2026-11-20T09:00:00Z"),
        made("other", title="Sales EU"),
        made("changed", document='{"version": 2}'),
        made("undated", at=None),
        made("new", title="Sales (2)"),
        earlier=[made("copy")],
    )
    assert create(workspace).space_id == "new"
    assert len(script.sent("POST")) == 1


@pytest.mark.parametrize("spaces", [[], [made("one"), made("two")]])
def test_a_lost_create_that_cannot_be_told_is_unconfirmed(workspace, script, spaces):
    script.on("POST", SPACES, "drop")
    on_spaces(script, *spaces)
    with pytest.raises(UnconfirmedRequestError, match="spaces that could be it") as caught:
        create(workspace)
    assert caught.value.details["candidates"] == [space["space_id"] for space in spaces]
    assert len(script.sent("POST")) == 1


def test_a_refused_create_is_not_repeated(workspace, script):
    script.on("POST", SPACES, (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "bad"}))
    with pytest.raises(WorkspaceRefusedError, match="bad"):
        create(workspace)
    assert len(script.sent("POST")) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        (
            400,
            {"error_code": "INVALID_PARAMETER_VALUE", "message": "Tree node with path '/Workspace/x' does not exist"},
        ),
        (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such folder"}),
    ],
)
def test_a_missing_folder_is_made_once(workspace, script, refusal):
    script.on("POST", SPACES, refusal, (200, SPACE))
    script.on("POST", "/api/2.0/workspace/mkdirs", (200, {}))
    assert create(workspace, parent_path="/Workspace/x").space_id == ID
    assert script.sent("POST", "/api/2.0/workspace/mkdirs")[0][3] == {"path": "/Workspace/x"}
    assert len(script.sent("POST", SPACES)) == 2


def test_no_folder_is_made_for_a_missing_warehouse(workspace, script):
    script.on("POST", SPACES, (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Warehouse w not found"}))
    with pytest.raises(WorkspaceRefusedError, match="Warehouse"):
        create(workspace, parent_path="/Workspace/x")
    assert not script.sent("POST", "/api/2.0/workspace/mkdirs")


@pytest.mark.parametrize("first", [(503, {"message": "x"}), (500, {"message": "x"}), "drop", (429, {"message": "x"})])
def test_reads_are_repeated(workspace, script, clock, first):
    script.on("GET", f"{SPACES}/{ID}", first, (200, SPACE))
    assert workspace.spaces.get_space(ID).title == "Sales"
    assert len(script.sent("GET", f"{SPACES}/{ID}")) == 2


def test_reads_give_up_within_a_minute(workspace, script, clock):
    script.on("GET", f"{SPACES}/{ID}", (503, {"message": "down"}))
    with pytest.raises(WorkspaceUnavailableError, match="down"):
        workspace.spaces.get_space(ID)
    assert sum(clock.slept) <= 60
