"""Giving each difference between two queries its blame and its fix."""

from __future__ import annotations

from dataclasses import replace

from mlflow_genie_plugin.evaluation.blame.blame import Blame
from mlflow_genie_plugin.evaluation.blame.configuration import Configuration
from mlflow_genie_plugin.evaluation.blame.rules import BY_FACET, by_example
from mlflow_genie_plugin.evaluation.blame.words import unknown_words
from mlflow_genie_plugin.evaluation.facets.facet import Facet, FacetDiff
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.shape import (
    EXAMPLE,
    label_of,
)

# Parts that no synonym can bring in.
_NOT_BY_WORDS = frozenset({"joins", "function_arguments", "ranking"})


def with_blame(
    diff: FacetDiff, config: SpaceConfig | None, question: str, schema: SpaceSchema | None = None
) -> FacetDiff:
    """Return the differences with what in the configuration is to blame for each that changes what is asked for.

    A column that the answer made up, by what the schema knows, is not blamed.
    """
    if config is None or not diff.faults:
        return diff
    reader = Configuration(config, schema)
    differing = []
    for facet in diff.differing:
        found = Blame() if facet.is_presentational else _blame(facet, reader, question)
        differing.append(replace(facet, blame=found.items, fix=found.fix))
    return replace(diff, differing=tuple(differing))


def blame_of(facet: Facet, config: SpaceConfig, question: str) -> Blame:
    """Return what in the configuration is to blame for one difference between the queries.

    Args:
        facet: The difference.
        config: The space's configuration.
        question: The question that was asked, to find words that the configuration does not know.
    """
    return _blame(facet, Configuration(config), question)


def _blame(facet: Facet, config: Configuration, question: str) -> Blame:
    example = config.example_for(question)
    if example is not None:
        named = f"example SQL {label_of(EXAMPLE, example)!r}"
        return Blame((named,), "make the example SQL for this question right, or remove it")
    found = BY_FACET.get(facet.name, by_example)(facet, config, question)
    unknown = unknown_words(question, config.words)
    # Words explain what the answer left out, not what it added or what the space itself says wrongly.
    is_misled = facet.expected is None or "correct it" in (found.fix or "")
    if unknown and not is_misled and facet.name not in _NOT_BY_WORDS:
        words = ", ".join(f"'{word}'" for word in unknown)
        noun = "synonym" if len(unknown) == 1 else "synonyms"
        target = next((item for item in found.items if item.startswith(("column ", "filter ", "measure "))), None)
        fix = f"add {words} as {noun} of the {target}" if target is not None else found.fix
        return Blame((*found.items, f"no synonym for {words}"), fix)
    return found
