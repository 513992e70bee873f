"""Carries an accepted correction out in the text of a benchmarks file, and proves that nothing else changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import ConflictError, UsageError
from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet, parse_benchmarks
from mlflow_genie_plugin.evaluation.benchmark_listing import list_entries
from mlflow_genie_plugin.evaluation.benchmark_rules import VARIABLE
from mlflow_genie_plugin.evaluation.corrections import Correction, is_protected
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.yaml_edit import set_fields
from mlflow_genie_plugin.evaluation.yaml_source import Path, read_source
from mlflow_genie_plugin.space.strict_json import decode
from mlflow_genie_plugin.sql_dialect import SqlParseError, assets_in, replace_identifiers

SOURCE = "arbiter_corrected"

_CATALOG = re.compile(r"(?<![.\w}])\$\{([^}]*)\}\.")
_SCHEMA = re.compile(r"\.\$\{([^}]*)\}\.")
_RESULT_FIELDS = ("expected_result_hash", "expected_result_sample", "expected_row_count", "expected_columns")


@dataclass(frozen=True, slots=True)
class Corrected:
    """The file after a correction; ``notes`` say what a person should look at, ``data`` may equal the old bytes."""

    data: bytes
    notes: tuple[str, ...] = ()


def correct(data: bytes, correction: Correction, what: str) -> Corrected:
    """Return the benchmarks file with one correction carried out; comments and all other questions stay as they are.

    ``expected_sql`` gets the new SQL, with ``${variables}`` where the old SQL had them, and ``source`` becomes
    ``arbiter_corrected``.

    Args:
        data: The file's bytes.
        correction: What a person accepted.
        what: What to call the file in messages.

    Raises:
        ConflictError: The question is gone, or its expected SQL is not the one that was judged.
        UsageError: The question is P0 or held_out, or the file cannot be edited in place.
        InvalidBenchmarksError: The file breaks its rules.
    """
    before = parse_benchmarks(data, correction.variables, what=what)
    benchmark = next((item for item in before.benchmarks if item.id == correction.question_id), None)
    if benchmark is None:
        raise ConflictError(f"{what} has no question {correction.question_id} any more; nothing was written")
    if is_protected(benchmark):
        raise UsageError(
            f"{benchmark.id} is {'P0' if benchmark.priority == 'P0' else 'held out'}, so no proposal may change it",
            next_step="if its expected SQL is wrong, change it by hand and have the change reviewed",
        )
    if _is_done(benchmark, correction):
        return Corrected(data, (f"{benchmark.id} already has this {correction.field}",))
    if sha256_of_bytes(benchmark.expected_sql.encode()) != correction.old_sql_sha256:
        raise ConflictError(
            f"the expected SQL of {benchmark.id} is not the one that was judged; nothing was written",
            next_step="evaluate again with the file as it is now",
        )
    text = decode(data, what)
    entry_path, entry = _entry_of(text, benchmark, what)
    values, notes = _values(correction, entry)
    after = set_fields(text, entry_path, values, what).encode()
    _prove(before, parse_benchmarks(after, correction.variables, what=what), benchmark, correction)
    return Corrected(after, tuple(notes))


def _is_done(benchmark: Benchmark, correction: Correction) -> bool:
    value: Any = correction.value
    if correction.field == "expected_sql":
        return benchmark.expected_sql == str(value).strip()
    return bool((benchmark.ordered if correction.field == "ordered" else benchmark.more.get("notes")) == value)


def _entry_of(text: str, benchmark: Benchmark, what: str) -> tuple[Path, dict[str, Any]]:
    for entry in list_entries(read_source(text, what).value).entries:
        if isinstance(entry.value, dict) and entry.value.get("id") == benchmark.id:
            if "answer" in entry.value:
                raise UsageError(
                    f"{what} is a space's export, which is no place to keep ground truth",
                    next_step="mlflow-genie benchmarks import makes a benchmarks file of it",
                )
            return entry.path, entry.value
    raise ConflictError(f"{what} has no question {benchmark.id}; nothing was written")


def _values(correction: Correction, entry: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    notes: list[str] = []
    if correction.field != "expected_sql":
        value: Any = correction.value
        if correction.field == "notes" and entry.get("notes"):
            value = f"{str(entry['notes']).rstrip()}\n{correction.value}"
        return {correction.field: value}, notes
    raw = entry["expected_sql"] if isinstance(entry["expected_sql"], str) else "".join(entry["expected_sql"])
    sql = with_variables(str(correction.value).strip(), raw, dict(correction.variables))
    if VARIABLE.search(raw) and not VARIABLE.search(sql):
        notes.append(f"{correction.question_id}: the new SQL names catalogs and schemas in full; the old had variables")
    if stale := [name for name in _RESULT_FIELDS if entry.get(name) is not None]:
        notes.append(f"{correction.question_id}: {', '.join(stale)} may be those of the old SQL")
    return {"expected_sql": f"{sql}\n" if "\n" in sql else sql, "source": SOURCE}, notes


def with_variables(sql: str, old: str, variables: dict[str, str]) -> str:
    """Return ``sql`` with ``${variables}`` for catalogs and schemas, where ``old`` has them too.

    Filling the variables again gives exactly ``sql``; where that cannot be had, ``sql`` is returned as it is.
    """
    catalogs = {variables[name].lower(): name for name in _CATALOG.findall(old) if name in variables}
    schemas = {variables[name].lower(): name for name in _SCHEMA.findall(old) if name in variables}
    mapping: dict[str, str] = {}
    holders: dict[str, str] = {}
    try:
        for asset in assets_in(sql):
            parts = asset.name.split(".")
            if len(parts) != 3:
                continue
            renamed = []
            for part, names in zip(parts[:2], (catalogs, schemas), strict=True):
                holder = f"zz_variable_{names[part]}_zz" if part in names else part
                renamed.append(holder)
                if part in names:
                    holders[holder] = names[part]
            mapping[".".join(parts[:2])] = ".".join(renamed)
        held = replace_identifiers(sql, mapping)
    except (SqlParseError, ValueError):
        return sql
    for holder, name in holders.items():
        held = held.replace(f"`{holder}`", holder).replace(holder, f"${{{name}}}")
    filled = VARIABLE.sub(lambda match: variables.get(match.group(1), match.group()), held)
    return held if filled == sql else sql


def _prove(before: BenchmarkSet, after: BenchmarkSet, benchmark: Benchmark, correction: Correction) -> None:
    """Raise unless the corrected question has its new value and every other question is what it was."""
    others = [[item.to_json() for item in side.benchmarks if item.id != benchmark.id] for side in (before, after)]
    now = next((item for item in after.benchmarks if item.id == benchmark.id), None)
    right = now is not None and (correction.field == "notes" or _is_done(now, correction))
    if others[0] != others[1] or not right:
        raise UsageError(
            f"the correction of {benchmark.id} would change more than it should; nothing was written",
            next_step="make this change by hand",
        )
