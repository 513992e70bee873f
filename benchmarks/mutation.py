"""Mutation testing of ``mlflow_genie_plugin/gating``: does some test fail when the code says something else?

Every change is made in the memory of a forked process; no file is written. The tests are collected once, run once to
learn which lines each of them reaches, and then each mutant is given to the tests that reach its statement, the
quickest first, until one fails or the budget of seconds is used up.

The changes are mutmut's (comparisons, boundaries, booleans, arithmetic, constants, arguments, assignments, branches of
conditional expressions; one of its three for each text) and three of our own: a condition negated, a statement left
out, a value not returned. Like mutmut's they are made inside functions, not in tables at module level.

    python benchmarks/mutation.py                            every file of the decision, all mutants
    python benchmarks/mutation.py --all --sample 60          all of gating/, 60 mutants of each file
    python benchmarks/mutation.py gating/decide.py --survivors
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import functools
import gc
import importlib
import json
import mmap
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import libcst as cst
import pytest
from _pytest.runner import runtestprotocol
from libcst.metadata import MetadataWrapper
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "mlflow_genie_plugin"
GATING = PACKAGE / "gating"
DECISION = {
    "attempts", "checklist", "checks", "claims", "criteria", "decide", "guard", "mark", "outcome", "paired", "rejudge",
    "signed", "signoffs", "standing", "statistics", "tally", "verdict", "version_marks", "waiving",
}  # fmt: skip
# Whole sessions in processes of their own: a change in this process's memory does not reach them.
ELSEWHERE = (
    "test_bypasses", "test_databricks_task", "test_fresh_repository", "test_large_evaluation", "test_pytest_gates",
    "test_servers", "test_shown_evaluations", "test_in_browser",
)  # fmt: skip
SLOWEST_TEST = 6.0
# So many tests are tried before the one that reaches most lines of all.
QUICK = 10


@dataclass(frozen=True)
class Mutant:
    """One change: the file's text with it, and the function and lines that it is in."""

    path: Path
    code: str
    function: str
    lines: range

    def diff(self) -> str:
        before, after = self.path.read_text().splitlines(), self.code.splitlines()
        changed = difflib.unified_diff(before, after, lineterm="", n=0)
        return "\n".join(line for line in list(changed)[2:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="files below mlflow_genie_plugin; default: those of the decision")
    parser.add_argument("--all", action="store_true", help="every file of gating/")
    parser.add_argument("--sample", type=int, help="at most so many mutants of a file, drawn with a fixed seed")
    parser.add_argument("--tests", nargs="*", default=["tests/gating"], help="where the tests stand")
    parser.add_argument("--seconds", type=float, default=8.0, help="budget of a mutant: processor seconds of its tests")
    parser.add_argument("--survivors", action="store_true", help="print what changed in each survivor")
    parser.add_argument("--pause-while", type=Path, help="wait while this file exists")
    parser.add_argument("--json", type=Path, help="write the survivors to a file")
    parser.add_argument("--again", type=Path, help="such a file: try only its survivors, and count the rest as it says")
    chosen = parser.parse_args()
    sys.path.insert(0, str(REPOSITORY))  # in a copy of the repository, its code and not the installed one
    _reproducible()
    plugin = Mutating(chosen, _files(chosen))
    options = ["-q", "-s", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:rerunfailures"]
    # Nobody reads why a mutant fails a test, and to explain it takes longer than the test.
    options += ["--assert=plain", "--tb=no"]
    options += [f"--ignore-glob=*{name}.py" for name in ELSEWHERE]
    os.chdir(REPOSITORY)
    return int(pytest.main([*options, *chosen.tests], plugins=[plugin]))


def _reproducible() -> None:
    from hypothesis import Phase, settings

    settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate]
    )
    settings.load_profile("mutation")


def _files(chosen: argparse.Namespace) -> list[Path]:
    if chosen.files:
        return [(PACKAGE / name).resolve() for name in chosen.files]
    every = [path for path in sorted(GATING.rglob("*.py")) if path.name != "__init__.py"]
    if chosen.all:
        return every
    return [path for path in every if path.parent.name == "rules" or (path.parent == GATING and path.stem in DECISION)]


