"""``mlflow-genie lineage``: the chain of versions a model comes from."""

from __future__ import annotations

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say
from mlflow_genie_plugin.errors import ExitCode


@click.command()
@click.argument("model")
@click.option("--no-verify", is_flag=True, help="Do not hold each version's files against its recorded hashes.")
@command
def lineage(model: str, no_verify: bool, as_json: bool) -> ExitCode:
    """Show MODEL and its ancestors, newest first; exit 1 when the chain is broken or a version was changed."""
    from mlflow_genie_plugin.gating.manifest import STAGES
    from mlflow_genie_plugin.gating.mark import read_mark
    from mlflow_genie_plugin.snapshot.lineage import lineage as chain_of
    from mlflow_genie_plugin.snapshot.lineage import verify_chain

    links = chain_of(model)
    if not no_verify:
        links = verify_chain(links)
    problems = [link for link in links if link.problem]
    if as_json:
        emit_json({"models": [link.to_json() for link in links], "problems": len(problems)})
        return ExitCode.NO if problems else ExitCode.OK
    for link in links:
        facts = link.to_json()
        iteration = "?" if facts["iteration"] is None else facts["iteration"]
        config, behaviour = ((facts[key] or "?")[:12] for key in ("config_sha256", "behaviour_sha256"))
        emit(f"{link.model_id}  iteration {iteration}  config {config}  behaviour {behaviour}")
        for stage in STAGES:
            if mark := read_mark(facts["tags"], stage):
                emit(f"    gate {stage}: {mark.verdict}, by its tag; mlflow-genie verify proves it")
        if link.problem:
            emit(f"    problem: {link.problem}")
    say(f"versions: {len(links)}, problems: {len(problems)}")
    return ExitCode.NO if problems else ExitCode.OK
