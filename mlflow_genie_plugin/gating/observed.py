"""What a decision is made on: everything that was observed about one model and one evaluation of it, as plain values.

Nothing here is judged yet. What could not be observed is None or comes with a ``problem``; no decision reads that
as good news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from mlflow_genie_plugin.gating.checklist import RowFact
from mlflow_genie_plugin.gating.question_observed import QuestionObserved
from mlflow_genie_plugin.gating.questions_observed import Questions
from mlflow_genie_plugin.gating.signed import SignOffs

PASSED = "passed"
FAILED = "failed"
ABSTAINED = "abstained"
ERRORED = "errored"
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Hashes:
    """The three digests that name a configuration; None where one was not recorded."""

    content: str | None
    behaviour: str | None
    snapshot: str | None


@dataclass(frozen=True)
class EvaluationObserved:
    """The evaluation that the gates look at.

    Attributes:
        sha256: Digest of the bytes that were judged.
        recorded_sha256: What the run's write-once param says; None when it has none.
        problem: Why the file cannot be believed although it was read, empty when nothing is known against it.
        state: The run's own tag (complete, invalid, interrupted, running); None when it has none.
        live_before, live_after: Behaviour hash of the live space around the asking.
        planned: Ids that the scope covers, from the run's benchmark set; None when they are not known.
        p0: Ids of all P0 benchmarks of the run's set; None when they are not known.
        attempts: How many evaluations of this model there are, finished or not.
        started_at, finished_at: When the questions were asked, ISO 8601 in UTC; empty when not recorded.
        judges: What the result records of each judge that ran: its version and, where a model was asked, its prompt.
    """

    run_id: str
    sha256: str
    recorded_sha256: str | None
    problem: str
    state: str | None
    status: str
    invalid_reason: str
    scope: str
    model_id: str
    recorded_model_id: str | None
    hashes: Hashes
    live_before: str | None
    live_after: str | None
    benchmarks_sha256: str
    recorded_benchmarks_sha256: str | None
    stored_benchmarks_sha256: str | None
    planned_count: int
    planned: tuple[str, ...] | None
    p0: tuple[str, ...] | None
    questions: Sequence[QuestionObserved]
    attempts: int
    benchmarks_name: str = ""
    runner: str = ""
    started_at: str = ""
    finished_at: str = ""
    judges: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)

    @cached_property
    def rows(self) -> Questions:
        """The same questions, with what is asked of all of them."""
        return self.questions if isinstance(self.questions, Questions) else Questions(self.questions)

    @cached_property
    def tallies(self) -> dict[Any, Any]:
        """What was counted once and need not be counted again, by what was asked; see ``rules/outcomes.py``."""
        return {}


@dataclass(frozen=True, slots=True)
class BaselineObserved:
    """A version to compare with.

    Attributes:
        model_id: None when there is none; ``absent`` says why then ("the version has no parent").
        evaluation: Its latest complete evaluation; None when there is none that can be read.
        problem: Why it cannot be compared with, empty when nothing is known against it.
    """

    model_id: str | None
    evaluation: EvaluationObserved | None = None
    absent: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MetricObserved:
    """A metric of the evaluation's run or of the model.

    Attributes:
        source: Where it was found, for people: ``evaluation run …`` or ``run … of the model``.
        rows: How many rows that run scored; None when it cannot be known.
        assessed: How many of them have a value behind the metric; None when it cannot be known.
    """

    value: float
    source: str
    rows: int | None = None
    assessed: int | None = None


@dataclass(frozen=True, slots=True)
class RunObserved:
    """What is logged on the evaluation's run; ``artifacts`` is None when nobody looked."""

    params: Mapping[str, str] = field(hash=False)
    tags: Mapping[str, str] = field(hash=False)
    metrics: Mapping[str, float] = field(hash=False)
    artifacts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class LiveObserved:
    """The live space as it is now; ``problem`` says why it could not be read."""

    content: str | None = None
    behaviour: str | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One pinned model and, when there is one, its evaluation.

    Attributes:
        model_problem: Why the files are not what the params recorded.
        evaluation_problem: Why there is no evaluation to look at.
        observed_at: When all this was observed, ISO 8601 in UTC; empty when nobody looked at a clock.
        run: What is logged on the evaluation's run.
        metrics: Every metric that the criteria name, by the name it was found under.
        baselines: The versions to compare with, by the criteria's name for them.
        live: The live space now; None when nobody looked.
        signoffs: What people signed: attestations and waivers.
        row_facts: What sources of data say about rows of the promotion checklist.
    """

    model_id: str
    model_name: str
    space_id: str
    hashes: Hashes | None
    model_problem: str = ""
    evaluation: EvaluationObserved | None = None
    evaluation_problem: str = ""
    observed_at: str = ""
    run: RunObserved | None = None
    metrics: Mapping[str, MetricObserved] = field(default_factory=dict, hash=False)
    baselines: Mapping[str, BaselineObserved] = field(default_factory=dict, hash=False)
    live: LiveObserved | None = None
    signoffs: SignOffs = field(default_factory=SignOffs)
    row_facts: tuple[RowFact, ...] = ()

    @property
    def today(self) -> date | None:
        """The day (UTC) this was observed; None when nobody looked at a clock."""
        return date.fromisoformat(self.observed_at[:10]) if self.observed_at else None
