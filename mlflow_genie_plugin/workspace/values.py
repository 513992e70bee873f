"""Result values arrive as text; this table gives each the Python type that the manifest names."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_ALIASES = {
    "BIGINT": "LONG", "INTEGER": "INT", "SMALLINT": "SHORT", "TINYINT": "BYTE", "REAL": "FLOAT", "DEC": "DECIMAL",
    "NUMERIC": "DECIMAL", "VARCHAR": "STRING", "CHAR": "STRING", "TIMESTAMP_LTZ": "TIMESTAMP", "VOID": "NULL",
}  # fmt: skip
_TIME = re.compile(r"(?P<seconds>\d{2}:\d{2}:\d{2})(?:\.(?P<fraction>\d+))?")
_PYTHON_YEARS = re.compile(r"(?!0000)\d{4}-")


class UnreadableValueError(ValueError):
    """Raised when a value does not have the form of its type."""


def type_of(type_name: str | None, type_text: str | None) -> str:
    """Return the name in this table's words of a manifest column's type.

    ``type_name`` is one of the manifest's (LONG, TIMESTAMP, …). It lumps TIMESTAMP_NTZ together with TIMESTAMP on some
    servers, and is missing for types newer than the API; then ``type_text`` (``DECIMAL(10,2)``) tells.
    """
    text = re.split(r"[(<\s]", (type_text or "").strip().upper(), maxsplit=1)[0]
    name = (type_name or "").strip().upper() or text
    if text == "TIMESTAMP_NTZ" and name in ("TIMESTAMP", "TIMESTAMP_NTZ", "USER_DEFINED_TYPE"):
        return "TIMESTAMP_NTZ"
    return _ALIASES.get(name, name) or "STRING"


def convert(value: Any, type_name: str, *, scale: int | None = None) -> Any:
    """Return ``value`` (text, or None for NULL) as a Python value of the type.

    Integers become int, DECIMAL Decimal with its scale, FLOAT and DOUBLE float (also NaN and Infinity), DATE date,
    TIMESTAMP datetime in UTC, TIMESTAMP_NTZ datetime without zone, BINARY bytes, ARRAY, MAP and STRUCT what their JSON
    holds. INTERVAL, VARIANT and types unknown here stay text, and so do dates outside the years 1 to 9999, which Python
    does not have. Digits beyond microseconds are cut.

    Raises:
        UnreadableValueError: The text is not a value of the type.
    """
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    converter = _CONVERTERS.get(type_name)
    if converter is None:
        return text
    try:
        converted = converter(text)
    except (ValueError, ArithmeticError) as error:
        raise UnreadableValueError(f"{text[:80]!r} is not a value of type {type_name}") from error
    if isinstance(converted, Decimal) and scale is not None:
        return _with_scale(converted, scale)
    return converted


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):  # int() also takes "1_000" and digits of other scripts
        raise ValueError(text)
    return int(text)


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _refuse(text)


def _refuse(text: str) -> bool:
    raise ValueError(text)


def _with_scale(number: Decimal, scale: int) -> Decimal:
    """Add the zeros that the scale asks for; never round: a value that came with more digits keeps them."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent >= scale:
        return number
    digits = number.as_tuple()
    return Decimal((digits.sign, (*digits.digits, *[0] * (scale + exponent)), -scale))


def _date(text: str) -> date | str:
    return date.fromisoformat(text) if _PYTHON_YEARS.match(text) else _far_date(text)


def _timestamp(text: str) -> datetime | str:
    moment = _moment(text)
    if isinstance(moment, str):
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _timestamp_ntz(text: str) -> datetime | str:
    moment = _moment(text)
    return moment if isinstance(moment, str) else moment.replace(tzinfo=None)


def _moment(text: str) -> datetime | str:
    if not _PYTHON_YEARS.match(text):
        return _far_date(text)
    return datetime.fromisoformat(
        _TIME.sub(lambda m: f"{m['seconds']}.{(m['fraction'] or '0')[:6]:0<6}", text, count=1)
    )


def _far_date(text: str) -> str:
    if not re.fullmatch(r"[+-]?\d{4,}-\d{2}-\d{2}([T ].*)?", text):
        raise ValueError(text)
    return text


_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "BYTE": _integer,
    "SHORT": _integer,
    "INT": _integer,
    "LONG": _integer,
    "FLOAT": float,
    "DOUBLE": float,
    "DECIMAL": Decimal,
    "BOOLEAN": _boolean,
    "DATE": _date,
    "TIMESTAMP": _timestamp,
    "TIMESTAMP_NTZ": _timestamp_ntz,
    "BINARY": lambda text: base64.b64decode(text, validate=True),
    "ARRAY": json.loads,
    "MAP": json.loads,
    "STRUCT": json.loads,
}
