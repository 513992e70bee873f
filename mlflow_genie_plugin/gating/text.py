"""Text that came from a model or a person, made fit for one line, a block or a column of a report.

Nothing here trusts its input: what would move the cursor, reorder the line, act as Markdown or command a CI runner is
taken out or shown as what it is.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

WIDTH = 98
# A backslash before one of the last five is shown by what renders a run's description in MLflow; an entity is not.
_MARKDOWN = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_{}[]()#+-.!|~"}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    | {character: f"&#{ord(character)};" for character in "$:@"}
)
_NARROW = 90
_KEPT = "\n\t"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """Return ``text`` on one line, every control or formatting character replaced by a blank."""
    if text.isprintable():  # nearly always, and it costs a hundredth
        return " ".join(text.split())
    return " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in text).split())


def block(text: str) -> str:
    """Return ``text`` with its lines, every other control or formatting character replaced by a visible sign.

    In SQL a blank would not do: a character that reverses what follows must be seen to be there.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if lines.replace("\n", "").replace("\t", "").isprintable():
        return lines
    return "".join(c if c in _KEPT or unicodedata.category(c)[0] != "C" else _REPLACEMENT for c in lines)


def cut(text: str, length: int) -> str:
    """Return ``text``, or its beginning and an ellipsis, in at most ``length`` characters."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def markdown_text(text: str) -> str:
    """Return ``text`` as Markdown that shows it literally, on one line."""
    return plain(text).translate(_MARKDOWN)


def inert(line: str) -> str:
    """Return a line that no CI runner takes for a command: ``::`` at its start, ``##[`` and ``##vso[`` anywhere."""
    if line.lstrip().startswith("::"):
        line = line.replace("::", ": :", 1)
    return line.replace("##", "# #")


def wrapped(line: str, indent: str = "    ", width: int = WIDTH) -> list[str]:
    """Return ``line`` in pieces of at most ``width`` columns, the first with its own indentation."""
    own = line[: len(line) - len(line.lstrip())]
    pieces = textwrap.wrap(
        line.strip(), width, initial_indent=own, subsequent_indent=indent, break_on_hyphens=False
    ) or [line]
    return [inert(piece) for piece in pieces]


def side_by_side(
    left: tuple[str, str], right: tuple[str, str], *, width: int = WIDTH, indent: str = "", most: int = 10
) -> list[str]:
    """Return two texts, each ``(title, text)``, beside each other, or below each other where there is no room.

    Args:
        left: Title and text of the left column.
        right: The same of the right one.
        width: Columns there are; below 90 the texts are stacked.
        indent: Stands before every line.
        most: Lines shown of each text; what is left out is said.
    """
    room = width - len(indent)
    if width < _NARROW:
        return [
            line
            for title, text in (left, right)
            for line in (f"{indent}{title}", *(f"{indent}  {part}" for part in _lines(text, room - 2, most)))
        ]
    column = (room - 3) // 2
    sides = [[title, *_lines(text, column, most)] for title, text in (left, right)]
    height = max(map(len, sides))
    padded = [[*side, *[""] * (height - len(side))] for side in sides]
    return [f"{indent}{one:<{column}} | {other}".rstrip() for one, other in zip(*padded, strict=True)]


def _lines(text: str, width: int, most: int) -> Sequence[str]:
    lines: list[str] = []
    for line in block(text).expandtabs(2).splitlines():
        if line.strip():
            lines.extend(_fitted(line, width))
    if len(lines) > most:
        left_out = len(lines) - most + 1
        lines = [*lines[: most - 1], f"… {left_out} more lines"]
    return lines or ["(none)"]


def _fitted(line: str, width: int) -> Iterable[str]:
    own = line[: min(len(line) - len(line.lstrip()), width // 3)]
    pieces = textwrap.wrap(
        line.strip(), width, initial_indent=own, subsequent_indent=f"{own}  ", break_on_hyphens=False
    )
    return [inert(piece) for piece in pieces]
