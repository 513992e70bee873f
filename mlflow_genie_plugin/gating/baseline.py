"""The versions a gate run is compared with in reports: the parent and the champion, with what changed since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlflow_genie_plugin.errors import GenieError, ModelNotFoundError
from mlflow_genie_plugin.gating.evidence import Collected, collect
from mlflow_genie_plugin.gating.explain import explain, right_by_question
from mlflow_genie_plugin.gating.explanation import Baseline, Explanation
from mlflow_genie_plugin.gating.surroundings import CHAMPION, PARENT
from mlflow_genie_plugin.registry import get_version_by_alias, versions_of_model
from mlflow_genie_plugin.space.diff import diff_spaces

if TYPE_CHECKING:
    from mlflow_genie_plugin.gating.verdict import Verdict


def explained(verdict: Verdict, collected: Collected) -> Explanation:
    """Return why ``verdict`` is what it is, compared with the parent and the champion of the version."""
    return explain(verdict, collected.evidence, collected.rows, baselines_of(collected))


def baselines_of(collected: Collected) -> tuple[Baseline, ...]:
    """Return the parent, then the champion and what the criteria compare with, where those are other versions.

    What cannot be read is a problem of the comparison and said there: no decision looks at it.
    """
    found: dict[str, Baseline] = {}
    try:
        for role, model_id in _references(collected):
            if model_id not in {*found, collected.model.model_id}:
                found[model_id] = _baseline(role, model_id, collected)
    except GenieError as error:
        found[CHAMPION] = Baseline(CHAMPION, "", problem=error.what)
    return tuple(found.values())


def _references(collected: Collected) -> Iterator[tuple[str, str]]:
    if collected.snapshot is not None and collected.snapshot.parent_model_id is not None:
        yield PARENT, collected.snapshot.parent_model_id
    for name in sorted({version.name for version in versions_of_model(collected.model.model_id)}):
        try:
            champion = get_version_by_alias(name, CHAMPION).model_id
        except ModelNotFoundError:
            continue
        if champion is not None:
            yield CHAMPION, champion
    for reference, other in collected.baselines.items():
        yield reference if reference in {PARENT, CHAMPION} else "baseline", other.model.model_id


def _baseline(role: str, model_id: str, collected: Collected) -> Baseline:
    # What a rule was held against is at hand; reading it again could even read something else.
    seen = {one.model.model_id: one for one in collected.baselines.values()}
    try:
        other = seen.get(model_id) or collect(model_id)
    except GenieError as error:
        return Baseline(role, model_id, problem=error.what)
    right = problem = None
    before, now = other.evidence.evaluation, collected.evidence.evaluation
    if before is None:
        problem = other.evidence.evaluation_problem or "its evaluation cannot be read"
    elif now is not None:
        right = right_by_question(before, now)
    diff = None
    if other.snapshot is None:
        problem = other.evidence.model_problem
    elif collected.snapshot is not None:
        diff = diff_spaces(other.snapshot.config, collected.snapshot.config)
    return Baseline(role, model_id, other.model.name, right, diff, problem or "")
