"""The prompts of the judges' language model: the packaged texts, and the version that an evaluation uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import UsageError

PREFIX = "genie_opt_"
ALIAS = "production"
JUDGE_PROMPTS = ("schema_accuracy", "logical_accuracy", "semantic_equivalence", "completeness", "arbiter")
OPTIMIZER_PROMPTS = (*JUDGE_PROMPTS, "introspection_cluster")
INLINE = "inline"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt text. ``version`` is its number in the registry, or ``inline`` for the packaged text."""

    key: str
    name: str
    version: str
    text: str

    @property
    def sha256(self) -> str:
        return sha256_of_bytes(self.text.encode())

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"


@cache
def packaged_text(key: str) -> str:
    """Return the text that comes with this version of the package.

    Raises:
        UsageError: There is no such prompt.
    """
    if key not in OPTIMIZER_PROMPTS:
        raise UsageError(f"there is no prompt {key!r}", next_step=f"the prompts are {', '.join(OPTIMIZER_PROMPTS)}")
    text = files("mlflow_genie_plugin.evaluation").joinpath("prompt_texts", f"{key}.txt").read_text(encoding="utf-8")
    return text.strip()


def prompt_name(key: str, uc_schema: str | None = None) -> str:
    """Return the registered name: ``genie_opt_KEY``, below ``CATALOG.SCHEMA`` where one is given.

    Raises:
        UsageError: The schema does not have two parts.
    """
    if not uc_schema:
        return PREFIX + key
    if len(uc_schema.split(".")) != 2 or not all(part.strip() for part in uc_schema.split(".")):
        raise UsageError(f"{uc_schema!r} is not CATALOG.SCHEMA", next_step="for example --prompts-schema main.genie")
    return f"{uc_schema}.{PREFIX}{key}"


def packaged_prompt(key: str, uc_schema: str | None = None) -> Prompt:
    """Return the packaged prompt under the name it would have in the registry."""
    return Prompt(key, prompt_name(key, uc_schema), INLINE, packaged_text(key))


def production_prompt(key: str, uc_schema: str | None = None) -> Prompt:
    """Return the prompt that an evaluation uses: the registry's production version, or else the packaged text.

    Raises:
        TrackingUnavailableError: The registry cannot be reached; an outage never selects another text.
    """
    from mlflow_genie_plugin.registry.prompts import get_prompt_by_alias

    found = get_prompt_by_alias(prompt_name(key, uc_schema), ALIAS)
    if found is None:
        return packaged_prompt(key, uc_schema)
    return Prompt(key, found.name, str(found.version), found.text)


def collect_prompt_versions(uc_schema: str | None = None, keys: Iterable[str] = JUDGE_PROMPTS) -> dict[str, int | str]:
    """Return judge prompt → version that ``production`` names now, or ``"inline"`` where there is no such prompt.

    Raises:
        TrackingUnavailableError: The registry cannot be reached, so nobody knows.
    """
    found = {key: production_prompt(key, uc_schema).version for key in keys}
    return {key: version if version == INLINE else int(version) for key, version in found.items()}
