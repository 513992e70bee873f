"""What the server checks and changes when a ``serialized_space`` is written, with its own messages.

The package's validator says everything that is wrong with a document; the server says the first thing and stops. Rules
stand here a second time on purpose: a validator tested against itself would prove nothing about the server.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from mlflow_genie_plugin.emulator.api_errors import ApiError, invalid
from mlflow_genie_plugin.emulator.export_proto import parse_export
from mlflow_genie_plugin.space.shape import V2_FLAGS

_ID: Final = re.compile(r"[0-9a-f]{32}")
_ID_RULE: Final = "Expected lowercase 32-hex UUID without hyphens"
_RELATIONSHIP: Final = re.compile(
    r"--rt=FROM_RELATIONSHIP_TYPE_(ONE_TO_ONE|ONE_TO_MANY|MANY_TO_ONE|MANY_TO_MANY|UNSPECIFIED)--\s*"
)
_SNIPPETS: Final = ("filters", "expressions", "measures")

# List → (name of one item in messages, sort key, name of the key in messages). Order of checks is the document's.
_ORDERED: Final[tuple[tuple[str, str, Callable[[dict[str, Any]], Any]], ...]] = (
    ("data_sources.tables", "identifier", lambda item: item.get("identifier") or ""),
    ("data_sources.metric_views", "identifier", lambda item: item.get("identifier") or ""),
    ("instructions.example_question_sqls", "id", lambda item: item["id"]),
    (
        "instructions.sql_functions",
        "(id, identifier)",
        lambda item: (item["id"], item.get("identifier") or ""),
    ),
    ("instructions.join_specs", "id", lambda item: item["id"]),
    ("instructions.sql_snippets.filters", "id", lambda item: item["id"]),
    ("instructions.sql_snippets.expressions", "id", lambda item: item["id"]),
    ("instructions.sql_snippets.measures", "id", lambda item: item["id"]),
)
WITH_ID: Final = (
    ("config.sample_questions", "sample_question"),
    ("instructions.text_instructions", "text_instruction"),
    ("instructions.example_question_sqls", "example_question_sql"),
    ("instructions.sql_functions", "sql_function"),
    ("instructions.join_specs", "join_spec"),
    ("instructions.sql_snippets.filters", "filter"),
    ("instructions.sql_snippets.expressions", "expression"),
    ("instructions.sql_snippets.measures", "measure"),
    ("benchmarks.questions", "benchmark_question"),
)
MOST_TABLES: Final = 50
MOST_FUNCTIONS: Final = 50
MOST_INSTRUCTIONS: Final = 100
MOST_BENCHMARKS: Final = 500


def accept_export(text: str) -> dict[str, Any]:
    """Return the document as the server stores it: version 2, flags renamed, lists in the order of its exports.

    Raises:
        ApiError: 400 with the server's message for the first rule that ``text`` breaks.
    """
    document = parse_export(text)
    version = document.get("version") or 0
    if version not in {1, 2}:
        raise invalid(f"Invalid export proto: ExportConverter supports versions 1 and 2, but got {version}")
    for check in (_check_ids, _check_flags, _check_order, _check_unique, _check_counts, _check_content):
        check(document)
    return stored_form(document)


def stored_form(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy in the form of the server's exports (nothing is checked)."""
    out = copy.deepcopy(document)
    if out.get("version") == 1:
        out["version"] = 2
        for _, _, column in _columns(out):
            renamed = {V2_FLAGS.get(key, key): value for key, value in column.items()}
            column.clear()
            column.update(renamed)
    _sort_by_id(items_at(out, "config.sample_questions"))
    _sort_by_id(items_at(out, "benchmarks.questions"), descending=True)
    out.setdefault("data_sources", {})
    return out


def items_at(document: dict[str, Any], path: str) -> list[dict[str, Any]]:
    """Return the list at a dotted path; empty when any part of it is missing."""
    value: Any = document
    for part in path.split("."):
        value = (value or {}).get(part)
    return value or []


def _sort_by_id(items: list[dict[str, Any]], *, descending: bool = False) -> None:
    items.sort(key=lambda item: str(item.get("id") or ""), reverse=descending)


def _columns(document: dict[str, Any]) -> Iterable[tuple[str, int, dict[str, Any]]]:
    for kind in ("tables", "metric_views"):
        for index, table in enumerate(items_at(document, f"data_sources.{kind}")):
            for position, column in enumerate(table.get("column_configs") or []):
                yield f"data_sources.{kind}[{index}]", position, column


def _check_ids(document: dict[str, Any]) -> None:
    for path, name in WITH_ID:
        for item in items_at(document, path):
            found = item.get("id")
            if not found:
                raise invalid(f"Failed to parse export proto: {name}.id must be provided and non-empty. {_ID_RULE}.")
            if not _ID.fullmatch(found):
                raise invalid(f"Invalid id for {name}.id: '{found}'. {_ID_RULE}")


def _check_flags(document: dict[str, Any]) -> None:
    version, other = document["version"], {1: 2, 2: 1}[document["version"]]
    fields = {1: tuple(V2_FLAGS), 2: tuple(V2_FLAGS.values())}
    for source, index, column in _columns(document):
        if any(field in column for field in fields[other]):
            raise invalid(
                f"{source}.column_configs[{index}] uses version {other} fields ({', '.join(fields[other])}) but the "
                f"export version is {version}. Use {' and '.join(fields[version])} for version {version}."
            )
        if column.get("enable_entity_matching") and column.get("enable_format_assistance") is False:
            raise invalid(
                f"Invalid export proto: {source}.column_configs[{index}] enable_entity_matching requires "
                "enable_format_assistance"
            )


