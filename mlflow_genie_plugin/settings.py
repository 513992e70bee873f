"""Every environment variable the package reads, with its default, resolved once into a frozen value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlflow_genie_plugin.errors import InvalidSettingError

QUESTIONS_PER_MINUTE = "GENIE_QUESTIONS_PER_MINUTE"
ANSWER_TIMEOUT = "GENIE_ANSWER_TIMEOUT_SECONDS"
READ_BACK_TIMEOUT = "GENIE_READ_BACK_SECONDS"
REQUEST_TIMEOUT = "GENIE_REQUEST_TIMEOUT_SECONDS"
STATEMENT_TIMEOUT = "GENIE_STATEMENT_TIMEOUT_SECONDS"
RATE_LIMIT_WAIT = "GENIE_RATE_LIMIT_WAIT_SECONDS"
PRODUCTION_SPACES = "GENIE_PRODUCTION_SPACES"
STATE_DIR = "GENIE_STATE_DIR"
INLINE_CELLS = "GENIE_INLINE_CELLS"
WHOLE_QUESTIONS = "GENIE_WHOLE_QUESTIONS"
LLM_MODEL = "GENIE_LLM_MODEL"
LLM_URL = "GENIE_LLM_URL"
LLM_API_KEY = "GENIE_LLM_API_KEY"
LLM_TIMEOUT = "GENIE_LLM_TIMEOUT_SECONDS"
LLM_DEADLINE = "GENIE_LLM_DEADLINE_SECONDS"
LLM_CONCURRENCY = "GENIE_LLM_CONCURRENCY"
PROMPTS_SCHEMA = "GENIE_PROMPTS_SCHEMA"


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process behaves; see docs/settings.md.

    Attributes:
        questions_per_minute: Quota shared by all processes of this machine per workspace host; 0 means no quota.
            5 is what Databricks documents for the API.
        answer_timeout_seconds: How long one question may take before it counts as timed out.
        read_back_seconds: How long a write may stay invisible before it is reported as unverified (reads lag writes).
        request_timeout_seconds: Limit for one HTTP request. Long on purpose: the SDK sends a POST that timed out again,
            which would create or ask twice.
        statement_timeout_seconds: How long one statement that an evaluation runs on a warehouse may take; then it is
            cancelled.
        rate_limit_wait_seconds: How long one question keeps waiting while the workspace answers "slow down".
        production_spaces: Space ids that are production whatever the registry says.
        state_dir: Where locks and journals live; shared by all processes of the user.
        inline_cells: How many cells of result rows an evaluation's result file may hold; with more, the rows go into a
            Parquet file beside it.
        whole_questions: How many questions an evaluation may have for its result file to be read whole by the gates;
            with more, its scores go into a Parquet file as well, and the gates decide from that.
        llm_model: Language model of judges, ``openai:/MODEL`` or ``databricks:/ENDPOINT``; empty: none.
        llm_url: Base address of an OpenAI-compatible service.
        llm_api_key: Its key; never shown, logged or stored.
        llm_timeout_seconds: Limit for one request to it.
        llm_deadline_seconds: Limit for one opinion, with all its tries and pauses.
        llm_concurrency: How many requests to language models this process has open at once.
        prompts_schema: ``CATALOG.SCHEMA`` where the judges' prompts are registered; empty: without a schema.
    """

    questions_per_minute: float = 5.0
    answer_timeout_seconds: float = 600.0
    read_back_seconds: float = 60.0
    request_timeout_seconds: float = 300.0
    statement_timeout_seconds: float = 120.0
    rate_limit_wait_seconds: float = 900.0
    production_spaces: frozenset[str] = frozenset()
    state_dir: Path = Path()
    inline_cells: int = 250_000
    whole_questions: int = 2_000
    llm_model: str = ""
    llm_url: str = field(default="", repr=False)
    llm_api_key: str = field(default="", repr=False)
    llm_timeout_seconds: float = 60.0
    llm_deadline_seconds: float = 180.0
    llm_concurrency: int = 4
    prompts_schema: str = ""


def resolve_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environ`` (the process environment by default).

    Raises:
        InvalidSettingError: A value is not a number, is negative or not finite.
    """
    env = os.environ if environ is None else environ
    default = Settings()
    return Settings(
        questions_per_minute=_number(env, QUESTIONS_PER_MINUTE, default.questions_per_minute, zero_allowed=True),
        answer_timeout_seconds=_number(env, ANSWER_TIMEOUT, default.answer_timeout_seconds),
        read_back_seconds=_number(env, READ_BACK_TIMEOUT, default.read_back_seconds),
        request_timeout_seconds=_number(env, REQUEST_TIMEOUT, default.request_timeout_seconds),
        statement_timeout_seconds=_number(env, STATEMENT_TIMEOUT, default.statement_timeout_seconds),
        rate_limit_wait_seconds=_number(env, RATE_LIMIT_WAIT, default.rate_limit_wait_seconds, zero_allowed=True),
        production_spaces=frozenset(filter(None, (part.strip() for part in env.get(PRODUCTION_SPACES, "").split(",")))),
        state_dir=_state_dir(env),
        inline_cells=int(_number(env, INLINE_CELLS, default.inline_cells, zero_allowed=True)),
        whole_questions=int(_number(env, WHOLE_QUESTIONS, default.whole_questions, zero_allowed=True)),
        llm_model=env.get(LLM_MODEL, "").strip(),
        llm_url=env.get(LLM_URL, "").strip(),
        llm_api_key=env.get(LLM_API_KEY, "").strip(),
        llm_timeout_seconds=_number(env, LLM_TIMEOUT, default.llm_timeout_seconds),
        llm_deadline_seconds=_number(env, LLM_DEADLINE, default.llm_deadline_seconds),
        llm_concurrency=max(1, int(_number(env, LLM_CONCURRENCY, default.llm_concurrency))),
        prompts_schema=env.get(PROMPTS_SCHEMA, "").strip(),
    )


def _number(env: Mapping[str, str], name: str, default: float, *, zero_allowed: bool = False) -> float:
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not (0 < value < float("inf")) and not (zero_allowed and value == 0):
        raise InvalidSettingError(
            f"{name} is {text!r}, which is not a {'number from 0 up' if zero_allowed else 'number above 0'}",
            next_step=f"set {name} to a number, or unset it for the default {default:g}",
        )
    return value


def _state_dir(env: Mapping[str, str]) -> Path:
    if chosen := env.get(STATE_DIR, "").strip():
        return Path(chosen).expanduser()
    cache = env.get("XDG_CACHE_HOME", "").strip()
    return (Path(cache) if cache else Path.home() / ".cache") / "mlflow-genie"