def mutants_of(path: Path, sample: int | None) -> list[Mutant]:
    """Return the mutants of a file in the order of its lines; ``sample`` of them, drawn with a fixed seed."""
    text = path.read_text()
    # Through mutmut's visitor, not its command: the command would copy the project and run every test of a function.
    visitor = MutationVisitor(mutation_operators, IgnoredCode(set(), set(), set()))
    module = MetadataWrapper(cst.parse_module(text)).visit(visitor)
    assert isinstance(module, cst.Module)
    changes: list[tuple[cst.CSTNode, cst.CSTNode]] = []
    texts: set[int] = set()
    for mutation in visitor.mutations:
        if mutation.contained_by_top_level_function is None:
            continue
        node = mutation.original_node
        if isinstance(node, cst.SimpleString):
            if id(node) in texts:
                continue
            texts.add(id(node))
        changes.append((node, mutation.mutated_node))
    own = _OwnChanges()
    module.visit(own)
    changes += own.changes
    if sample is not None and len(changes) > sample:
        changes = random.Random(0).sample(changes, sample)
    made = {}
    for before, after in changes:
        code = cst.ensure_type(module.deep_replace(before, after), cst.Module).code
        if code != text and code not in made and (mutant := _located(path, text, code)) is not None:
            made[code] = mutant
    return sorted(made.values(), key=lambda mutant: mutant.lines.start)


class _OwnChanges(cst.CSTVisitor):
    """Negates conditions, leaves statements out and returns nothing, inside functions."""

    def __init__(self) -> None:
        self.changes: list[tuple[cst.CSTNode, cst.CSTNode]] = []
        self._depth = 0

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:  # noqa: N802, ARG002 - libcst calls it so
        self._depth += 1

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:  # noqa: N802, ARG002
        self._depth -= 1

    def visit_If(self, node: cst.If) -> None:  # noqa: N802
        self._negated(node.test)

    def visit_CompIf(self, node: cst.CompIf) -> None:  # noqa: N802
        self._negated(node.test)

    def visit_Return(self, node: cst.Return) -> None:  # noqa: N802
        if self._depth and node.value is not None and not _is_name(node.value, "None"):
            self.changes.append((node.value, cst.Name("None")))

    def visit_Expr(self, node: cst.Expr) -> None:  # noqa: N802
        if self._depth and not isinstance(node.value, (cst.SimpleString, cst.ConcatenatedString)):
            self.changes.append((node, cst.Pass()))

    def visit_Raise(self, node: cst.Raise) -> None:  # noqa: N802
        if self._depth:
            self.changes.append((node, cst.Pass()))

    def _negated(self, test: cst.BaseExpression) -> None:
        plain = isinstance(test, (cst.Name, cst.Attribute, cst.Call, cst.NamedExpr, cst.BooleanOperation))
        if self._depth and plain and not _is_name(test, "TYPE_CHECKING"):
            inner = test if test.lpar else test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            self.changes.append((test, cst.UnaryOperation(cst.Not(), inner)))


