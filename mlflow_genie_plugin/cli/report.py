"""``mlflow-genie report``: one page about the latest gate run of a version."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say
from mlflow_genie_plugin.errors import ExitCode

if TYPE_CHECKING:
    from mlflow_genie_plugin.gating.html_report.tell import Told

_DEFAULT = "genie-report.html"


@click.command()
@click.argument("model")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help=f"The file to write; - for standard output. Default: {_DEFAULT}",
)
@click.option(
    "--stage",
    type=click.Choice(["candidate", "experiment", "production"]),
    default=None,
    help="The stage of the gate run; default: that of the latest one.",
)
@click.option(
    "--rows",
    type=click.Choice(["sample", "none"]),
    default="sample",
    help="Show the first 20 rows of results that are stored, or none: they are your data.",
)
@click.option(
    "--criteria",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Criteria for a version that no gate run has decided on; default: gates/criteria.yaml, then the packaged one.",
)
@command
def report(
    model: str, output: Path | None, stage: str | None, rows: str, criteria: Path | None, as_json: bool
) -> ExitCode | None:
    """Write one HTML page about the latest gate run of MODEL: why it passed or not, question by question.

    The page needs no script and no network. A version without a gate run is decided for the page only; nothing is
    written to MLflow. With --json, everything is listed as JSON, and a page is written only with -o.
    """
    from dataclasses import replace

    from mlflow_genie_plugin.gating.html_report.page import report_page
    from mlflow_genie_plugin.gating.html_report.tell import tell

    told = tell(model, stage, criteria=criteria, folder=Path.cwd())
    if as_json:
        emit_json(_as_json(told))
        if output is None:
            return None
    page = report_page(replace(told.sheet, rows=rows == "sample"))
    _write(output or Path(_DEFAULT), page, quiet=as_json)
    return None


def _write(output: Path, page: bytes, *, quiet: bool) -> None:
    from mlflow_genie_plugin.atomic_files import write_bytes_atomically

    if str(output) == "-":
        sys.stdout.buffer.write(page)
        sys.stdout.buffer.flush()
        return
    write_bytes_atomically(output, page)
    say(f"{len(page):,} bytes; open it in a browser, it needs no network")
    if not quiet:
        emit(str(output))


def _as_json(told: Told) -> dict[str, Any]:
    from mlflow_genie_plugin.gating.phrases import cause_line

    verdict, explanation = told.sheet.verdict, told.sheet.explanation
    return {
        "outcome": verdict.outcome.value,
        "model_id": verdict.model["model_id"],
        "stage": verdict.stage,
        "gate_run_id": told.gate_run_id,
        "next": told.sheet.next_step,
        "not_passed": {result.gate: result.reason for result in verdict.not_passed()},
        "changed_since": [
            {
                "role": baseline.role,
                "model_id": baseline.model_id,
                "problem": baseline.problem or None,
                "diff": baseline.diff.to_json() if baseline.diff is not None else None,
            }
            for baseline in explanation.baselines
        ],
        "causes": [
            {"item": cause.item, "text": cause_line(cause, explanation), "fix": cause.fix, "questions": cause.questions}
            for cause in explanation.causes
        ],
        "questions": {
            group.value: [
                {
                    "question_id": item.question_id,
                    "priority": item.observed.priority,
                    "question": item.observed.question,
                    "judge": item.judge or None,
                    "reason": item.reason,
                    "gates": item.gates,
                }
                for item in items
            ]
            for group, items in explanation.groups.items()
        },
    }
