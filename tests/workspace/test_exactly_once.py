"""The local workspace really does lose answers, and its log shows what it received."""

import json
from dataclasses import replace

import pytest

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID
from mlflow_genie_plugin.errors import NotSignedInError, SpaceNotEditableError
from mlflow_genie_plugin.settings import resolve_settings
from mlflow_genie_plugin.workspace.answer import AnswerStatus
from mlflow_genie_plugin.workspace.ask import ask
from mlflow_genie_plugin.workspace.auth import connect
from mlflow_genie_plugin.workspace.throttle import Throttle


class ShortClock:
    """Real time, but no pause is longer than a twentieth of a second."""

    def monotonic(self):
        import time

        return time.monotonic()

    def now(self):
        from datetime import UTC, datetime

        return datetime.now(UTC)

    def sleep(self, seconds):
        import time

        time.sleep(min(max(seconds, 0), 0.05))


@pytest.fixture
def control(local_workspace):
    local_workspace.control.clear_requests()
    return local_workspace.control


@pytest.fixture
def signed_in(local_workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return connect(settings=replace(resolve_settings(), state_dir=tmp_path / "state"), clock=ShortClock())


def put(workspace, tmp_path, question="How many orders are there?"):
    settings = replace(resolve_settings(), state_dir=tmp_path / "state")
    clock = ShortClock()
    throttle = Throttle(workspace.host_digest, settings, clock)
    return ask(workspace.asker, SAMPLE_SPACE_ID, question, clock=clock, settings=settings, throttle=throttle)


def test_a_question_whose_answer_was_lost_is_found_again(signed_in, control, tmp_path):
    control.fault("genie.start_conversation", drop="after")
    answer = put(signed_in, tmp_path)
    assert (answer.status, answer.error) == (AnswerStatus.COMPLETED, None)
    assert answer.result.row_count == 1
    assert len(control.requests("genie.start_conversation")) == 1


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"status": 503, "retry_after": 0}, {"status": 500}])
def test_a_question_that_may_be_lost_is_errored_and_sent_once(signed_in, control, tmp_path, fault):
    control.fault("genie.start_conversation", **fault)
    answer = put(signed_in, tmp_path)
    assert (answer.status, answer.error_type) == (AnswerStatus.FAILED, "UNCONFIRMED_REQUEST")
    assert len(control.requests("genie.start_conversation")) == 1


def test_a_question_turned_away_by_quota_is_asked_when_it_may(signed_in, control, tmp_path):
    control.fault("genie.start_conversation", status=429, error_code="REQUEST_LIMIT_EXCEEDED", retry_after=1)
    assert put(signed_in, tmp_path).status is AnswerStatus.COMPLETED
    assert len(control.requests("genie.start_conversation")) == 2


def test_a_create_whose_answer_was_lost_is_found_again(signed_in, control):
    live = signed_in.spaces.get_space(SAMPLE_SPACE_ID)
    control.fault("genie.create_space", drop="after")
    made = signed_in.spaces.create_space(
        serialized_space=live.serialized_space,
        warehouse_id=live.warehouse_id,
        title=live.title,  # taken in this folder, so the server appends a number
        description=None,
        parent_path="/Workspace/Shared",
    )
    assert made.space_id != SAMPLE_SPACE_ID
    assert made.title != live.title
    assert len(control.requests("genie.create_space")) == 1
    assert len(list(signed_in.spaces.list_spaces())) == 2


def test_an_update_whose_answer_was_lost_is_read_back(signed_in, control):
    live = signed_in.spaces.get_space(SAMPLE_SPACE_ID)
    document = json.loads(live.serialized_space)
    document["config"] = {}
    control.fault("genie.update_space", drop="after")
    updated = signed_in.spaces.update_space(SAMPLE_SPACE_ID, serialized_space=json.dumps(document), etag=live.etag)
    assert updated.etag != live.etag
    assert len(control.requests("genie.update_space")) == 1


def test_a_lagging_read_does_not_hide_a_change_that_was_made(signed_in, control):
    control.read_lag(0.1)
    control.fault("genie.update_space", drop="after")
    updated = signed_in.spaces.update_space(SAMPLE_SPACE_ID, description="changed meanwhile")
    assert updated.description == "changed meanwhile"
    assert len(control.requests("genie.update_space")) == 1


def test_a_folder_that_is_missing_is_made(signed_in, control):
    live = signed_in.spaces.get_space(SAMPLE_SPACE_ID)
    made = signed_in.spaces.create_space(
        serialized_space=live.serialized_space,
        warehouse_id=live.warehouse_id,
        title="In a folder",
        description=None,
        parent_path="/Workspace/Shared/new/folder",
    )
    assert signed_in.spaces.get_space(made.space_id).parent_path == "/Shared/new/folder"
    assert len(control.requests("workspace.mkdirs")) == 1


def test_a_token_that_expires_stops_the_session(signed_in, control, tmp_path, local_workspace):
    control.expire_token()
    try:
        with pytest.raises(NotSignedInError):
            put(signed_in, tmp_path)
    finally:
        control.expire_token(expired=False)


@pytest.mark.parametrize("level", ["CAN_VIEW", "CAN_RUN"])
def test_a_reader_is_told_that_the_configuration_needs_can_edit(control, local_workspace, tmp_path, monkeypatch, level):
    token = control.add_identity("ben@local.workspace", level=level.replace("VIEW", "READ"), space_id=SAMPLE_SPACE_ID)
    monkeypatch.setenv("DATABRICKS_TOKEN", token)
    monkeypatch.chdir(tmp_path)
    workspace = connect(clock=ShortClock())
    assert [space.space_id for space in workspace.spaces.list_spaces()] == [SAMPLE_SPACE_ID]
    with pytest.raises(SpaceNotEditableError, match="CAN EDIT"):
        workspace.spaces.get_space(SAMPLE_SPACE_ID)
