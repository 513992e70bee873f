"""Changes values in the text of a YAML or JSON file; whatever is not changed stays byte for byte, comments included.

The parser's marks say where a value stands, only that stretch of text is replaced, and the result is read again: what
it means must be what the file meant before, with the change and nothing else. A file that would need more than that
(anchors, exotic layouts) is refused rather than rewritten.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow_genie_plugin.errors import UnreadableFileError, UsageError
from mlflow_genie_plugin.evaluation.yaml_source import Path, read_source
from mlflow_genie_plugin.evaluation.yaml_text import block_to_yaml, scalar_to_yaml, to_json, to_yaml

_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*([ \t]+#[^\n]*)?[ \t]*")


def set_fields(text: str, path: Path, values: Mapping[str, Any], what: str) -> str:
    """Return ``text`` with fields of the mapping at ``path`` set: replaced where they are, else put before the first.

    Args:
        text: The file.
        path: Where the mapping stands; ``()`` is the file itself.
        values: Field → new value.
        what: What to call the file in messages.

    Raises:
        UnreadableFileError: The file is neither YAML nor JSON.
        UsageError: The change cannot be made without touching more than it.
    """
    text = _ended(text)
    intended = copy.deepcopy(read_source(text, what).value)
    target = intended
    for part in path:
        target = target[part]
    edits = []
    mapping = _node_at(_compose(text, what), path)
    present = {key.value: (key, value) for key, value in mapping.value}
    for name, value in values.items():
        target[name] = value
        if name in present:
            edits.append(_replacement(text, *present[name], value, flow=bool(mapping.flow_style)))
        else:
            before = present["expected_sql"][0] if "expected_sql" in present else mapping.value[0][0]
            edits.append(_insertion(text, before, name, value, flow=bool(mapping.flow_style)))
    return _proved(_spliced(text, edits), intended, what)


def append_items(text: str, path: Path, items: Sequence[Any], what: str) -> str:
    """Return ``text`` with ``items`` added at the end of the list at ``path``; raises as :func:`set_fields`."""
    text = _ended(text)
    intended = copy.deepcopy(read_source(text, what).value)
    target = intended
    for part in path:
        target = target[part]
    target.extend(items)
    sequence = _node_at(_compose(text, what), path)
    position, addition = (_flow_addition if sequence.flow_style else _block_addition)(text, sequence, items)
    return _proved(_spliced(text, [(position, position, addition)]), intended, what)


def add_list(text: str, name: str, items: Sequence[Any], what: str) -> str:
    """Return ``text`` with a new top-level key that holds a list; raises as :func:`set_fields`."""
    if _compose(text, what).flow_style:
        return set_fields(text, (), {name: list(items)}, what)
    text = _ended(text)
    intended = {**read_source(text, what).value, name: list(items)}
    return _proved(text + _in_newlines_of(text, to_yaml({name: list(items)})), intended, what)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _compose(text: str, what: str) -> Any:
    import yaml

    try:
        # The loader of read_source: the other one is stricter about some files. Both count positions in characters.
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise UnreadableFileError(f"{what} is not YAML: {error}") from error
    if not isinstance(node, yaml.MappingNode):
        raise UsageError(f"{what} is no mapping, so it cannot be edited in place")
    return node


def _node_at(node: Any, path: Path) -> Any:
    for part in path:
        node = node.value[part] if isinstance(part, int) else next(v for k, v in node.value if k.value == part)
    return node


def _end(node: Any) -> int:
    """Return where a node's text ends; for block collections the parser's own mark lies behind what follows them."""
    if isinstance(node.value, list) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _replacement(text: str, key: Any, value: Any, new: Any, *, flow: bool) -> tuple[int, int, str]:
    start, end = value.start_mark.index, _end(value)
    if flow:
        return start, end, to_json(new)
    was_block = value.id == "scalar" and value.style in ("|", ">")
    if was_block:
        header = _BLOCK_HEADER.match(text, start)
        tail = (header.group(1) or "").rstrip("\r") if header else ""
        # The empty lines behind a block belong to its text, but whoever wrote them meant to separate two things.
        end = text.index("\n", start + len(text[start:end].rstrip(" \t\r\n"))) + 1
    else:
        line_end = text.find("\n", end)
        tail, end = text[end:line_end].rstrip("\r"), line_end + 1
    lead = "" if text[start - 1 : start] in (" ", "\t", "\n") else " "
    # Empty lines at the end of a block would run into those that follow it in the file.
    if isinstance(new, str) and "\n" in new.rstrip("\n") and not new.endswith("\n\n"):
        block = to_yaml({"k": new}).removeprefix("k: ")
        indent = " " * key.start_mark.column
        first, _, rest = block.partition("\n")
        return start, end, _in_newlines_of(text, f"{lead}{first}{tail}\n{block_to_yaml(rest, indent)}")
    return start, end, _in_newlines_of(text, f"{lead}{scalar_to_yaml(new)}{tail}\n")


def _insertion(text: str, before: Any, name: str, value: Any, *, flow: bool) -> tuple[int, int, str]:
    position, column = before.start_mark.index, before.start_mark.column
    if flow:
        own_line = not text[position - column : position].strip()
        gap = f",\n{text[position - column : position]}" if own_line else ", "
        return position, position, _in_newlines_of(text, f"{to_json(name)}: {to_json(value)}{gap}")
    lines = to_yaml({name: value})
    first, _, rest = lines.partition("\n")
    indent = " " * column
    return position, position, _in_newlines_of(text, f"{first}\n{block_to_yaml(rest, indent)}{indent}")


def _block_addition(text: str, sequence: Any, items: Sequence[Any]) -> tuple[int, str]:
    position = _end(sequence)
    if text[position - 1] != "\n":
        position = text.index("\n", position) + 1
    return position, _in_newlines_of(text, block_to_yaml(to_yaml(list(items)), " " * sequence.start_mark.column))


def _flow_addition(text: str, sequence: Any, items: Sequence[Any]) -> tuple[int, str]:
    if not sequence.value:
        return sequence.end_mark.index - 1, ", ".join(to_json(item) for item in items)
    first, position = sequence.value[0], _end(sequence.value[-1])
    start, column = first.start_mark.index, first.start_mark.column
    indent = text[start - column : start]
    if indent.strip():
        return position, "".join(f", {to_json(item)}" for item in items)
    shown = [to_json(item, indent=2).replace("\n", f"\n{indent}") for item in items]
    return position, _in_newlines_of(text, "".join(f",\n{indent}{item}" for item in shown))


def _in_newlines_of(text: str, addition: str) -> str:
    return addition.replace("\n", "\r\n") if "\r\n" in text else addition


def _spliced(text: str, edits: list[tuple[int, int, str]]) -> str:
    out, position = [], 0
    for start, end, addition in sorted(edits, key=lambda edit: edit[:2]):
        out += [text[position:start], addition]
        position = end
    return "".join([*out, text[position:]])


def _proved(text: str, intended: Any, what: str) -> str:
    try:
        found = read_source(text, what).value
    except UnreadableFileError as error:
        raise _not_in_place(what) from error
    if found != intended:
        raise _not_in_place(what)
    return text


def _not_in_place(what: str) -> UsageError:
    return UsageError(
        f"{what} cannot be changed there without changing more (an anchor, or an unusual layout); nothing was written",
        next_step="make this change by hand",
    )
