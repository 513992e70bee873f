"""Test-session set-up of this repository; nothing the gates need stands here (the installed plugin brings it all)."""

import os
from pathlib import Path

pytest_plugins = ["pytester"]

# SQLite waits for the disk at every commit, and the tests commit tens of thousands of times: in memory they are several
# times faster. Chosen before pytest makes its temporary folder; an own choice in the environment wins.
_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
