"""From settings and options to someone who gives opinions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.llm.chat import ChatEndpoint, chat_url
from mlflow_genie_plugin.evaluation.llm.model import PromptedModel
from mlflow_genie_plugin.evaluation.llm.recorded import ARBITER
from mlflow_genie_plugin.evaluation.llm.request import MODES
from mlflow_genie_plugin.evaluation.prompts import JUDGE_PROMPTS, production_prompt
from mlflow_genie_plugin.settings import Settings, resolve_settings
from mlflow_genie_plugin.workspace.scrub import Scrubber

_OPENAI, _DATABRICKS = "openai", "databricks"
_HOW = (
    "set GENIE_LLM_MODEL to databricks:/ENDPOINT (a serving endpoint of the workspace), or to openai:/MODEL with "
    "GENIE_LLM_URL, the base address of an OpenAI-compatible service"
)


def parse_modes(texts: Iterable[str], judges: Iterable[str]) -> dict[str, str]:
    """Return judge → mode from ``MODE`` (all judges that have a prompt) and ``JUDGE=MODE`` texts; later ones win.

    Args:
        texts: As they were written.
        judges: Who judges; the arbiter always may.

    Raises:
        UsageError: An unknown mode, a judge that asks no model, or one that does not judge.
    """
    judging = {ARBITER, *judges}
    running = [judge for judge in JUDGE_PROMPTS if judge in judging]
    modes: dict[str, str] = {}
    for text in texts:
        judge, equals, mode = text.partition("=")
        judge, mode = (judge.strip(), mode.strip()) if equals else ("", text.strip())
        if mode not in (*MODES, "off"):
            raise UsageError(
                f"--llm {text!r}: {mode!r} is no mode", next_step="use explain, settle or off, or JUDGE=explain"
            )
        if judge and judge not in JUDGE_PROMPTS:
            raise UsageError(
                f"--llm {text!r}: {judge!r} asks no language model", next_step=f"use {', '.join(JUDGE_PROMPTS)}"
            )
        if judge and judge not in running:
            raise UsageError(
                f"--llm {text!r}: {judge} does not judge here", next_step=f"add --judge {judge}, or leave it out"
            )
        modes.update(dict.fromkeys([judge] if judge else running, mode))
    return {judge: mode for judge, mode in modes.items() if mode != "off"}


def prompted_model(
    modes: Mapping[str, str],
    *,
    rows: bool = False,
    model: str | None = None,
    uc_schema: str | None = None,
    profile: str | None = None,
    target: str | None = None,
    settings: Settings | None = None,
) -> PromptedModel:
    """Return the model that the settings name, with the prompts that are in production.

    Args:
        modes: Judge → ``explain`` or ``settle``.
        rows: Whether result rows and Genie's text may be sent to it.
        model: ``openai:/MODEL`` or ``databricks:/ENDPOINT``; default: GENIE_LLM_MODEL.
        uc_schema: Where the prompts are registered; default: GENIE_PROMPTS_SCHEMA.
        profile: Databricks profile, for a serving endpoint.
        target: Target of databricks.yml, for a serving endpoint.
        settings: Default: from the environment.

    Raises:
        UsageError: No model is configured.
        NotSignedInError: No credentials for the serving endpoint.
        TrackingUnavailableError: The registry does not say which prompts are in production.
    """
    settings = settings or resolve_settings()
    endpoint = chat_endpoint(model or settings.llm_model, settings, profile=profile, target=target)
    schema = uc_schema or settings.prompts_schema
    prompts = {judge: production_prompt(judge, schema) for judge in modes}
    return PromptedModel(endpoint, dict(modes), prompts, rows)


def chat_endpoint(
    model: str, settings: Settings, *, profile: str | None = None, target: str | None = None
) -> ChatEndpoint:
    """Return the endpoint of a model, named as ``openai:/MODEL`` or ``databricks:/ENDPOINT``.

    Raises:
        UsageError: No model, another kind of model, or no address for it.
        NotSignedInError: No credentials for the serving endpoint.
    """
    kind, _, name = model.partition(":/")
    name = name.strip("/")
    if kind == _DATABRICKS and name:
        return _serving_endpoint(name, settings, profile, target)
    if kind != _OPENAI or not name:
        what = f"the language model is {model!r}" if model else "no language model is configured"
        raise UsageError(what, next_step=_HOW)
    if not settings.llm_url:
        raise UsageError(f"there is no address for the language model {model}", next_step=_HOW)
    parts = urlsplit(settings.llm_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        # Not repeated: it may hold a password.
        raise UsageError(
            "GENIE_LLM_URL is not an http(s) address without user and password",
            next_step="for example https://llm.example.com/v1; the key goes into GENIE_LLM_API_KEY",
        )
    key = settings.llm_api_key
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return ChatEndpoint(
        model=f"{_OPENAI}:/{name}",
        url=chat_url(settings.llm_url),
        headers=lambda: headers,
        body={"model": name},
        timeout_seconds=settings.llm_timeout_seconds,
        deadline_seconds=settings.llm_deadline_seconds,
        concurrency=settings.llm_concurrency,
        scrubber=Scrubber([key, settings.llm_url]),
    )


def _serving_endpoint(name: str, settings: Settings, profile: str | None, target: str | None) -> ChatEndpoint:
    from urllib.parse import quote

    from mlflow_genie_plugin.workspace.sign_in import signer

    signed = signer(profile, target)
    return ChatEndpoint(
        model=f"{_DATABRICKS}:/{name}",
        url=f"{signed.host}/serving-endpoints/{quote(name, safe='')}/invocations",
        headers=signed.headers,
        timeout_seconds=settings.llm_timeout_seconds,
        deadline_seconds=settings.llm_deadline_seconds,
        concurrency=settings.llm_concurrency,
        scrubber=signed.scrubber,
    )