def _check_order(document: dict[str, Any]) -> None:
    for path, key_name, key in _ORDERED:
        _require_sorted([key(item) for item in items_at(document, path)], path, key_name)
        if path.startswith("data_sources."):
            for index, table in enumerate(items_at(document, path)):
                names = [column.get("column_name") or "" for column in table.get("column_configs") or []]
                _require_sorted(names, f"{path}[{index}].column_configs", "column_name")


def _require_sorted(keys: list[Any], path: str, key_name: str) -> None:
    if keys != sorted(keys):
        raise invalid(f"Invalid export proto: {path} must be sorted by {key_name}")


def _check_unique(document: dict[str, Any]) -> None:
    pools = {
        "question": ("config.sample_questions", "benchmarks.questions"),
        "instruction": tuple(path for path, _ in WITH_ID if path.startswith("instructions.")),
    }
    for pool, paths in pools.items():
        seen: set[str] = set()
        for item in (item for path in paths for item in items_at(document, path)):
            if item["id"] in seen:
                raise invalid(f"Invalid export proto: duplicate {pool} id '{item['id']}'")
            seen.add(item["id"])
    identifiers: set[str] = set()
    for kind in ("tables", "metric_views"):
        for index, table in enumerate(items_at(document, f"data_sources.{kind}")):
            identifier = table.get("identifier") or ""
            if not identifier:
                raise invalid(f"Invalid export proto: data_sources.{kind}[{index}].identifier is required but missing")
            if identifier in identifiers:
                raise invalid(f"Invalid export proto: duplicate table identifier '{identifier}'")
            identifiers.add(identifier)
            names = [column.get("column_name") or "" for column in table.get("column_configs") or []]
            for name in names:
                if names.count(name) > 1:
                    raise invalid(f"Invalid export proto: duplicate column config '{name}' of '{identifier}'")


def _check_counts(document: dict[str, Any]) -> None:
    if len(items_at(document, "instructions.text_instructions")) > 1:
        raise invalid("text_instructions must contain at most one item")
    functions = len(items_at(document, "instructions.sql_functions"))
    if functions > MOST_FUNCTIONS:
        raise invalid(f"Exceeded maximum number ({MOST_FUNCTIONS}) of certified answer inputs")
    tables = sum(len(items_at(document, f"data_sources.{kind}")) for kind in ("tables", "metric_views"))
    if tables > MOST_TABLES:
        raise invalid(f"Exceeded maximum number ({MOST_TABLES}) of tables")
    texts = len(items_at(document, "instructions.text_instructions"))
    if functions + texts + len(items_at(document, "instructions.example_question_sqls")) > MOST_INSTRUCTIONS:
        raise invalid(f"Exceeded maximum number ({MOST_INSTRUCTIONS}) of instructions")
    if len(items_at(document, "benchmarks.questions")) > MOST_BENCHMARKS:
        raise invalid(f"Exceeded maximum number ({MOST_BENCHMARKS}) of benchmark questions")


def _check_content(document: dict[str, Any]) -> None:
    for kind in ("tables", "metric_views"):
        for table in items_at(document, f"data_sources.{kind}"):
            _require_three_parts(table["identifier"], f"data_sources.{kind}")
    for function in items_at(document, "instructions.sql_functions"):
        _require_three_parts(function.get("identifier") or "", "instructions.sql_functions")
    for spec in items_at(document, "instructions.join_specs"):
        _check_join(spec)
    for kind in _SNIPPETS:
        for index, snippet in enumerate(items_at(document, f"instructions.sql_snippets.{kind}")):
            for field in ("display_name", "sql"):
                if not snippet.get(field):
                    raise invalid(
                        f"Invalid export proto: instructions.sql_snippets.{kind}[{index}].{field} "
                        "is required but missing"
                    )
    for index, question in enumerate(items_at(document, "benchmarks.questions")):
        answers = question.get("answer") or []
        if len(answers) > 1:
            raise invalid(f"Invalid export proto: benchmarks.questions[{index}].answer must contain at most one item")
        if answers and answers[0].get("format") != "SQL":
            raise invalid(f"Invalid export proto: benchmarks.questions[{index}].answer[0].format must be SQL")


def _require_three_parts(identifier: str, path: str) -> None:
    parts = re.findall(r"`[^`]+`|[^.`]+", identifier)
    if len(parts) != 3 or ".".join(parts) != identifier:
        raise invalid(f"Invalid export proto: {path} identifier '{identifier}' must be a three-level name")


def _check_join(spec: dict[str, Any]) -> None:
    sql = spec.get("sql") or []
    condition = str(sql[0]) if sql else ""
    aliases = [(spec.get(side) or {}).get("alias") for side in ("left", "right")]
    plain = condition.replace("`", "")
    refuse: ApiError = invalid(f"Failed to parse export proto: {condition} (of class java.lang.String)")
    if len(sql) != 2 or not _RELATIONSHIP.fullmatch(sql[1]):
        raise refuse
    if plain.count("=") != 1 or re.search(r"\bAND\b|\bOR\b|[<>!]", plain, re.IGNORECASE):
        raise refuse
    sides = [side.strip().rpartition(".")[0].lower() for side in plain.split("=")]
    if sorted(sides) != sorted((alias or "").replace("`", "").lower() for alias in aliases):
        raise refuse
