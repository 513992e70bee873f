"""What a judge is, the register of judges, and running them so that one that breaks never breaks the others.

To add a judge: one file in ``judges/`` with a class that has ``name``, ``version`` and ``judge(case)``, and one line in
``judges/__init__.py``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES
from mlflow_genie_plugin.evaluation.finding import Finding, errored, failed
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult
from mlflow_genie_plugin.sql_dialect import SqlParseError, normalise_name, parse_query
from mlflow_genie_plugin.workspace.answer import QueryResult

if TYPE_CHECKING:
    from sqlglot import exp

    from mlflow_genie_plugin.evaluation.compare import Comparison
    from mlflow_genie_plugin.evaluation.facets.facet import FacetDiff
    from mlflow_genie_plugin.evaluation.refuter.refutation import Refutation
    from mlflow_genie_plugin.space.config import SpaceConfig


@dataclass(frozen=True, slots=True)
class SpaceAssets:
    """The assets of a space by kind: three-part names in lower case."""

    tables: frozenset[str] = frozenset()
    metric_views: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()

    @classmethod
    def of(cls, config: SpaceConfig) -> SpaceAssets:
        """Return the assets that a space config lists."""
        return cls(
            frozenset(map(normalise_name, config.tables())),
            frozenset(map(normalise_name, config.metric_views())),
            frozenset(map(normalise_name, config.functions())),
        )


@dataclass(frozen=True)
class JudgedCase:
    """Everything a judge may look at: facts that were recorded, so that a case can be judged again at any time.

    Attributes:
        benchmark: The question and its ground truth.
        answer: What Genie answered.
        expected: The result of the expected SQL, on the same warehouse.
        assets: What the space offers.
        schema: Columns and parameters of those assets; None when nobody looked.
        config: The space's configuration, to say what in it is to blame; None when it is not at hand.
        repeats: Further answers to the same question.
    """

    benchmark: Benchmark
    answer: AnswerRecord
    expected: StoredResult
    assets: SpaceAssets = field(default_factory=SpaceAssets)
    schema: SpaceSchema | None = None
    config: SpaceConfig | None = None
    repeats: tuple[AnswerRecord, ...] = ()

    @cached_property
    def answer_result(self) -> QueryResult | None:
        return self.answer.query_result()

    @cached_property
    def expected_result(self) -> QueryResult | None:
        return self.expected.query_result()

    @cached_property
    def comparison(self) -> Comparison | None:
        """How the two results compare, with their order where the benchmark asks for it; None without both rows."""
        from mlflow_genie_plugin.evaluation.compare import compare
        from mlflow_genie_plugin.evaluation.order_columns import compare_in_order

        expected, answer = self.expected_result, self.answer_result
        if expected is None or answer is None:
            return None
        if self.benchmark.ordered:
            return compare_in_order(self.benchmark.expected_sql, expected, answer)
        return compare(expected, answer)

    @cached_property
    def expected_tree(self) -> exp.Query:
        """The expected query's tree, shared by everyone: copy it before changing it. Raises SqlParseError."""
        return parse_query(self.benchmark.expected_sql)

    @cached_property
    def answer_tree(self) -> exp.Query:
        """The answer's tree with the values of its parameters; copy it before changing it. Raises SqlParseError."""
        from mlflow_genie_plugin.evaluation.bound_parameters import with_values

        tree = parse_query(self.answer.sql or "")
        return with_values(tree, self.answer.parameters) if self.answer.parameters else tree

    @cached_property
    def refutation(self) -> Refutation:
        """Whether generated databases tell the two queries apart; a cached fact, since three judges ask for it."""
        from mlflow_genie_plugin.evaluation.refuter.of_case import refutation_of_case

        return refutation_of_case(self)

    @cached_property
    def facets(self) -> FacetDiff:
        """How the two queries differ, with what in the space is to blame; ``problem`` says why that is not known."""
        from mlflow_genie_plugin.evaluation.blame import with_blame
        from mlflow_genie_plugin.evaluation.facets.diff import diff_queries
        from mlflow_genie_plugin.evaluation.facets.facet import FacetDiff

        try:
            expected, answer = self.expected_tree, self.answer_tree
        except SqlParseError as error:
            return FacetDiff((), str(error))
        found = diff_queries(expected, answer, self.schema, ordered=self.benchmark.ordered)
        return with_blame(found, self.config, self.benchmark.question, self.schema)


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


def unanswered(judge: str, answer: AnswerRecord) -> Finding | None:
    """Return the finding that every judge gives when there is nothing to judge; None when there is SQL.

    A question that failed, was cancelled or timed out says nothing about the quality of the answer, so it is errored
    and not failed; both count against the model. One that failed because the warehouse could not run Genie's query has
    an answer, a wrong one, which is judged.
    """
    if answer.status != "COMPLETED" and not answer.query_failed:
        reason = answer.error or "no reason was given"
        ended = "" if answer.status in reason else f" ({answer.status})"
        return errored(judge, f"Genie gave no answer{ended}: {reason}", failure_type=f"ANSWER_{answer.status}")
    if answer.sql and answer.sql.strip():
        return None
    if answer.is_clarification:
        return failed(
            judge,
            "CLARIFICATION",
            "Genie asked back instead of answering",
            fix="say in an instruction what Genie asks for, or add an example SQL for this question",
        )
    return failed(
        judge,
        "NO_SQL",
        "Genie answered with text only, without a query",
        fix="add an example SQL for this question",
    )


def judge_versions(judges: Iterable[Judge]) -> Mapping[str, Mapping[str, str]]:
    """Return which judges, in which versions, as the result file records it."""
    return {judge.name: {"version": judge.version} for judge in judges}
