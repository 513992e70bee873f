import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mlflow_genie_plugin.cli.output import UNEXPECTED, command, confirm_write, emit_json, say
from mlflow_genie_plugin.errors import ConflictError, ExitCode, InvalidSpaceError, Violation


def make(body):
    @click.command()
    @command
    def sample(as_json):
        return body(as_json)

    return sample


def test_an_error_is_one_line_on_stderr_with_its_exit_code():
    def body(_as_json):
        raise ConflictError("the space changed", next_step="plan again", etag="b7")

    result = CliRunner().invoke(make(body), [])
    assert result.exit_code == ExitCode.CONFLICT
    assert result.stdout == ""
    assert result.stderr == "error[MG310]: the space changed — plan again\n"


def test_json_output_parses_even_on_failure_and_lists_violations():
    def body(_as_json):
        raise InvalidSpaceError(
            "2 violations", [Violation("$.a", "r", "bad"), Violation("$.b", "s", "worse", fix="mend")]
        )

    result = CliRunner().invoke(make(body), ["--json"])
    assert result.exit_code == ExitCode.USAGE
    error = json.loads(result.stdout)["error"]
    assert [violation["path"] for violation in error["violations"]] == ["$.a", "$.b"]


def test_a_defect_is_one_line_and_its_traceback_goes_to_a_file_without_secrets(monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-very-secret")

    def body(_as_json):
        raise RuntimeError("a bug with dapi-very-secret")

    result = CliRunner().invoke(make(body), [])
    assert result.exit_code == UNEXPECTED
    assert "Traceback" not in result.output
    log = Path(re.search(r"see (\S+\.log)", result.stderr)[1])
    text = log.read_text(encoding="utf-8")
    log.unlink()
    assert "RuntimeError: a bug with ***" in text
    assert "dapi-very-secret" not in text + result.output


def test_debug_shows_the_exception_itself():
    def body(_as_json):
        raise RuntimeError("a bug")

    assert isinstance(CliRunner().invoke(make(body), ["--debug"]).exception, RuntimeError)


def test_a_result_and_the_talk_go_to_their_own_streams():
    def body(_as_json):
        say("working")
        emit_json({"n": 1})

    result = CliRunner().invoke(make(body), ["--json"])
    assert json.loads(result.stdout) == {"n": 1}
    assert result.stderr == "working\n"
    assert result.exit_code == 0


def test_without_a_terminal_and_without_yes_nothing_is_written():
    written = []

    def body(_as_json):
        confirm_write("Change it?", assume_yes=False)
        written.append(1)

    result = CliRunner().invoke(make(body), [])
    assert result.exit_code == ExitCode.USAGE
    assert "--yes" in result.stderr
    assert not written


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_the_root_help_lists_every_command(word):
    from mlflow_genie_plugin.cli.main import COMMANDS, main

    result = CliRunner().invoke(main, [word])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert name in result.output


@pytest.mark.parametrize("arguments", [["nothing"], ["space", "hash"], ["drift", "--nothing"]])
def test_a_usage_error_has_no_box_and_exits_2(arguments):
    from mlflow_genie_plugin.cli.main import main

    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == ExitCode.USAGE
    assert not re.search("[\u2500-\u257f]", result.output)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
@pytest.mark.parametrize(("stream", "code"), [("stdout", 2), ("stderr", 0)])
def test_a_full_disk_behind_stdout_is_an_error_and_behind_stderr_is_none(stream, code):
    script = (
        "import click; from mlflow_genie_plugin.cli.output import command, emit, say\n"
        "@click.command()\n@command\ndef run(as_json): say('talk'); emit('result')\nrun()"
    )
    with Path("/dev/full").open("w") as full:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: full}
        result = subprocess.run([sys.executable, "-c", script], text=True, check=False, **pipes)
    assert result.returncode == code
    assert (result.stderr or "").count("error[MG210]: the result could not be written") == (stream == "stdout")


def test_what_the_package_logs_is_a_sentence_whoever_set_up_logging_said_once_by_nested_commands():
    script = (
        "import logging, click\n"
        "from mlflow_genie_plugin.cli.output import command\n"
        "logging.basicConfig()\n"
        "@click.command()\n@command\n"
        "def inner(as_json): logging.getLogger('mlflow_genie_plugin.some.module').warning('trying again')\n"
        "@click.command()\n@command\n"
        "def outer(as_json): inner.callback(as_json=False, debug=True)\n"
        "outer()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "trying again\n")
