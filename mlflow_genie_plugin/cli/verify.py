"""``mlflow-genie verify``: the second CI step, which believes neither a tag nor a green pytest."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say
from mlflow_genie_plugin.errors import ExitCode

if TYPE_CHECKING:
    from mlflow_genie_plugin.gating.verify import Verification

_WORDS = {"passed": "ok", "failed": "FAIL", "undecided": "open"}


@click.command()
@click.option("--model-id", required=True, metavar="MODEL", help="The version: m-… or models:/….")
@click.option(
    "--stage",
    type=click.Choice(["candidate", "experiment", "production"]),
    default=None,
    help="The stage of the mark; default: the highest one that is marked.",
)
@click.option(
    "--suite",
    default=None,
    metavar="DIR|GIT_REF[:DIR]",
    help="Trusted gates and criteria; default: gates/ here. In a git ref they stand in gates/.",
)
@click.option(
    "--benchmarks",
    default=None,
    metavar="PATH",
    help="The questions that had to be asked: a file here, or in the commit of --suite.",
)
@click.option("--champion", default=None, metavar="MODEL", help="Another version whose questions may not be lost.")
@click.option(
    "--verdict",
    "verdict_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The verdict.json of a gate run that could not mark.",
)
@click.option("--mark", is_flag=True, help="Write the mark when everything is verified.")
@command
def verify(
    model_id: str,
    stage: str | None,
    suite: str | None,
    benchmarks: str | None,
    champion: str | None,
    verdict_file: Path | None,
    mark: bool,
    as_json: bool,
) -> ExitCode:
    """Recompute from MLflow whether the mark of a version is deserved.

    Exit 0: verified. 1: something is not what it claims to be. 10: it cannot be decided.
    """
    from mlflow_genie_plugin.gating.verify import verify as recompute

    found = recompute(
        model_id,
        stage,
        suite=suite,
        benchmarks=benchmarks,
        champion=champion,
        verdict_file=verdict_file,
        write_mark=mark,
    )
    code = _exit_code(found)
    if as_json:
        emit_json(_as_json(found))
    else:
        for line in _lines(found):
            emit(line)
    if mark and found.published is None:
        say("nothing was marked")
    return code


def _exit_code(found: Verification) -> ExitCode:
    if found.outcome == "failed":
        return ExitCode.NO
    published = found.published
    if found.outcome == "undecided" or (published is not None and (not published.marked or published.problem)):
        return ExitCode.UNDECIDED
    return ExitCode.OK


def _lines(found: Verification) -> list[str]:
    from mlflow_genie_plugin.gating.text import plain, wrapped

    said = {"passed": "verified", "failed": "NOT VERIFIED", "undecided": "UNDECIDED"}[found.outcome]
    lines = [f"{said}: {found.model.model_id} ({found.model.name}) for stage {found.stage}"]
    lines.extend(wrapped(f"trusted suite: {found.suite}"))
    for check in found.checks:
        lines.extend(wrapped(f"  {_WORDS[check.outcome]:<5} {check.name}: {plain(check.found)}", indent="          "))
    lines.extend(line for note in found.notes for line in wrapped(f"note: {plain(note)}", indent="  "))
    if found.published is not None:
        published = found.published
        lines.append(
            f"marked: passed for {found.stage} (gate run {published.run_id})"
            if published.marked
            else f"not marked: {published.problem or 'this identity may only read from MLflow'}"
        )
        if published.marked and published.problem:
            lines.extend(wrapped(f"but not its registered versions: {plain(published.problem)}", indent="  "))
    return lines


def _as_json(found: Verification) -> dict[str, object]:
    published = found.published
    return {
        "outcome": found.outcome.value,
        "model_id": found.model.model_id,
        "stage": found.stage,
        "suite": found.suite,
        "checks": [asdict(check) for check in found.checks],
        "gates": [asdict(result) for result in found.results],
        "notes": list(found.notes),
        "marked": bool(published and published.marked),
        "problem": published.problem if published else "",
        "gate_run_id": published.run_id if published else None,
    }
