"""The one place where bytes for hashing are made."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def canonical_bytes(value: Any) -> bytes:
    """Return ``value`` as JSON with sorted keys, no white space, UTF-8.

    For documents without floats these are the bytes of ``json.dumps(value, sort_keys=True, ensure_ascii=False,
    separators=(",", ":"))``. Integers beyond 64 bits take that slower path, so that no parsed JSON is refused.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        import json

        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )


def sha256_of_json(value: Any) -> str:
    """Return the sha256 (64 hex digits) of the canonical JSON of ``value``."""
    return sha256_of_bytes(canonical_bytes(value))


def sha256_of_bytes(data: bytes) -> str:
    """Return the sha256 (64 hex digits) of ``data``."""
    return hashlib.sha256(data).hexdigest()
