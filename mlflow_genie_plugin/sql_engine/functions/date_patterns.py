"""Datetime patterns (``yyyy-MM-dd``) as DuckDB formats (``%Y-%m-%d``)."""

from __future__ import annotations

import re

from mlflow_genie_plugin.sql_engine.errors import failed, unsupported

_PIECES = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)")

_FORMATS = {
    "y": "%Y", "yyyy": "%Y", "yy": "%y", "M": "%-m", "MM": "%m", "MMM": "%b", "MMMM": "%B", "L": "%-m", "LL": "%m",
    "LLL": "%b", "LLLL": "%B", "d": "%-d", "dd": "%d", "H": "%-H", "HH": "%H", "h": "%-I", "hh": "%I", "m": "%-M",
    "mm": "%M", "s": "%-S", "ss": "%S", "SSS": "%g", "SSSSSS": "%f", "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A",
    "a": "%p", "D": "%-j", "DDD": "%j", "u": "%Y", "uuuu": "%Y",
}  # fmt: skip

QUARTER = "\0quarter\0"


def duckdb_format(pattern: str, *, formatting: bool) -> list[str]:
    """Translate a datetime pattern to pieces: DuckDB formats, and ``QUARTER`` where the quarter's digit stands.

    Raises:
        SqlFailedError: The pattern has a letter that Databricks refuses or that this engine cannot express.
    """
    pieces, position = [""], 0
    for match in _PIECES.finditer(pattern):
        if match.start() != position:
            raise _illegal(pattern)
        position = match.end()
        literal, letter = match[1], match[2]
        if match[0] == "''":
            pieces[-1] += "'"
        elif literal is not None:
            pieces[-1] += literal.replace("''", "'").replace("%", "%%")
        elif letter is None:
            pieces[-1] += match[0].replace("%", "%%")
        elif letter in ("Q", "q") and len(match[0]) <= 3 and formatting:
            prefix = {1: "", 2: "0", 3: "Q"}[len(match[0])]
            pieces[-1] += prefix
            pieces += [QUARTER, ""]
        elif match[0] in _FORMATS:
            pieces[-1] += _FORMATS[match[0]]
        elif letter in "YwWecU":
            raise failed(
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
                f"Week-based patterns are not supported: {letter} in {pattern!r}.",
                "42K0B",
            )
        else:
            raise unsupported(f"the datetime pattern letters {match[0]!r} in {pattern!r}")
    if position != len(pattern):
        raise _illegal(pattern)
    return [piece for piece in pieces if piece]


def _illegal(pattern: str) -> Exception:
    return failed("INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER", f"Unrecognized datetime pattern: {pattern!r}.", "22007")
