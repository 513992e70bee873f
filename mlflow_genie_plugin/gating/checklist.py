"""The promotion checklist: its ten rows, and what a source of data can say about one.

A row is decided from data where there is data, and otherwise by a person's attestation; see ``rules/checklist.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mlflow_genie_plugin.registry import ModelRecord

AT_LEAST = "at_least"
AT_MOST = "at_most"
WORSE_BY_AT_MOST = "worse_by_at_most"
REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the checklist.

    Attributes:
        says: What holds when the row does; ``{limit}`` is the number in the criteria.
        setting: What the criteria say about it: a limit's name, or ``required`` for a row without a number.
        unit: ``fraction``, or the noun that is counted.
        gates: What the ids of the gates that answer it begin with; an empty word is every other gate.
        attestable: Whether a person's word may stand in where there is no data.
    """

    name: str
    says: str
    setting: str
    unit: str = "fraction"
    gates: tuple[str, ...] = ()
    attestable: bool = True


ROWS = {
    row.name: row
    for row in (
        Row("offline_evaluation", "every other gate passes", REQUIRED, gates=("",), attestable=False),
        Row("policy_version", "a policy version names this version", REQUIRED, "policy version"),
        Row("experiment_variant", "the variant began with at most {limit} of the traffic", AT_MOST),
        Row("minimum_duration", "every allocation ran for at least {limit}", AT_LEAST, "day"),
        Row("sample_size", "at least {limit} were observed", AT_LEAST, "sample"),
        Row("acceptance_rate", "the acceptance rate is at most {limit} worse", WORSE_BY_AT_MOST),
        Row("edit_count", "edits are at most {limit} more", WORSE_BY_AT_MOST),
        Row("validator_interventions", "validator interventions are at most {limit} more", WORSE_BY_AT_MOST),
        Row("latency", "answers are at most {limit} slower", WORSE_BY_AT_MOST, gates=("latency[",)),
        Row("cost", "answers cost at most {limit} more", WORSE_BY_AT_MOST, gates=("metric[cost",)),
    )
}


@dataclass(frozen=True, slots=True)
class RowFact:
    """What a source of data measured for one row.

    Attributes:
        row: The row's name.
        source: Where it was measured, for people.
        value: The measure in the row's unit; for ``worse_by_at_most`` the worsening relative to the baseline, a
            fraction that is positive when worse. None when it could not be measured: ``problem`` says why.
        interval: The 95 % interval of a worsening; without one nothing can be said about significance.
    """

    row: str
    source: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    problem: str = ""


class RowSource(Protocol):
    """Something that has data for rows of the checklist, such as a store of online experiments.

    ``facts`` returns a fact for every row it has data for and none for the others. A store that cannot be reached
    raises a :class:`~mlflow_genie_plugin.errors.GenieError`; what it holds but cannot use is a fact with a problem.
    """

    def facts(self, model: ModelRecord) -> Iterable[RowFact]: ...


SOURCES: tuple[RowSource, ...] = ()


def facts_about(model: ModelRecord, sources: Iterable[RowSource] | None = None) -> tuple[RowFact, ...]:
    """Return what every source measured for a version."""
    return tuple(fact for source in (SOURCES if sources is None else sources) for fact in source.facts(model))
