"""One check of what a command needs: what was looked at, how it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlflow_genie_plugin.errors import GenieError

OK, FAIL, SKIP = "ok", "fail", "skip"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: what was looked at, how it is, and what to do when it is not in order."""

    name: str
    status: str
    message: str
    next_step: str = ""
    error: GenieError | None = None

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "status": self.status, "message": self.message, "next_step": self.next_step}


def guarded(name: str, run: Callable[[], Check]) -> Check:
    try:
        return run()
    except GenieError as error:
        return failed(name, error)


def failed(name: str, error: GenieError) -> Check:
    return Check(name, FAIL, f"{error.what} [{error.code}]", error.next_step, error)


def skipped(reason: str, *names: str) -> list[Check]:
    return [Check(name, SKIP, reason) for name in names]


def as_document(checks: list[Check]) -> dict[str, Any]:
    """Return the checks for machines."""
    return {
        "format_version": 1,
        "checks": [check.to_json() for check in checks],
        "problems": sum(check.status == FAIL for check in checks),
    }
