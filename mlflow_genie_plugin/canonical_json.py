"""The one place where bytes for hashing are made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
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


def sha256_of_list(items: Iterable[Any]) -> str:
    """Return :func:`sha256_of_json` of a list, without holding all of its bytes at once."""
    digest, comma = hashlib.sha256(b"["), b""
    for item in items:
        digest.update(comma + canonical_bytes(item))
        comma = b","
    digest.update(b"]")
    return digest.hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the sha256 (64 hex digits) of a file, whatever its size.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_bytes(data: bytes) -> str:
    """Return the sha256 (64 hex digits) of ``data``."""
    return hashlib.sha256(data).hexdigest()
