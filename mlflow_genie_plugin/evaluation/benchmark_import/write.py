"""The text of the benchmarks file that an import gives, and the proof that it reads back whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet, parse_benchmarks
from mlflow_genie_plugin.evaluation.benchmark_listing import FORMAT_VERSION
from mlflow_genie_plugin.evaluation.benchmark_rules import VARIABLE
from mlflow_genie_plugin.evaluation.yaml_edit import add_list, append_items, set_fields
from mlflow_genie_plugin.evaluation.yaml_source import Path, read_source
from mlflow_genie_plugin.evaluation.yaml_text import to_yaml
from mlflow_genie_plugin.space.strict_json import decode

_ORDER = ("id", "question", "expected_sql", "expected_asset", "priority", "split", "category", "source", "ordered")


def file_with(
    text: str | None,
    entries: list[dict[str, Any]],
    replaced: Mapping[Path, str],
    *,
    name: str,
    what: str,
    variables: Mapping[str, str],
) -> bytes:
    """Return a file with questions added and expected SQL replaced, everything else as it was.

    Args:
        text: The file as it is; None for a new one.
        entries: New questions, from :func:`entry_for_file`.
        replaced: Path of a question → its new expected SQL.
        name: Name of a new set.
        what: What to call the file in messages.
        variables: Values that the file should have as defaults, where it can hold them and has none yet.

    Raises:
        UsageError: The file cannot be edited in place.
    """
    if text is None:
        defaults = {"variables": dict(variables)} if variables else {}
        return to_yaml({"format_version": FORMAT_VERSION, "name": name, **defaults, "benchmarks": entries}).encode()
    for path, sql in replaced.items():
        text = set_fields(text, path, {"expected_sql": sql}, what)
    if entries:
        text = _appended(text, entries, what)
    document = read_source(text, what).value
    own = _variables(document)
    missing = {key: value for key, value in variables.items() if key not in own}
    if missing and "benchmarks" in document:
        text = set_fields(text, ("variables",) if own else (), missing if own else {"variables": missing}, what)
    return text.encode()


def entry_for_file(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a question in the order in which people read them."""
    rest = [key for key in entry if key not in _ORDER]
    ordered = {key: entry[key] for key in (*_ORDER, *rest) if key in entry}
    sql = str(ordered["expected_sql"]).strip()
    ordered["expected_sql"] = f"{sql}\n" if "\n" in sql else sql
    ordered["question"] = str(ordered["question"]).strip()
    return ordered


def parse_filled(data: bytes, what: str, variables: Mapping[str, str]) -> BenchmarkSet:
    """Read a benchmarks file; a variable that has no value yet stands for its own name."""
    document = read_source(decode(data, what), what).value
    own = _variables(document) if isinstance(document, dict) else {}
    return parse_benchmarks(data, {**placeholders(data.decode()), **own, **variables}, what=what)


def placeholders(*parts: Any) -> dict[str, str]:
    """Return every variable in the texts with its own name as its value."""
    return {name: name for part in parts for name in VARIABLE.findall(str(part))}


def require_whole(data: bytes, wanted: Iterable[str], what: str, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Prove that a file reads back with exactly these questions; return the variables that still need a value.

    Raises:
        UsageError: A question is missing, or there is one more.
        InvalidBenchmarksError: It breaks the rules of a benchmarks file.
    """
    differing = {item.id for item in parse_filled(data, what, variables).benchmarks} ^ set(wanted)
    if differing:
        raise UsageError(
            f"the import would not read back whole: {', '.join(sorted(differing)[:5])}; nothing was written",
            next_step="import into a new file",
        )
    known = {**_variables(read_source(decode(data, what), what).value), **variables}
    return tuple(sorted(name for name in placeholders(data.decode()) if name not in known))


def _appended(text: str, entries: list[dict[str, Any]], what: str) -> str:
    if "benchmarks" in read_source(text, what).value:
        return append_items(text, ("benchmarks",), entries, what)
    for entry in entries:
        domain = str(entry.get("domain") or "imported")
        held = {key: value for key, value in entry.items() if key != "domain"}
        known = domain in read_source(text, what).value
        text = append_items(text, (domain,), [held], what) if known else add_list(text, domain, [held], what)
    return text


def _variables(document: Mapping[str, Any]) -> Mapping[str, str]:
    found = document.get("variables")
    return found if isinstance(found, dict) else {}
