"""Benchmark questions out of a CSV file as spreadsheets write it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from mlflow_genie_plugin.errors import InvalidImportError, UnreadableFileError, Violation
from mlflow_genie_plugin.evaluation.benchmark_import.candidate import Candidate, known_kind
from mlflow_genie_plugin.evaluation.benchmark_listing import known_fields

_LISTS = frozenset({"required_tables", "required_columns", "expected_columns", "tags"})
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_ALIASES = {"sql": "expected_sql", "answer": "expected_sql", "query": "expected_sql", "question_id": "id"}
_REQUIRED = ("question", "expected_sql")
_LONGEST_FIELD = 10_000_000


def candidates_of_csv(data: bytes, what: str, columns: Mapping[str, str] | None = None) -> list[Candidate]:
    """Return the questions of a CSV file with a header.

    Args:
        data: UTF-8, with or without a byte order mark; separated by comma, semicolon or tab.
        what: What to call the file in messages.
        columns: Field of a benchmarks file → header of the column that holds it, for headers with other names.

    Raises:
        UnreadableFileError: It is not UTF-8; the message has the line.
        InvalidImportError: The header lacks a column, or rows are broken; lists all of them with their lines.
    """
    text = _decoded(data, what)
    csv.field_size_limit(_LONGEST_FIELD)
    # strict: a quote in the wrong place is an error here; otherwise it would join or split questions silently.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    found: list[Candidate] = []
    broken: list[Violation] = []
    fields: list[str | None] = []
    unknown: tuple[str, ...] = ()
    line = 1
    try:
        header = next(reader, [])
        fields, unknown = _fields(header, columns or {}, what)
        line = reader.line_num + 1
        for row in reader:
            if len(row) == len(fields):
                found.append(_candidate(row, fields, unknown, f"line {line}"))
            elif any(cell.strip() for cell in row):
                message = f"{len(row)} fields where the header has {len(fields)}"
                broken.append(
                    Violation(f"line {line}", "csv-fields", message, fix="quote texts that hold the separator")
                )
            line = reader.line_num + 1
    except csv.Error as error:
        broken.append(
            Violation(
                f"line {line}",
                "csv-quotes",
                f"the quotes do not match: {error}",
                fix='a quote inside a quoted text is written twice: ""',
            )
        )
    if broken:
        raise InvalidImportError(
            f"{what} is broken in {'one place' if len(broken) == 1 else f'{len(broken)} places'}",
            broken,
            next_step="correct these lines, then import again",
        )
    return found


def _decoded(data: bytes, what: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnreadableFileError(
            f"{what} line {line} is not UTF-8: byte 0x{data[error.start]:02x}",
            next_step='save it as "CSV UTF-8"',
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UnreadableFileError(f"{what} line {line} holds a NUL character", next_step='save it as "CSV UTF-8"')
    return text


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _fields(header: list[str], columns: Mapping[str, str], what: str) -> tuple[list[str | None], tuple[str, ...]]:
    names = [name.strip() for name in header]
    chosen = {column.strip().casefold(): name for name, column in columns.items()}
    violations = [
        Violation(
            "line 1", "csv-header", f"there is no column {column!r} for {name}", fix=f"columns: {', '.join(names)}"
        )
        for name, column in columns.items()
        if column.strip().casefold() not in {item.casefold() for item in names}
    ]
    violations += [
        Violation(
            "line 1", "csv-header", f"a benchmarks file has no field {name!r}", fix=", ".join(sorted(known_fields()))
        )
        for name in columns
        if name not in known_fields()
    ]
    fields = [chosen.get(name.casefold()) or _field_of(name, set(columns)) for name in names]
    for name in _REQUIRED:
        if name not in fields and not violations:
            violations.append(
                Violation("line 1", "csv-header", f"no column holds the {name}", fix=f"add --column {name}=HEADER")
            )
    taken = [name for name in fields if name is not None]
    violations += [
        Violation(
            "line 1",
            "csv-header",
            f"{taken.count(name)} columns hold the {name}",
            fix=f"choose with --column {name}=HEADER",
        )
        for name in dict.fromkeys(taken)
        if taken.count(name) > 1
    ]  # fmt: skip
    if violations:
        raise InvalidImportError(f"the header of {what} cannot be used", violations, next_step="map it with --column")
    return fields, tuple(name for name, own in zip(names, fields, strict=True) if own is None and name)


def _field_of(header: str, mapped: set[str]) -> str | None:
    name = "_".join(header.casefold().split()).replace("-", "_")
    name = _ALIASES.get(name, name)
    return name if name in known_fields() and name not in mapped else None


def _candidate(row: list[str], fields: list[str | None], unknown: tuple[str, ...], place: str) -> Candidate:
    entry: dict[str, Any] = {}
    for name, cell in zip(fields, row, strict=True):
        if name is not None and cell.strip():
            entry[name] = _value(name, cell.strip())
    missing = [name for name in _REQUIRED if name not in entry]
    return Candidate(place, entry, unknown, f"it has no {' and no '.join(missing)}" if missing else None)


def _value(name: str, cell: str) -> Any:
    if name in _LISTS:
        return [part.strip() for part in cell.replace("|", ";").split(";") if part.strip()]
    if name == "ordered":
        return _BOOLEANS.get(cell.casefold(), cell)
    if name == "expected_row_count":
        return int(cell) if cell.isdecimal() else cell  # isdigit is true of ², which is no number
    if name == "expected_asset":
        return known_kind(cell)
    if name == "priority":
        return cell.upper()
    return cell.replace("\r\n", "\n")
