from __future__ import annotations

import io

import pytest

from mlflow_genie_plugin.cli import evaluation_progress
from mlflow_genie_plugin.cli.evaluation_progress import Bar, Lines, make_progress, status_text


def story(progress):
    progress.note("q7: the expected SQL returns no rows")
    progress.checking(3)
    progress.asking(3, 1)
    progress.waiting(8.2)
    progress.answered("COMPLETED")
    progress.answered("FAILED")
    progress.storing()
    progress.done()


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((61, 34, 0, 8.4), "34/61  56 %  failed 0, waiting 8 s for the quota"),
        ((61, 61, 2, 0.0), "61/61  100 %  failed 2"),
        ((0, 0, 0, 0.0), "0/0  100 %  failed 0"),
    ],
)
def test_a_line_says_how_far_it_is_and_why_it_waits(numbers, text):
    assert status_text(*numbers) == text


def test_a_log_gets_lines_not_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(evaluation_progress, "_LINE_EVERY_SECONDS", 0.0)
    progress = make_progress("Asking 3 questions.")
    assert isinstance(progress, Lines)
    story(progress)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "note: q7: the expected SQL returns no rows",
        "reading the schema and running the expected SQL of 3 questions first",
        "Asking 3 questions.",
        "continuing: 1 of 3 answers are saved",
        "1/3  33 %  failed 0, waiting 8 s for the quota",
        "2/3  67 %  failed 0",
        "3/3  100 %  failed 1",
        "judged; storing the result in MLflow",
    ]


def test_a_terminal_gets_a_bar_that_ends_itself(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    progress = make_progress("Asking 3 questions.")
    assert isinstance(progress, Bar)
    story(progress)
    assert "q7: the expected SQL returns no rows" in terminal.getvalue()
    assert "continuing: 1 of 3 answers are saved" in terminal.getvalue()
    assert "Asking 3 questions." in terminal.getvalue()
    progress.done()
