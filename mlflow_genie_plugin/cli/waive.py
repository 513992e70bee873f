"""``mlflow-genie waive``: let a gate fail for a while, with an owner, a reason and an end."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlflow_genie_plugin.cli.output import command, say
from mlflow_genie_plugin.cli.signing import carry_out, entry_added, last_day, signing_options


@click.command()
@click.argument("gate")
@click.option("--model-id", required=True, metavar="MODEL|any", help="The version: m-…, models:/…, or any.")
@click.option("--owner", required=True, metavar="NAME", help="Who answers for it.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it shows in every report.")
@click.option(
    "--stage",
    type=click.Choice(["candidate", "experiment", "production"]),
    default=None,
    help="The one stage it counts for; default: every stage.",
)
@signing_options("gates/waivers.yaml", 30)
@command
def waive(
    gate: str,
    model_id: str,
    owner: str,
    reason: str,
    stage: str | None,
    expires: str | None,
    days: int,
    path: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Waive GATE, for example 'threshold[asset_routing]', for one version or any.

    The gate still fails, and every report says until when and on whose word that is accepted. P0 and the gates on the
    evidence itself can never be waived. The entry is appended to gates/waivers.yaml; nothing there is changed.
    """
    from mlflow_genie_plugin.clock import SYSTEM_CLOCK
    from mlflow_genie_plugin.gating.signed import ANY_MODEL
    from mlflow_genie_plugin.gating.signoffs import parse_waivers

    today = SYSTEM_CLOCK.now().date()
    entry = {"gate": gate, "model": model_id, "owner": owner, "reason": reason, "granted": today.isoformat()}
    entry["expires"] = last_day(expires, days, today)
    if stage is not None:
        entry["stage"] = stage
    if model_id != ANY_MODEL:
        from mlflow_genie_plugin.registry import resolve_model

        entry["model"] = resolve_model(model_id).model_id
        say(f"model {entry['model']}")
    signing = entry_added(path, "waivers", entry, lambda data: parse_waivers(data, str(path)))
    _require_allowed(path.parent / "criteria.yaml", signing.after, stage)
    carry_out(signing, entry, dry_run=dry_run, as_json=as_json)


def _require_allowed(criteria_path: Path, data: bytes, stage: str | None) -> None:
    """Refuse a waiver that the criteria beside it would not honour, so that nobody relies on it."""
    from mlflow_genie_plugin.errors import UsageError
    from mlflow_genie_plugin.gating.criteria import read_criteria
    from mlflow_genie_plugin.gating.manifest import STAGES
    from mlflow_genie_plugin.gating.rules.handling import Handling
    from mlflow_genie_plugin.gating.signoffs import parse_waivers

    if not criteria_path.is_file():
        return
    days = parse_waivers(data)[-1].days
    for name in STAGES if stage is None else (stage,):
        for scope, section in read_criteria(criteria_path, name).scopes.items():
            handling = section.find(Handling)
            if handling is not None and days > handling.waiver_days:
                raise UsageError(
                    f"{criteria_path} allows waivers of {handling.waiver_days} days for {name}, scope {scope}; "
                    f"this one runs for {days}",
                    next_step=f"give --days {handling.waiver_days}",
                )
