"""``mlflow-genie prompts``: the prompts of the judges' language model in MLflow's Prompt Registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say
from mlflow_genie_plugin.errors import UsageError

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.prompt_registration import PlannedPrompt

_SCHEMA = click.option(
    "--prompts-schema",
    "uc_schema",
    metavar="CATALOG.SCHEMA",
    help="Schema of the prompts, where the registry is Unity Catalog. Default: GENIE_PROMPTS_SCHEMA.",
)
_DOES = {
    "register": "new version, becomes production",
    "set alias": "version {version} becomes production",
    "unchanged": "version {version}, unchanged",
    "keep yours": "production is version {production}, a text of yours; it stays",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def prompts() -> None:
    """Register and look at the prompts that judges ask a language model with."""


@prompts.command()
@click.option("-d", "--domain", default="", help="What the space is about; a tag of the prompts.")
@click.option("--experiment", help="Experiment of the run that keeps the texts; made when missing.")
@_SCHEMA
@click.option(
    "--replace", "replace_own", is_flag=True, help="Also replace a production prompt that is a text of yours."
)
@click.option("--dry-run", is_flag=True, help="Say what would be registered; write nothing.")
@command
def register(
    domain: str, experiment: str | None, uc_schema: str | None, *, replace_own: bool, dry_run: bool, as_json: bool
) -> None:
    """Register the packaged prompts with alias production, and keep their texts in a run.

    Doing it again changes nothing. The prompts need not be registered to be used: an evaluation takes the production
    version where there is one, and the packaged text ("inline") where there is none.
    """
    from mlflow_genie_plugin.evaluation.prompt_registration import plan_registration, register_prompts

    schema = _schema(uc_schema)
    if dry_run:
        planned = plan_registration(schema, replace_own=replace_own)
        if as_json:
            emit_json({item.prompt.key: {"name": item.prompt.name, "action": item.action} for item in planned})
        else:
            _tell(planned)
            say("Nothing was written.")
        return
    done = register_prompts(experiment, domain, schema, replace_own=replace_own)
    if as_json:
        emit_json({"prompts": done.prompts, "run_id": done.run_id})
        return
    _tell(done.planned)
    say(f"The texts are artifacts of run {done.run_id}.")


@prompts.command(name="list")
@_SCHEMA
@command
def list_prompts(uc_schema: str | None, *, as_json: bool) -> None:
    """Show which version of each prompt an evaluation would use now."""
    from mlflow_genie_plugin.evaluation.prompts import OPTIMIZER_PROMPTS, packaged_text, production_prompt

    found = [production_prompt(key, _schema(uc_schema)) for key in OPTIMIZER_PROMPTS]
    if as_json:
        emit_json(
            [
                {
                    "prompt": item.key,
                    "name": item.name,
                    "version": item.version,
                    "sha256": item.sha256,
                    "is_packaged_text": item.text == packaged_text(item.key),
                }
                for item in found
            ]
        )
        return
    for item in found:
        own = "" if item.text == packaged_text(item.key) else "  (a text of yours)"
        emit(f"{item.key:<22}  {item.version:>6}  {item.name}{own}")
    if any(item.version == "inline" for item in found):
        say("inline: not registered; the packaged text is used. Register it: mlflow-genie prompts register")


@prompts.command()
@click.argument("prompt")
@click.option("--version", type=click.IntRange(min=1), help="A registered version. Default: production, else packaged.")
@click.option("--packaged", is_flag=True, help="The text that comes with this package.")
@_SCHEMA
@command
def show(prompt: str, version: int | None, uc_schema: str | None, *, packaged: bool, as_json: bool) -> None:
    """Print the text of PROMPT, for example completeness."""
    if version is not None and packaged:
        raise UsageError("--version and --packaged exclude each other", next_step="give one of them")
    from mlflow_genie_plugin.evaluation.prompts import Prompt, packaged_prompt, production_prompt

    schema, key = _schema(uc_schema), _key(prompt)
    found = packaged_prompt(key, schema)
    if version is not None:
        from mlflow_genie_plugin.registry.prompts import get_prompt

        record = get_prompt(found.name, version)
        found = Prompt(key, record.name, str(record.version), record.text)
    elif not packaged:
        found = production_prompt(key, schema)
    if as_json:
        emit_json({"prompt": key, "name": found.name, "version": found.version, "text": found.text})
        return
    say(found.label)
    emit(found.text)


@prompts.command()
@click.argument("prompt")
@_SCHEMA
@command
def versions(prompt: str, uc_schema: str | None, *, as_json: bool) -> None:
    """Show every registered version of PROMPT, newest first."""
    from datetime import UTC, datetime

    from mlflow_genie_plugin.clock import iso_utc
    from mlflow_genie_plugin.evaluation.prompts import ALIAS, packaged_text, prompt_name
    from mlflow_genie_plugin.registry.prompts import prompt_versions

    key = _key(prompt)
    name = prompt_name(key, _schema(uc_schema))
    rows: list[dict[str, Any]] = [
        {
            "version": item.version,
            "aliases": list(item.aliases),
            "created_at": None if item.created is None else iso_utc(datetime.fromtimestamp(item.created / 1000, UTC)),
            "is_packaged_text": item.text == packaged_text(key),
            "tags": item.tags,
        }
        for item in prompt_versions(name, ALIAS)
    ]
    if as_json:
        emit_json({"prompt": key, "name": name, "versions": rows})
        return
    for row in rows:
        named = ", ".join(row["aliases"]) or "-"
        emit(f"{row['version']:>4}  {row['created_at'] or '-':<24}  {named:<12}  "
             f"{'packaged text' if row['is_packaged_text'] else 'text of yours'}")  # fmt: skip
    if not rows:
        say(f"{name} is not registered; the packaged text is used. Register it: mlflow-genie prompts register")


def _tell(planned: tuple[PlannedPrompt, ...]) -> None:
    for item in planned:
        does = _DOES[item.action].format(version=item.prompt.version, production=item.production)
        emit(f"{item.prompt.name}: {does}")
    if any(item.action == "keep yours" for item in planned):
        say("--replace makes the packaged text production there.")


def _key(prompt: str) -> str:
    from mlflow_genie_plugin.evaluation.prompts import PREFIX, packaged_text

    key = prompt.rpartition(".")[2].removeprefix(PREFIX)
    packaged_text(key)
    return key


def _schema(uc_schema: str | None) -> str | None:
    from mlflow_genie_plugin.settings import resolve_settings

    return uc_schema or resolve_settings().prompts_schema or None
