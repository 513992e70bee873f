"""What a document breaks of a JSON Schema, in words: a person reads them who has never seen the schema."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from mlflow_genie_plugin.errors import Violation

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
# A regular expression says nothing to the person who wrote the file; a test holds this table whole.
PATTERNS = {
    r"\S": "",
    "^[0-9a-f]{64}$": "a SHA-256 of 64 lower-case hex digits",
    "^[0-9a-f]{32}$": "an id of 32 lower-case hex digits",
    "^m-": "a model id, m-…",
    "^m-[0-9a-f]{32}$": "a model id: m- and 32 lower-case hex digits",
    "^(any|m-[0-9a-f]{32})$": "a model id (m- and 32 lower-case hex digits), or any",
    r"^https?://[^\s/]+": "a link, https://…",
    "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}$": "a name of letters, digits and _ . : - only, at most 200 of them",
    "^(?!genie[.])[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$": "a tag name of letters, digits and _ . -, outside genie.*",
    r"^[a-z][a-z0-9_.-]*(\[[^\[\]\s]+\])?$": "the name of a gate, such as p0 or threshold[completeness]",
    r"^(parent|champion|m-[0-9a-f]{32}|models:/\S+)$": "parent, champion, m-… or models:/…",
}


def in_words(error: Any) -> Iterator[Violation]:
    """Yield the violations that one ``jsonschema`` error stands for, each at the path where it is to be mended."""
    path, kind = list(error.absolute_path), str(error.validator)
    value, wanted = error.instance, error.validator_value
    rule = f"schema-{kind}"
    if kind == "additionalProperties" and wanted is False:
        known = list(error.schema.get("properties", {}))
        for key in value:
            if key not in known:
                yield Violation(
                    json_path([*path, key]), "unknown-key", f"unknown key {key!r}", fix=did_you_mean(key, known)
                )
    elif kind == "required":
        # jsonschema raises one error for each key that is missing; which one it is stands in its message only.
        key = next(key for key in wanted if str(error.message).startswith(f"{key!r} "))
        yield Violation(json_path([*path, key]), rule, f"{key} is required but missing")
    elif kind == "enum":
        names = [str(name) if isinstance(name, str) else _shown(name) for name in wanted if name is not None]
        message = f"{_shown(value)} is not one of {', '.join(names)}"
        yield Violation(json_path(path), rule, message, fix=did_you_mean(value, wanted, else_all=False))
    else:
        yield Violation(json_path(path), rule, _message(kind, value, wanted) or str(error.message))


def _message(kind: str, value: Any, wanted: Any) -> str:
    match kind:
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            return f"{_shown(value)} is not {' or '.join(_TYPES[one] for one in kinds)}"
        case "pattern" if wanted in PATTERNS:
            return f"{_shown(value)} is not {PATTERNS[wanted]}" if PATTERNS[wanted] else "it is empty"
        case "minLength" | "minItems" | "minProperties":
            return "it is empty" if wanted == 1 else f"it holds {len(value)}, at least {wanted} are needed"
        case "maxLength" | "maxItems":
            return f"it holds {len(value)}, at most {wanted} are allowed"
        case "minimum":
            return f"{_shown(value)} is below {wanted}, the least allowed"
        case "maximum":
            return f"{_shown(value)} is above {wanted}, the most allowed"
        case "const":
            return f"{_shown(value)} is not {_shown(wanted)}"
        case "uniqueItems":
            return "something stands in it twice"
    return ""


def did_you_mean(seen: Any, known: Iterable[Any], *, else_all: bool = True) -> str:
    """Return a hint for a word that is not known: the nearest one that is, else (when asked) all of them."""
    words = [str(word) for word in known if word is not None]
    folded = {word.casefold(): word for word in words}
    near = difflib.get_close_matches(str(seen).casefold(), folded, n=1, cutoff=0.5)
    if near:
        return f"did you mean {folded[near[0]]!r}?"
    return f"known here: {', '.join(words)}" if else_all and words else ""


def json_path(parts: list[str | int]) -> str:
    """Return ``["a", 0, "b c"]`` as ``$.a[0]['b c']``."""
    text = "$"
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier():
            text += f".{part}"
        else:
            text += f"['{part}']"
    return text


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]} … {text[-20:]}"
