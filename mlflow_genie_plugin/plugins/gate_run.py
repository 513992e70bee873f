"""A gate run inside pytest: loaded only when ``--model-id`` is given, decides when everything else has ended."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mlflow_genie_plugin.errors import ExitCode, GenieError
from mlflow_genie_plugin.gating.ci_summary import add_step_summary, annotation_lines, wants_annotations
from mlflow_genie_plugin.gating.garbage import no_garbage
from mlflow_genie_plugin.gating.gate_session import (
    FAILED,
    UNDECIDED,
    GateSession,
    Request,
    closing_lines,
    exit_code,
    session_facts,
)
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.phrases import headline
from mlflow_genie_plugin.gating.report import terminal_lines
from mlflow_genie_plugin.gating.suite import find_criteria, suite_argument
from mlflow_genie_plugin.gating.tally import GateFile, Phase, one_line
from mlflow_genie_plugin.gating.text import WIDTH, wrapped
from mlflow_genie_plugin.plugins.gate_keys import FILE_PROPERTY, GATE_PROPERTY, SESSION

_PAYLOAD = "genie_gates"

# The decision overrules these. With every other status pytest ended in its own way, and it keeps it.
_OVERRULED = frozenset({pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED})


class GateRun:
    """The hooks of one gate run, on the controller and (only to hand on the results) in xdist's workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        self._gate_of_test: dict[str, str] = {}
        self._lines: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Decide before the first test, so that a wrong model id is one line and not one error a gate."""
        if self.is_worker:
            payload = self.config.workerinput[_PAYLOAD]  # type: ignore[attr-defined]
            self.config.stash[SESSION] = GateSession.in_worker(self._request(), payload)
            return
        try:
            with warnings.catch_warnings(), no_garbage():
                # MLflow's own imports warn about MLflow's own code; before the first test pytest would not catch that.
                warnings.simplefilter("ignore", DeprecationWarning)
                self.config.stash[SESSION] = GateSession.start(self._request())
        except GenieError as error:
            text = f"[{error.code}] {error}"
            if error.exit_code in (ExitCode.UNAVAILABLE, ExitCode.UNDECIDED):
                pytest.exit(text, returncode=UNDECIDED)
            raise pytest.UsageError(text) from None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand the results to an xdist worker: it decides nothing and does not import MLflow."""
        node.workerinput[_PAYLOAD] = self.config.stash[SESSION].payload()

    def pytest_report_header(self) -> list[str]:
        session = self.config.stash.get(SESSION, None)
        return session_facts(session) if session is not None else []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        session = self.config.stash.get(SESSION, None)
        if session is None or self.is_worker:
            return
        properties = dict(getattr(report, "user_properties", ()))
        gate = self._gate_of_test.get(report.nodeid) or properties.get(GATE_PROPERTY)
        if gate is None:
            if report.failed:
                session.tally.failed_elsewhere.append(report.nodeid)
            return
        self._gate_of_test[report.nodeid] = str(gate)
        digest, _, name = str(properties.get(FILE_PROPERTY, "")).partition(" ")
        phase = Phase(
            test=report.nodeid,
            when=str(report.when),
            outcome=str(report.outcome),
            plain=type(report) is pytest.TestReport,
            expected_failure=hasattr(report, "wasxfail"),
            reason=_reason(report),
        )
        session.tally.record(str(gate), phase, GateFile(name, digest) if name else None)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Decide in the outermost wrapper: other plugins set the exit status after the plain hooks have run."""
        result = yield
        gates = self.config.stash.get(SESSION, None)
        if gates is None or self.is_worker:
            return result
        if session.exitstatus not in _OVERRULED:
            self._say(
                f"genie gate: no verdict, pytest ended with status {int(session.exitstatus)}", [], Outcome.UNDECIDED
            )
            return result
        try:
            with no_garbage():
                session.exitstatus = self._decide(gates, session.exitstatus)
        except GenieError as error:
            self._say("genie gate: UNDECIDED", [f"[{error.code}] {error}"], Outcome.UNDECIDED)
            session.exitstatus = UNDECIDED
        return result

    def _decide(self, gates: GateSession, exitstatus: int) -> int:
        verdict = gates.verdict(session_failed=exitstatus == pytest.ExitCode.TESTS_FAILED)
        explanation = gates.explanation(verdict)
        published = gates.publish(verdict, explanation)
        note = "dry run" if verdict.dry_run else "not marked" if published.refused else ""
        lines = [
            *terminal_lines(verdict, explanation, self._width()),
            *closing_lines(verdict, published, gates.request.suite_argument),
        ]
        lines.extend(wrapped(problem) if (problem := add_step_summary(verdict, explanation, os.environ)) else ())
        if wants_annotations(os.environ):
            lines.extend(annotation_lines(verdict))
        self._say(headline(verdict, note), lines, verdict.outcome)
        return FAILED if gates.tally.failed_elsewhere else exit_code(verdict, published)

    def _say(self, title: str, lines: list[str], outcome: Outcome) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            sys.stderr.write("\n".join([title, *lines, ""]))
            return
        colour = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.UNDECIDED: "yellow"}[outcome]
        reporter.write_sep("=", title, fullwidth=self._width(), bold=True, **{colour: True})
        for line in lines:
            reporter.write_line(line)

    def _width(self) -> int:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        return WIDTH if reporter is None else min(WIDTH, reporter._tw.fullwidth)

    def _request(self) -> Request:
        config = self.config
        invoked_from = Path(config.invocation_params.dir)
        named = config.getoption("genie_criteria")
        criteria = find_criteria(named, config.args, invoked_from, config.rootpath)
        return Request(
            model=config.getoption("model_id").strip(),
            stage=config.getoption("genie_stage"),
            evaluation=config.getoption("genie_evaluation"),
            dry_run=config.getoption("genie_dry_run"),
            criteria_path=criteria,
            verdict_folder=(invoked_from / config.getoption("genie_verdict_dir")).absolute(),
            rootdir=config.rootpath,
            suite_argument=suite_argument(criteria, invoked_from),
        )


def _reason(report: pytest.TestReport) -> str:
    """Return in one line why a phase did not pass; of a skip and of an exception what was said, not where."""
    found: Any = report.longrepr
    if isinstance(found, (tuple, list)):
        return one_line([str(found[2]).removeprefix("Skipped: ")])
    crash = getattr(getattr(found, "reprcrash", None), "message", "")
    return one_line(crash.splitlines()[:1] or (report.longreprtext.splitlines() if found else []))
