"""The server's rules on a space config's meaning: ids, order, uniqueness, sizes, flags, texts.

Every function takes any JSON object and skips what has the wrong structure; the structure has its own findings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.space.join_rules import join_violations
from mlflow_genie_plugin.space.limits import Limits
from mlflow_genie_plugin.space.placeholders import PLACEHOLDER, has_placeholder
from mlflow_genie_plugin.space.shape import (
    BENCHMARK,
    COLUMN,
    DATA_SOURCES,
    EXAMPLE,
    FILTER,
    FUNCTION,
    INSTRUCTION,
    JOIN,
    KINDS,
    KINDS_WITH_ID,
    SAMPLE_QUESTION,
    SNIPPETS,
    V1_FLAGS,
    V2_FLAGS,
    Kind,
    dicts_of,
    items_of,
    text_of,
)
from mlflow_genie_plugin.space.size_rules import size_violations
from mlflow_genie_plugin.space.text_rules import fused_lines

_ID = re.compile(r"[0-9a-f]{32}")
_NO_ID = "0" * 32
# The parts of a Unity Catalog name hold no dot, space, slash or control character; in backticks anything else.
_IDENTIFIER = re.compile(r"(?:[^\s./`\x00-\x1f]+|`[^`]+`)(?:\.(?:[^\s./`\x00-\x1f]+|`[^`]+`)){2}")
_SORTED_BY_THE_SERVER = (SAMPLE_QUESTION, BENCHMARK)
_REORDER = "mlflow-genie space show FILE --normalise -o FILE writes it in the server's order"
_NAMES = {"display_name", "alias", "column_name"}
_REQUIRED_TEXT = {
    SAMPLE_QUESTION: ("question",),
    INSTRUCTION: ("content",),
    EXAMPLE: ("question", "sql"),
    BENCHMARK: ("question",),
    **{kind: ("sql", "display_name") for kind in KINDS if kind.path[: len(SNIPPETS)] == SNIPPETS},
}

Rule = Callable[[dict[str, Any], Limits], Iterator[Violation]]


def id_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Ids are 32 lower-case hex digits, not all zero, and unique in the whole document."""
    first: dict[str, str] = {}
    for kind in KINDS_WITH_ID:
        for index, item in dicts_of(document, kind.path):
            value = item.get("id")
            if not isinstance(value, str) or has_placeholder(value):
                continue
            path = f"{_dotted(kind)}[{index}].id"
            if not _ID.fullmatch(value) or value == _NO_ID:
                why = "all zeros" if value == _NO_ID else "not 32 lower-case hex digits"
                yield Violation(path, "id-format", f"invalid id {value!r}: {why}", fix=_id_fix(value))
            if value in first:
                yield Violation(
                    path, "id-unique", f"the id {value!r} stands twice, first at {first[value]}", fix="give it a new id"
                )
            else:
                first[value] = path


def identifier_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Tables, metric views and functions have three-part names; each is listed once."""
    for kinds, rule in ((DATA_SOURCES, "identifier-unique"), ((FUNCTION,), "function-unique")):
        first: dict[str, str] = {}
        for kind in kinds:
            for index, item in dicts_of(document, kind.path):
                path = f"{_dotted(kind)}[{index}].identifier"
                value = item.get("identifier")
                if not isinstance(value, str):
                    continue
                yield from _identifier(value, path)
                name = value.lower()
                if name in first:
                    yield Violation(path, rule, f"{value!r} is listed twice, first at {first[name]}", fix="remove one")
                else:
                    first[name] = path
    for index, join in dicts_of(document, JOIN.path):
        for side in ("left", "right"):
            part = join.get(side)
            if isinstance(part, dict) and isinstance(part.get("identifier"), str):
                yield from _identifier(part["identifier"], f"{_dotted(JOIN)}[{index}].{side}.identifier")


def order_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Lists stand in the server's order; benchmarks and sample questions it orders itself."""
    for kind in KINDS:
        yield from _order(items_of(document, kind.path), kind, _dotted(kind))


