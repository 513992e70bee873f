"""Hashes of a space config: equal for the server means equal here, anything else differs.

They are made of the canonical form, whose rules stand with it.
"""

from __future__ import annotations

from typing import Any

from mlflow_genie_plugin.canonical_json import sha256_of_json
from mlflow_genie_plugin.space.canonical_form import behaviour_form, canonical_form


def content_hash(document: dict[str, Any]) -> str:
    """Return the sha256 (64 hex digits) over everything in the space config that a person could see."""
    return sha256_of_json(canonical_form(document))


def behaviour_hash(document: dict[str, Any]) -> str:
    """Return the sha256 (64 hex digits) over what can change an answer: all but benchmarks and sample questions."""
    return sha256_of_json(behaviour_form(canonical_form(document)))


def hashes_of(document: dict[str, Any]) -> tuple[str, str]:
    """Return content and behaviour hash for the price of one canonical form."""
    form = canonical_form(document)
    return sha256_of_json(form), sha256_of_json(behaviour_form(form))
