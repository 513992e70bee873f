import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mlflow_genie_plugin.atomic_files import write_bytes_atomically, write_json_atomically
from mlflow_genie_plugin.errors import UnwritableFileError


def test_a_file_is_replaced_whole_and_nothing_else_remains(tmp_path):
    target = tmp_path / "deep" / "file.json"
    write_json_atomically(target, {"a": 1})
    write_json_atomically(target, {"b": "ü"})
    assert target.read_text(encoding="utf-8") == '{\n  "b": "ü"\n}\n'
    assert [path.name for path in target.parent.iterdir()] == ["file.json"]


def test_a_failed_write_keeps_the_old_content_and_leaves_no_temporary_file(tmp_path, monkeypatch):
    target = tmp_path / "file.bin"
    write_bytes_atomically(target, b"old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnwritableFileError, match="No space left"):
        write_bytes_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]


def test_a_folder_that_is_a_file_is_reported(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnwritableFileError, match="cannot write"):
        write_bytes_atomically(tmp_path / "file" / "child", b"x")


def test_a_named_pipe_receives_the_bytes_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_bytes_atomically(pipe, b"x")
        assert os.read(reader, 10) == b"x"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_stays_one_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to("file")
    assert write_bytes_atomically(link, b"new") == link
    assert (link.is_symlink(), (tmp_path / "file").read_bytes()) == (True, b"new")


def test_standard_output_by_its_name_is_written_to(tmp_path):
    script = "from mlflow_genie_plugin.atomic_files import *; write_bytes_atomically('/dev/stdout', b'x')"
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", script], stdout=out, check=True)
    assert (tmp_path / "out").read_bytes() == b"x"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert Path("/dev/stdout").is_symlink() or not Path("/dev/stdout").is_file()


def test_the_usual_permissions_apply(tmp_path):
    mask = os.umask(0o022)
    try:
        target = write_bytes_atomically(tmp_path / "file", b"x")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
