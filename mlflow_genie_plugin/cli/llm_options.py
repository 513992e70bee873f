"""The options that put a language model's opinion on top of the judges."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from mlflow_genie_plugin.cli.output import say
from mlflow_genie_plugin.errors import UsageError

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.llm.model import PromptedModel
    from mlflow_genie_plugin.evaluation.plan import EvaluationPlan
    from mlflow_genie_plugin.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class LlmChoice:
    """What was chosen: modes as they were written, the model, whether it sees rows, where its prompts are."""

    modes: tuple[str, ...]
    model: str | None = None
    rows: bool = False
    prompts_schema: str | None = None

    def opinionist(
        self, plan: EvaluationPlan, settings: Settings, profile: str | None, target: str | None
    ) -> PromptedModel | None:
        """Return who is asked, after saying so; None when every judge is ``off``.

        Raises:
            UsageError: An unknown mode or judge, no model, or rows that are shown and not stored.
            TrackingUnavailableError: It is not known which prompts are in production.
        """
        from mlflow_genie_plugin.evaluation.llm.connect import parse_modes, prompted_model
        from mlflow_genie_plugin.evaluation.llm.results import require_reproducible

        modes = parse_modes(self.modes, (judge.name for judge in plan.judges))
        if not self.modes and (self.model or self.rows or self.prompts_schema):
            raise UsageError(
                "--llm-model, --llm-rows and --prompts-schema say how to ask a language model, but none is asked",
                next_step="add --llm explain or --llm settle",
            )
        if not modes:
            return None
        found = prompted_model(
            modes,
            rows=self.rows,
            model=self.model,
            uc_schema=self.prompts_schema,
            profile=profile,
            target=target,
            settings=settings,
        )
        require_reproducible(found, plan.store_rows)
        shown = "questions, queries, column names and result rows" if self.rows else "questions, queries, column names"
        say(f"{found.endpoint.model} gets {shown}; its word never overturns a proof:")
        for judge, mode in modes.items():
            say(f"  {judge}: {mode}, prompt {found.prompts[judge].label}")
        return found


def llm_options(function: Command) -> Command:
    """Add ``--llm`` and what belongs to it; the command receives ``llm``: an :class:`LlmChoice`."""

    @click.option(
        "--llm",
        "modes",
        multiple=True,
        metavar="[JUDGE=]MODE",
        help="Ask a language model: explain what is not right, or settle what evidence leaves open (explain, settle, "
        "off); repeatable.  [default: off]",
    )
    @click.option("--llm-model", default=None, help="openai:/MODEL or databricks:/ENDPOINT. Default: GENIE_LLM_MODEL.")
    @click.option("--llm-rows", is_flag=True, help="Also show it result rows and Genie's text; they are data of yours.")
    @click.option(
        "--prompts-schema",
        "llm_prompts",
        default=None,
        metavar="CATALOG.SCHEMA",
        help="Where its prompts are registered. Default: GENIE_PROMPTS_SCHEMA, else without a schema.",
    )
    @functools.wraps(function)
    def run(
        *args: Any,
        modes: tuple[str, ...],
        llm_model: str | None,
        llm_rows: bool,
        llm_prompts: str | None,
        **kwargs: Any,
    ) -> Any:
        return function(*args, llm=LlmChoice(modes, llm_model, llm_rows, llm_prompts), **kwargs)

    return run  # type: ignore[return-value]
