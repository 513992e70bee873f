"""Values as YAML that a person likes to read: keys in their order, SQL as blocks of lines."""

from __future__ import annotations

import json
from typing import Any

_BREAKS = "\x85\u2028\u2029"


def to_yaml(value: Any) -> str:
    """Return ``value`` (mappings, lists, texts, numbers, booleans, None) as block YAML with a final newline."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
            return True  # two equal lists are two lists; an anchor would tie them together for the next editor

    def text(dumper: Any, data: str) -> Any:
        # YAML takes these for line breaks; only inside double quotes are they written as what they are.
        style = '"' if any(char in data for char in _BREAKS) else "|" if "\n" in data else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, text)
    dumped: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return dumped


def scalar_to_yaml(value: Any) -> str:
    """Return a value on one line, as it stands behind a key; a text in quotes where it needs them."""
    if isinstance(value, str) and "\n" not in value:
        line = to_yaml({"k": value}).removeprefix("k: ").rstrip("\n")
        return line if "\n" not in line else to_json(value)
    return to_json(value)


def to_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON that YAML reads in the same way."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    for char in _BREAKS:
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def block_to_yaml(lines: str, indent: str) -> str:
    """Return the lines of a block, each behind ``indent``; empty lines stay empty."""
    return "".join(f"{indent}{line}" if line.strip() else line for line in lines.splitlines(keepends=True))
