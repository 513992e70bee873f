"""YAML and JSON text as plain values, with the line every value came from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.errors import UnreadableFileError
from mlflow_genie_plugin.space.strict_json import load_strictly

Path = tuple[str | int, ...]

# A few aliases of aliases can stand for billions of values; no file of benchmarks comes near this.
_MOST_VALUES = 2_000_000


@dataclass(frozen=True)
class Source:
    """A parsed file: ``lines`` maps the path of a value to its line (from 1); empty for JSON."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int | None:
        """Return the line of the value at ``path``, or of the nearest value around it."""
        for length in range(len(path), 0, -1):
            if (line := self.lines.get(path[:length])) is not None:
                return line
        return None


def read_source(text: str, what: str) -> Source:
    """Parse ``text`` as JSON when it begins like JSON, else as YAML.

    Dates stay text, so that the same file in YAML and in JSON means the same.

    Raises:
        UnreadableFileError: Neither, or a key stands twice, or it uses tags or merge keys.
    """
    if text.lstrip().startswith(("{", "[")):
        return Source(load_strictly(text, what))
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=loader)
        if node is None:
            raise UnreadableFileError(f"{what} is empty", next_step="see docs/benchmarks-file.md for the format")
        reader = _Reader(what)
        return Source(reader.value(node, ()), reader.lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1} column {mark.column + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
        raise UnreadableFileError(
            f"{what} is not YAML{where}: {reason}", next_step="quote texts that hold a colon, # or a leading symbol"
        ) from error
    except RecursionError as error:
        raise UnreadableFileError(f"{what} is nested too deeply") from error


class _Reader:
    def __init__(self, what: str) -> None:
        self.what = what
        self.lines: dict[Path, int] = {}
        self._seen = 0

    def value(self, node: Any, path: Path) -> Any:
        import yaml

        self._seen += 1
        if self._seen > _MOST_VALUES:
            raise UnreadableFileError(f"{self.what} holds more than {_MOST_VALUES:,} values")
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if key_node.tag.endswith(":merge") or not isinstance(key, str):
                self._refuse(key_node, "merge keys (<<) and keys that are no text are not read", "write it out")
            if key in out:
                self._refuse(key_node, f"the key {key!r} stands twice in one mapping", "remove one of the two")
            out[key] = self.value(value_node, (*path, key))
            self.lines[(*path, key)] = key_node.start_mark.line + 1
        return out

    def _scalar(self, node: Any) -> Any:
        import yaml

        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        text: str = node.value
        if kind in ("str", "timestamp"):
            return text
        if kind not in ("int", "float", "bool", "null"):
            self._refuse(node, f"the tag {node.tag!r} is not read", "write a plain text, number, list or mapping")
        try:
            value = getattr(yaml.constructor.SafeConstructor(), f"construct_yaml_{kind}")(node)
        except ValueError:
            self._refuse(node, f"{text!r} is no number", "put it in quotes")
        if isinstance(value, float) and not math.isfinite(value):
            self._refuse(node, f"{text} is no number that JSON knows", "put it in quotes")
        return value

    def _refuse(self, node: Any, message: str, next_step: str) -> None:
        raise UnreadableFileError(f"{self.what} line {node.start_mark.line + 1}: {message}", next_step=next_step)
