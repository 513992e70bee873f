"""What a name in a query can mean at one place: the relations in view, their columns, and how a name finds its column.

Everything is compared in lower case. A relation that may have columns nobody knows of is *open*: a name that is not
found next to an open relation is neither right nor wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlflow_genie_plugin.sql_dialect.data_type import DataType, parse_type


@dataclass(frozen=True, slots=True)
class KnownColumn:
    """A column of a relation; ``origin`` is the catalog column it comes from unchanged (asset, column)."""

    name: str
    type_text: str = ""
    is_measure: bool = False
    origin: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """Columns in order.

    Attributes:
        columns: The known ones.
        is_open: Whether there may be others.
        has_unnamed: Whether some are named by the warehouse after their expression, as in ``count(1)``.
        asset: The asset of the space that it is; empty for everything a query makes.
    """

    columns: tuple[KnownColumn, ...] = ()
    is_open: bool = False
    has_unnamed: bool = False
    asset: str = ""

    def named(self, name: str) -> list[KnownColumn]:
        return [column for column in self.columns if column.name.lower() == name]

    def renamed(self, names: Iterable[str]) -> Relation:
        """Return the relation with the names of a column alias list, as in ``AS t(a, b)``."""
        names = list(names)
        if not names:
            return self
        if self.is_open or len(names) != len(self.columns):
            return Relation(tuple(KnownColumn(name) for name in names))
        return Relation(
            tuple(
                KnownColumn(name, old.type_text, old.is_measure, old.origin)
                for name, old in zip(names, self.columns, strict=True)
            )
        )


OPEN = Relation(is_open=True)


@dataclass(slots=True)
class Source:
    """One entry of a FROM clause.

    Attributes:
        alias: The name that qualifies its columns; empty when it has none.
        relation: Its columns.
        full_name: Parts of a table's name as written, when it has no alias: they qualify columns as well.
        merged: Columns that a USING or NATURAL join merged into those of the other side.
        is_hidden: Whether it is out of view: the right side of a semi or anti join.
    """

    alias: str
    relation: Relation
    full_name: tuple[str, ...] = ()
    merged: set[str] = field(default_factory=set)
    is_hidden: bool = False

    def answers_to(self, qualifier: tuple[str, ...]) -> bool:
        if len(qualifier) == 1 and self.alias == qualifier[0]:
            return True
        return len(qualifier) <= len(self.full_name) and self.full_name[-len(qualifier) :] == qualifier

    def unqualified(self) -> list[KnownColumn]:
        return [column for column in self.relation.columns if column.name.lower() not in self.merged]


class Found(StrEnum):
    """How looking for a name ended; UNKNOWN: it may be a column of an open relation."""

    YES = "yes"
    NO = "no"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Match:
    """What a name means.

    Attributes:
        found: How it ended.
        column: The column, when found.
        fields: Parts of the name after the column: fields of a struct.
        candidates: Columns that could have been meant, when not found or ambiguous.
        qualified: The source's name, when the name was qualified with it.
    """

    found: Found
    column: KnownColumn | None = None
    fields: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    qualified: str = ""


class Scope:
    """The relations in view at one SELECT, and the scope around it that a correlated subquery also sees."""

    def __init__(self, outer: Scope | None = None) -> None:
        self.sources: list[Source] = []
        self.outer = outer

    @property
    def visible(self) -> list[Source]:
        return [source for source in self.sources if not source.is_hidden]

    def aliases(self) -> list[str]:
        """Return the names that qualify columns here."""
        return [source.alias for source in self.visible if source.alias]

    def find(
        self, parts: tuple[str, ...], aliases: Mapping[str, KnownColumn] | None = None, *, alias_first: bool = False
    ) -> Match:
        """Look a name up: in the sources, among the aliases of the select list, then in the scopes around.

        Args:
            parts: The name in lower case: qualifiers, column, struct fields; which is which is for this to find out.
            aliases: Aliases of the select list that may be used here.
            alias_first: Whether an alias hides a column of its name (in ORDER BY, HAVING and QUALIFY it does).
        """
        alias = (aliases or {}).get(parts[0])
        if alias is not None and alias_first and len(parts) == 1:
            return Match(Found.YES, alias, parts[1:])
        own = self._in_sources(parts)
        if own.found in (Found.YES, Found.AMBIGUOUS):
            return own
        if alias is not None:
            return Match(Found.YES, alias, parts[1:])
        if own.found is Found.NO and self.outer is not None:
            around = self.outer.find(parts)
            return own if around.found is Found.NO else around
        return own

    def _in_sources(self, parts: tuple[str, ...]) -> Match:
        missing: Match | None = None
        for length in range(min(3, len(parts) - 1), 0, -1):
            named = [source for source in self.visible if source.answers_to(parts[:length])]
            if not named:
                continue
            match = _among([source.relation for source in named], parts[length:], ".".join(parts[:length]))
            if match.found is not Found.NO:
                return match
            missing = missing or match
        bare = [Relation(tuple(s.unqualified()), s.relation.is_open, s.relation.has_unnamed) for s in self.visible]
        match = _among(bare, parts, "")
        if match.found is Found.NO or (missing is not None and match.found is Found.UNKNOWN):
            return missing or match
        return match


def _among(relations: list[Relation], parts: tuple[str, ...], qualified: str) -> Match:
    hits = [column for relation in relations for column in relation.named(parts[0])]
    if len(hits) == 1:
        return Match(Found.YES, hits[0], parts[1:], qualified=qualified)
    if hits:
        names = tuple(".".join(column.origin) if column.origin else column.name for column in hits)
        return Match(Found.AMBIGUOUS, candidates=names, qualified=qualified)
    spoken = re.search(r"\W", parts[0]) is not None
    if any(relation.is_open or (spoken and relation.has_unnamed) for relation in relations):
        return Match(Found.UNKNOWN, qualified=qualified)
    known = tuple(column.name for relation in relations for column in relation.columns)
    return Match(Found.NO, candidates=known, qualified=qualified)


def missing_field(type_text: str, fields: Iterable[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return the first field that a type does not have, with the fields it has; None when all can be there.

    Only structs, also those inside arrays, have fields that are known; anything can be under a map, a variant or a
    type that is not known.
    """
    kind: DataType = parse_type(type_text)
    for name in fields:
        while kind.name == "array" and kind.items:
            kind = kind.items[0]
        if kind.name != "struct" or not kind.fields:
            return None
        found = [of for known, of in kind.fields if known.lower() == name]
        if not found:
            return name, tuple(known for known, _ in kind.fields)
        kind = found[0]
    return None
