"""Where literals and comments stand in an SQL text that need not be whole: fragments, lines, half-written snippets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# What opens one, and what it is up to its end. Databricks reads a backslash as an escape in both kinds of string.
_WHOLE: Final = {
    "'": re.compile(r"'(?:[^'\\]++|\\.|'')*'", re.DOTALL),
    '"': re.compile(r'"(?:[^"\\]++|\\.|"")*"', re.DOTALL),
    "`": re.compile(r"`(?:[^`]++|``)*`"),
    "--": re.compile(r"--[^\n]*"),
    "/*": re.compile(r"/\*.*?\*/", re.DOTALL),
}


def literals_in(text: str, openers: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    r"""Yield start and end of each whole literal or comment, in order.

    One that never ends is no literal: its opener is a character like any other. The text is read once for each kind
    of opener, not once for each opener, as one regular expression over all would: 50 kB of ``\'`` took it 11 seconds.

    Args:
        text: Any text.
        openers: The kinds to look for, out of ``'``, ``"``, a backtick, ``--`` and ``/*``.
    """
    kinds, at = list(openers), 0
    while kinds:
        opener = re.compile("|".join(map(re.escape, kinds)))
        while found := opener.search(text, at):
            whole = _WHOLE[found.group()].match(text, found.start())
            if whole is None:
                # Whatever opens behind it is inside it, so nothing of its kind can end any more.
                kinds.remove(found.group())
                at = found.start() + 1
                break
            yield whole.span()
            at = whole.end()
        else:
            return


def without_literals(text: str, openers: tuple[str, ...], instead: str) -> str:
    """Return the text with ``instead`` in the place of each whole literal or comment."""
    parts: list[str] = []
    at = 0
    for start, end in literals_in(text, openers):
        parts += (text[at:start], instead)
        at = end
    return "".join([*parts, text[at:]])