def _is_name(node: cst.CSTNode, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _located(path: Path, before: str, after: str) -> Mutant | None:
    try:
        compile(after, str(path), "exec")
    except SyntaxError:
        return None
    old, new = before.splitlines(), after.splitlines()
    line = next(i for i, (one, two) in enumerate(zip(old, new, strict=False)) if one != two) + 1
    tree = ast.parse(before)
    function, name = _function_at(tree, line)
    return None if function is None else Mutant(path, after, name, _statement_lines(function, line))


def _function_at(tree: ast.Module, line: int) -> tuple[ast.FunctionDef | None, str]:
    for node in tree.body:
        for inner in node.body if isinstance(node, ast.ClassDef) else (node,):
            if isinstance(inner, ast.FunctionDef) and inner.lineno <= line <= (inner.end_lineno or 0):
                return inner, f"{node.name}.{inner.name}" if isinstance(node, ast.ClassDef) else inner.name
    return None, ""


def _statement_lines(function: ast.FunctionDef, line: int) -> range:
    """Return the lines of the innermost statement at ``line``; of a compound one only its head."""
    best = range(function.body[0].lineno, function.body[-1].end_lineno + 1)  # type: ignore[operator]
    for node in ast.walk(function):
        if isinstance(node, ast.stmt) and node is not function and node.lineno <= line <= (node.end_lineno or 0):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno or node.lineno
            if line <= max(last, node.lineno):
                lines = range(node.lineno, max(last, node.lineno) + 1)
                best = lines if len(lines) <= len(best) else best
    return best


class Reached:
    """Remembers which lines of the files under test each test reaches."""

    def __init__(self, files: list[Path]) -> None:
        self._files = {str(path) for path in files}
        self.tests: dict[tuple[str, int], set[int]] = defaultdict(set)
        self.lines: Counter[int] = Counter()
        self._test = -1

    @contextlib.contextmanager
    def by(self, test: int) -> Iterator[None]:
        self._test = test
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(None)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:  # noqa: ARG002
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:  # noqa: ARG002
        self.tests[frame.f_code.co_filename, frame.f_lineno].add(self._test)
        return self._line


class Mutating:
    """Runs the collected tests once, then each mutant in a process forked from this one."""

    def __init__(self, chosen: argparse.Namespace, files: list[Path]) -> None:
        self._chosen, self._files = chosen, files
        self._reached = Reached(files)
        self._seconds: dict[int, float] = {}
        self._noticed: Counter[int] = Counter()
        self._current = memoryview(mmap.mmap(-1, 8)).cast("q")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._first_run(session.items)
        total: dict[str, list[int]] = {}
        survivors: list[tuple[str, Mutant, str]] = []
        earlier = json.loads(self._chosen.again.read_text()) if self._chosen.again else None
        for path in self._files:
            name = str(path.relative_to(PACKAGE))
            counted = total.setdefault(name, [0, 0, 0])
            begun = time.monotonic()
            mutants = mutants_of(path, self._chosen.sample)
            if earlier is not None and name in earlier["files"]:
                known = {(entry["file"], entry["diff"]) for entry in earlier["survivors"]}
                found = [mutant for mutant in mutants if (name, mutant.diff()) in known]
                counted[0], mutants = sum(earlier["files"][name]) - len(found), found
            for mutant in mutants:
                self._wait()
                outcome = self._outcome(mutant, session)
                counted[("killed", "survived", "unreached").index(outcome)] += 1
                if outcome != "killed":
                    survivors.append((name, mutant, outcome))
                    if self._chosen.survivors:
                        _say(f"{outcome} {name} {mutant.function}\n{mutant.diff()}")
            self._write(total, survivors)
            _say(f"{_score(*counted)}  {name}  {time.monotonic() - begun:.0f} s")
        sums = [sum(column) for column in zip(*total.values(), strict=True)]
        _say(f"{_score(*sums)}  all")
        return True

    def _write(self, total: dict[str, list[int]], survivors: list[tuple[str, Mutant, str]]) -> None:
        if self._chosen.json is not None:
            found = [
                {"file": name, "function": mutant.function, "outcome": outcome, "diff": mutant.diff()}
                for name, mutant, outcome in survivors
            ]
            self._chosen.json.write_text(json.dumps({"files": total, "survivors": found}, indent=1))

    def _first_run(self, items: list[pytest.Item]) -> None:
        for number, item in enumerate(items):
            self._wait()
            following = items[number + 1] if number + 1 < len(items) else items[0]
            # Of the processor: how busy the machine is must not decide which tests a mutant is given.
            begun = time.process_time()
            reports = runtestprotocol(item, log=False, nextitem=following)
            took = time.process_time() - begun
            if took <= SLOWEST_TEST:
                # Once more, because it takes several times as long while its lines are written down.
                with self._reached.by(number):
                    reports += runtestprotocol(item, log=False, nextitem=following)
            if any(report.failed for report in reports):
                _say(f"left out, it fails without a change: {item.nodeid}")
            elif took > SLOWEST_TEST:
                _say(f"left out, it takes {took:.1f} s: {item.nodeid}")
            elif all(report.passed for report in reports):
                self._seconds[number] = took
        for tests in self._reached.tests.values():
            self._reached.lines.update(tests)
        gc.freeze()
        self._control(items)
        _say(f"{len(self._seconds)} of {len(items)} tests, {sum(self._seconds.values()):.0f} s")

    def _control(self, items: list[pytest.Item]) -> None:
        """Leave out what fails in a forked process although nothing is changed: it would notice every mutant."""
        for number in list(self._seconds):
            self._wait()
            if self._exit_of(None, [items[number]], items[number].session, 30 + 5 * self._seconds[number]) != 0:
                _say(f"left out, it fails in a forked process without a change: {items[number].nodeid}")
                del self._seconds[number]

    def _exit_of(self, mutant: Mutant | None, items: list[pytest.Item], session: pytest.Session, seconds: float) -> int:
        folder = Path(f"/dev/shm/mutant-{os.getpid()}")
        self._current[0] = 0
        child = os.fork()
        if child == 0:
            _try(mutant, items, session, folder, self._current, seconds)
        _, status = os.waitpid(child, 0)
        shutil.rmtree(folder, ignore_errors=True)
        return status

    def _outcome(self, mutant: Mutant, session: pytest.Session) -> str:
        tests: set[int] = set()
        for line in mutant.lines:
            tests |= self._reached.tests.get((str(mutant.path), line), set())
        stem = mutant.path.stem.removesuffix("s")

        def cost(test: int) -> float:
            # What is named like the file, or has noticed most mutants for its time, comes first.
            named = stem in session.items[test].nodeid
            return self._seconds[test] * (0.1 if named else 1.0) / (1 + self._noticed[test])

        ordered = sorted(tests & self._seconds.keys(), key=cost)
        if not ordered:
            return "unreached"
        # The test that reaches most lines of all is never left out.
        broadest = max(ordered, key=lambda test: self._reached.lines[test])
        ordered.remove(broadest)
        ordered.insert(QUICK, broadest)
        budget = 0.0
        tried: list[int] = []
        for number in ordered:
            budget += self._seconds[number]
            if tried and budget > self._chosen.seconds:
                break
            tried.append(number)
        status = self._exit_of(mutant, [session.items[number] for number in tried], session, 5 + 5 * budget)
        if status != 0:
            self._noticed[tried[self._current[0]]] += 1
        return "survived" if status == 0 else "killed"

    def _wait(self) -> None:
        while self._chosen.pause_while is not None and self._chosen.pause_while.exists():
            time.sleep(2)


def _try(
    mutant: Mutant | None,
    items: list[pytest.Item],
    session: pytest.Session,
    folder: Path,
    current: memoryview,
    seconds: float,
) -> None:
    """Run the tests on the mutant and end the process: 0 when all passed.

    A mutant without end is ended after so many ``seconds`` of the processor, one that waits for ever after many more.

    ``current`` is shared with the process forked from, and says which test is running.
    """
    for alarm, timer, limit in (
        (signal.SIGPROF, signal.ITIMER_PROF, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, 60 + 20 * seconds),
    ):
        signal.signal(alarm, signal.SIG_DFL)
        signal.setitimer(timer, limit)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    status = 1
    try:
        folder.mkdir(exist_ok=True)
        session.config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]
        if mutant is not None:
            apply(mutant)
        status = 0
        for number, item in enumerate(items):
            current[0] = number
            _forget(item)
            session._setupstate.teardown_exact(item)
            following = items[number + 1] if number + 1 < len(items) else item
            if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
                status = 1
                break
    except BaseException:  # noqa: BLE001 - whatever it is, the mutant was noticed
        status = 1
    finally:
        os._exit(status)


