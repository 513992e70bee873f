"""What a decision is made on: everything that was observed about one model and one evaluation of it, as plain values.

Nothing here is judged yet. What could not be observed is None or comes with a ``problem``; no decision reads that
as good news.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class FindingObserved:
    """One judge on one question.

    Attributes:
        score: None when the judge gave none.
        settled: A language model's word decided it, not evidence.
        not_asked: Nobody wanted to know (repeatability of a question that was asked once).
    """

    outcome: str
    score: float | None = None
    reason: str = ""
    settled: bool = False
    not_asked: bool = False


@dataclass(frozen=True, slots=True)
class QuestionObserved:
    """One row of the evaluation.

    Attributes:
        answered: Genie finished the question; False when the answer itself ended in an error or timed out.
        differs: How the row differs from the benchmark of that id ("expected SQL"), empty when it is the same question.
    """

    question_id: str
    question: str
    priority: str
    answered: bool
    findings: Mapping[str, FindingObserved] = field(hash=False)
    differs: str = ""


@dataclass(frozen=True, slots=True)
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
    questions: tuple[QuestionObserved, ...]
    attempts: int
    benchmarks_name: str = ""
    runner: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One pinned model and, when there is one, its evaluation.

    ``model_problem`` says why the files are not what the params recorded, ``evaluation_problem`` why there is no
    evaluation to look at.
    """

    model_id: str
    model_name: str
    space_id: str
    hashes: Hashes | None
    model_problem: str = ""
    evaluation: EvaluationObserved | None = None
    evaluation_problem: str = ""
