"""The rules of a benchmarks file: every violation with its path and line, then the questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.evaluation.question import (
    Benchmark,
    normalise_question,
    split_of,
)
from mlflow_genie_plugin.evaluation.yaml_source import Path, Source
from mlflow_genie_plugin.schemas import json_path, load_schema, violations_of
from mlflow_genie_plugin.sql_dialect import read_only_reason

SCHEMA = "benchmarks"
FORMAT_VERSION = 1
VARIABLE = re.compile(r"\$\{([^}]*)\}")

_OWN_FIELDS = frozenset(item.name for item in fields(Benchmark)) - {"more"}
_CHOICES = ("expected_asset", "priority", "split")


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
        return Listing((), (_shape(f"the file holds a {_kind(document)}"),))
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


def check(listing: Listing, source: Source, variables: Mapping[str, str]) -> tuple[list[Benchmark], list[Violation]]:
    """Return the questions of a listing and every rule they break; with a violation the questions are not usable."""
    violations = list(listing.violations)
    benchmarks: list[tuple[Path, Benchmark]] = []
    if not listing.entries and not violations:
        violations.append(Violation("$", "no-questions", "there is no question in it"))
    for entry in listing.entries:
        value, found = _plain(entry)
        found += _schema_violations(entry, value)
        benchmark = None if found else _benchmark(value)
        if benchmark is not None:
            filled, unfilled = _fill(benchmark, variables)
            found += _sql_violations(entry.path, filled, unfilled)
            benchmarks.append((entry.path, filled))
        violations += found
    violations += _duplicates(benchmarks)
    located = [_with_line(violation, source) for violation in violations]
    return [benchmark for _, benchmark in benchmarks], located


def _ours(document: Mapping[str, Any]) -> Listing:
    # The entries are checked one by one, so that each violation names its own place; here only what is around them.
    around = {key: value for key, value in document.items() if key != "benchmarks"}
    listed = document.get("benchmarks")
    found = violations_of({**around, "benchmarks": [_VALID_ENTRY]} if isinstance(listed, list) else document, SCHEMA)
    variables = document.get("variables")
    return Listing(
        _entries(("benchmarks",), listed if isinstance(listed, list) else []),
        tuple(found),
        document.get("name"),
        variables if isinstance(variables, dict) and not found else None,
    )


_VALID_ENTRY = {"id": "q", "question": "q", "expected_sql": "q"}


def _entries(path: Path, questions: Iterable[Any]) -> tuple[Entry, ...]:
    return tuple(Entry((*path, index), value) for index, value in enumerate(questions))


def _plain(entry: Entry) -> tuple[Any, list[Violation]]:
    """Bring an entry to one form: texts joined, the answer of a space's export as ``expected_sql``."""
    if not isinstance(entry.value, dict):
        return entry.value, []
    value = dict(entry.value)
    found: list[Violation] = []
    for key in ("question", "expected_sql"):
        if isinstance(value.get(key), list) and all(isinstance(part, str) for part in value[key]):
            value[key] = "".join(value[key])
    if "answer" not in value:
        return value, found
    answer = value.pop("answer")
    path = json_path([*entry.path, "answer"])
    if value.get("expected_sql") is not None:
        found.append(
            Violation(path, "two-answers", "there are two answers: expected_sql and answer", fix="remove one of them")
        )
    elif not isinstance(answer, list) or len(answer) != 1:
        count = len(answer) if isinstance(answer, list) else f"a {_kind(answer)} instead of a list of"
        found.append(Violation(path, "two-answers" if isinstance(answer, list) and answer else "no-answer",
                               f"there must be exactly one answer, here are {count}"))  # fmt: skip
    elif not isinstance(answer[0], dict) or str(answer[0].get("format", "")).upper() != "SQL":
        found.append(Violation(path, "answer-format", "the answer must have the format SQL"))
    else:
        content = answer[0].get("content")
        value["expected_sql"] = "".join(map(str, content)) if isinstance(content, list) else content
    if found and "expected_sql" not in value:
        value["expected_sql"] = _VALID_ENTRY["expected_sql"]  # the violation above is the only one about the answer
    return value, found


