"""``mlflow-genie attest``: put on record who vouches for a row of the promotion checklist, and where to see it."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlflow_genie_plugin.cli.output import command, say
from mlflow_genie_plugin.cli.signing import carry_out, entry_added, last_day, signing_options


@click.command()
@click.argument("row")
@click.option("--model-id", metavar="MODEL", help="The version it is about: m-… or models:/….")
@click.option("--content-sha256", metavar="HASH", help="Or the content hash it is about, whatever version holds it.")
@click.option("--by", required=True, metavar="NAME", help="Who vouches for it.")
@click.option("--evidence", required=True, metavar="URL", help="Where others can see it.")
@signing_options("gates/attestations.yaml", 90)
@command
def attest(
    row: str,
    model_id: str | None,
    content_sha256: str | None,
    by: str,
    evidence: str,
    expires: str | None,
    days: int,
    path: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Attest ROW of the promotion checklist (for example sample_size) for one version.

    The entry is appended to gates/attestations.yaml; nothing that stands there is changed.
    """
    from mlflow_genie_plugin.clock import SYSTEM_CLOCK
    from mlflow_genie_plugin.errors import UsageError
    from mlflow_genie_plugin.gating.signoffs import parse_attestations

    if (model_id is None) == (content_sha256 is None):
        raise UsageError("an attestation is about one thing", next_step="give --model-id or --content-sha256")
    today = SYSTEM_CLOCK.now().date()
    entry = {"row": row, "by": by, "attested_on": today.isoformat(), "evidence": evidence}
    entry["expires"] = last_day(expires, days, today)
    if content_sha256 is not None:
        entry["content_sha256"] = content_sha256
    if model_id is not None:
        from mlflow_genie_plugin.registry import resolve_model

        # Pinned: an alias that moves must not take the attestation along.
        entry["model_id"] = resolve_model(model_id).model_id
        say(f"model {entry['model_id']}")
    signing = entry_added(path, "attestations", entry, lambda data: parse_attestations(data, str(path)))
    carry_out(signing, entry, dry_run=dry_run, as_json=as_json)
