from __future__ import annotations

import time

import pytest
from databricks.sdk import errors
from databricks.sdk.errors import InternalError, TemporarilyUnavailable, Unauthenticated

from mlflow_genie_plugin.emulator.control import LocalControl
from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
from mlflow_genie_plugin.errors import UsageError, WorkspaceUnavailableError


def test_a_reset_forgets_spaces_behaviour_requests_and_brings_the_sample_back(client, control, make_space):
    space = make_space()
    control.configure(latency_seconds=9, row_cap=1)
    control.trash_space(SAMPLE_SPACE_ID)
    control.reset()
    assert [item.space_id for item in client.genie.list_spaces().spaces] == [SAMPLE_SPACE_ID]
    assert (control.behaviour()["latency_seconds"], control.behaviour()["row_cap"]) == (0, 5000)
    assert space.space_id not in str(control.requests("genie.create_space"))


def test_a_seed_makes_ids_repeat(control, make_space):
    control.seed(7)
    first = [make_space().space_id for _ in range(3)]
    control.seed(7)
    second = [make_space().space_id for _ in range(3)]
    control.seed(8)
    assert first == second == sorted(first)
    assert make_space().space_id != first[0]


def test_an_edit_in_the_browser_changes_the_etag_and_needs_none(client, control):
    before = client.genie.get_space(SAMPLE_SPACE_ID, include_serialized_space=True)
    control.edit_space(SAMPLE_SPACE_ID, {"version": 2, "data_sources": {}})
    after = client.genie.get_space(SAMPLE_SPACE_ID, include_serialized_space=True)
    assert before.etag != after.etag
    control.add_sample()
    again = client.genie.get_space(SAMPLE_SPACE_ID, include_serialized_space=True)
    assert again.serialized_space == before.serialized_space


def test_a_fault_strikes_as_often_as_told_after_as_many_as_told(client, control):
    control.fault("genie.get_space", status=500, message="boom", times=2, skip=1)
    outcomes = []
    for _ in range(4):
        try:
            client.genie.get_space(SAMPLE_SPACE_ID)
            outcomes.append("ok")
        except InternalError as error:
            outcomes.append(str(error))
    assert outcomes == ["ok", "boom", "boom", "ok"]


def test_the_sdk_retries_503_and_obeys_retry_after(client, control):
    control.fault("genie.get_space", status=503, retry_after=1, times=1)
    started = time.monotonic()
    assert client.genie.get_space(SAMPLE_SPACE_ID).space_id == SAMPLE_SPACE_ID
    assert time.monotonic() - started >= 1
    assert [item["status"] for item in control.requests("genie.get_space")] == [503, 200]


def test_a_503_without_end_ends_in_an_error(make_client, control):
    control.fault("*", status=503, times=0)
    with pytest.raises((TemporarilyUnavailable, TimeoutError)):
        make_client(retry_seconds=1).genie.get_space(SAMPLE_SPACE_ID)


def test_a_connection_dropped_before_processing_changes_nothing_and_after_processing_does(client, control):
    control.fault("genie.create_space", drop="before")
    client.genie.create_space("w", '{"version":2}', title="once")
    titles = [space.title for space in client.genie.list_spaces().spaces]
    assert titles.count("once") == 1
    # The SDK sends the POST again: the answer was lost, the space was not.
    control.fault("genie.create_space", drop="after")
    client.genie.create_space("w", '{"version":2}', title="twice")
    titles = [space.title for space in client.genie.list_spaces().spaces]
    assert {"twice", "twice (2)"} <= set(titles)


def test_a_delay_delays(client, control):
    control.fault("genie.get_space", delay_seconds=0.3)
    started = time.monotonic()
    client.genie.get_space(SAMPLE_SPACE_ID)
    assert time.monotonic() - started >= 0.3


def test_faults_can_be_cleared_and_a_wrong_route_is_named(client, control):
    control.fault("genie.get_space", status=500, times=0)
    control.clear_faults()
    client.genie.get_space(SAMPLE_SPACE_ID)
    with pytest.raises(UsageError, match=r"no route 'genie.get_spaces'.*genie\.get_space\b"):
        control.fault("genie.get_spaces", status=500)
    with pytest.raises(UsageError, match="unknown field 'how'"):
        control.fault("genie.get_space", how="often")


def test_wrong_settings_are_refused_and_change_nothing(control):
    before = control.behaviour()
    for values in ({"latency": 1}, {"latency_seconds": "1"}, {"row_cap": 2.5}, {"check_tables": 1}, {"row_cap": -1}):
        with pytest.raises(UsageError):
            control.configure(**values)
    assert control.behaviour() == before


def test_received_requests_are_listed_with_bodies_and_without_the_control_apis(client, control):
    control.clear_requests()
    client.genie.update_space(SAMPLE_SPACE_ID, description="new words")
    control.behaviour()
    found = control.requests()
    assert [(item["method"], item["route"], item["status"]) for item in found] == [("PATCH", "genie.update_space", 200)]
    assert "new words" in found[0]["body"]
    assert "Bearer" not in str(found)


def test_an_unknown_route_is_501_and_named(client, control):
    with pytest.raises(errors.NotImplemented, match=r"GET /api/2\.1/jobs/list"):
        next(iter(client.api_client.do("GET", "/api/2.1/jobs/list")))
    assert control.requests("unknown")[0]["status"] == 501


def test_no_token_a_wrong_one_and_an_expired_one_are_401(local_workspace, client, control, make_client):
    with pytest.raises(Unauthenticated, match="Invalid access token"):
        make_client("wrong").current_user.me()
    control.expire_token()
    with pytest.raises(Unauthenticated, match="expired"):
        client.current_user.me()
    control.expire_token(expired=False)
    assert client.current_user.me().user_name == "owner@local.workspace"


def test_the_control_api_needs_the_owners_token(local_workspace, control):
    token = control.add_identity("u@b.c")
    for wrong in (token, "", "x"):
        with pytest.raises(UsageError, match="control API needs the token"):
            LocalControl(local_workspace.url, wrong).behaviour()


def test_no_workspace_at_the_address_is_said_plainly():
    with pytest.raises(WorkspaceUnavailableError, match="no local workspace at"):
        LocalControl("http://127.0.0.1:9", "x").behaviour()


def test_coverage_lists_every_genie_call_of_the_sdk_that_is_not_left_out(control):
    from databricks.sdk.service.dashboards import GenieAPI

    covered = {route["name"].removeprefix("genie.") for route in control.coverage()}
    calls = {name for name in vars(GenieAPI) if not name.startswith("_") and not name.endswith("_and_wait")}
    left_out = {"wait_get_message_genie_completed", "download_message_attachment_visualization"}
    assert calls - covered == left_out
