"""Where the questions stand in a benchmarks file, whichever of the known shapes it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.evaluation.yaml_source import Path
from mlflow_genie_plugin.schemas import load_schema, violations_of

SCHEMA = "benchmarks"
FORMAT_VERSION = 1
VALID_ENTRY = {"id": "q", "question": "q", "expected_sql": "q"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One question as it stands in the file, with the path to it."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Listing:
    """What a file holds, whichever of the known shapes it has; ``name`` and ``variables`` only when it says so."""

    entries: tuple[Entry, ...]
    violations: tuple[Violation, ...] = ()
    name: str | None = None
    variables: Mapping[str, str] | None = None


def known_fields() -> frozenset[str]:
    """Return the names of the fields that a question may have."""
    return frozenset(load_schema(SCHEMA)["$defs"]["benchmark"]["properties"])


def list_entries(document: Any) -> Listing:
    """Find the questions in a document of ours, in a mapping of domains, or in a space's export."""
    if not isinstance(document, dict):
        return Listing((), (_shape(f"the file holds a {kind_of(document)}"),))
    benchmarks = document.get("benchmarks")
    if isinstance(benchmarks, dict) and isinstance(benchmarks.get("questions"), list):
        return Listing(_entries(("benchmarks", "questions"), benchmarks["questions"]))
    if "benchmarks" in document or "format_version" in document:
        return _ours(document)
    if document and all(isinstance(questions, list) for questions in document.values()):
        entries = [
            Entry(entry.path, {"domain": domain, **entry.value} if isinstance(entry.value, dict) else entry.value)
            for domain, questions in document.items()
            for entry in _entries((domain,), questions)
        ]
        return Listing(tuple(entries))
    if "data_sources" in document:
        return Listing((), (Violation("$", "no-questions", "this space config has no benchmark questions"),))
    return Listing((), (_shape(_top_level(document)),))


def _ours(document: Mapping[str, Any]) -> Listing:
    # The entries are checked one by one, so that each violation names its own place; here only what is around them.
    around = {key: value for key, value in document.items() if key != "benchmarks"}
    listed = document.get("benchmarks")
    found = violations_of({**around, "benchmarks": [VALID_ENTRY]} if isinstance(listed, list) else document, SCHEMA)
    variables = document.get("variables")
    return Listing(
        _entries(("benchmarks",), listed if isinstance(listed, list) else []),
        tuple(found),
        document.get("name"),
        variables if isinstance(variables, dict) and not found else None,
    )


def _entries(path: Path, questions: Iterable[Any]) -> tuple[Entry, ...]:
    return tuple(Entry((*path, index), value) for index, value in enumerate(questions))


def _top_level(document: Mapping[str, Any]) -> str:
    keys = ", ".join(map(repr, document))[:80]
    return f"the top level has the keys {keys}" if keys else "it holds nothing"


def _shape(seen: str) -> Violation:
    return Violation(
        "$",
        "shape",
        f"this is no benchmarks file: {seen}",
        fix="it needs format_version: 1 and a list named benchmarks",
    )


def kind_of(value: Any) -> str:
    """Return what a JSON value is, in words for people."""
    return {list: "list", str: "text", dict: "mapping", type(None): "null"}.get(type(value), type(value).__name__)
