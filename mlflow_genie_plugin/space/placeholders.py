"""Template placeholders: ``${name}``, ``{{ name }}`` and ``{% … %}``, as deployment scripts and Jinja write them."""

from __future__ import annotations

import re
from typing import Final

# Each stops where the next one opens: a text of opening braces alone is then read once, not once for every brace.
PLACEHOLDER: Final = re.compile(r"\$\{[^{}\n]*\}|\{\{(?:(?!\{\{).)*?\}\}|\{%(?:(?!\{%).)*?%\}")


def placeholders_in(text: str) -> list[str]:
    """Return the placeholders in ``text``, in order."""
    return PLACEHOLDER.findall(text)


def has_placeholder(text: str) -> bool:
    return ("{" in text) and PLACEHOLDER.search(text) is not None
