"""What a facet is: one aspect in which two queries can differ, with the text of both sides."""

from __future__ import annotations

from dataclasses import dataclass

# The order in which differences are reported; the first one that is not presentational names the fault.
FACET_ORDER = (
    "tables",
    "function_arguments",
    "joins",
    "filters",
    "temporal_filters",
    "operators",
    "aggregates",
    "windows",
    "grain",
    "set_operations",
    "distinct",
    "ranking",
    "select",
    "other_clauses",
    "subqueries",
    "extra_columns",
    "order",
    "select_order",
    "aliases",
)

# Differences that leave the rows as they are, up to the names and the order of columns and rows.
_SAME_ROWS = frozenset({"aliases", "select_order", "order"})


@dataclass(frozen=True, slots=True)
class Facet:
    """One difference between the expected query and the answer's.

    Attributes:
        name: One of ``FACET_ORDER``.
        expected: What the expected query has, as SQL; None where it has nothing.
        actual: What the answer's query has, as SQL; None where it has nothing.
        failure_type: One of ``FAILURE_TYPES``; None when it is only presentational.
        clause: Where in the query: FROM, JOIN, WHERE, HAVING, GROUP BY, SELECT, …
        is_presentational: Whether the answer says the same in another form.
        rationale: The difference as a clause of a sentence, without a full stop.
        objects: Tables (``a.b.c``) and columns (``a.b.c.d``) that the difference is about, lower case.
        values: Literals that the difference is about.
        blame: What in the space's configuration is to blame; filled where the configuration is known.
        fix: What to change in the space; filled where the configuration is known.
    """

    name: str
    expected: str | None
    actual: str | None
    failure_type: str | None
    clause: str
    is_presentational: bool = False
    rationale: str = ""
    objects: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    blame: tuple[str, ...] = ()
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class FacetDiff:
    """The differences of two queries, in the order of ``FACET_ORDER``.

    Attributes:
        differing: Every differing facet, presentational ones too.
        problem: Why the queries could not be analysed; None when they were.
    """

    differing: tuple[Facet, ...] = ()
    problem: str | None = None

    @property
    def equal(self) -> bool:
        """Whether both queries ask for the same rows, as far as their parts show. Extra columns are not equal."""
        return self.problem is None and all(facet.name in _SAME_ROWS for facet in self.differing if _is_form(facet))

    @property
    def only_presentational(self) -> bool:
        """Whether no difference changes what is asked for. Extra columns are only presentational."""
        return self.problem is None and all(facet.is_presentational for facet in self.differing)

    @property
    def faults(self) -> tuple[Facet, ...]:
        """The differences that change what is asked for."""
        return tuple(facet for facet in self.differing if not facet.is_presentational)


def _is_form(facet: Facet) -> bool:
    return not (facet.is_presentational and facet.name in _SAME_ROWS)


class UnanalysableError(ValueError):
    """Raised when a query holds something whose parts are not understood; the message says what."""
