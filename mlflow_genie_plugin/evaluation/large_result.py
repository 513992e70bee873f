"""Result files of many questions: written so that one question can be read without the others, and read like that.

Such a file begins with the name of its scores and ends with its questions. What stands before them is its head: all of
the evaluation but the questions.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import InvalidEvaluationError
from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult
from mlflow_genie_plugin.evaluation.result_file import parse_head, question_from_json, to_json
from mlflow_genie_plugin.evaluation.rows_file import POINTER as ROWS
from mlflow_genie_plugin.evaluation.rows_file import detach_rows
from mlflow_genie_plugin.evaluation.scores_file import POINTER, misfit, require_scores_of, scores_parquet

_OPENING = re.compile(rb'\{"format_version":\d+,"scores_file":\{')
_QUESTIONS = b',"questions":['
_END = b"]}\n"
# Large, because a thread that hashes has to wait for its turn after each block where another one is busy.
_BLOCK = 1 << 23
_GLANCE = 1 << 18
# A head is what a whole small result file is; one beyond this is not what an evaluation writes.
_MOST_HEAD = 1 << 26

_AGAIN = "use the file as mlflow-genie evaluate wrote it, or evaluate again"


@dataclass(frozen=True, slots=True)
class LargeFiles:
    """The files of a large result: the result file, its scores, and its rows where they stand apart."""

    result: bytes
    scores: bytes
    rows: bytes | None


@dataclass(frozen=True)
class LargeResult:
    """A large result file, read up to its questions.

    Attributes:
        path: The file.
        sha256: Its digest, of the same bytes that ``head`` was read from.
        head: The evaluation without questions.
        counts: Per judge what the file says its findings count to.
        scores_file, rows_file: What it says of the files beside it; ``rows_file`` is None when the rows stand in it.
        start: Where its first question begins, in bytes; ``size`` is how many bytes the questions take.
    """

    path: Path
    sha256: str
    head: EvaluationResult
    counts: Mapping[str, Mapping[str, Any]]
    scores_file: Mapping[str, Any]
    rows_file: Mapping[str, Any] | None
    start: int
    size: int

    def require_same(self, other: LargeResult) -> None:
        """Hold what :func:`glance` said against what :func:`read_head` says.

        Raises:
            InvalidEvaluationError: They differ.
        """
        if replace(self, sha256=other.sha256) != other:
            raise InvalidEvaluationError(f"{self.path.name} was changed while it was read", next_step=_AGAIN)

    def question(self, start: int, length: int) -> QuestionResult:
        """Return the question that begins ``start`` bytes after the first one; rows that stand apart are left out.

        Raises:
            InvalidEvaluationError: There is no question there.
        """
        with self.path.open("rb") as file:
            file.seek(self.start + start)
            data = file.read(length)
        try:
            return question_from_json(orjson.loads(data))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidEvaluationError(
                f"{self.path.name} has no question at byte {self.start + start}: {error}", next_step=_AGAIN
            ) from error


def large_files(result: EvaluationResult, inline_cells: int) -> LargeFiles:
    """Return the files of a result with many questions; equal results give equal bytes."""
    document = to_json(result)
    rows = detach_rows(document, inline_cells)
    questions = [orjson.dumps(question) for question in document.pop("questions")]
    scores = scores_parquet(result, [len(question) for question in questions])
    version = document.pop("format_version")
    pointer = {"sha256": sha256_of_bytes(scores), "questions": len(questions)}
    head = orjson.dumps({"format_version": version, POINTER: pointer, **document})
    return LargeFiles(b"".join((head[:-1], _QUESTIONS, b",".join(questions), _END)), scores, rows)


def is_large(path: Path) -> bool:
    """Return whether a result file names its scores in its first bytes, so that it need not be read whole."""
    with path.open("rb") as file:
        return _OPENING.match(file.read(64)) is not None


def read_head(path: Path) -> LargeResult:
    """Read a large result file once, from end to end, and keep its head and its digest.

    Raises:
        InvalidEvaluationError: It is not a large result file, or its head breaks the format.
        UnsupportedFormatError: Another ``format_version``.
    """
    digest, kept, size = hashlib.sha256(), bytearray(), 0
    found: tuple[dict[str, Any], int] | None = None
    end, buffer = b"", memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            block = buffer[:count]
            digest.update(block)
            size += count
            end = (end + bytes(block[-len(_END) :]))[-len(_END) :]
            if found is None and len(kept) <= _MOST_HEAD:
                kept += block
                found = _split(bytes(kept))
                if found is not None:
                    kept.clear()
    return _made(path, digest.hexdigest(), found if end == _END else None, size)


def glance(path: Path) -> LargeResult:
    """Return what the beginning of a large result file says, at once and so without a digest.

    Whatever is made of it counts only if :func:`read_head` then says the same of the whole file.

    Raises:
        InvalidEvaluationError, UnsupportedFormatError: As :func:`read_head`.
    """
    kept, found = bytearray(), None
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        while found is None and len(kept) <= _MOST_HEAD and (block := file.read(max(_GLANCE, len(kept)))):
            kept += block
            found = _split(bytes(kept))
    return _made(path, "", found, size)


def require_same_scores(data: bytes, scores: bytes, result: EvaluationResult) -> None:
    """Hold the scores beside a large result file against its questions, all of them.

    Args:
        data: The result file.
        scores: The Parquet file.
        result: What the result file says.

    Raises:
        InvalidEvaluationError: The scores are not those of the result file.
    """
    found = _split(data)
    if found is None:
        raise misfit("the result file is not written as a large one is: head, questions, end")
    document, start = found
    end, lengths = start, []
    for question in orjson.loads(data)["questions"]:
        lengths.append(len(orjson.dumps(question)))
        end += lengths[-1] + 1
    if not data.endswith(_END) or end - 1 + len(_END) != len(data):
        raise misfit("the result file is not written as mlflow-genie evaluate writes it")
    require_scores_of(scores, result, document[POINTER], lengths)


def _made(path: Path, sha256: str, found: tuple[dict[str, Any], int] | None, size: int) -> LargeResult:
    if found is None:
        raise InvalidEvaluationError(
            f"{path.name} names its scores, but is not written as such a file is: head, questions, end",
            next_step=_AGAIN,
        )
    document, start = found
    return LargeResult(
        path=path,
        sha256=sha256,
        head=parse_head(document),
        counts=document["scores"],
        scores_file=document[POINTER],
        rows_file=document.get(ROWS),
        start=start,
        size=size - start - len(_END),
    )


def _split(data: bytes) -> tuple[dict[str, Any], int] | None:
    """Return the head as a document and where the questions begin; None where it does not end in these bytes.

    Inside a JSON string the quotes would be escaped, and deeper inside the head what stands before is no whole object.
    """
    place = data.find(_QUESTIONS)
    while place >= 0:
        try:
            document = orjson.loads(data[:place] + b"}")
        except orjson.JSONDecodeError:
            place = data.find(_QUESTIONS, place + 1)
            continue
        return (document, place + len(_QUESTIONS)) if isinstance(document, dict) and POINTER in document else None
    return None
