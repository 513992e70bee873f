"""What a question asks for, in the words of the space but not yet bound to tables: measures, groups, filters, order."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlflow_genie_plugin.emulator.answering.concepts import Mention
from mlflow_genie_plugin.emulator.answering.time_phrases import Grain, Period


@dataclass(frozen=True)
class Ask:
    """A figure: an aggregate over a mention.

    ``aggregate`` is SUM, AVG, MIN, MAX, MEDIAN, COUNT, AVG COUNT ("average number of") or None (the mention says it,
    or a default
    applies); ``distinct`` counts different values.
    """

    mention: Mention
    aggregate: str | None = None
    distinct: bool = False


@dataclass(frozen=True)
class Filter:
    """A condition: a snippet's own (``operator`` empty), values of a mention (IN), or a comparison with numbers."""

    mention: Mention
    operator: str = ""
    values: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    negated: bool = False


@dataclass(frozen=True)
class When:
    """A period, and the date column the question names for it."""

    period: Period
    column: Mention | None = None


@dataclass
class Request:
    """A question, understood. Lists are in the order of the question.

    Attributes:
        measures: Figures asked for.
        groups: What they are grouped by.
        filters: Conditions on rows.
        comparisons: Conditions on figures ("more than 5 suppliers"): ask, operator, numbers.
        periods: Periods; several mean any of them.
        subject: What is ranked or listed ("which nation", "top 5 customers").
        rank: The figure that orders the subject.
        extreme: A property that an adjective names ("most expensive"): price, time or length.
        direction: ASC or DESC, when the question says so.
        limit: How many rows, when the question says so.
        single: A superlative asks for the one at the top; ``plural`` says that the subject is named in the plural.
        share: A percentage is asked for.
        listing: Rows are asked for ("list", "show", "which"); ``distinct``: each once.
        compares: Things are put side by side ("versus").
        without: Tables of which there must be no row.
        columns: Columns to list.
        context: Tables the question names without counting them.
        unknown: Words that mean nothing here.
    """

    measures: list[Ask] = field(default_factory=list)
    groups: list[Mention | Grain] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    comparisons: list[tuple[Ask, str, tuple[float, ...]]] = field(default_factory=list)
    periods: list[When] = field(default_factory=list)
    subject: Mention | None = None
    rank: Ask | None = None
    extreme: str = ""
    direction: str = ""
    limit: int | None = None
    single: bool = False
    plural: bool = False
    share: bool = False
    listing: bool = False
    distinct: bool = False
    compares: bool = False
    without: list[Mention] = field(default_factory=list)
    columns: list[Mention] = field(default_factory=list)
    context: list[Mention] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def asks(self) -> list[Ask]:
        """Return every figure that occurs: those to show, the one that ranks, those that are compared with numbers."""
        ranks = [self.rank] if self.rank else []
        return [*self.measures, *ranks, *(ask for ask, _, _ in self.comparisons)]