def _forget(item: pytest.Item) -> None:
    for found in list(vars(item.module).values()):  # type: ignore[attr-defined]
        if isinstance(found, functools._lru_cache_wrapper) and found.__module__ == item.module.__name__:  # type: ignore[attr-defined]
            found.cache_clear()


def apply(mutant: Mutant) -> None:
    """Give the function of the loaded module the changed code."""
    name = ".".join(mutant.path.relative_to(REPOSITORY).with_suffix("").parts)
    module = importlib.import_module(name)
    holder: Any = module
    *classes, last = mutant.function.split(".")
    for part in classes:
        holder = vars(holder)[part]
    function = _plain(vars(holder)[last])
    tree = ast.parse(mutant.code)
    body: list[ast.stmt] = tree.body
    for part in classes:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == part)
    definition = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == last)
    function.__code__ = _code_of(compile(mutant.code, str(mutant.path), "exec"), mutant.function)
    spaces = vars(module)
    if definition.args.defaults:
        function.__defaults__ = tuple(_value(node, spaces) for node in definition.args.defaults)
    named = zip(definition.args.kwonlyargs, definition.args.kw_defaults, strict=True)
    if given := {argument.arg: _value(node, spaces) for argument, node in named if node is not None}:
        function.__kwdefaults__ = given


def _plain(found: Any) -> FunctionType:
    if isinstance(found, property):
        found = found.fget
    elif isinstance(found, (classmethod, staticmethod)):
        found = found.__func__
    elif isinstance(found, functools.cached_property):
        found = found.func
    if hasattr(found, "cache_clear"):
        found.cache_clear()
    while hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return found  # type: ignore[no-any-return]


def _code_of(code: CodeType, name: str) -> CodeType:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_qualname == name:
                return constant
            if name.startswith(f"{constant.co_qualname}."):
                return _code_of(constant, name)
    raise LookupError(name)


def _value(node: ast.expr, spaces: dict[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "<default>", "eval"), spaces)


def _score(killed: int, survived: int, unreached: int) -> str:
    total = killed + survived + unreached
    share = f"{killed / total:6.1%}" if total else "     -"
    return f"{share}  {killed:4d} killed  {survived:4d} survived  {unreached:4d} not reached"


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
