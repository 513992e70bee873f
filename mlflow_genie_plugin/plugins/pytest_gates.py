"""The pytest plugin of the gate suite: options, marker, fixtures, and the decision when the session ends.

It is loaded into every pytest session of the environment, so it imports only the standard library and pytest, and does
nothing but own its options unless ``--model-id`` is given.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlflow_genie_plugin.plugins.gate_keys import FILE_PROPERTY, GATE_PROPERTY, SESSION

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import EvaluationResult
    from mlflow_genie_plugin.flavor.load import Snapshot
    from mlflow_genie_plugin.gating.gate_session import GateSession
    from mlflow_genie_plugin.gating.outcome import GateResult
    from mlflow_genie_plugin.gating.rules.rule import ScopeCriteria
    from mlflow_genie_plugin.space.config import SpaceConfig

MARKER = "genie_gate"
JUDGE_ARGUMENT = "genie_judge"
PART_ARGUMENT = "genie_part"
_STAGES = ("candidate", "experiment", "production")


class _Once(argparse.Action):
    """Refuses a second value: with argparse's own "last one wins", the model that is marked may be another one."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        if getattr(namespace, self.dest, None) is not None:
            parser.error(f"{option_string} is given twice; name one model")
        setattr(namespace, self.dest, values)


class GateReport:
    """What a gate's test reports."""

    def __init__(self, result: GateResult) -> None:
        self.result = result

    def must_pass(self) -> None:
        """Fail the test unless the gate passed or is waived; undecided is not a pass."""
        if self.result.blocks:
            from mlflow_genie_plugin.gating.text import plain

            # On one line: a reason may quote a model, and a line of its own could be a command to a CI runner.
            pytest.fail(f"{self.result.outcome}: {plain(self.result.reason)}", pytrace=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("genie", "gates of Genie model versions")
    group.addoption("--model-id", action=_Once, metavar="MODEL", help="the version to decide on: m-… or models:/…")
    group.addoption(
        "--genie-stage", choices=_STAGES, default="candidate", help="the stage it is to enter (default: candidate)"
    )
    group.addoption(
        "--genie-evaluation", metavar="RUN_ID|FILE", help="the evaluation to look at (default: the latest complete one)"
    )
    group.addoption("--genie-dry-run", action="store_true", help="decide and show, write nothing to MLflow")
    group.addoption("--genie-criteria", metavar="FILE", help="criteria.yaml (default: the one beside the gates)")
    group.addoption(
        "--genie-verdict-dir", metavar="DIR", default="genie-verdict", help="where verdict.json goes (%(default)s)"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARKER}(id): this test reports the gate with that id")
    model = config.getoption("model_id")
    if model is None:
        return
    if not model.strip():
        raise pytest.UsageError("--model-id is empty; give the version to decide on, for example --model-id=m-…")
    if sys.flags.optimize:
        raise pytest.UsageError("gates do not run under python -O: it removes the asserts of gates of your own")
    from mlflow_genie_plugin.plugins.empty_gates import EmptyGates
    from mlflow_genie_plugin.plugins.gate_run import GateRun

    # A name that is blocked with -p no:… registers nothing: the option would be taken and nothing decided.
    if config.pluginmanager.register(GateRun(config), "mlflow-genie-gate-run") is None:
        raise pytest.UsageError("the gate run is switched off with -p no:mlflow-genie-gate-run; leave that out")
    if config.pluginmanager.register(EmptyGates(), "mlflow-genie-empty-gates") is None:
        raise pytest.UsageError("the look at empty gates is switched off with -p no:mlflow-genie-empty-gates")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if JUDGE_ARGUMENT in metafunc.fixturenames:
        from mlflow_genie_plugin.gating.manifest import JUDGES

        metafunc.parametrize(JUDGE_ARGUMENT, JUDGES)
    if PART_ARGUMENT in metafunc.fixturenames:
        metafunc.parametrize(PART_ARGUMENT, _parts_asked(metafunc) or ["none"])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    gates = {item: gate for item in items if (gate := _gate_of(item)) is not None}
    if not gates:
        return
    session = config.stash.get(SESSION, None)
    if session is None:
        if not config.option.collectonly and config.getoption("model_id") is None:
            raise pytest.UsageError("gates need a model: give --model-id=m-… (or leave the gates out of this run)")
        return
    from mlflow_genie_plugin.gating.rules.register import is_packaged

    # Not asked: judges that are off, and what the evaluation's scope does not measure. Both are said in the report.
    dropped = [item for item, gate in gates.items() if is_packaged(gate) and gate not in session.asked]
    if dropped:
        items[:] = [item for item in items if item not in dropped]
        config.hook.pytest_deselected(items=dropped)
    files: dict[Path, str] = {}
    for item, gate in gates.items():
        if gate in session.results:
            item.user_properties.extend(_facts_of(session.results[gate]))
        item.user_properties.append((GATE_PROPERTY, gate))
        item.user_properties.append(
            (FILE_PROPERTY, files.get(item.path) or files.setdefault(item.path, _file_of(item)))
        )


@pytest.fixture
def genie_gate(request: pytest.FixtureRequest) -> GateReport:
    """The result of the gate that the test's ``genie_gate`` marker names; ``genie_gate.must_pass()`` reports it."""
    gate = _gate_of(request.node)
    if gate is None:
        raise pytest.UsageError("the fixture genie_gate needs the marker: @pytest.mark.genie_gate('id')")
    return GateReport(_session(request.config).result(gate))


@pytest.fixture
def genie_evaluation(request: pytest.FixtureRequest) -> EvaluationResult:
    """The evaluation that the gates look at, with every question, answer and finding; for gates of your own."""
    return _session(request.config).evaluation_result()


@pytest.fixture
def genie_model(request: pytest.FixtureRequest) -> Snapshot:
    """The version that is decided on: ids, hashes, parent and space config; its files are proven."""
    return _session(request.config).snapshot()


@pytest.fixture
def genie_space_config(request: pytest.FixtureRequest) -> SpaceConfig:
    """The space config of the version: tables, instructions, joins, benchmarks."""
    return _session(request.config).snapshot().config


@pytest.fixture
def genie_baseline(request: pytest.FixtureRequest) -> EvaluationResult | None:
    """The evaluation of the version that the criteria compare with (their first one); None for a first version."""
    return _session(request.config).baseline_result()


@pytest.fixture
def genie_criteria(request: pytest.FixtureRequest) -> ScopeCriteria:
    """What criteria.yaml says for this stage and the scope of the evaluation."""
    return _session(request.config).section()


def _parts_asked(metafunc: pytest.Metafunc) -> list[str]:
    """Return the parts in brackets of the gates that the criteria ask for and this test reports."""
    marker = metafunc.definition.get_closest_marker(MARKER)
    session = metafunc.config.stash.get(SESSION, None)
    if marker is None or not marker.args or session is None:
        return []
    start = f"{marker.args[0]}["
    return [gate.removeprefix(start).removesuffix("]") for gate in session.asked if gate.startswith(start)]


def _session(config: pytest.Config) -> GateSession:
    session = config.stash.get(SESSION, None)
    if session is None:
        raise pytest.UsageError("gates need a model: give --model-id=m-…")
    return session


def _gate_of(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return None
    if len(marker.args) != 1 or marker.kwargs or not isinstance(marker.args[0], str) or not marker.args[0]:
        raise pytest.UsageError(f"{item.nodeid}: write the gate's id: @pytest.mark.{MARKER}('id')")
    # Parameters are part of the id, so that no parameter can be left out unnoticed.
    parameters = getattr(item, "callspec", None)
    if parameters is None:
        return str(marker.args[0])
    # pytest escapes what stands in its own ids; a part is named as in the criteria.
    part = parameters.params[PART_ARGUMENT] if set(parameters.params) == {PART_ARGUMENT} else parameters.id
    return f"{marker.args[0]}[{part}]"


def _facts_of(result: GateResult) -> list[tuple[str, str]]:
    """Return what a JUnit file should say about a gate besides whether its test failed."""
    facts = [("genie_outcome", result.said), ("genie_measured", result.measured)]
    facts.append(("genie_waiver", result.told if result.waived is not None else ""))
    facts.append(("genie_warning", result.warning))
    facts.append(("genie_required", result.required))
    if result.interval is not None:
        facts.append(("genie_interval", f"{result.interval[0]:.4f} {result.interval[1]:.4f}"))
    return [(name, text) for name, text in facts if text]


def _file_of(item: pytest.Item) -> str:
    from mlflow_genie_plugin.gating.suite import file_digest, shown_name

    return f"{file_digest(item.path)} {shown_name(item.path, item.config.rootpath)}"
