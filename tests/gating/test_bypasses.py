"""Every known way to end a pytest session without running the whole suite: none of them marks a version.

Two versions stand in the store. The good one would be marked by an honest run, so what must not mark it is a run that
was not whole; the bad one fails P0, so what must not mark it is a run whose tests were made to look green.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# Inline sessions forget what they import. Modules that are already there stay one and the same in all of them.
import hypothesis  # noqa: F401 - its plugin would import it anew at the end of each session
import pytest

import mlflow_genie_plugin.evaluation.result
import mlflow_genie_plugin.flavor.load
import mlflow_genie_plugin.gating.publish
import mlflow_genie_plugin.plugins.gate_run  # noqa: F401

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
        "xfail",
        edit=conftest(f"""
            import pytest

            def pytest_collection_modifyitems(items):
                for item in items:
                    if {ON_P0}:
                        item.add_marker(pytest.mark.xfail(reason="known", strict=False))
        """),
    ),
    Case("xfail mark", edit=p0_gate("def test_p0():\n    assert 0\n", "", "@pytest.mark.xfail(strict=False)")),
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

    def run(self, case: Case, model: str) -> int:
        if case.edit is not None:
            case.edit(self.pytester.path)
        chosen = [] if case.model == "none" else [f"--model-id={model}"]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.store.environment, **case.environment}.items():
                patch.setenv(name, value)
            patch.syspath_prepend(self.pytester.path)
            arguments = [*chosen, *case.arguments] if case.name == "--model-id twice" else [*case.arguments, *chosen]
            if "cacheprovider" not in arguments:
                arguments += ["-p", "no:cacheprovider"]
            return int(self.pytester.inline_run(*arguments, no_reraise_ctrlc=True).ret)


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
def test_a_run_that_is_not_whole_does_not_mark_a_good_version(inline, case):
    code = inline.run(case, inline.store.good)
    assert code in case.exits
    assert "passed" not in gate_tags_of_all(inline.store.database).values()


@pytest.mark.parametrize("case", FALSIFIED, ids=str)
def test_a_run_made_to_look_green_does_not_mark_a_bad_version(inline, case):
    code = inline.run(case, inline.store.bad)
    assert code in case.exits
    assert "passed" not in gate_tags_of_all(inline.store.database).values()


@pytest.mark.parametrize("case", HONEST, ids=str)
def test_an_honest_run_marks_a_good_version(inline, case):
    code = inline.run(case, inline.store.good)
    assert code == 0
    assert inline.store.marked(inline.store.good)
