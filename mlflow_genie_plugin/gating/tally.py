"""Which gates really ran: pytest's reports held against the list of gates that had to run.

An allow-list, because the ways not to run a test cannot be listed: a gate counts only when exactly one test reported it
with setup, call and teardown, each once, each passed, each a plain report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PHASES = ("setup", "call", "teardown")


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of one test. ``plain`` is False for subtests and everything else that is no ordinary report."""

    test: str
    when: str
    outcome: str
    plain: bool
    expected_failure: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GateFile:
    """The file a gate's test stands in: its name relative to the root folder and the digest it had when collected."""

    name: str
    sha256: str


@dataclass
class Tally:
    """Collects what pytest reports; the same on a single process and on the controller of a distributed run."""

    phases: dict[str, list[Phase]] = field(default_factory=dict)
    files: dict[str, GateFile] = field(default_factory=dict)
    failed_elsewhere: list[str] = field(default_factory=list)
    not_collected: list[str] = field(default_factory=list)

    def record(self, gate: str, phase: Phase, file: GateFile | None) -> None:
        """Add one phase of a gate's test."""
        self.phases.setdefault(gate, []).append(phase)
        if file is not None:
            self.files[gate] = file

    def test_passed(self, gate: str) -> bool:
        """Return whether the gate ran cleanly: the only thing that counts."""
        return not self._unclean(gate)

    def test_failed(self, gate: str) -> bool:
        """Return whether the gate's test failed in its own call, or in setup or teardown."""
        return any(phase.outcome == "failed" for phase in self.phases.get(gate, ()))

    def problems(self, expected: Mapping[str, bool | None], packaged: Mapping[str, str]) -> dict[str, str]:
        """Return why this run cannot count, by gate; empty when every gate ran cleanly.

        Args:
            expected: Every gate that had to run, with its recomputed result (True passed, False not passed, None for a
                gate that only its test can decide).
            packaged: Name → digest of the files that ship with this version; gates with a result must come from them.
        """
        found: dict[str, str] = {}
        for gate, result in expected.items():
            problem = self._unclean(gate)
            if result is False and self._failed_in_call_only(gate):
                problem = ""  # the test and the decision agree: not passed
            elif result is False and not problem:
                problem = "its test passed, the recomputed decision did not"
            if not problem and result is not None:
                problem = self._foreign_file(gate, packaged)
            if problem:
                found[gate] = problem
        for gate in self.phases:
            if gate not in expected:
                found[gate] = "neither the manifest nor the criteria know this gate"
        return found

    def _unclean(self, gate: str) -> str:
        phases = self.phases.get(gate, [])
        if not phases:
            return "it did not run"
        tests = {phase.test for phase in phases}
        if len(tests) > 1:
            return f"{len(tests)} tests report it: {', '.join(sorted(tests))}"
        for phase in phases:
            if phase.expected_failure:
                return "it is marked as an expected failure"
            if phase.outcome == "skipped":
                return f"it was skipped{_because(phase.reason)}"
            if phase.outcome == "rerun":
                return "it was run again after a failure"
            if not phase.plain:
                return "it reports parts of itself (subtests), which cannot be counted"
            if phase.outcome != "passed":
                return f"its {phase.when} {phase.outcome}{_because(phase.reason)}"
        seen = tuple(phase.when for phase in phases)
        if seen != PHASES:
            missing = [when for when in PHASES if when not in seen]
            return f"its {' and '.join(missing)} did not run" if missing else "it ran more than once"
        return ""

    def _failed_in_call_only(self, gate: str) -> bool:
        seen = [(phase.when, phase.outcome, phase.plain, phase.expected_failure) for phase in self.phases.get(gate, ())]
        return seen == [(when, "failed" if when == "call" else "passed", True, False) for when in PHASES]

    def _foreign_file(self, gate: str, packaged: Mapping[str, str]) -> str:
        file = self.files.get(gate)
        name = file.name.rpartition("/")[2] if file is not None else ""
        if file is None or packaged.get(name) != file.sha256:
            shown = file.name if file is not None else "an unknown file"
            return f"{shown} is not the gate file of the installed version; copy that one again"
        return ""


def one_line(lines: Iterable[str]) -> str:
    """Return the last line that says something, shortened."""
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:160] if said else ""


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
