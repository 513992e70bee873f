"""The benchmark set that an evaluation stored: its entries by id, and the digest they have.

The set was checked when it was read for asking; here only its digest matters, so no SQL is parsed again.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mlflow_genie_plugin.canonical_json import canonical_bytes, sha256_of_json

_BEFORE, _BETWEEN, _AFTER = b',"benchmarks":[\n', b",\n", b"\n]}\n"


@dataclass(frozen=True, slots=True)
class StoredBenchmarks:
    """A benchmark set.

    Attributes:
        entries: Id → entry. Of a large set, without id, question and expected SQL, and equal ones are one object.
        texts: Id → id, question and expected SQL, in the same order; empty where they stand in the entries.
        sha256: The digest of the set as it is stored.
    """

    entries: Mapping[str, Mapping[str, Any]]
    texts: Mapping[str, tuple[str, str, str]]
    sha256: str


def stored_benchmarks(data: bytes) -> StoredBenchmarks | None:
    """Return the set in a stored benchmarks file; None when it is not one."""
    try:
        document = orjson.loads(data)
        entries = {entry["id"]: entry for entry in document["benchmarks"]}
        digest = sha256_of_json(sorted(document["benchmarks"], key=lambda entry: entry["id"]))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return StoredBenchmarks(entries, {}, digest)


def many_stored_benchmarks(data: bytes, recorded_sha256: str | None = None) -> StoredBenchmarks | None:
    """Return a large set in less memory than its file takes; None when it is not a set.

    Args:
        data: The stored benchmarks file.
        recorded_sha256: The digest it should have; lines that have it need not be written anew to be hashed.
    """
    if (found := _of_lines(data)) is not None and found.sha256 == recorded_sha256:
        return found
    whole, lean = stored_benchmarks(data), _Lean()
    if whole is None:
        return None
    try:
        for entry in whole.entries.values():
            lean.add(dict(entry))
    except KeyError:
        return None
    return StoredBenchmarks(lean.entries, lean.texts, whole.sha256)


def _of_lines(data: bytes) -> StoredBenchmarks | None:
    """Return a set that is written one line a question, with the digest of these very lines; None when it is not.

    That is the digest of the set only if the lines are canonical, and no others have the same.
    """
    start, end = data.find(_BEFORE) + len(_BEFORE), len(data) - len(_AFTER)
    if start < len(_BEFORE) or not data.endswith(_AFTER):
        return None
    # Lines are taken one at a time: all of them at once would be the whole file once more.
    lean, starts, ends = _Lean(), array("Q"), array("Q")
    try:
        while True:
            # No text of JSON holds a line break, so this is between two entries.
            stop = data.find(_BETWEEN, start, end)
            starts.append(start)
            ends.append(stop if stop >= 0 else end)
            lean.add(orjson.loads(data[start : ends[-1]]))
            if stop < 0:
                break
            start = stop + len(_BETWEEN)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    names = list(lean.texts)
    if len(names) != len(starts):
        return None
    digest, comma = hashlib.sha256(b"["), b""
    for number in sorted(range(len(names)), key=names.__getitem__):
        digest.update(comma + data[starts[number] : ends[number]])
        comma = b","
    digest.update(b"]")
    return StoredBenchmarks(lean.entries, lean.texts, digest.hexdigest())


class _Lean:
    """Entries in which what many of them share is held once."""

    def __init__(self) -> None:
        self.entries: dict[str, Mapping[str, Any]] = {}
        self.texts: dict[str, tuple[str, str, str]] = {}
        self._shared: dict[bytes, Mapping[str, Any]] = {}

    def add(self, entry: dict[str, Any]) -> None:
        # What is a question's own is taken out; everything else in an entry is shared by many of them.
        name, question, sql = entry.pop("id"), entry.pop("question"), entry.pop("expected_sql")
        self.entries[name] = self._shared.setdefault(canonical_bytes(entry), entry)
        self.texts[name] = (name, question, sql)
