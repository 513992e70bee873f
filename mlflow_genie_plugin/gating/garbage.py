"""Not looking for garbage where there is none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_garbage() -> Iterator[None]:
    """Keep Python from looking for garbage meanwhile.

    Importing MLflow and reading an evaluation make a million objects that stay; with each quarter more of them, Python
    would look through all of them again, in vain.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
