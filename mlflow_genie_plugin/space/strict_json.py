"""Strict JSON: what two readers could understand differently is refused, with the reason and the place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from mlflow_genie_plugin.errors import TemplateSpaceError, UnreadableFileError
from mlflow_genie_plugin.space.placeholders import PLACEHOLDER


def decode(data: bytes, what: str) -> str:
    """Return the text of UTF-8 bytes without a byte order mark.

    Raises:
        UnreadableFileError: They are something else.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")):
        if data.startswith(mark):
            raise UnreadableFileError(
                f"{what} starts with a byte order mark ({encoding})",
                next_step="save it as UTF-8 without a byte order mark",
            )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"{what} is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}", next_step="save it as UTF-8"
        ) from error


def load_strictly(text: str, what: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        UnreadableFileError: It is not JSON, or names a key twice, or holds NaN, Infinity or a number or character that
            cannot be written back.
        TemplateSpaceError: It is not JSON because of template placeholders.
    """
    if text.startswith("\ufeff"):
        raise UnreadableFileError(
            f"{what} starts with a byte order mark", next_step="save it as UTF-8 without a byte order mark"
        )
    if not text.strip():
        raise UnreadableFileError(f"{what} is empty", next_step="export the space again")
    try:
        value = json.loads(
            text, object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant, parse_float=_finite_float
        )
    except json.JSONDecodeError as error:
        at_fault = (match for match in PLACEHOLDER.finditer(text) if match.start() <= error.pos < match.end())
        if placeholder := next(at_fault, None):
            raise TemplateSpaceError(
                f"{what} is a template and not JSON before it is filled in (it holds {placeholder.group()})",
                next_step="fill the template in first, then give the result",
            ) from error
        raise UnreadableFileError(
            f"{what} is not JSON: {error.msg} at line {error.lineno} column {error.colno}",
            next_step="check that it is a whole JSON file and not, for example, an HTML page or a cut-off copy",
        ) from error
    except _NotStrictJsonError as error:
        raise UnreadableFileError(f"{what} is not strict JSON: {error}", next_step=error.next_step) from error
    except RecursionError as error:
        raise UnreadableFileError(f"{what} is nested too deeply to be a space config") from error
    except ValueError as error:  # an integer with thousands of digits
        raise UnreadableFileError(
            f"{what} holds a number with thousands of digits", next_step="use a smaller number or a string"
        ) from error
    if re.search(r"\\u[dD][89a-fA-F]", text) or not text.isascii():
        _require_text(value, what)
    return value


class _NotStrictJsonError(ValueError):
    def __init__(self, message: str, next_step: str) -> None:
        self.next_step = next_step
        super().__init__(message)


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _NotStrictJsonError(
            f"the key {twice!r} stands twice in one object",
            "remove one of the two; readers disagree about which one counts",
        )
    return out


def _refuse_constant(name: str) -> NoReturn:
    raise _NotStrictJsonError(f"{name} is no JSON number", "use a number or a string")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NotStrictJsonError(f"the number {text} is too large", "use a smaller number or a string")
    return value


def _require_text(value: Any, what: str) -> None:
    # JSON can spell half of a surrogate pair; it is no text, cannot be written as UTF-8, and the server refuses it.
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        half = ord(error.object[error.start])
        raise UnreadableFileError(
            f"{what} holds a character that is no text: half of a surrogate pair (\\u{half:04x})",
            next_step="remove the broken escape sequence",
        ) from error


def copy_strictly(source: Mapping[str, Any], what: str) -> Any:
    """Return a deep copy of a parsed document that shares nothing with it.

    Raises:
        UnreadableFileError: It holds what JSON cannot express.
    """
    try:
        text = json.dumps(source, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{what} holds a value that JSON cannot express: {error}") from error
    return load_strictly(text, what)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def kind_of(value: Any) -> str:
    """Return what a JSON value is, in words."""
    if value is None:
        return "null"
    names = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), type(value).__name__)
