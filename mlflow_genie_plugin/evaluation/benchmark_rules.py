"""The rules of benchmark questions: every violation with its path and line, then the questions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.evaluation.benchmark_listing import (
    FORMAT_VERSION,
    SCHEMA,
    VALID_ENTRY,
    Entry,
    Listing,
    kind_of,
)
from mlflow_genie_plugin.evaluation.question import Benchmark, normalise_question, split_of
from mlflow_genie_plugin.evaluation.yaml_source import Path, Source
from mlflow_genie_plugin.schemas import json_path, violations_of
from mlflow_genie_plugin.sql_dialect import read_only_reason

VARIABLE = re.compile(r"\$\{([^}]*)\}")

_OWN_FIELDS = frozenset(item.name for item in fields(Benchmark)) - {"more"}
_CHOICES = ("expected_asset", "priority", "split")


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
        count = len(answer) if isinstance(answer, list) else f"a {kind_of(answer)} instead of a list of"
        found.append(Violation(path, "two-answers" if isinstance(answer, list) and answer else "no-answer",
                               f"there must be exactly one answer, here are {count}"))  # fmt: skip
    elif not isinstance(answer[0], dict) or str(answer[0].get("format", "")).upper() != "SQL":
        found.append(Violation(path, "answer-format", "the answer must have the format SQL"))
    else:
        content = answer[0].get("content")
        value["expected_sql"] = "".join(map(str, content)) if isinstance(content, list) else content
    if found and "expected_sql" not in value:
        value["expected_sql"] = VALID_ENTRY["expected_sql"]  # the violation above is the only one about the answer
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