def column_violations(document: dict[str, Any], limits: Limits) -> Iterator[Violation]:
    """Columns are unique and in order; flags are of the document's version; entity matching has its basis."""
    version = document.get("version")
    foreign, known_version = (V1_FLAGS, 1) if version == 1 else (V2_FLAGS, 2)
    formatted, matched = tuple(V2_FLAGS) if version == 1 else tuple(V2_FLAGS.values())
    check_flags = version in (1, 2)
    foreign_one, foreign_two = foreign
    matching = 0
    for kind in DATA_SOURCES:
        for table, source in dicts_of(document, kind.path):
            columns = items_of(source, ("column_configs",))
            base = f"{_dotted(kind)}[{table}].column_configs"
            names = [column.get("column_name") if type(column) is dict else None for column in columns]
            yield from _column_names(names, base)
            for index, column in enumerate(columns):
                if type(column) is not dict:
                    continue
                if check_flags and (foreign_one in column or foreign_two in column):
                    yield from _foreign_flags(column, foreign, known_version, f"{base}[{index}]")
                if column.get(matched) is True:
                    matching += 1
                    if column.get(formatted) is not True:
                        yield Violation(
                            f"{base}[{index}].{matched}",
                            "entity-matching",
                            f"{matched} needs {formatted} on the same column",
                            fix=f'add "{formatted}": true',
                        )
    if matching > limits.entity_matching_columns:
        yield Violation(
            "$.data_sources",
            "limit-entity-matching",
            f"{matching} columns match entities; the limit is {limits.entity_matching_columns}",
            fix="keep it on the columns people name values of",
        )


def text_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Required texts hold something, and lines that are joined stay apart."""
    for kind in KINDS:
        required = _REQUIRED_TEXT.get(kind, ())
        fields = [(field, field == "sql") for field in sorted(kind.text) if (kind, field) != (JOIN, "sql")]
        base = _dotted(kind)
        for index, item in dicts_of(document, kind.path):
            for field in required:
                value = item.get(field)
                if isinstance(value, str | list) and not text_of(value).strip() and _is_text(value):
                    yield Violation(
                        f"{base}[{index}].{field}", "empty-text", f"{field} is empty", fix="write it or remove the item"
                    )
            for field, is_sql in fields:
                if field in item and (found := fused_lines(item[field], f"{base}[{index}].{field}", is_sql=is_sql)):
                    yield found
    for kind in DATA_SOURCES:
        for table, source in dicts_of(document, kind.path):
            for index, column in enumerate(items_of(source, ("column_configs",))):
                lines = column.get("description") if type(column) is dict else None
                if lines and len(lines) > 1:
                    path = f"{_dotted(kind)}[{table}].column_configs[{index}].description"
                    if found := fused_lines(lines, path, is_sql=False):
                        yield found


def benchmark_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Every benchmark question has exactly one answer, and the answer has SQL."""
    for index, question in dicts_of(document, BENCHMARK.path):
        answers = question.get("answer")
        if not isinstance(answers, list):
            continue
        path = f"{_dotted(BENCHMARK)}[{index}].answer"
        if len(answers) != 1:
            yield Violation(
                path,
                "benchmark-answer",
                f"{len(answers)} answers; a benchmark question has exactly one",
                fix="keep one",
            )
        for number, answer in enumerate(answers):
            content = answer.get("content") if isinstance(answer, dict) else None
            if isinstance(content, list) and _is_text(content):
                where = f"{path}[{number}].content"
                if not "".join(content).strip():
                    yield Violation(
                        where, "empty-text", "the answer's SQL is empty", fix="write the SQL or remove the question"
                    )
                elif found := fused_lines(content, where, is_sql=True):
                    yield found


def example_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """An example's parameters have different names."""
    for index, example in dicts_of(document, EXAMPLE.path):
        seen: set[str] = set()
        for number, parameter in dicts_of(example, ("parameters",)):
            name = parameter.get("name")
            if not isinstance(name, str):
                continue
            path = f"{_dotted(EXAMPLE)}[{index}].parameters[{number}]"
            if name in seen:
                yield Violation(
                    f"{path}.name", "parameter-unique", f"the parameter {name!r} stands twice", fix="remove one"
                )
            seen.add(name)
            if found := fused_lines(parameter.get("description"), f"{path}.description", is_sql=False):
                yield found


