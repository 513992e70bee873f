"""What an import will do, decided before anything is written; and the text of the file it gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.errors import InvalidImportError, UsageError
from mlflow_genie_plugin.evaluation.benchmark import Benchmark
from mlflow_genie_plugin.evaluation.benchmark_import.candidate import Candidate, generated_id
from mlflow_genie_plugin.evaluation.benchmark_import.write import (
    entry_for_file,
    file_with,
    parse_filled,
    placeholders,
    require_whole,
)
from mlflow_genie_plugin.evaluation.benchmark_listing import Entry, Listing, list_entries
from mlflow_genie_plugin.evaluation.benchmark_rules import VARIABLE, check
from mlflow_genie_plugin.evaluation.question import normalise_question
from mlflow_genie_plugin.evaluation.yaml_source import Path, Source, read_source
from mlflow_genie_plugin.space.strict_json import decode


@dataclass(frozen=True, slots=True)
class Taken:
    """A question that will be written; ``replaces`` is the path of the one in the file whose SQL it replaces."""

    place: str
    entry: Mapping[str, Any] = field(hash=False)
    replaces: Path | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A question that will not be written, and why."""

    place: str
    question: str
    reason: str


@dataclass(frozen=True)
class ImportPlan:
    """What will be written to a benchmarks file, and what will not.

    Attributes:
        taken: New and, with ``force``, replaced questions.
        skipped: The others, each with its reason.
        unknown_fields: Fields of the source that a benchmarks file does not have → in how many questions.
        unfilled: ``${variables}`` that have no value yet.
        data: The file's bytes after the import; empty when nothing is taken.
        before: How many questions the file has now.
    """

    taken: tuple[Taken, ...]
    skipped: tuple[Skipped, ...]
    unknown_fields: Mapping[str, int]
    unfilled: tuple[str, ...]
    data: bytes
    before: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the plan for machines."""
        return {
            "taken": [
                {"id": item.entry["id"], "question": item.entry["question"], "place": item.place,
                 "replaces": item.replaces is not None}
                for item in self.taken
            ],
            "skipped": [
                {"question": item.question, "place": item.place, "reason": item.reason} for item in self.skipped
            ],
            "unknown_fields": dict(self.unknown_fields),
            "unfilled_variables": list(self.unfilled),
            "questions_before": self.before,
            "questions_after": self.before + sum(item.replaces is None for item in self.taken),
        }  # fmt: skip


def plan_import(
    candidates: Iterable[Candidate],
    existing: bytes | None = None,
    *,
    name: str,
    what: str,
    variables: Mapping[str, str] | None = None,
    force: bool = False,
) -> ImportPlan:
    """Decide what is taken and return the plan with the file it gives; nothing is written.

    A question that the file has already (by id, or by text) is skipped; with ``force`` its ``expected_sql`` is
    replaced. Ids of the source are kept where they can be; others are made from the question's text.

    Args:
        candidates: From one of the sources.
        existing: The bytes of the file that will be written, when there is one.
        name: Name of a new set.
        what: What to call the file in messages.
        variables: Values of ``${variables}``, written into the file as defaults.
        force: Let the source win where the file has another expected SQL for the same question.

    Raises:
        InvalidBenchmarksError: The existing file breaks the rules of a benchmarks file.
        UsageError: The existing file is no benchmarks file that can be edited in place.
        InvalidImportError: There is nothing in the source.
    """
    offered = list(candidates)
    if not offered:
        raise InvalidImportError("there are no benchmark questions in the source", [], next_step="give another source")
    values = dict(variables or {})
    text = None if existing is None else decode(existing, what)
    present = _Present.of(text, what, values)
    taken: list[Taken] = []
    skipped: list[Skipped] = []
    for candidate in offered:
        decision = _decide(candidate, present, force=force)
        if isinstance(decision, Taken):
            taken.append(decision)
        else:
            skipped.append(decision)
    unknown: dict[str, int] = {}
    for candidate in offered:
        for key in candidate.unknown:
            unknown[key] = unknown.get(key, 0) + 1
    data, unfilled = b"", tuple[str, ...]()
    if taken:
        new = [dict(item.entry) for item in taken if item.replaces is None]
        replaced = {item.replaces: item.entry["expected_sql"] for item in taken if item.replaces is not None}
        data = file_with(text, new, replaced, name=name, what=what, variables=values)
        unfilled = require_whole(data, {*present.by_id, *(item.entry["id"] for item in taken)}, what, values)
    return ImportPlan(tuple(taken), tuple(skipped), unknown, unfilled, data, before=len(present.by_id))


class _Present:
    """What is in the file already, and what the plan has added so far."""

    def __init__(self) -> None:
        self.by_id: dict[str, Benchmark] = {}
        self.paths: dict[str, Path] = {}
        self.ids_by_question: dict[str, str] = {}
        self.ids: set[str] = set()
        self.values: Mapping[str, str] = {}

    @classmethod
    def of(cls, text: str | None, what: str, variables: Mapping[str, str]) -> _Present:
        present = cls()
        if text is None:
            return present
        entries = list_entries(read_source(text, what).value).entries
        if any(isinstance(entry.value, dict) and "answer" in entry.value for entry in entries):
            raise UsageError(
                f"{what} is a space's export, which is no place to keep ground truth",
                next_step="import into another file",
            )
        known = parse_filled(text.encode(), what, variables)
        present.values = known.variables
        for benchmark in known.benchmarks:
            present.by_id[benchmark.id] = benchmark
            present.add(benchmark.id, benchmark.question)
        for entry in entries:
            present.paths[entry.value["id"]] = entry.path
        return present

    def add(self, name: str, question: str) -> None:
        self.ids.add(name)
        self.ids_by_question[normalise_question(question)] = name


def _decide(candidate: Candidate, present: _Present, *, force: bool) -> Taken | Skipped:
    if candidate.problem is not None:
        return Skipped(candidate.place, candidate.question, candidate.problem)
    entry = dict(candidate.entry)
    given = str(entry.get("id") or "")
    entry["id"] = given or generated_id(candidate.question)
    benchmark, reason = _checked(entry)
    if benchmark is None and given and "id" in reason.partition(":")[0]:
        entry["id"] = generated_id(candidate.question)
        benchmark, reason = _checked(entry)
    if benchmark is None:
        return Skipped(candidate.place, candidate.question, reason)
    same = present.ids_by_question.get(normalise_question(benchmark.question))
    if same is None and benchmark.id in present.ids:
        # The id is another question's: the text decides what a question is, so this one gets an id of its text.
        entry["id"] = generated_id(benchmark.question)
    elif same is not None:
        return _same_question(candidate, entry, present, same, force=force)
    present.add(entry["id"], benchmark.question)
    return Taken(candidate.place, entry_for_file(entry))


def _same_question(
    candidate: Candidate, entry: dict[str, Any], present: _Present, same: str, *, force: bool
) -> Taken | Skipped:
    known = present.by_id.get(same)
    if known is None:
        return Skipped(candidate.place, candidate.question, f"the same question stands in the source as {same}")
    offered = VARIABLE.sub(lambda match: present.values.get(match.group(1), match.group(1)), str(entry["expected_sql"]))
    if _plain(known.expected_sql) == _plain(offered):
        return Skipped(candidate.place, candidate.question, f"the file has it as {same}")
    if not force:
        reason = f"the file has it as {same}, with another expected SQL (--force replaces that)"
        return Skipped(candidate.place, candidate.question, reason)
    return Taken(candidate.place, entry_for_file({**entry, "id": same}), replaces=present.paths[same])


def _checked(entry: dict[str, Any]) -> tuple[Benchmark | None, str]:
    found, violations = check(
        Listing((Entry(("",), entry),)), Source({}), placeholders(str(entry.get("expected_sql")), entry)
    )
    if violations:
        first = violations[0]
        return None, f"{first.path.rsplit('.', 1)[-1]}: {first.message}" + (f" ({first.fix})" if first.fix else "")
    return found[0], ""


def _plain(sql: str) -> str:
    return " ".join(sql.split()).rstrip(";")
