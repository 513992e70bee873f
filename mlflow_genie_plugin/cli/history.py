"""``mlflow-genie history``: every evaluation and every verdict of a version, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say

if TYPE_CHECKING:
    from mlflow_genie_plugin.gating.history import Event, History


@click.command()
@click.argument("model")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many to show.")
@command
def history(model: str, limit: int, as_json: bool) -> None:
    """Show what became of MODEL: every evaluation and every verdict, with who, commit and CI run.

    They are runs of their own and stay when a tag is taken off the model. --json shows all of them.
    """
    from mlflow_genie_plugin.gating.history import history as history_of
    from mlflow_genie_plugin.registry import resolve_model

    found = history_of(resolve_model(model), limit=None if as_json else limit)
    if as_json:
        emit_json(
            {
                "model_id": found.model_id,
                "name": found.name,
                "evaluations": found.evaluations,
                "verdicts": dict(found.verdicts),
                "events": [event.to_json() for event in found.events],
            }
        )
        return
    emit(_heading(found))
    for event in found.events:
        for line in _lines(event):
            emit(line)
    total = found.evaluations + sum(found.verdicts.values())
    if total > len(found.events):
        say(f"{total - len(found.events)} older ones; --limit {total} or --json shows them")


def _heading(found: History) -> str:
    from mlflow_genie_plugin.gating.outcome import count

    verdicts = ", ".join(f"{number} for {stage}" for stage, number in found.verdicts.items())
    said = f"{count(found.evaluations, 'evaluation')}, {count(sum(found.verdicts.values()), 'verdict')}"
    return f"{found.model_id} ({found.name}): {said}" + (f" ({verdicts})" if verdicts else "")


def _lines(event: Event) -> list[str]:
    from mlflow_genie_plugin.gating.text import plain, wrapped

    what = f"verdict {event.stage}" if event.kind == "verdict" else "evaluation"
    scope = f"scope {event.scope}" if event.scope else ""
    head = f"  {event.at[:16].replace('T', ' ')}  {what} {event.attempt}: {event.outcome}"
    facts = [
        scope,
        f"run {event.run_id}",
        f"by {event.by}" if event.by else "",
        f"commit {event.commit[:12]}" if event.commit else "",
        f"on evaluation {event.evaluation_run_id}" if event.evaluation_run_id else "",
        f"waived {', '.join(event.waived)}" if event.waived else "",
        "deleted" if event.deleted else "",
        event.ci_url or "",
    ]
    lines = [plain(head), *wrapped("      " + plain(", ".join(fact for fact in facts if fact)), indent="      ")]
    if event.problem:
        lines.extend(wrapped(f"      not to be believed: {plain(event.problem)}", indent="      "))
    return lines
