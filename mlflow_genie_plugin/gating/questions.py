"""Whether the right questions were asked: those of the trusted benchmarks, and none lost that the champion had."""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_genie_plugin.errors import EvaluationNotFoundError, GenieError, ModelNotFoundError
from mlflow_genie_plugin.gating.checks import Check, checked
from mlflow_genie_plugin.gating.evaluation_run import BENCHMARKS_ARTIFACT, STATUS_TAG
from mlflow_genie_plugin.gating.evidence import Collected, collect, evaluation_runs
from mlflow_genie_plugin.gating.outcome import Outcome, some
from mlflow_genie_plugin.gating.standing import SCOPE_TAG
from mlflow_genie_plugin.gating.verdict import FULL
from mlflow_genie_plugin.registry import (
    download_run_artifact,
    get_model,
    get_version_by_alias,
    resolve_model,
    search_models,
    versions_of_model,
)

CHAMPION = "champion"
# Each ancestor is one request; a longer line of versions is looked at as far as this.
_MOST_ANCESTORS = 100
_FIELDS = ("question", "expected_sql", "expected_asset", "priority", "split", "ordered")


def benchmarks_check(collected: Collected, trusted: bytes, shown: str) -> Check:
    """Hold the benchmark set that was asked against the trusted one, question by question.

    Args:
        collected: The evaluation.
        trusted: The bytes of the trusted benchmarks file.
        shown: Its name.

    Raises:
        InvalidBenchmarksError: The trusted file is no benchmark set.
    """
    from mlflow_genie_plugin.evaluation.benchmark import parse_benchmarks

    name, evaluation = "benchmarks", collected.evidence.evaluation
    wanted = parse_benchmarks(trusted, what=shown)
    if evaluation is None or collected.run is None:
        return Check(name, Outcome.UNDECIDED, "there is no evaluation whose questions could be compared")
    if evaluation.stored_benchmarks_sha256 == wanted.sha256 == evaluation.benchmarks_sha256:
        return Check(name, Outcome.PASSED, f"the {len(wanted.benchmarks)} questions asked are those of {shown}")
    try:
        stored = download_run_artifact(collected.run.run_id, BENCHMARKS_ARTIFACT, EvaluationNotFoundError)
        asked = {item.id: item for item in parse_benchmarks(stored).benchmarks}
    except GenieError as error:
        return Check(name, Outcome.FAILED, f"the benchmark set of the run cannot be read: {error.what}")
    trusted_ids = {item.id: item for item in wanted.benchmarks}
    differing = [
        f"{key} ({', '.join(field.replace('_', ' ') for field in fields)})"
        for key in sorted(asked.keys() & trusted_ids.keys())
        if (fields := [field for field in _FIELDS if getattr(asked[key], field) != getattr(trusted_ids[key], field)])
    ]
    groups = (
        ("not asked", sorted(trusted_ids.keys() - asked.keys())),
        ("not among them", sorted(asked.keys() - trusted_ids.keys())),
        ("asked otherwise", differing),
    )
    wrong = [f"{what}: {some(found)}" for what, found in groups if found] or ["other columns, tags or notes"]
    return Check(name, Outcome.FAILED, f"the questions asked are not those of {shown}; {'; '.join(wrong)}")


def champion_check(collected: Collected, reference: str | None = None) -> Check:
    """Say whether P0 questions or their number were lost against the champions of this version.

    Args:
        collected: The evaluation.
        reference: A champion the verifier names; others are found by alias (of the registered models of this version
            and of those it comes from) and by stage (versions of the same space in production).

    Raises:
        ModelNotFoundError: There is no such champion.
    """
    name, evaluation = "champion's questions", collected.evidence.evaluation
    problems, seen = [], []
    named = () if reference is None else (resolve_model(reference).model_id,)
    for champion in dict.fromkeys((*named, *_champions(collected))):
        if champion == collected.model.model_id:
            continue
        seen.append(champion)
        before = _full_evaluation(champion).evidence.evaluation
        if before is None or before.p0 is None or evaluation is None or evaluation.p0 is None:
            return Check(name, Outcome.UNDECIDED, f"the questions of champion {champion} cannot be read")
        if gone := sorted(set(before.p0) - set(evaluation.p0)):
            problems.append(f"P0 questions of champion {champion} are gone: {some(gone)}")
        if evaluation.planned_count < before.planned_count:
            problems.append(f"{evaluation.planned_count} questions, champion {champion} had {before.planned_count}")
    if problems:
        problems[-1] += "; if they were taken out on purpose, evaluate the champion on the new set"
    return checked(name, problems, f"none lost against {some(seen)}" if seen else "there is no champion to lose any")


def _champions(collected: Collected) -> Iterator[str]:
    model, line = collected.model, [collected.model.model_id]
    while len(line) <= _MOST_ANCESTORS:
        try:
            parent = get_model(line[-1]).params.get("parent_model_id", "none")
            if parent == "none" or parent in line:
                break
            line.append(get_model(parent).model_id)
        except ModelNotFoundError:
            break
    for registered in sorted({version.name for member in line for version in versions_of_model(member)}):
        try:
            champion = get_version_by_alias(registered, CHAMPION).model_id
        except ModelNotFoundError:
            continue
        if champion is not None:
            yield champion
    same_space = {"space_id": collected.evidence.space_id}
    for record in search_models(experiment_ids=[model.experiment_id], params=same_space, tags={"stage": "production"}):
        yield record.model_id


def _full_evaluation(model_id: str) -> Collected:
    """Collect the latest evaluation of all questions: one of a part says nothing about how many there are."""
    model = get_model(model_id)
    runs = (run for run in evaluation_runs(model) if run.tags.get(STATUS_TAG) == "complete")
    full = next((run.run_id for run in runs if run.tags.get(SCOPE_TAG, FULL) == FULL), None)
    return collect(model, full)
