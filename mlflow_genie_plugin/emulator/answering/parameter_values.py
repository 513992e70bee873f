"""Reading the values of parameters and arguments out of a question."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlflow_genie_plugin.emulator.answering.knowledge import Column, SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.pieces import Piece
from mlflow_genie_plugin.emulator.answering.sql_text import number_literal
from mlflow_genie_plugin.emulator.answering.time_phrases import Period
from mlflow_genie_plugin.emulator.answering.vocabulary import words_of
from mlflow_genie_plugin.emulator.answering.words import phrase_of, whole_number_of, word_set

_OPENING = word_set("""start from after since begin beginning min minimum lower earliest""")
_CLOSING = word_set("""end to until till before max maximum upper latest last""")


@dataclass(frozen=True)
class Wanted:
    """A value to look for; ``columns``: where a text may come from, ``exclusive``: the SQL compares with ``<``."""

    name: str
    type_text: str
    description: str = ""
    columns: tuple[Column, ...] = ()
    exclusive: bool = False


def read_values(wanted: Sequence[Wanted], pieces: Sequence[Piece]) -> tuple[dict[str, str], set[int]]:
    """Return the values found, by name, and the indexes of the pieces they were read from."""
    values: dict[str, str] = {}
    used: set[int] = set()
    dates = [item for item in wanted if _kind(item.type_text) == "date"]
    for item in wanted:
        kind = _kind(item.type_text)
        if kind == "date":
            found = _date(item, dates, pieces, used)
        elif kind == "number":
            found = _number(item, pieces, used)
        else:
            found = _text(item, pieces, used)
        if found is not None:
            values[item.name], index = found
            if kind != "date" or not _is_pair(item, dates):
                used.add(index)
    if any(item.name in values and _is_pair(item, dates) for item in dates):
        used |= {index for index, piece in enumerate(pieces) if piece.kind == "period"}
    return values, used


def compared_columns(name: str, sql: str, knowledge: SpaceKnowledge) -> tuple[Column, ...]:
    """Return the columns that a statement compares with the parameter ``:name``."""
    left = re.findall(
        rf"([\w`.]+)\s*\)?\s*(?:=|<>|!=|\bi?like\b|\bin\s*\()\s*(?:\w+\(\s*)?:{re.escape(name)}\b", sql, re.IGNORECASE
    )
    columns: list[Column] = []
    for reference in left:
        columns += knowledge.columns_named(reference.replace("`", "").split(".")[-1])
    return tuple(dict.fromkeys(columns))


def is_exclusive(name: str, sql: str) -> bool:
    """Return whether a statement asks for values strictly below the parameter ``:name``."""
    return bool(re.search(rf"<\s*(?:\w+\(\s*)?:{re.escape(name)}\b", sql))


def _kind(type_text: str) -> str:
    text = type_text.upper()
    if text.startswith(("DATE", "TIMESTAMP")):
        return "date"
    numeric = (
        "INT",
        "BIGINT",
        "LONG",
        "SHORT",
        "SMALLINT",
        "TINYINT",
        "DECIMAL",
        "DOUBLE",
        "FLOAT",
        "NUMERIC",
        "NUMBER",
    )
    return "number" if text.startswith(numeric) else "text"


def _is_pair(item: Wanted, dates: Sequence[Wanted]) -> bool:
    return len(dates) > 1 or bool(_sides(item))


def _sides(item: Wanted) -> str:
    words = set(phrase_of(item.name))
    return "start" if words & _OPENING else "end" if words & _CLOSING else ""


def _date(item: Wanted, dates: Sequence[Wanted], pieces: Sequence[Piece], used: set[int]) -> tuple[str, int] | None:
    periods = [
        (i, p.period) for i, p in enumerate(pieces) if p.kind == "period" and p.period is not None and i not in used
    ]
    if not periods:
        return None
    side = _sides(item) or ("" if len(dates) < 2 else "start" if item is dates[0] else "end")
    index, period = periods[-1] if side == "end" else periods[0]
    day = _end(period, item.exclusive) if side == "end" else _start(period)
    if not side and day is not None and period.end is not None and _days(period) > 1:
        day = _end(period, item.exclusive)  # "up to March 1995" means up to its last day
    return (day.isoformat(), index) if day is not None else None


def _number(item: Wanted, pieces: Sequence[Piece], used: set[int]) -> tuple[str, int] | None:
    whole = item.type_text.upper().startswith(("INT", "BIGINT", "LONG", "SHORT", "SMALLINT", "TINYINT"))
    if "year" in phrase_of(item.name):
        return next(
            (
                (str(p.period.year), i)
                for i, p in enumerate(pieces)
                if p.kind == "period" and p.period is not None and p.period.year and i not in used
            ),
            None,
        )
    for index, piece in enumerate(pieces):
        if piece.kind != "number" or index in used or piece.number is None:
            continue
        if not whole or whole_number_of(piece.number) is not None:
            return number_literal(piece.number), index
    return None


def _text(item: Wanted, pieces: Sequence[Piece], used: set[int]) -> tuple[str, int] | None:
    words = words_of(f"{item.name.replace('_', ' ')} {item.description}")
    fallback = None
    for index, piece in enumerate(pieces):
        if index in used:
            continue
        for concept in piece.mention.concepts if piece.mention else ():
            if concept.kind != "value" or concept.column is None:
                continue
            if concept.column in item.columns:
                return concept.value, index
            spoken = {w for name in (concept.column.name, *concept.column.synonyms) for w in phrase_of(name)}
            if not item.columns and spoken & words:
                return concept.value, index
        if piece.kind == "unknown" and piece.value == "quoted" and fallback is None:
            fallback = (piece.text, index)
    return fallback


def _literal_day(text: str | None) -> dt.date | None:
    match = re.fullmatch(r"DATE'(\d{4}-\d{2}-\d{2})'", text or "")
    return dt.date.fromisoformat(match.group(1)) if match else None


def _start(period: Period) -> dt.date | None:
    return _literal_day(period.start)


def _end(period: Period, exclusive: bool) -> dt.date | None:
    day = _literal_day(period.end)
    return day if day is None or exclusive else day - dt.timedelta(days=1)


def _days(period: Period) -> int:
    start, end = _literal_day(period.start), _literal_day(period.end)
    return (end - start).days if start and end else 0
