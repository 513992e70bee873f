from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlflow_genie_plugin.cli.local import local

A, B = "0" * 31 + "1", "0" * 31 + "2"
GOOD = {"version": 2, "data_sources": {"tables": [{"identifier": "c.s.t"}]}}
BAD = {
    "version": 2,
    "data_sources": {"tables": [{"identifier": n} for n in ("c.s.t", "c.s.a", "${x}.s.z")]},
    "extra": 1,
}


@pytest.fixture
def run():
    def invoke(*arguments, **environment):
        return CliRunner().invoke(local, [str(item) for item in arguments], env=environment)

    return invoke


@pytest.fixture
def write(tmp_path):
    def write_file(document, name="orders.json"):
        path = tmp_path / name
        path.write_text(json.dumps(document))
        return path

    return write_file


def test_a_file_is_loaded_into_a_running_workspace(run, write, local_workspace):
    done = run("load", write(GOOD), "--url", local_workspace.url, "--title", "Mine")
    assert done.exit_code == 0, done.stderr
    space_id = done.stdout.strip().removeprefix("genie:/")
    found = local_workspace.control.space(space_id)
    assert (found["title"], json.loads(found["serialized_space"])) == ("Mine", GOOD)


def test_an_exports_envelope_gives_title_and_id_and_a_second_load_gets_another_id(run, write, local_workspace):
    export = {"space_id": "c" * 32, "title": "Exported", "serialized_space": json.dumps(GOOD)}
    first = run("load", write(export), "--url", local_workspace.url, "--json")
    second = run("load", write(export), "--url", local_workspace.url, "--json")
    loaded = [json.loads(done.stdout) for done in (first, second)]
    assert loaded[0]["space_id"] == "c" * 32
    assert loaded[1]["space_id"] != "c" * 32
    assert [item["title"] for item in loaded] == ["Exported", "Exported (2)"]


def test_every_violation_is_shown_and_nothing_loaded_without_fix(run, write, local_workspace):
    before = len(list(local_workspace.world.spaces))
    done = run("load", write(BAD), "--url", local_workspace.url)
    assert done.exit_code == 2
    assert "error[MG201]" in done.stderr
    for words in ("not sorted", "${x}", "extra"):
        assert words in done.stderr
    assert "--fix" in done.stderr
    assert len(list(local_workspace.world.spaces)) == before


def test_with_fix_every_change_is_said(run, write, local_workspace):
    done = run("load", write(BAD), "--url", local_workspace.url, "--fix")
    assert done.exit_code == 0, done.stderr
    assert "changed: left out the unknown field $.extra" in done.stderr
    assert "changed: filled the placeholder ${x} with 'x'" in done.stderr
    assert "changed: put lists into the server's order" in done.stderr


def test_a_templates_values_are_set(run, write, local_workspace):
    template = {"version": 2, "data_sources": {"tables": [{"identifier": "${catalog}.s.t"}]}}
    done = run("load", write(template), "--url", local_workspace.url, "--set", "catalog=main")
    assert done.exit_code == 0, done.stderr
    found = local_workspace.control.space(done.stdout.strip().removeprefix("genie:/"))
    assert "main.s.t" in found["serialized_space"]
    refused = run("load", write(template), "--url", local_workspace.url, "--set", "catalog")
    assert (refused.exit_code, "NAME=VALUE" in refused.stderr) == (2, True)


def test_with_generate_the_spaces_tables_exist_and_can_be_asked(run, write, local_workspace):
    from databricks.sdk import WorkspaceClient

    document = {
        "version": 2,
        "data_sources": {"tables": [{"identifier": "shop.sales.orders"}]},
        "instructions": {
            "example_question_sqls": [
                {
                    "id": A,
                    "question": ["How many orders are there?"],
                    "sql": ["SELECT COUNT(order_id) AS orders FROM shop.sales.orders"],
                }
            ]
        },
    }
    local_workspace.control.configure(check_tables=True)
    refused = run("load", write(document), "--url", local_workspace.url)
    assert "Failed to fetch tables for the space" in refused.stderr
    done = run("load", write(document), "--url", local_workspace.url, "--generate")
    assert done.exit_code == 0, done.stderr
    assert "shop.sales.orders" in done.stderr
    client = WorkspaceClient(host=local_workspace.url, token=local_workspace.token, auth_type="pat")
    space_id = done.stdout.strip().removeprefix("genie:/")
    message = client.genie.start_conversation_and_wait(space_id, "How many orders are there?")
    result = client.genie.get_message_query_result(space_id, message.conversation_id, message.message_id)
    assert int(result.statement_response.result.data_array[0][0]) > 0


def test_a_space_is_kept_in_a_folder(run, write, tmp_path):
    from mlflow_genie_plugin.emulator.server import LocalWorkspace

    folder = tmp_path / "workspace"
    with LocalWorkspace(folder, sample=False):
        pass
    done = run("load", write(GOOD), "--dir", folder)
    assert done.exit_code == 0, done.stderr
    with LocalWorkspace(folder, sample=False) as workspace:
        assert "orders" in [space.title for space in workspace.world.spaces]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--dir or --url"),
        (["--dir", "d", "--url", "http://127.0.0.1:9"], "--dir or --url"),
        (["--url", "http://127.0.0.1:9", "--token", "x"], "no local workspace at"),
    ],
)
def test_a_wrong_destination_is_refused_with_the_next_step(run, write, options, words):
    done = run("load", write(GOOD), *options)
    assert done.exit_code in {2, 3}
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_running_workspace_needs_its_token(run, write):
    done = run("load", write(GOOD), "--url", "http://127.0.0.1:9", DATABRICKS_TOKEN="")
    assert done.exit_code == 2
    assert "DATABRICKS_TOKEN" in done.stderr


def test_a_file_that_is_no_space_is_refused(run, tmp_path, local_workspace):
    path = tmp_path / "x.json"
    path.write_text("{")
    done = run("load", path, "--url", local_workspace.url)
    assert done.exit_code == 2
    assert "error[MG206]" in done.stderr


def test_the_sample_is_written_as_files_that_the_other_commands_read(run, tmp_path):
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks, sample_document

    assert run("sample", "-o", tmp_path / "new").exit_code == 0
    assert json.loads((tmp_path / "new/sample_space.json").read_text()) == sample_document()
    assert (tmp_path / "new/sample_benchmarks.yaml").read_bytes() == sample_benchmarks()
    assert run("sample", "-o", tmp_path / "new").exit_code == 0


def test_a_changed_sample_file_is_not_overwritten(run, tmp_path):
    (tmp_path / "sample_benchmarks.yaml").write_text("mine")
    done = run("sample", "-o", tmp_path)
    assert done.exit_code == 2
    assert "sample_benchmarks.yaml is something else" in done.stderr
    assert not (tmp_path / "sample_space.json").exists()
    assert (tmp_path / "sample_benchmarks.yaml").read_text() == "mine"
