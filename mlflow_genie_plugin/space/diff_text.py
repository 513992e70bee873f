"""Changed values in a few lines a person can read: SQL line by line, prose word by word."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

WIDTH = 100
_INDENT = "    "
_MAX_LINES = 14
_SHORT = 72
_CONTEXT = 4
_LONG = 1000
_WORD = re.compile(r"[\w`$][\w`$.]*|[^\w\s]")  # a dotted name is one word
_SQL_FIELDS = ("sql", "content")


def describe_change(name: str, before: Any, after: Any) -> Iterator[str]:
    """Yield indented lines for one changed field; None stands for a side that does not have it."""
    last = name.rsplit(".", 1)[-1]
    lines = list(_described(before, after, is_sql=last == "sql" or name.startswith("answer")))
    title = "" if last in _SQL_FIELDS or not name else f"{name}: "
    if title and len(lines) == 1 and len(title) + len(lines[0]) < WIDTH - len(_INDENT):
        lines = [title + lines[0]]
    elif title:
        lines = [title.rstrip(), *(f"  {line}" for line in lines)]
    if len(lines) > _MAX_LINES:
        more = len(lines) - _MAX_LINES + 1
        lines = [*lines[: _MAX_LINES - 1], f"… {more} more lines (--json has all)"]
    yield from (_cut(f"{_INDENT}{line}") for line in lines)


def _described(before: Any, after: Any, *, is_sql: bool) -> Iterator[str]:
    if isinstance(before, str) and isinstance(after, str):
        yield from _text(before, after, is_sql=is_sql)
    elif before is None or after is None:
        sign, value = ("+", after) if before is None else ("-", before)
        lines = value.strip("\n").split("\n") if isinstance(value, str) else [_shown(value)]
        yield from (f"{sign} {line}".rstrip() for line in lines)
    else:
        one_line = f"{_shown(before)} -> {_shown(after)}"
        if len(one_line) <= WIDTH - 2 * len(_INDENT):
            yield one_line
        else:
            yield f"- {_shown(before)}"
            yield f"+ {_shown(after)}"


def _text(before: str, after: str, *, is_sql: bool) -> Iterator[str]:
    if before.split() == after.split():
        yield "only white space differs"
        return
    if len(before.split()) <= 1 and len(after.split()) <= 1:
        if len(before) + len(after) <= _SHORT:
            yield f"{before} -> {after}"
        else:
            yield from (f"- {before}", f"+ {after}")
        return
    old, new = before.split("\n"), after.split("\n")
    for tag, i1, i2, j1, j2 in _matched(old, new):
        if tag == "equal":
            continue
        paired = min(i2 - i1, j2 - j1) if i2 - i1 == j2 - j1 else 0
        for offset in range(paired):
            yield from _line_pair(old[i1 + offset], new[j1 + offset], is_sql=is_sql)
        yield from (f"- {line}" for line in old[i1 + paired : i2] if line.strip())
        yield from (f"+ {line}" for line in new[j1 + paired : j2] if line.strip())


def _line_pair(old: str, new: str, *, is_sql: bool) -> Iterator[str]:
    old, new = old.strip(), new.strip()
    if old == new:
        return
    if is_sql and len(old) + len(new) + 4 <= _SHORT + 16:
        yield f"{old} -> {new}"
    elif len(old) <= _SHORT and len(new) <= _SHORT:
        yield f"- {old}"
        yield f"+ {new}"
    else:
        yield from _words(old, new)


def _words(old: str, new: str) -> Iterator[str]:
    """Yield the changed words of one long line, each with a few words before it."""
    words = [list(_WORD.finditer(line)) for line in (old, new)]
    left, right = ([word.group() for word in side] for side in words)
    old_spans, new_spans = ([word.span() for word in side] for side in words)
    for tag, i1, i2, j1, j2 in _matched(left, right):
        if tag == "equal":
            continue
        start = max(0, i1 - _CONTEXT)
        lead = old[old_spans[start][0] : old_spans[i1 - 1][1]] if i1 else ""
        gone = old[old_spans[i1][0] : old_spans[i2 - 1][1]] if i2 > i1 else ""
        come = new[new_spans[j1][0] : new_spans[j2 - 1][1]] if j2 > j1 else ""
        where = f"…{lead}: " if start else (f"{lead}: " if lead else "")
        if gone and come:
            yield f"{where}{_middle(gone)} -> {_middle(come)}"
        else:
            yield f"{where}{'- ' + _middle(gone) if gone else '+ ' + _middle(come)}"


def _matched(old: list[str], new: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    # The exact match is cubic where one line (an empty one) stands thousands of times; there a rougher one has to do.
    is_long = max(len(old), len(new)) > _LONG
    return difflib.SequenceMatcher(None, old, new, autojunk=is_long).get_opcodes()


def _middle(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[: _SHORT // 2]} … {text[-_SHORT // 3 :]}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(line: str) -> str:
    # A single long word is a name, and half a name helps nobody.
    return line if len(line) <= WIDTH or len(line.split()) <= 2 else f"{line[: WIDTH - 1]}…"
