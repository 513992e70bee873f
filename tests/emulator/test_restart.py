from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from databricks.sdk import WorkspaceClient

from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID, WAREHOUSE_ID, LocalWorkspace
from mlflow_genie_plugin.emulator.store import SqliteStore
from mlflow_genie_plugin.errors import ConflictError, UnreadableFileError, UsageError


def client_of(workspace):
    return WorkspaceClient(host=workspace.url, token=workspace.token, auth_type="pat")


def test_spaces_permissions_conversations_and_the_token_survive_a_restart(tmp_path):
    from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

    with LocalWorkspace(tmp_path, sample=False) as first:
        client = client_of(first)
        space = client.genie.create_space(WAREHOUSE_ID, '{"version":2}', title="kept", parent_path="/Shared")
        gone = client.genie.create_space(WAREHOUSE_ID, '{"version":2}', title="gone")
        client.genie.trash_space(gone.space_id)
        client.workspace.mkdirs("/Shared/deep/folder")
        client.permissions.update(
            "genie",
            space.space_id,
            access_control_list=[AccessControlRequest(user_name="a@b.c", permission_level=PermissionLevel.CAN_RUN)],
        )
        first.control.script_answer(sql="SELECT 7 AS n")
        document = '{"version":2,"data_sources":{"tables":[{"identifier":"a.b.c"}]}}'
        client.genie.update_space(space.space_id, serialized_space=document)
        message = client.genie.start_conversation_and_wait(space.space_id, "q")
        before = client.genie.get_space(space.space_id, include_serialized_space=True)
        token = first.token
    with LocalWorkspace(tmp_path, sample=False) as second:
        client = client_of(second)
        assert second.token == token
        assert [item.title for item in client.genie.list_spaces().spaces] == ["kept"]
        assert client.genie.get_space(space.space_id, include_serialized_space=True) == before
        assert client.workspace.get_status("/Shared/deep/folder").path == "/Shared/deep/folder"
        users = {entry.user_name for entry in client.permissions.get("genie", space.space_id).access_control_list}
        assert "a@b.c" in users
        again = client.genie.get_message(space.space_id, message.conversation_id, message.message_id)
        assert again.attachments == message.attachments
        # The rows are not kept: they are worked out again when they are read.
        found = client.genie.get_message_query_result(space.space_id, message.conversation_id, message.message_id)
        assert found.statement_response.result.data_array == [["7"]]
        assert found.statement_response.statement_id == message.attachments[0].query.statement_id


SERVE = "from mlflow_genie_plugin.cli.main import main; main()"


def serve(folder, *options):
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, "local", "serve", "--no-sample", "--json", "--dir", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("}"):
            break
    return process, json.loads("".join(lines))


def test_a_killed_server_loses_nothing_and_its_open_question_is_answered_after_the_next_start(tmp_path):
    process, printed = serve(tmp_path, "--latency", "30")
    try:
        client = WorkspaceClient(host=printed["host"], token=printed["token"], auth_type="pat")
        titles = [client.genie.create_space(WAREHOUSE_ID, '{"version":2}', title=f"t{n}").title for n in range(20)]
        space_id = client.genie.list_spaces(page_size=1).spaces[0].space_id
        asked = client.genie.start_conversation(space_id, "open question").response
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with LocalWorkspace(tmp_path, sample=False) as after:
        client = client_of(after)
        listed = client.genie.list_spaces(page_size=100).spaces
        assert [item.title for item in listed] == titles
        after.control.advance_clock(60)
        message = client.genie.get_message(space_id, asked.conversation_id, asked.message_id)
        assert message.content == "open question"
        assert message.status.value == "FAILED"  # the space has no tables; what matters is that it ended
        assert message.error.type.value == "NO_TABLES_TO_QUERY_EXCEPTION"


def test_serve_stops_on_ctrl_c_without_a_traceback(tmp_path):
    process, printed = serve(tmp_path, "--quota", "5")
    assert printed["environment"]["GENIE_QUESTIONS_PER_MINUTE"] == "5"
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=20)
    assert process.returncode == 0
    assert talk.splitlines()[-1] == "Stopped."
    assert "Traceback" not in talk


def test_a_second_server_on_the_same_folder_is_refused_plainly(tmp_path):
    with (
        LocalWorkspace(tmp_path, sample=False),
        pytest.raises(ConflictError, match="already serving"),
        LocalWorkspace(tmp_path, sample=False),
    ):
        pass


def test_a_taken_port_is_refused_plainly():
    with LocalWorkspace(sample=False) as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(UsageError, match=f"port {port} cannot be used"):
            LocalWorkspace(port=port, sample=False).start()


def test_a_workspace_can_be_started_again_after_it_stopped(tmp_path):
    workspace = LocalWorkspace(tmp_path, sample=False)
    for _ in range(2):
        workspace.start()
        assert client_of(workspace).current_user.me().user_name
        workspace.stop()
    workspace.stop()


def test_a_failed_start_releases_the_folder(tmp_path):
    (tmp_path / "workspace.sqlite").write_text("this is no database, and it is long enough to be seen as none" * 50)
    with pytest.raises(UnreadableFileError, match="cannot open the local workspace's state"):
        LocalWorkspace(tmp_path, sample=False).start()
    (tmp_path / "workspace.sqlite").unlink()
    with LocalWorkspace(tmp_path, sample=False) as workspace:
        assert client_of(workspace).current_user.me()


def test_a_state_of_another_format_is_refused(tmp_path):
    import sqlite3

    SqliteStore(tmp_path / "workspace.sqlite").close()
    connection = sqlite3.connect(tmp_path / "workspace.sqlite")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(UnreadableFileError, match="another version of mlflow-genie"):
        SqliteStore(tmp_path / "workspace.sqlite")


def test_the_state_file_is_private_enough_to_hold_a_token(tmp_path):
    with LocalWorkspace(tmp_path, sample=False):
        assert ((tmp_path / "token").stat().st_mode & 0o077) == 0


def test_a_missing_extra_names_what_to_install(tmp_path):
    script = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from mlflow_genie_plugin.cli.main import main; main(['local', 'serve', '--no-sample'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "error[MG110]" in done.stderr
    assert "pip install 'mlflow-genie-plugin[local]'" in done.stderr
    assert done.returncode == 2


def test_the_sample_space_is_not_put_back_by_a_restart(tmp_path):
    with LocalWorkspace(tmp_path) as first:
        client_of(first).genie.trash_space(SAMPLE_SPACE_ID)
    with LocalWorkspace(tmp_path) as second:
        assert not client_of(second).genie.list_spaces().spaces
        second.control.add_sample()
        assert [item.space_id for item in client_of(second).genie.list_spaces().spaces] == [SAMPLE_SPACE_ID]