def join_rule_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Joins are two-sided equalities with a relationship."""
    known = {
        item["identifier"].lower()
        for kind in DATA_SOURCES
        for _, item in dicts_of(document, kind.path)
        if isinstance(item.get("identifier"), str)
    }
    for index, join in dicts_of(document, JOIN.path):
        yield from join_violations(join, f"{_dotted(JOIN)}[{index}]", known)


def advice(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Yield what the server accepts today or may accept tomorrow, but is likely a mistake."""
    for index, item in dicts_of(document, FILTER.path):
        if re.match(r"\s*where\b", text_of(item.get("sql")), re.IGNORECASE):
            yield Violation(
                f"{_dotted(FILTER)}[{index}].sql",
                "filter-where",
                "a filter is a condition; this starts with WHERE",
                severity="warning",
                fix="leave out the word WHERE",
            )
    sources = document.get("data_sources")
    for key in ("volumes", "mcp_connections"):
        if isinstance(sources, dict) and key in sources:
            yield Violation(
                f"$.data_sources.{key}",
                "announced-field",
                f"{key} belongs to the announced API; a server of today may reject it",
                severity="warning",
                fix="remove it if the server does",
            )


RULES: tuple[Rule, ...] = (
    id_violations,
    identifier_violations,
    order_violations,
    size_violations,
    column_violations,
    text_violations,
    benchmark_violations,
    example_violations,
    join_rule_violations,
    advice,
)


def _dotted(kind: Kind) -> str:
    return "$." + ".".join(kind.path)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or all(isinstance(part, str) for part in value)


def _id_fix(value: str) -> str:
    plain = value.replace("-", "").lower()
    if plain != value and _ID.fullmatch(plain) and plain != _NO_ID:
        return f"write {plain!r}"
    return "use a UUID without hyphens, in lower case"


def _identifier(value: str, path: str) -> Iterator[Violation]:
    if not _IDENTIFIER.fullmatch(value) and not has_placeholder(value):
        message = f"{value!r} is not a three-part name"
        yield Violation(path, "identifier-format", message, fix="write catalog.schema.name")


def _column_names(names: list[Any], base: str) -> Iterator[Violation]:
    if not all(type(name) is str for name in names):
        names = [name if isinstance(name, str) else None for name in names]
        known = [name for name in names if name is not None]
    else:
        known = names
    if len(set(known)) != len(known):
        first: dict[str, int] = {}
        for index, name in enumerate(names):
            if name is None:
                continue
            if name in first:
                message = f"the column {name!r} stands twice in this table, first at index {first[name]}"
                yield Violation(f"{base}[{index}].column_name", "column-unique", message, fix="merge the two")
            first.setdefault(name, index)
    if known and min(known) == "":
        yield Violation(
            f"{base}[{names.index('')}].column_name", "empty-text", "column_name is empty", fix="name the column"
        )
    if len(known) == len(names) and known != sorted(known):
        yield from _order([{COLUMN.key: name} for name in names], COLUMN, base)


def _order(items: list[Any], kind: Kind, base: str) -> Iterator[Violation]:
    keys = [_order_key(item, kind) for item in items]
    for index, (before, after) in enumerate(pairwise(keys)):
        if before is None or after is None or before <= after or not _comparable(before[0], after[0]):
            continue
        by = "(id, identifier)" if kind is FUNCTION else kind.key
        message = f"not sorted by {by}: {after[0]!r} stands after {before[0]!r}"
        if kind in _SORTED_BY_THE_SERVER:
            message += "; the server orders this list itself"
            yield Violation(f"{base}[{index + 1}]", "order-cosmetic", message, severity="warning", fix=_REORDER)
        else:
            yield Violation(f"{base}[{index + 1}]", "order", message, fix=_REORDER)
        return


def _order_key(item: Any, kind: Kind) -> tuple[str, str] | None:
    key = item.get(kind.key) if isinstance(item, dict) else None
    if not isinstance(key, str):
        return None
    second = item.get("identifier") if kind is FUNCTION else ""
    return key, second if isinstance(second, str) else ""


def _comparable(before: str, after: str) -> bool:
    """Return whether the order of two names is the same whatever their placeholders stand for."""
    ends = [max((match.end() for match in PLACEHOLDER.finditer(name)), default=0) for name in (before, after)]
    return before[: ends[0]] == after[: ends[1]]


def _foreign_flags(column: dict[str, Any], foreign: dict[str, str], version: int, path: str) -> Iterator[Violation]:
    for flag, ours in foreign.items():
        if flag in column:
            message = f"{flag} is a flag of version {3 - version} and the document is version {version}"
            yield Violation(f"{path}.{flag}", "flag-version", message, fix=f"use {ours}")
