from __future__ import annotations

import os

import orjson
import pytest

from mlflow_genie_plugin.errors import ConflictError, UnreadableFileError, UnsupportedFormatError, UnwritableFileError
from mlflow_genie_plugin.evaluation.asking.journal import Journal
from mlflow_genie_plugin.evaluation.asking.journal_state import Turn
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, stored_result
from mlflow_genie_plugin.workspace.answer import MessageRef

KEY = {"model_id": "m-1", "space_id": "s"}


@pytest.fixture
def filled(tmp_path, make_table):
    with Journal(tmp_path, KEY) as journal:
        journal.begin({"evaluation_id": "e1", "started_at": "now"})
        journal.add_run("r1")
        journal.add_expected("q1", stored_result(make_table([(1, "a")]), None))
        journal.add_started(Turn("q1"), MessageRef("s", "c1", "m1"))
        journal.add_answer(Turn("q1"), AnswerRecord(sql="SELECT 1", compiles=True))
        journal.add_started(Turn("q2"), MessageRef("s", "c2", "m2"))
    return journal


def test_everything_is_there_when_it_is_opened_again(tmp_path, filled):
    with Journal(tmp_path, KEY) as journal:
        assert journal.state == filled.state
        journal.begin({"evaluation_id": "another"})
        assert journal.state.begun["evaluation_id"] == "e1"
    with Journal(tmp_path, KEY) as journal:
        assert journal.state.continued == 1


def test_another_evaluation_has_another_journal(tmp_path, filled):
    with Journal(tmp_path, {**KEY, "model_id": "m-2"}) as journal:
        assert not journal.state.begun


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_last_line_is_dropped_and_written_again(tmp_path, filled, cut):
    data = filled.path.read_bytes()
    filled.path.write_bytes(data[:-cut])
    with Journal(tmp_path, KEY) as journal:
        assert Turn("q2") not in journal.state.started
        journal.add_started(Turn("q2"), MessageRef("s", "c2", "m2"))
    assert filled.path.read_bytes() == data


def test_every_prefix_of_a_journal_can_be_continued(tmp_path, filled):
    data = filled.path.read_bytes()
    for length in range(0, len(data), 37):
        filled.path.write_bytes(data[:length])
        with Journal(tmp_path, KEY) as journal:
            journal.add_run("again")
        with Journal(tmp_path, KEY) as journal:
            assert journal.state.run_id == "again"


@pytest.mark.parametrize("line", [b"{broken", b"[]", b'{"event": "surprise"}', b'{"no": "event"}'])
def test_damage_in_the_middle_is_reported_not_skipped(tmp_path, filled, line):
    lines = filled.path.read_bytes().splitlines(keepends=True)
    filled.path.write_bytes(b"".join([*lines[:2], line + b"\n", *lines[2:]]))
    with pytest.raises(UnreadableFileError, match="line 3"), Journal(tmp_path, KEY):
        pass


def test_a_journal_of_another_version_is_refused(tmp_path, filled):
    lines = filled.path.read_bytes().splitlines()
    first = {**orjson.loads(lines[0]), "format_version": 9}
    filled.path.write_bytes(orjson.dumps(first) + b"\n")
    with pytest.raises(UnsupportedFormatError), Journal(tmp_path, KEY):
        pass


def test_two_processes_cannot_run_the_same_evaluation(tmp_path, filled):
    with (
        Journal(tmp_path, KEY),
        pytest.raises(ConflictError, match="another process is running this evaluation"),
        Journal(tmp_path, KEY),
    ):
        pass
    with Journal(tmp_path, KEY) as journal:
        assert journal.state.begun


def test_a_full_disk_loses_nothing_that_was_written(tmp_path, filled, monkeypatch):
    data = filled.path.read_bytes()
    with Journal(tmp_path, KEY) as journal:
        monkeypatch.setattr(
            os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device"))
        )
        with pytest.raises(UnwritableFileError, match="No space left"):
            journal.add_run("r2")
    assert filled.path.read_bytes() == data


def test_a_journal_is_for_its_owner_only(filled):
    assert filled.path.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableFileError), Journal(tmp_path / "file" / "x", KEY):
        pass
