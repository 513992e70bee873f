"""What a judge is, the register of judges, and running them so that one that breaks never breaks the others.

To add a judge: one file in ``judges/`` with a class that has ``name``, ``version`` and ``judge(case)``, and one line in
``judges/__init__.py``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES
from mlflow_genie_plugin.evaluation.finding import Finding, errored

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase


class Judge(Protocol):
    """Gives one finding per question. ``version`` changes whenever the same case may be judged otherwise."""

    name: str
    version: str

    def judge(self, case: JudgedCase) -> Finding:
        """Return the finding; raising is the same as an errored finding."""


class JudgeRegister:
    """Judges by name, in the order they were registered."""

    def __init__(self) -> None:
        self._judges: dict[str, Judge] = {}
        self._special: set[str] = set()

    def register(self, judge: Judge, *, by_default: bool = True) -> None:
        """Add a judge; one that is not there ``by_default`` judges only when it is named.

        Raises:
            ValueError: The name is taken.
        """
        if judge.name in self._judges:
            taken = type(self._judges[judge.name])
            raise ValueError(
                f"two judges are named {judge.name!r}: {taken.__qualname__} and {type(judge).__qualname__}"
            )
        self._judges[judge.name] = judge
        if not by_default:
            self._special.add(judge.name)

    def names(self) -> tuple[str, ...]:
        return tuple(self._judges)

    def choose(self, names: Iterable[str] | None = None) -> tuple[Judge, ...]:
        """Return the judges named, or all that judge by default.

        Raises:
            UsageError: A name is unknown; the message lists the known ones.
        """
        if names is None:
            return tuple(judge for name, judge in self._judges.items() if name not in self._special)
        chosen = []
        for name in dict.fromkeys(names):
            if name not in self._judges:
                near = difflib.get_close_matches(name, self._judges, n=1)
                hint = f"did you mean {near[0]}? " if near else ""
                raise UsageError(
                    f"there is no judge {name!r}", next_step=f"{hint}the judges are {', '.join(self._judges)}"
                )
            chosen.append(self._judges[name])
        return tuple(chosen)


def judge_case(case: JudgedCase, judges: Sequence[Judge]) -> dict[str, Finding]:
    """Return the finding of every judge. A judge that raises, or returns no valid finding, gives an errored one."""
    return {judge.name: _guarded(judge, case) for judge in judges}


def _guarded(judge: Judge, case: JudgedCase) -> Finding:
    try:
        finding = _checked(judge.judge(case), judge.name)
    except Exception as error:  # noqa: BLE001 - whatever a judge does wrong is recorded against the model, never lost
        return errored(judge.name, f"the judge failed: {type(error).__name__}: {error}", failure_type="JUDGE_FAILED")
    return finding


def _checked(finding: Any, name: str) -> Finding:
    if not isinstance(finding, Finding) or finding.judge != name:
        raise TypeError(f"the judge returned {finding!r}, not a finding of its own")
    if finding.failure_type is not None and finding.failure_type not in FAILURE_TYPES:
        raise ValueError(f"there is no failure type {finding.failure_type!r}; add it to evaluation/failure_types.py")
    orjson.dumps(finding.evidence)
    return finding


def judge_versions(judges: Iterable[Judge]) -> Mapping[str, Mapping[str, str]]:
    """Return which judges, in which versions, as the result file records it."""
    return {judge.name: {"version": judge.version} for judge in judges}
