"""Writing files so that a reader sees the old content or the new, never a torn one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

import orjson

from mlflow_genie_plugin.errors import UnwritableFileError


def write_bytes_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write ``data`` to ``path`` through a temporary file in the same folder (write, fsync, rename).

    What exists and is no regular file (a device, a named pipe) is written to; a rename would replace it.

    Raises:
        UnwritableFileError: The folder is read-only, the disk is full, …; the old file is untouched.
    """
    target = Path(os.path.realpath(path))  # a link, such as /dev/stdout, stays one
    temporary: str | None = None
    try:
        if _is_special(Path(path)):
            Path(path).write_bytes(data)
            return Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(target)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise UnwritableFileError(
            f"cannot write {path}: {error.strerror or error}",
            next_step="free some space or choose a writable place, then run the same command again",
        ) from error
    return Path(path)


def write_json_atomically(path: str | os.PathLike[str], value: Any) -> Path:
    """Write ``value`` as indented UTF-8 JSON (keys in the order given) with a final newline; see above."""
    return write_bytes_atomically(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _is_special(path: Path) -> bool:
    # /dev/stdout may lead to a regular file, but to one that is open and must not be replaced.
    return path.exists() and (not path.is_file() or any(_is_open_as(number, path) for number in (1, 2)))


def _is_open_as(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:  # nothing is open as this
        return False


def _umask() -> int:
    # There is no way to read the umask without setting it; mkstemp's 0600 would hide results from colleagues.
    mask = os.umask(0)
    os.umask(mask)
    return mask
