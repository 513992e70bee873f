"""What an import will do, decided before anything is written; and the text of the file it gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.errors import InvalidImportError, UsageError
from mlflow_genie_plugin.evaluation.benchmark import Benchmark, BenchmarkSet, parse_benchmarks
from mlflow_genie_plugin.evaluation.benchmark_import.candidate import Candidate, generated_id
from mlflow_genie_plugin.evaluation.benchmark_rules import FORMAT_VERSION, VARIABLE, Entry, Listing, check, list_entries
from mlflow_genie_plugin.evaluation.question import normalise_question
from mlflow_genie_plugin.evaluation.yaml_edit import add_list, append_items, set_fields
from mlflow_genie_plugin.evaluation.yaml_source import Path, Source, read_source
from mlflow_genie_plugin.evaluation.yaml_text import to_yaml
from mlflow_genie_plugin.space.strict_json import decode

_ORDER = ("id", "question", "expected_sql", "expected_asset", "priority", "split", "category", "source", "ordered")


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
        data: The file's bytes after the import; equal to the bytes before when nothing is taken.
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
    data = _written(taken, text, name, what, values)
    unfilled = _read_back(data, taken, present, what, values) if data else ()
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
        known = _parsed(text.encode(), what, variables)
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
    return Taken(candidate.place, _ordered(entry))


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
    return Taken(candidate.place, {**entry, "id": same}, replaces=present.paths[same])


def _checked(entry: dict[str, Any]) -> tuple[Benchmark | None, str]:
    found, violations = check(
        Listing((Entry(("",), entry),)), Source({}), _placeholders(str(entry.get("expected_sql")), entry)
    )
    if violations:
        first = violations[0]
        return None, f"{first.path.rsplit('.', 1)[-1]}: {first.message}" + (f" ({first.fix})" if first.fix else "")
    return found[0], ""


def _placeholders(*parts: Any) -> dict[str, str]:
    return {name: name for part in parts for name in VARIABLE.findall(str(part))}


def _ordered(entry: Mapping[str, Any]) -> dict[str, Any]:
    rest = [key for key in entry if key not in _ORDER]
    ordered = {key: entry[key] for key in (*_ORDER, *rest) if key in entry}
    sql = str(ordered["expected_sql"]).strip()
    ordered["expected_sql"] = f"{sql}\n" if "\n" in sql else sql
    ordered["question"] = str(ordered["question"]).strip()
    return ordered


def _written(taken: list[Taken], text: str | None, name: str, what: str, variables: dict[str, str]) -> bytes:
    entries = [dict(item.entry) for item in taken if item.replaces is None]
    if text is None:
        if not entries:
            return b""
        document = {"format_version": FORMAT_VERSION, "name": name}
        return to_yaml({**document, **({"variables": variables} if variables else {}), "benchmarks": entries}).encode()
    for item in taken:
        if item.replaces is not None:
            text = set_fields(text, item.replaces, {"expected_sql": _ordered(item.entry)["expected_sql"]}, what)
    if entries:
        text = _appended(text, entries, what)
    document = read_source(text, what).value
    if "benchmarks" in document and (missing := {k: v for k, v in variables.items() if k not in _variables(document)}):
        if _variables(document):
            text = set_fields(text, ("variables",), missing, what)
        else:
            text = set_fields(text, (), {"variables": missing}, what)
    return text.encode() if taken else b""


def _variables(document: Mapping[str, Any]) -> Mapping[str, str]:
    found = document.get("variables")
    return found if isinstance(found, dict) else {}


def _appended(text: str, entries: list[dict[str, Any]], what: str) -> str:
    document = read_source(text, what).value
    if "benchmarks" in document:
        return append_items(text, ("benchmarks",), entries, what)
    for entry in entries:
        domain = str(entry.get("domain") or "imported")
        held = {key: value for key, value in entry.items() if key != "domain"}
        if domain in read_source(text, what).value:
            text = append_items(text, (domain,), [held], what)
        else:
            text = add_list(text, domain, [held], what)
    return text


def _read_back(
    data: bytes, taken: list[Taken], present: _Present, what: str, variables: Mapping[str, str]
) -> tuple[str, ...]:
    """Prove that the file reads back with everything in it; return the variables that still need a value."""
    read = _parsed(data, what, variables)
    ids = {item.id for item in read.benchmarks}
    wanted = {*present.by_id, *(str(item.entry["id"]) for item in taken)}
    if ids != wanted:
        raise UsageError(
            f"the import would not read back whole: {', '.join(sorted(ids ^ wanted)[:5])}; nothing was written",
            next_step="import into a new file",
        )
    stored = read_source(decode(data, what), what).value
    known = {**_variables(stored), **variables}
    return tuple(sorted({name for name in _placeholders(data.decode()) if name not in known}))


def _parsed(data: bytes, what: str, variables: Mapping[str, str]) -> BenchmarkSet:
    document = read_source(decode(data, what), what).value
    own = _variables(document) if isinstance(document, dict) else {}
    return parse_benchmarks(data, {**_placeholders(data.decode()), **own, **variables}, what=what)


def _plain(sql: str) -> str:
    return " ".join(sql.split()).rstrip(";")
