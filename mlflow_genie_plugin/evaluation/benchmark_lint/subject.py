"""What is looked at: a benchmarks file's questions with their places, and the space they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.errors import GenieError, UnreadableFileError, UnsupportedFormatError, Violation
from mlflow_genie_plugin.evaluation.benchmark_lint.likeness import Words, sql_key
from mlflow_genie_plugin.evaluation.benchmark_listing import FORMAT_VERSION, list_entries
from mlflow_genie_plugin.evaluation.benchmark_rules import check
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.yaml_source import read_source
from mlflow_genie_plugin.schemas import json_path, require_format_version
from mlflow_genie_plugin.space.parse import parse_space
from mlflow_genie_plugin.space.strict_json import decode
from mlflow_genie_plugin.sql_dialect import SqlParseError, assets_in, normalise_name, parse_query


@dataclass(frozen=True)
class Question:
    """A valid question of the file: its JSON path, its line (None in JSON), its fields as they are written."""

    benchmark: Benchmark
    path: str
    line: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @cached_property
    def words(self) -> Words:
        return Words.of(self.benchmark.question)

    @cached_property
    def tree(self) -> exp.Query | None:
        """The expected SQL as a tree; None when it cannot be parsed closely (it reads only, the file was checked)."""
        try:
            return parse_query(self.benchmark.expected_sql)
        except SqlParseError:
            return None

    @cached_property
    def sql_key(self) -> str | None:
        return sql_key(self.benchmark.expected_sql)

    @cached_property
    def assets(self) -> frozenset[str]:
        """Names of the tables, metric views and functions that the expected SQL uses."""
        try:
            return frozenset(normalise_name(asset.name) for asset in assets_in(self.benchmark.expected_sql))
        except SqlParseError:
            return frozenset()

    def finding(
        self, rule: str, message: str, *, part: str = "", severity: str = "warning", fix: str = ""
    ) -> Violation:
        """Return a finding about this question, or a field of it; the message begins with the question's id."""
        where = f" (line {self.line})" if self.line else ""
        path = f"{self.path}.{part}" if part else self.path
        return Violation(path, rule, f"{self.benchmark.id}: {message}{where}", severity, fix)


@dataclass(frozen=True)
class Subject:
    """The questions that can be used, what kept the others from being used, and the values of ``${variables}``."""

    questions: tuple[Question, ...]
    violations: tuple[Violation, ...] = ()
    name: str | None = None

    @cached_property
    def by_id(self) -> Mapping[str, Question]:
        return {question.benchmark.id: question for question in self.questions}


def read_subject(data: bytes, what: str, variables: Mapping[str, str] | None = None) -> Subject:
    """Return the questions of a benchmarks file, as many as can be used; nothing that is wrong raises.

    Args:
        data: The file's bytes.
        what: What to call it.
        variables: Values for ``${name}``; they win over the file's own.
    """
    try:
        source = read_source(decode(data, what), what)
        value = source.value
        if isinstance(value, dict) and "format_version" in value:
            require_format_version(value, FORMAT_VERSION, what)
        if isinstance(value, dict) and "serialized_space" in value:
            value = parse_space(data, what=what).document
    except (UnreadableFileError, UnsupportedFormatError) as error:
        return Subject((), (Violation("$", "unreadable", error.what, fix=error.next_step),))
    except GenieError as error:
        return Subject((), (Violation("$", "invalid", error.what, fix=error.next_step),))
    listing = list_entries(value)
    benchmarks, violations = check(listing, source, {**(listing.variables or {}), **(variables or {})})
    entries = {
        entry.value["id"]: entry
        for entry in reversed(listing.entries)
        if isinstance(entry.value, dict) and isinstance(entry.value.get("id"), str)
    }
    # What breaks a rule of the file is a finding already; the other rules look at what an evaluation would ask.
    broken = {item.path.rpartition("]")[0] for item in violations}
    questions = [
        Question(item, json_path(list(entry.path)), source.line_of(entry.path), entry.value)
        for item in {item.id: item for item in reversed(benchmarks)}.values()
        for entry in (entries[item.id],)
        if json_path(list(entry.path)).rpartition("]")[0] not in broken
    ]
    questions.reverse()
    return Subject(tuple(questions), tuple(replace(item, severity="error") for item in violations), listing.name)
