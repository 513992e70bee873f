"""Benchmark questions out of a YAML or JSON file: domains with lists of questions, or any shape that is read anyway."""

from __future__ import annotations

from typing import Any

from mlflow_genie_plugin.errors import InvalidImportError
from mlflow_genie_plugin.evaluation.benchmark_import.candidate import Candidate, known_kind
from mlflow_genie_plugin.evaluation.benchmark_listing import known_fields, list_entries
from mlflow_genie_plugin.evaluation.yaml_source import read_source
from mlflow_genie_plugin.schemas import json_path
from mlflow_genie_plugin.space.strict_json import decode

_LISTS = ("required_tables", "required_columns", "required_joins", "expected_columns", "tags")


def candidates_of_golden(data: bytes, what: str, domains: tuple[str, ...] = ()) -> list[Candidate]:
    """Return the questions of a golden-queries file, every known field carried, ``${variables}`` left as they are.

    Args:
        data: The file's bytes.
        what: What to call it in messages.
        domains: Only these domains; empty for all.

    Raises:
        UnreadableFileError: It is neither YAML nor JSON.
        InvalidImportError: It has no list of questions.
    """
    source = read_source(decode(data, what), what)
    listing = list_entries(source.value)
    if not listing.entries:
        raise InvalidImportError(
            f"there are no questions in {what}",
            [item for item in listing.violations if item.rule in ("shape", "no-questions")],
            next_step="give a mapping of domains to lists of questions, a benchmarks file, or a space",
        )
    found = []
    for entry in listing.entries:
        place = json_path(list(entry.path))
        line = source.line_of(entry.path)
        place += f" (line {line})" if line else ""
        if not isinstance(entry.value, dict):
            found.append(Candidate(place, {}, problem="it is no mapping"))
        elif not domains or entry.value.get("domain") in domains:
            found.append(_candidate(place, entry.value))
    return found


def _candidate(place: str, value: dict[str, Any]) -> Candidate:
    entry = {key: item for key, item in value.items() if key in known_fields() and item is not None}
    for key in ("question", "expected_sql"):
        if isinstance(entry.get(key), list):
            entry[key] = "".join(map(str, entry[key]))
    if isinstance(entry.get("id"), int):
        entry["id"] = str(entry["id"])
    if "expected_asset" in entry:
        entry["expected_asset"] = known_kind(entry["expected_asset"])
    for key in _LISTS:
        if isinstance(entry.get(key), str):
            entry[key] = [entry[key]]
    unknown = tuple(key for key in value if key not in known_fields())
    problem = None if entry.get("expected_sql") else "it has no expected_sql"
    return Candidate(place, entry, unknown, problem)
