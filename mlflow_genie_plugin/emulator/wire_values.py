"""Result values as the statement API sends them: every value a string, typed by the manifest; and parameters back."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson

from mlflow_genie_plugin.emulator.api_errors import invalid

# Integral parameter types and how many bits they hold.
_INTEGERS: Final = {
    "TINYINT": 8,
    "BYTE": 8,
    "SMALLINT": 16,
    "SHORT": 16,
    "INT": 32,
    "INTEGER": 32,
    "BIGINT": 64,
    "LONG": 64,
}


def encoded_rows(rows: Sequence[Sequence[Any]]) -> list[list[str | None]]:
    """Return rows as the API's ``data_array``."""
    return [[encoded(value) for value in row] for row in rows]


def encoded(value: Any) -> str | None:
    """Return one value as text: what Spark's cast to STRING gives, but ISO 8601 with Z for timestamps."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        naive = value.replace(tzinfo=None) if value.utcoffset() in {None, timedelta(0)} else value
        return f"{naive.isoformat(timespec='microseconds' if naive.microsecond % 1000 else 'milliseconds')}Z"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, list | tuple | Mapping):
        return orjson.dumps(_json_value(value), option=orjson.OPT_NON_STR_KEYS).decode()
    return str(value)


def _json_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return encoded(value)


def _float_text(value: float) -> str:
    # Java's Double.toString, which Spark uses: 1.0E10 where Python writes 10000000000.0.
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(float(value)) if "e" not in repr(value) else format(value, "f")
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) - 1 + int(exponent)
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{power}"


def typed_parameter(name: str, type_text: str | None, value: str | None) -> Any:
    """Return a statement parameter as a Python value.

    Raises:
        ApiError: The type is unknown, or the text is none of that type.
    """
    if value is None:
        return None
    kind = (type_text or "STRING").strip().upper()
    base = kind.partition("(")[0].strip()
    try:
        return _converter(base)(value)
    except (ValueError, InvalidOperation):
        raise invalid(f"Parameter '{name}': '{value}' cannot be read as {kind}") from None


def _converter(base: str) -> Callable[[str], Any]:
    if base in _INTEGERS:
        return lambda text: _integer(text, _INTEGERS[base])
    converters: dict[str, Callable[[str], Any]] = {
        "STRING": str,
        "VARCHAR": str,
        "CHAR": str,
        "DOUBLE": float,
        "FLOAT": float,
        "REAL": float,
        "DECIMAL": Decimal,
        "DEC": Decimal,
        "NUMERIC": Decimal,
        "BOOLEAN": _boolean,
        "DATE": date.fromisoformat,
        "TIMESTAMP": datetime.fromisoformat,
        "TIMESTAMP_NTZ": datetime.fromisoformat,
        "TIMESTAMP_LTZ": datetime.fromisoformat,
    }
    if base not in converters:
        raise invalid(f"Unsupported parameter type: {base}")
    return converters[base]


def _integer(text: str, bits: int) -> int:
    number = int(text)
    if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise ValueError(text)
    return number


def _boolean(text: str) -> bool:
    known = {"true": True, "t": True, "1": True, "yes": True, "y": True}
    known |= {"false": False, "f": False, "0": False, "no": False, "n": False}
    if text.strip().lower() not in known:
        raise ValueError(text)
    return known[text.strip().lower()]
