"""Registering the packaged prompts in MLflow's Prompt Registry.

Each prompt is stored twice: as a version in the registry (alias ``production``), and as an artifact of the run that
registered it. What a version was evaluated with is then known even where the registry has moved on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.canonical_json import sha256_of_json
from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock, iso_utc
from mlflow_genie_plugin.errors import ConflictError
from mlflow_genie_plugin.evaluation.prompts import (
    ALIAS,
    INLINE,
    JUDGE_PROMPTS,
    OPTIMIZER_PROMPTS,
    PREFIX,
    Prompt,
    packaged_prompt,
    production_prompt,
)

_PACKAGED_TAG = "genie.packaged"
_KIND = "prompt_registration"
_SET_TAG = "genie.prompts_sha256"


@dataclass(frozen=True, slots=True)
class PlannedPrompt:
    """What registering does with one prompt.

    Attributes:
        prompt: The packaged text; ``version`` is the one that holds it already, or ``inline``.
        production: The version that ``production`` names now; None when there is none.
        action: ``register`` a new version, ``unchanged``, ``set alias``, or ``keep yours``: production is a text that
            this package did not register, and it stays.
    """

    prompt: Prompt
    production: int | None
    action: str


@dataclass(frozen=True)
class Registration:
    """What was registered: per prompt its name, version and storage, and the run that holds the texts."""

    prompts: Mapping[str, Mapping[str, Any]]
    run_id: str
    planned: tuple[PlannedPrompt, ...] = field(repr=False, default=())


def plan_registration(uc_schema: str | None = None, *, replace_own: bool = False) -> tuple[PlannedPrompt, ...]:
    """Say what :func:`register_prompts` would do, without writing anything."""
    from mlflow_genie_plugin.registry.prompts import prompt_versions, require_prompt_name

    planned = []
    for key in OPTIMIZER_PROMPTS:
        packaged = packaged_prompt(key, uc_schema)
        require_prompt_name(packaged.name)
        versions = prompt_versions(packaged.name, ALIAS)
        same = next((item for item in versions if item.text == packaged.text), None)
        live = next((item for item in versions if ALIAS in item.aliases), None)
        if same is not None:
            packaged = Prompt(key, packaged.name, str(same.version), packaged.text)
        if same is not None and live is not None and same.version == live.version:
            action = "unchanged"
        elif live is not None and _PACKAGED_TAG not in live.tags and not replace_own:
            action = "keep yours"
        else:
            action = "register" if same is None else "set alias"
        planned.append(PlannedPrompt(packaged, live.version if live else None, action))
    return tuple(planned)


def register_optimizer_prompts(
    experiment_name: str | None = None, domain: str = "", uc_schema: str | None = None
) -> dict[str, dict[str, Any]]:
    """Register all prompts as :func:`register_prompts` does; once, when an optimization begins.

    Returns:
        Per prompt ``{"name", "version", "storage"}``: the version that ``production`` names now.
    """
    return {key: dict(facts) for key, facts in register_prompts(experiment_name, domain, uc_schema).prompts.items()}


def register_prompts(
    experiment_name: str | None = None,
    domain: str = "",
    uc_schema: str | None = None,
    *,
    replace_own: bool = False,
    clock: Clock = SYSTEM_CLOCK,
) -> Registration:
    """Register the packaged prompts with alias ``production``, and keep their texts as artifacts of a run.

    Doing it again changes nothing: a text that is registered keeps its version, and the run of the same texts is found
    again. A production prompt of your own (any text that this package did not register) stays what it is.

    Args:
        experiment_name: Where the run goes; created when missing. Default: the current experiment.
        domain: What the space is about; a tag of the prompts and a param of the run.
        uc_schema: ``CATALOG.SCHEMA``, required where the registry is Unity Catalog.
        replace_own: Also move the alias away from a production prompt of your own.
        clock: For the run's name and date.

    Returns:
        The version of each prompt that ``production`` names now, and the run.

    Raises:
        UsageError: The name cannot be registered there, or a model has it.
        ConflictError: The alias was moved by someone else meanwhile.
        TrackingUnavailableError, TrackingRefusedError: The registry cannot be reached, or refuses.
    """
    from mlflow_genie_plugin.registry.experiments import experiment_named
    from mlflow_genie_plugin.registry.prompts import get_prompt_by_alias, register_prompt, set_prompt_alias

    experiment_id = experiment_named(experiment_name)
    planned = plan_registration(uc_schema, replace_own=replace_own)
    registered: dict[str, dict[str, Any]] = {}
    for item in planned:
        prompt, wanted = item.prompt, item.production
        if item.action in ("register", "set alias"):
            wanted = int(prompt.version) if prompt.version != INLINE else None
            if wanted is None:
                wanted = register_prompt(prompt.name, prompt.text, _tags(prompt, domain), experiment_id)
            set_prompt_alias(prompt.name, ALIAS, wanted)
        live = get_prompt_by_alias(prompt.name, ALIAS)
        if live is None or live.version != wanted:
            seen = "nothing" if live is None else f"version {live.version}"
            raise ConflictError(
                f"production of prompt {prompt.name} was set to version {wanted}, but names {seen} now",
                next_step="find out who else registers prompts, then run the command again",
            )
        registered[prompt.key] = {"name": prompt.name, "version": live.version, "storage": "prompt_registry"}
    return Registration(registered, _keep_texts(planned, registered, experiment_id, domain, uc_schema, clock), planned)


def _tags(prompt: Prompt, domain: str) -> dict[str, str]:
    kind = "judge" if prompt.key in JUDGE_PROMPTS else "introspection"
    tags = {"type": kind, _PACKAGED_TAG: prompt.sha256[:12]}
    return {**tags, "domain": domain} if domain else tags


def _keep_texts(
    planned: Iterable[PlannedPrompt],
    registered: Mapping[str, Mapping[str, Any]],
    experiment_id: str,
    domain: str,
    uc_schema: str | None,
    clock: Clock,
) -> str:
    """Return the run that holds exactly these texts, made unless it is there."""
    from mlflow_genie_plugin import registry

    prompts = [production_prompt(item.prompt.key, uc_schema) for item in planned]
    digest = sha256_of_json([[prompt.label, prompt.sha256, domain] for prompt in prompts])
    tags = {"genie.kind": _KIND, _SET_TAG: digest}
    for run in registry.search_runs(experiment_ids=[experiment_id], tags=tags):
        if run.status == "FINISHED":
            return run.run_id
    moment = clock.now()
    run = registry.create_run(f"register_prompts_{moment:%Y%m%d_%H%M%S}", experiment_id=experiment_id, tags=tags)
    texts = {f"judge_prompts/{item.key}/{PREFIX}{item.key}.txt": item.text.encode() for item in prompts}
    registry.log_artifacts(run.run_id, texts)
    registry.log_params(
        run.run_id,
        {
            "num_prompts": len(prompts),
            "prompt_keys": ",".join(item.key for item in prompts),
            "domain": domain,
            "registration_date": iso_utc(moment),
            **{f"prompt.{key}": f"{facts['name']}@{facts['version']}" for key, facts in registered.items()},
        },
    )
    # Last, so that a run that was cut off is not taken for a complete one.
    registry.set_terminated(run.run_id)
    return run.run_id
