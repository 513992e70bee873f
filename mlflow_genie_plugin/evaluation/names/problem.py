"""What can be wrong with a name in a query, in words a person can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset

KINDS = {"TABLE": "table", "MV": "metric view", "TVF": "function"}


@dataclass(frozen=True, slots=True)
class NameProblem:
    """One name that does not fit the schema of the space.

    Attributes:
        failure_type: Of the register.
        name: As the query has it.
        message: What is wrong, a sentence without its full stop.
        suggestions: Names that were probably meant, the nearest first.
        blame: What in the space to look at.
        fix: What to change there.
        is_outside: Whether it is an asset that the space does not list, whatever it may be.
    """

    failure_type: str
    name: str
    message: str
    suggestions: tuple[str, ...] = ()
    blame: tuple[str, ...] = ()
    fix: str | None = None
    is_outside: bool = False

    def __str__(self) -> str:
        return f"{self.message}; did you mean {self.suggestions[0]}?" if self.suggestions else self.message


@dataclass(slots=True)
class Resolution:
    """What became of all names of one query.

    Attributes:
        references: How many names were looked up: tables, columns, functions.
        problems: Those that do not fit, in the order of the query.
        unchecked: Names that may or may not exist, because a relation's columns cannot be told from the query.
        unknown_assets: Assets of the space that the query uses and whose columns or parameters nobody could read.
        columns: (asset, column) of the catalog columns that are used.
    """

    references: int = 0
    problems: list[NameProblem] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    unknown_assets: list[str] = field(default_factory=list)
    columns: set[tuple[str, str]] = field(default_factory=set)

    @property
    def score(self) -> float:
        """Share of the names that fit; 1 when the query names nothing."""
        return 1.0 if not self.references else max(0.0, 1 - len(self.problems) / self.references)


def nearest(name: str, known: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return the known names most like ``name``, nearest first; ties in the order of the known ones."""
    names = {each.lower(): each for each in known}
    return tuple(names[match] for match in difflib.get_close_matches(name.lower(), names, n=limit, cutoff=0.6))


def unlisted(name: str, assets: Iterable[str]) -> NameProblem:
    """A table or view that the space does not list."""
    known = list(assets)
    last = name.rpartition(".")[2]
    # A right name in a wrong schema is nearer than any other.
    same = [each for each in known if each.rpartition(".")[2] == last]
    return NameProblem(
        "OUTSIDE_SPACE",
        name,
        f"{name} is no table or metric view of the space",
        tuple(same) or nearest(name, known) or nearest_last(last, known),
        fix=f"if the question needs {name}, add it to the space; else say in the instructions which table to use",
        is_outside=True,
    )


def nearest_last(last: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the full names whose last part is most like ``last``."""
    by_last = {full.rpartition(".")[2]: full for full in known}
    return tuple(by_last[name] for name in nearest(last, by_last))


def unlisted_function(name: str, functions: Iterable[str]) -> NameProblem:
    """A function of a catalog that the space does not list."""
    return NameProblem(
        "OUTSIDE_SPACE",
        name,
        f"{name} is no function of the space",
        nearest(name, functions),
        fix=f"if the question needs {name}, add it to the space's functions",
        is_outside=True,
    )


def unknown_column(name: str, asked_of: str, candidates: Iterable[str], asset: SchemaAsset | None) -> NameProblem:
    """A column that no relation in view has; ``asked_of`` is the qualifier, empty when there was none."""
    suggestions = nearest(name.rpartition(".")[2], candidates)
    place = asset.name if asset else asked_of
    last = name.rpartition(".")[2]
    where = f"{place} has no column {last}" if place else f"no table of the query has a column {name}"
    blame: tuple[str, ...] = ()
    fix = None
    if asset is not None:
        blame = (f"{KINDS[asset.kind]} {asset.name}",)
        if suggestions:
            blame = (f"column {asset.name}.{suggestions[0].lower()}",)
            fix = f'add "{last}" to the synonyms of {suggestions[0]} in {asset.name}'
    return NameProblem("wrong_column", name, where, suggestions, blame, fix)


def unknown_qualifier(name: str, candidates: Iterable[str]) -> NameProblem:
    """A dotted name whose first part is neither a table or alias of the query nor a column with fields."""
    first = name.partition(".")[0]
    return NameProblem(
        "wrong_column",
        name,
        f"{name} cannot be resolved: the query has no table, alias or column {first}",
        nearest(first, candidates),
    )


def ambiguous_column(name: str, candidates: Iterable[str]) -> NameProblem:
    """A column name that several relations in view have."""
    meant = tuple(dict.fromkeys(candidates))
    shown = " or ".join(meant) if len(meant) > 1 else f"{meant[0]} of more than one relation" if meant else "several"
    return NameProblem(
        "wrong_column",
        name,
        f"the column {name} is ambiguous: it can be {shown}",
        blame=tuple(f"column {each.lower()}" for each in meant if each.count(".") == 3),
        fix="give an example query of this join that writes the table before the column",
    )


def unknown_field(name: str, part: str, fields: tuple[str, ...], origin: tuple[str, str] | None) -> NameProblem:
    """A field that the column's struct does not have."""
    return NameProblem(
        "wrong_column",
        name,
        f"{name} does not exist: there is no field {part}",
        nearest(part, fields),
        blame=(f"column {'.'.join(origin)}",) if origin else (),
        fix="describe the fields of the column in its description" if origin else None,
    )


def measure_without_call(measure: str, view: str) -> NameProblem:
    """A measure that is read like a column."""
    return NameProblem(
        "wrong_measure",
        measure,
        f"{measure} is a measure of {view} and must stand in MEASURE()",
        blame=(f"metric view {view}",),
        fix=f"add an example query that reads MEASURE({measure}) from {view}",
    )


def measure_of_no_measure(name: str, view: str | None, measures: Iterable[str], *, is_dimension: bool) -> NameProblem:
    """MEASURE() of a dimension, of a column of a plain table, or of something that does not exist."""
    known = list(measures)
    if view is None:
        message = f"MEASURE({name}) asks for a measure, but no metric view is read there"
    elif is_dimension:
        message = f"MEASURE({name}) is called on {name}, which is a dimension of {view} and no measure"
    else:
        message = f"{view} has no measure {name}"
    return NameProblem(
        "wrong_measure",
        name,
        message,
        nearest(name, known) if view else (),
        blame=(f"metric view {view}",) if view else (),
        fix=f"name the measures of {view} in its description, with synonyms" if view else None,
    )


def wrong_arguments(function: SchemaAsset, message: str, suggestions: tuple[str, ...] = ()) -> NameProblem:
    """A call that does not fit the function's parameters."""
    return NameProblem(
        "tvf_parameter_error",
        function.name,
        message,
        suggestions,
        blame=(f"function {function.name}",),
        fix=f"add an example query that calls {function.name} with its parameters",
    )
