"""Every known way to end a pytest session without running the whole suite: none of them marks a version.

Two versions stand in the store. The good one would be marked by an honest run, so what must not mark it is a run that
was not whole; the bad one fails P0, so what must not mark it is a run whose tests were made to look green.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Inline sessions forget what they import. Modules that are already there stay one and the same in all of them.
import hypothesis  # noqa: F401 - its plugin would import it anew at the end of each session
import pytest

import mlflow_genie_plugin.evaluation.result
import mlflow_genie_plugin.flavor.load
import mlflow_genie_plugin.gating.gate_session
import mlflow_genie_plugin.gating.observe
import mlflow_genie_plugin.gating.publish
import mlflow_genie_plugin.plugins.gate_run
from mlflow_genie_plugin.gating.outcome import Outcome

P0_TEST = "gates/test_p0.py::test_every_p0_question_is_answered_right"
Edit = Callable[[Path], None]


def conftest(body: str, folder: str = ".") -> Edit:
    return written(f"{folder}/conftest.py", body)


def written(name: str, body: str) -> Edit:
    def edit(project: Path) -> None:
        target = project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(body).lstrip())

    return edit


def p0_gate(body: str, imports: str = "", decorators: str = "") -> Edit:
    """Rewrite the P0 gate."""
    return written("gates/test_p0.py", p0_text(body, imports, decorators))


def p0_text(body: str, imports: str = "", decorators: str = "", gate: str = "p0") -> str:
    marks = f"{textwrap.dedent(decorators).strip()}\n@pytest.mark.genie_gate('{gate}')\n"
    return f"import pytest\n{textwrap.dedent(imports)}\n\n{marks}{textwrap.dedent(body).lstrip()}"


def both(first: Edit, second: Edit) -> Edit:
    def edit(project: Path) -> None:
        first(project)
        second(project)

    return edit


def criteria(old: str, new: str) -> Edit:
    def edit(project: Path) -> None:
        path = project / "gates" / "criteria.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return edit


def without(line: str) -> Edit:
    return criteria(line, "")


def all_judges_off(project: Path) -> None:
    path = project / "gates" / "criteria.yaml"
    path.write_text(re.sub(r"\{target: [\d.]+, floor: [\d.]+\}", "{off: no time}", path.read_text()))


def renamed(project: Path) -> None:
    (project / "gates" / "test_p0.py").rename(project / "gates" / "p0_later.py")


def removed(project: Path) -> None:
    (project / "gates" / "test_p0.py").unlink()


def doubled(project: Path) -> None:
    shutil.copyfile(project / "gates" / "test_p0.py", project / "gates" / "test_p0_again.py")


def failed_last(project: Path) -> None:
    cache = project / ".pytest_cache" / "v" / "cache"
    cache.mkdir(parents=True)
    (cache / "lastfailed").write_text('{"gates/test_integrity.py::test_the_evaluation_was_completed": true}')


FAILS = "def test_own():\n    assert False\n"
HONEST_P0 = "def test_p0(genie_gate):\n    genie_gate.must_pass()\n"
TAKES_VALUE = HONEST_P0.replace("genie_gate)", "genie_gate, value)")
NO_VALUES = "@pytest.mark.parametrize('value', [])"
ON_P0 = "item.get_closest_marker('genie_gate') and item.get_closest_marker('genie_gate').args == ('p0',)"

DROPS_P0 = f"def pytest_collection_modifyitems(items):\n    items[:] = [item for item in items if not ({ON_P0})]\n"


@dataclass(frozen=True)
class Case:
    """One bypass. ``exits`` are the exit codes that are right; 0 stands only where pytest lets nobody object."""

    name: str
    arguments: tuple[str, ...] = ("gates/",)
    edit: Edit | None = None
    exits: tuple[int, ...] = (10,)
    environment: dict[str, str] = field(default_factory=dict)
    model: str = "good"

    def __str__(self) -> str:
        return re.sub(r"\W+", "-", self.name)


# A run that is not whole, on a version that would pass.
NOT_WHOLE = [
    Case("-k", ("gates/", "-k", "not p0")),
    Case("-m", ("gates/", "-m", "not usefixtures")),
    Case("--deselect", ("gates/", "--deselect", P0_TEST)),
    Case("nodeid", (P0_TEST,)),
    Case("nodeid of one judge", ("gates/test_thresholds.py::test_the_judge_meets_its_target[asset_routing]",)),
    Case("file argument", ("gates/test_integrity.py", "gates/test_thresholds.py")),
    Case("--ignore", ("gates/", "--ignore=gates/test_p0.py")),
    Case("--ignore-glob", ("gates/", "--ignore-glob=*p0*")),
    Case("--last-failed", ("gates/", "-p", "cacheprovider", "--lf"), failed_last),
    Case("-o python_files", ("gates/", "-o", "python_files=test_i*.py test_t*.py test_c*.py")),
    Case("-o python_functions", ("gates/", "-o", "python_functions=test_the_*")),
    Case(
        "-c other.ini",
        ("-c", "other.ini", "gates/"),
        written("other.ini", "[pytest]\naddopts = --import-mode=importlib -k 'not p0'\n"),
    ),
    Case("PYTEST_ADDOPTS", environment={"PYTEST_ADDOPTS": "-k 'not p0'"}),
    Case("--override-ini addopts", ("gates/", "--override-ini", f"addopts=--deselect={P0_TEST}")),
    Case(
        "PYTEST_PLUGINS",
        ("gates/",),
        written("quiet_plugin.py", DROPS_P0),
        environment={"PYTEST_PLUGINS": "quiet_plugin"},
    ),
    Case("conftest collect_ignore_glob", edit=conftest("collect_ignore_glob = ['*test_p0*']\n", "gates")),
    Case(
        "silent items[:]=",
        edit=conftest(DROPS_P0),
    ),
    Case("bare pytest runs only testpaths", ()),
    Case("nothing collected", ("tests/", "-k", "nothing")),
    Case("gate file renamed", edit=renamed),
    Case("gate file removed", edit=removed),
    Case("gate reported twice", edit=doubled),
    Case(
        "skip mark",
        edit=conftest(f"""
            import pytest

            def pytest_collection_modifyitems(items):
                for item in items:
                    if {ON_P0}:
                        item.add_marker(pytest.mark.skip(reason="later"))
        """),
    ),
    Case(
        "pytest.skip in a fixture",
        edit=conftest("""
            import pytest

            @pytest.fixture(autouse=True)
            def not_today(request):
                if "p0" in request.node.nodeid:
                    pytest.skip("not today")
        """),
    ),
    Case("pytest.skip in the gate", edit=p0_gate("def test_p0(genie_gate):\n    pytest.skip('later')\n")),
    Case(
        "module importorskip",
        edit=p0_gate(HONEST_P0, "pytest.importorskip('no_such_module')"),
    ),
    Case(
        "non-strict xpass",
        edit=conftest(f"""
            import pytest

            def pytest_collection_modifyitems(items):
                for item in items:
                    if {ON_P0}:
                        item.add_marker(pytest.mark.xfail(reason="known", strict=False))
        """),
    ),
    Case(
        "xpass with -o strict_xfail=true",
        ("gates/", "-o", "strict_xfail=true"),
        conftest(f"""
            import pytest

            def pytest_collection_modifyitems(items):
                for item in items:
                    if {ON_P0}:
                        item.add_marker(pytest.mark.xfail(reason="known"))
        """),
        exits=(1, 10),
    ),
    Case("xfail", edit=p0_gate("def test_p0():\n    assert 0\n", "", "@pytest.mark.xfail(strict=False)")),
    Case(
        "strict xpass",
        edit=p0_gate(HONEST_P0, decorators="@pytest.mark.xfail(strict=True)"),
        exits=(1, 10),
    ),
    Case(
        "unittest.expectedFailure",
        edit=written(
            "gates/test_p0.py",
            """
            import unittest

            import pytest

            class TestP0(unittest.TestCase):
                @pytest.mark.genie_gate("p0")
                @unittest.expectedFailure
                def test_p0(self):
                    self.fail("known")
            """,
        ),
    ),
    Case(
        "empty parameter set",
        edit=p0_gate(TAKES_VALUE, decorators=NO_VALUES),
    ),
    Case(
        "empty parameter set, strict",
        ("gates/", "-o", "strict=true"),
        p0_gate(TAKES_VALUE, decorators=NO_VALUES),
    ),
    Case(
        "empty parameter set that fails at collection",
        ("gates/", "-o", "empty_parameter_set_mark=fail_at_collect"),
        p0_gate(TAKES_VALUE, decorators=NO_VALUES),
        exits=(2,),
    ),
    Case("all judges off", edit=all_judges_off, exits=(4,)),
    Case(
        "subtests, all skipped",
        edit=p0_gate("""
            def test_p0(genie_gate, subtests):
                with subtests.test("one"):
                    pytest.skip("later")
        """),
    ),
    Case(
        "subtests, all expected failures",
        edit=p0_gate("""
            def test_p0(genie_gate, subtests):
                with subtests.test("one"):
                    pytest.xfail("known")
        """),
    ),
    Case(
        "subtests over an empty list",
        edit=p0_gate("""
            def test_p0(genie_gate, subtests):
                for question in []:
                    with subtests.test(question):
                        genie_gate.must_pass()
        """),
    ),
    Case("--collect-only", ("gates/", "--collect-only")),
    Case("--setup-plan", ("gates/", "--setup-plan")),
    Case("--setup-only", ("gates/", "--setup-only")),
    Case("--fixtures", ("gates/", "--fixtures"), exits=(0, 10)),
    Case("--fixtures-per-test", ("gates/", "--fixtures-per-test"), exits=(0, 10)),
    Case("-p no:python", ("gates/", "-p", "no:python"), exits=(4, 5, 10)),
    Case("--maxfail and a failing test", ("tests/", "gates/", "--maxfail=1", "-p", "no:randomly"),
         written("tests/test_own.py", FAILS), exits=(1, 2, 10)),
    Case("--cache-show", ("gates/", "-p", "cacheprovider", "--cache-show"), exits=(0, 10)),
    Case("--markers", ("gates/", "--markers"), exits=(0,)),
    Case("--help", ("gates/", "--help"), exits=(0,)),
    Case("--version", ("gates/", "--version"), exits=(0,)),
    Case(
        "--reruns with a gate that fails once",
        ("gates/", "--reruns", "2"),
        conftest("""
            import pytest

            failed = []

            @pytest.fixture(autouse=True)
            def flaky(request):
                if "p0" in request.node.nodeid and not failed:
                    failed.append(1)
                    raise RuntimeError("flaky")
        """),
    ),
    Case(
        "--fail-on-flaky",
        ("gates/", "--reruns", "2", "--fail-on-flaky"),
        conftest("""
            import pytest

            failed = []

            @pytest.fixture(autouse=True)
            def flaky(request):
                if "p0" in request.node.nodeid and not failed:
                    failed.append(1)
                    raise RuntimeError("flaky")
        """),
        exits=(7, 10),
    ),
    Case(
        "--max-warnings 0",
        ("gates/", "--max-warnings", "0"),
        conftest("""
            import pytest, warnings

            @pytest.fixture(autouse=True)
            def noisy():
                warnings.warn("look")
        """),
        exits=(6,),
    ),
    Case("pytest.exit in a gate", edit=p0_gate("def test_p0():\n    pytest.exit('done', returncode=0)\n")),
    Case("KeyboardInterrupt in a gate", edit=p0_gate("def test_p0():\n    raise KeyboardInterrupt\n"), exits=(2,)),
    Case("sys.exit in a gate", edit=p0_gate("def test_p0():\n    raise SystemExit(0)\n")),
    Case("collection error", edit=written("gates/test_broken.py", "import no_such_module\n"), exits=(2,)),
    Case(
        "collection error, continued",
        ("gates/", "--continue-on-collection-errors"),
        written("gates/test_p0.py", "import no_such_module\n"),
        exits=(1, 10),
    ),
    Case(
        "teardown error",
        edit=conftest("""
            import pytest

            @pytest.fixture(autouse=True)
            def untidy(request):
                yield
                if "p0" in request.node.nodeid:
                    raise RuntimeError("untidy")
        """),
        exits=(1, 10),
    ),
    Case("async gate", edit=p0_gate("async def test_p0(genie_gate):\n    genie_gate.must_pass()\n"), exits=(1, 10)),
    Case("yield gate", edit=p0_gate(HONEST_P0 + "    yield\n"), exits=(1, 2, 10)),
    Case("edited gate", edit=p0_gate("def test_p0(genie_gate):\n    assert True\n")),
    Case("return instead of assert", edit=p0_gate("def test_p0(genie_gate):\n    return 1 == 2\n"), exits=(1, 10)),
    Case("assert on a tuple", edit=p0_gate("def test_p0(genie_gate):\n    assert (False, 'P0')\n"), exits=(1, 10)),
    Case("NaN comparison", edit=p0_gate("def test_p0(genie_gate):\n    assert not float('nan') < 0.9\n")),
    Case(
        "function defined twice",
        edit=p0_gate("def test_p0(genie_gate):\n    genie_gate.must_pass()\n\n\ndef test_p0():\n    pass\n"),
    ),
    Case(
        "class with __init__",
        edit=written(
            "gates/test_p0.py",
            """
            import pytest

            class TestP0:
                def __init__(self):
                    pass

                @pytest.mark.genie_gate("p0")
                def test_p0(self, genie_gate):
                    genie_gate.must_pass()
            """,
        ),
    ),
    Case("custom gate named, not there", edit=criteria("custom_gates: []", "custom_gates: [answers_fast]")),
    Case("gate nobody knows", edit=written("gates/test_more.py", p0_text("def test_more():\n    pass\n", gate="more"))),
    *(
        Case(
            f"custom gate that {name}",
            edit=both(
                criteria("custom_gates: []", "custom_gates: [answers_fast]"),
                written("gates/test_answers_fast.py", f"""
                import pytest

                pytestmark = pytest.mark.filterwarnings("ignore")

                @pytest.mark.genie_gate("answers_fast")
                def test_latency():
                    {body}
                """),
            ),
            arguments=("gates/", *arguments),
            exits=(1,),
        )
        for name, body, arguments in (
            ("returns its answer", "return 1 == 2", ()),
            ("returns its answer without pytest's warnings", "return 1 == 2", ("-p", "no:warnings")),
            ("asserts a tuple", 'assert (1 == 2, "why")', ()),
        )
    ),
    Case(
        "custom gate that fails",
        edit=both(
            criteria("custom_gates: []", "custom_gates: [answers_fast]"),
            written(
                "gates/test_answers_fast.py",
                """
                import pytest

                @pytest.mark.genie_gate("answers_fast")
                def test_latency():
                    assert False
                """,
            ),
        ),
        exits=(1,),
    ),
    Case("another test fails", ("gates/", "tests/"), written("tests/test_own.py", FAILS), exits=(1,)),
    Case("--model-id twice", ("gates/", "--model-id=m-1"), exits=(4,)),
    Case("--model-id empty", ("gates/", "--model-id="), exits=(4,), model="none"),
    Case("--model-id shortened", ("gates/", "--model=m-1"), exits=(4,), model="none"),
    Case("no --model-id", ("gates/",), exits=(4,), model="none"),
    Case("-p no:mlflow_genie", ("gates/", "-p", "no:mlflow_genie"), exits=(4,)),
    Case("-p no:mlflow-genie-gate-run", ("gates/", "-p", "no:mlflow-genie-gate-run"), exits=(4,)),
    Case("unknown stage", ("gates/", "--genie-stage=prod"), exits=(4,)),
    Case("criteria on the wrong scale", edit=criteria("target: 0.85", "target: 85"), exits=(4,)),
    Case("criteria without a judge", edit=without("        asset_routing: {target: 0.95, floor: 0.85}\n"), exits=(4,)),
    Case("criteria without P0", edit=without("      p0: {judges: [result_correctness], minimum: 1}\n"), exits=(4,)),
    Case(
        "collected by a hook of conftest, not by pytest",
        edit=conftest("""
            import pytest

            class Other(pytest.Item):
                def runtest(self):
                    pass

            class Collector(pytest.File):
                def collect(self):
                    item = Other.from_parent(self, name="test_p0")
                    item.add_marker(pytest.mark.genie_gate("p0"))
                    yield item

            def pytest_collect_file(file_path, parent):
                return Collector.from_parent(parent, path=file_path) if file_path.name == "test_p0.py" else None
        """),
    ),
    Case(
        "results handed in as to a worker",
        edit=conftest("""
            import json
            import pytest

            @pytest.hookimpl(tryfirst=True)
            def pytest_configure(config):
                payload = {"results": [], "asked": [], "pinned": {}}
                config.workerinput = {"genie_gates": json.dumps(payload), "workerid": "gw0", "testrunuid": "1"}
        """),
        exits=(0, 1, 3, 5),
    ),
    Case(
        "decision taken out of the plugins",
        edit=conftest("""
            def pytest_collection(session):
                session.config.pluginmanager.unregister(name="mlflow-genie-gate-run")
        """),
        exits=(0,),
    ),
    Case("--genie-dry-run", ("gates/", "--genie-dry-run"), exits=(0,)),
    Case(
        "pytest.exit(returncode=0) at the start",
        edit=conftest("import pytest\n\n\ndef pytest_sessionstart():\n    pytest.exit('done', returncode=0)\n"),
        exits=(0,),
    ),
]  # fmt: skip

# A run whose tests look green, on a version that fails P0.
FALSIFIED = [
    Case("nothing", exits=(1,)),
    Case("-x", ("gates/", "-x"), exits=(1, 2)),
    Case("--stepwise", ("gates/", "-p", "cacheprovider", "--sw"), exits=(1, 2)),
    Case("--failed-first", ("gates/", "-p", "cacheprovider", "--ff"), exits=(1,)),
    Case("--noconftest", ("gates/", "--noconftest"), exits=(1,)),
    Case("-k leaves P0 out", ("gates/", "-k", "not p0"), exits=(1,)),
    Case("edited gate", edit=p0_gate("def test_p0(genie_gate):\n    assert True\n"), exits=(1,)),
    Case("loop over nothing", edit=p0_gate("def test_p0():\n    for _ in []:\n        assert 0\n"), exits=(1,)),
    Case("conftest runs no test", edit=conftest("def pytest_pyfunc_call():\n    return True\n"), exits=(1,)),
    Case(
        "conftest rewrites outcomes",
        edit=conftest("""
            import pytest

            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_makereport():
                report = yield
                report.outcome, report.longrepr = "passed", None
                return report
        """),
        exits=(1,),
    ),
    Case(
        "fixture overridden",
        edit=conftest("""
            import pytest
            from unittest.mock import Mock

            @pytest.fixture
            def genie_gate():
                return Mock()
        """),
        exits=(1,),
    ),
    Case(
        "exit status set to 0 in sessionfinish",
        edit=conftest("def pytest_sessionfinish(session):\n    session.exitstatus = 0\n"),
        exits=(1,),
    ),
    Case("JUnit and quiet", ("gates/", "-q", "--junitxml=junit.xml"), exits=(1,)),
    Case("-p no:terminal", ("gates/", "-p", "no:terminal"), exits=(1,)),
]  # fmt: skip


REPLACED = (
    (mlflow_genie_plugin.gating.gate_session, "decide"),
    (mlflow_genie_plugin.gating.gate_session.GateSession, "verdict"),
    (mlflow_genie_plugin.gating.observe, "observed_finding"),
)

# Code in the process of the tests that forges the decision itself: nothing in there can prevent it, so verify has to
# find it. Each of these marks a bad version.
FORGED = [
    Case(
        "conftest replaces the decision",
        edit=conftest("""
            from dataclasses import replace
            from mlflow_genie_plugin.gating import gate_session
            from mlflow_genie_plugin.gating.outcome import Outcome

            decide = gate_session.decide

            def generous(criteria, evidence):
                return tuple(replace(r, outcome=Outcome.PASSED, questions=()) for r in decide(criteria, evidence))

            gate_session.decide = generous
        """),
        exits=(0,),
    ),
    Case(
        "conftest replaces the verdict",
        edit=conftest("""
            from dataclasses import replace
            from mlflow_genie_plugin.gating import gate_session
            from mlflow_genie_plugin.gating.outcome import Outcome

            honest = gate_session.GateSession.verdict

            def verdict(self, **arguments):
                return replace(honest(self, **arguments), outcome=Outcome.PASSED, problems={})

            gate_session.GateSession.verdict = verdict
        """),
        exits=(0, 1),
    ),
    Case(
        "conftest sets the tags",
        edit=conftest("""
            def pytest_unconfigure(config):
                from mlflow_genie_plugin.registry import set_model_tags

                model = config.getoption("model_id")
                set_model_tags(model, {"genie.gate.candidate.verdict": "passed"})
        """),
        exits=(1,),
    ),
    Case(
        "conftest edits the evaluation before it is read",
        edit=conftest("""
            import pytest

            @pytest.hookimpl(tryfirst=True)
            def pytest_configure(config):
                from mlflow_genie_plugin.gating import observe

                read = observe.observed_finding
                observe.observed_finding = lambda finding: read(finding).__class__("passed")
        """),
        exits=(0,),
    ),
]


# What a user may do and still be marked.
HONEST = [
    Case("plain", exits=(0,)),
    Case("prepend import mode", ("gates/", "--import-mode=prepend"), exits=(0,)),
    Case("append import mode", ("gates/", "--import-mode=append"), exits=(0,)),
    Case("reruns allowed, none needed", ("gates/", "--reruns", "2"), exits=(0,)),
    Case("random order", ("gates/", "-p", "randomly", "-p", "no:xdist"), exits=(0,)),
    Case("quiet with JUnit", ("gates/", "-q", "--junitxml=junit.xml"), exits=(0,)),
    Case("-p no:terminal", ("gates/", "-p", "no:terminal"), exits=(0,)),
    Case("with tests of one's own", ("gates/", "tests/"), exits=(0,)),
    Case("-p no:randomly", ("gates/", "-p", "no:randomly"), exits=(0,)),
    Case("-p no:rerunfailures", ("gates/", "-p", "no:rerunfailures"), exits=(0,)),
    Case("-p no:xdist", ("gates/", "-p", "no:xdist"), exits=(0,)),
    Case("-x", ("gates/", "-x"), exits=(0,)),
    Case("--setup-show", ("gates/", "--setup-show"), exits=(0,)),
    Case("--strict", ("gates/", "-o", "strict=true"), exits=(0,)),
    Case("warnings as errors", ("gates/", "-W", "error::UserWarning"), exits=(0,)),
    Case("from the package", ("--pyargs", "mlflow_genie_plugin.suite"), exits=(0,)),
    Case("root folder elsewhere", ("gates/", "--rootdir", "tests"), exits=(0,)),
    Case(
        "a gate of one's own",
        edit=both(
            criteria("custom_gates: []", "custom_gates: [answers_fast]"),
            written(
                "gates/test_speed.py",
                """
                import pytest

                @pytest.mark.genie_gate("answers_fast")
                def test_answers_come_fast(genie_evaluation):
                    assert max(q.answer.latency_seconds for q in genie_evaluation.questions) < 60
                """,
            ),
        ),
        exits=(0,),
    ),
    Case("one judge off", edit=criteria("{target: 0.95, floor: 0.85}", "{off: no metric views yet}"), exits=(0,)),
]


class InlineProject:
    """Real pytest sessions in this process: MLflow is imported once for all of them."""

    def __init__(self, pytester: pytest.Pytester, store) -> None:
        self.pytester, self.store = pytester, store
        shutil.copytree(store.project, pytester.path, dirs_exist_ok=True)

    def run(self, case: Case, model: str, more: tuple[str, ...] = ()) -> int:
        if case.edit is not None:
            case.edit(self.pytester.path)
        chosen = [] if case.model == "none" else [f"--model-id={model}"]
        with self.environment(**case.environment) as patch:
            patch.syspath_prepend(self.pytester.path)
            given = [*case.arguments, *more]
            arguments = [*chosen, *given] if case.name == "--model-id twice" else [*given, *chosen]
            if "cacheprovider" not in arguments:
                arguments += ["-p", "no:cacheprovider"]
            return int(self.pytester.inline_run(*arguments, no_reraise_ctrlc=True).ret)

    @contextlib.contextmanager
    def environment(self, **more: str) -> Iterator[pytest.MonkeyPatch]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.store.environment, **more}.items():
                patch.setenv(name, value)
            yield patch

    def verified(self, model: str) -> list[str]:
        """Return the names of the checks of ``verify`` that do not pass."""
        from mlflow_genie_plugin.gating.verify import verify

        with self.environment():
            found = verify(model, "candidate", folder=self.store.project)
        assert found.outcome is not Outcome.PASSED
        return [check.name for check in found.checks if check.outcome is not Outcome.PASSED]

    def detector(self, code: int, model: str) -> str:
        """Return what kept the version from being marked."""
        file = self.pytester.path / "genie-verdict" / "candidate" / "verdict.json"
        if file.is_file():
            verdict = json.loads(file.read_bytes())
            wrong = [gate["gate"] for gate in verdict["gates"] if gate["outcome"] != "passed"]
            found = [f"{gate}: {problem}" for gate, problem in verdict["problems"].items()]
            found += [f"decision: {gate}" for gate in wrong] + ["dry run"] * verdict["dry_run"]
            failed = [gate for gate, outcome in verdict["custom_gates"].items() if outcome != "passed"]
            found += [f"custom gate: {gate}" for gate in failed]
            if found:
                return found[0]
        return f"exit code {code}" if code else f"verify: {', '.join(self.verified(model))}"


@pytest.fixture(scope="module")
def table(request):
    """Name of a bypass → what found it; shown with -v."""
    rows: dict[str, str] = {}
    yield rows
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    if capture is not None and request.config.option.verbose > 0:
        with capture.global_and_fixture_disabled():
            print("", *(f"{name:<58} -> {detector}" for name, detector in sorted(rows.items())), sep="\n")  # noqa: T201 - a table for people


@pytest.fixture
def inline(pytester, shared_gate_store, monkeypatch):
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    # One database for all cases, because opening another costs MLflow most of a second.
    shared_gate_store.forget_marks()
    return InlineProject(pytester, shared_gate_store)


def gate_tags_of_all(database: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        query = "SELECT model_id || ' ' || tag_key, tag_value FROM logged_model_tags WHERE tag_key LIKE 'genie.gate.%'"
        return dict(connection.execute(query))


@pytest.mark.parametrize("case", NOT_WHOLE, ids=str)
def test_a_run_that_is_not_whole_does_not_mark_a_good_version(inline, case, table):
    code = inline.run(case, inline.store.good)
    assert code in case.exits
    assert "passed" not in gate_tags_of_all(inline.store.database).values()
    table[case.name] = inline.detector(code, inline.store.good)


@pytest.mark.parametrize("case", FALSIFIED, ids=str)
def test_a_run_made_to_look_green_does_not_mark_a_bad_version(inline, case, table):
    code = inline.run(case, inline.store.bad)
    assert code in case.exits
    assert "passed" not in gate_tags_of_all(inline.store.database).values()
    table[f"{case.name} (bad version)"] = inline.detector(code, inline.store.bad)


@pytest.mark.parametrize("case", FORGED, ids=str)
def test_a_forged_decision_is_found_by_verify(inline, case, table):
    with pytest.MonkeyPatch.context() as patch:
        # Verify runs in another process, where nothing of what the conftest replaced is left.
        for place, name in REPLACED:
            patch.setattr(place, name, getattr(place, name))
        code = inline.run(case, inline.store.bad)
    assert code in case.exits
    assert inline.store.marked(inline.store.bad)
    found = inline.verified(inline.store.bad)
    assert "decision" in found
    table[f"{case.name} (bad version)"] = f"verify: {', '.join(found)}"


@pytest.mark.parametrize("case", HONEST, ids=str)
def test_an_honest_run_marks_a_good_version(inline, case):
    code = inline.run(case, inline.store.good)
    assert code == 0
    assert inline.store.marked(inline.store.good)


# In all of the above xdist, randomly and rerunfailures are installed and loaded, and the order is random.
COMBINATIONS = {
    "-n 2": ("-n", "2"),
    "-n 2 --dist=each": ("-n", "2", "--dist=each"),
    "--reruns 1": ("--reruns", "1"),
    "-n 2 --reruns 1 -p randomly": ("-n", "2", "--reruns", "1", "-p", "randomly"),
}
# Distributed runs start two interpreters each, so every day only those run so whose outcome depends on who reports.
DISTRIBUTED = {
    "-k", "silent items[:]=", "skip mark", "non-strict xpass", "subtests, all skipped", "edited gate",
    "gate reported twice", "teardown error", "sys.exit in a gate", "conftest rewrites outcomes", "plain",
}  # fmt: skip
EVERY = os.environ.get("GENIE_TEST_EVERY_COMBINATION", "").lower() == "true"


def combined(cases: list[Case]) -> list[object]:
    """Return every case under every combination; without EVERY, only those of DISTRIBUTED under -n 2."""
    found = []
    for case in cases:
        for name, more in COMBINATIONS.items():
            # Workers inherit this session's sys.path, on which a package gates of this repository stands first.
            refuses = {"no:xdist", "--import-mode=append"} if "-n" in more else set()
            refuses |= {"no:rerunfailures", "--reruns"} if "--reruns" in more else set()
            if refuses & set(case.arguments):
                continue
            if EVERY or (name == "-n 2" and case.name in DISTRIBUTED):
                found.append(pytest.param(case, more, id=f"{case} {name}"))
    return found


def is_kept_from_marking(code: int, case: Case, database: Path) -> bool:
    # Who notices first, and so the exit code, depends on the combination; only what ends with 0 alone may do so here.
    return (code != 0 or 0 in case.exits) and "passed" not in gate_tags_of_all(database).values()


@pytest.mark.parametrize(("case", "more"), combined(NOT_WHOLE))
def test_no_combination_of_plugins_marks_a_version_after_part_of_a_run(inline, case, more):
    code = inline.run(case, inline.store.good, more)
    assert is_kept_from_marking(code, case, inline.store.database)


@pytest.mark.parametrize(("case", "more"), combined(FALSIFIED))
def test_no_combination_of_plugins_marks_a_bad_version(inline, case, more):
    code = inline.run(case, inline.store.bad, more)
    assert is_kept_from_marking(code, case, inline.store.database)


@pytest.mark.parametrize(("case", "more"), combined(HONEST))
def test_every_combination_of_plugins_marks_after_an_honest_run(inline, case, more):
    code = inline.run(case, inline.store.good, more)
    twice = "--dist=each" in more
    assert code == (10 if twice else 0)
    assert inline.store.marked(inline.store.good) is not twice