def _schema_violations(entry: Entry, value: Any) -> list[Violation]:
    prefix = json_path(list(entry.path))
    found = []
    for item in violations_of({"format_version": FORMAT_VERSION, "benchmarks": [value]}, SCHEMA):
        path = prefix + item.path.removeprefix("$.benchmarks[0]")
        found.append(_in_words(replace(item, path=path), value))
    return found


def _in_words(violation: Violation, value: Any) -> Violation:
    key = violation.path.rsplit(".", 1)[-1]
    if violation.rule == "schema-enum" and isinstance(value, dict) and key in _CHOICES:
        return replace(violation, rule=f"unknown-{key}")
    if violation.rule == "schema-type" and isinstance(value, dict) and value.get(key) is not None:
        return replace(violation, fix="put it in quotes" if not isinstance(value.get(key), dict | list | str) else "")
    if violation.rule in ("schema-minLength", "schema-pattern") and key in ("expected_sql", "question"):
        return Violation(violation.path, f"empty-{key}", f"{key} is empty")
    return violation


def _benchmark(value: Mapping[str, Any]) -> Benchmark:
    question = value["question"].strip()
    category = value.get("category")
    return Benchmark(
        id=value["id"],
        question=question,
        expected_sql=value["expected_sql"].strip(),
        expected_asset=value.get("expected_asset"),
        priority=value.get("priority") or "P1",
        split=value.get("split") or split_of(question),
        category=category,
        source=value.get("source") or "user",
        ordered=value.get("ordered", category == "ranking"),
        required_tables=tuple(value.get("required_tables") or ()),
        required_columns=tuple(value.get("required_columns") or ()),
        more={key: item for key, item in value.items() if key not in _OWN_FIELDS},
    )


def _fill(benchmark: Benchmark, variables: Mapping[str, str]) -> tuple[Benchmark, list[str]]:
    unfilled: list[str] = []

    def fill(text: str) -> str:
        def one(match: re.Match[str]) -> str:
            if match.group(1) in variables:
                return variables[match.group(1)]
            unfilled.append(match.group(1))
            return match.group()

        return VARIABLE.sub(one, text)

    filled = replace(
        benchmark,
        expected_sql=fill(benchmark.expected_sql),
        required_tables=tuple(fill(name) for name in benchmark.required_tables),
        required_columns=tuple(fill(name) for name in benchmark.required_columns),
    )
    return filled, list(dict.fromkeys(unfilled))


def _sql_violations(path: Path, benchmark: Benchmark, unfilled: list[str]) -> list[Violation]:
    place = json_path([*path, "expected_sql"])
    if unfilled:
        return [
            Violation(
                place,
                "unfilled-variable",
                f"the variable ${{{name}}} has no value",
                fix=f"add --variable {name}=VALUE",
            )
            for name in unfilled
        ]
    reason = read_only_reason(benchmark.expected_sql)
    return [Violation(place, "sql-not-a-query", f"expected_sql cannot be used: {reason}")] if reason else []


def _duplicates(benchmarks: list[tuple[Path, Benchmark]]) -> Iterator[Violation]:
    ids: dict[str, Path] = {}
    questions: dict[str, tuple[Path, str]] = {}
    for path, benchmark in benchmarks:
        if first := ids.get(benchmark.id):
            yield Violation(
                json_path([*path, "id"]),
                "duplicate-id",
                f"the id {benchmark.id!r} is taken by {json_path(list(first))}",
            )
        ids.setdefault(benchmark.id, path)
        normalised = normalise_question(benchmark.question)
        if seen := questions.get(normalised):
            yield Violation(
                json_path([*path, "question"]),
                "duplicate-question",
                f"the same question is asked by {seen[1]!r} ({json_path(list(seen[0]))})",
            )
        questions.setdefault(normalised, (path, benchmark.id))


def _with_line(violation: Violation, source: Source) -> Violation:
    line = source.line_of(_parts(violation.path))
    return replace(violation, message=f"{violation.message} (line {line})") if line else violation


def _parts(path: str) -> Path:
    found = re.finditer(r"\.([^.\[]+)|\[(\d+)\]|\['(.*?)'\]", path)
    return tuple(int(item[2]) if item[2] else item[1] or item[3] for item in found)


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


def _kind(value: Any) -> str:
    return {list: "list", str: "text", dict: "mapping", type(None): "null"}.get(type(value), type(value).__name__)
