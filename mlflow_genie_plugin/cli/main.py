"""``mlflow-genie``: finds the command, loads only its module, and leaves the work to it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import rich_click as click

# Command name → where it is. Modules import click only; everything heavy is imported inside the commands, so that
# --help and completion answer at once.
COMMANDS = {
    "quickstart": "mlflow_genie_plugin.cli.quickstart:quickstart",
    "space": "mlflow_genie_plugin.cli.space:space",
    "snapshot": "mlflow_genie_plugin.cli.snapshot:snapshot",
    "evaluate": "mlflow_genie_plugin.cli.review:evaluate",
    "benchmarks": "mlflow_genie_plugin.cli.benchmarks:benchmarks",
    "verify": "mlflow_genie_plugin.cli.verify:verify",
    "attest": "mlflow_genie_plugin.cli.attest:attest",
    "waive": "mlflow_genie_plugin.cli.waive:waive",
    "history": "mlflow_genie_plugin.cli.history:history",
    "report": "mlflow_genie_plugin.cli.report:report",
    "restore": "mlflow_genie_plugin.cli.restore:restore",
    "rollback": "mlflow_genie_plugin.cli.restore:rollback",
    "apply": "mlflow_genie_plugin.cli.apply:apply",
    "lineage": "mlflow_genie_plugin.cli.lineage:lineage",
    "drift": "mlflow_genie_plugin.cli.drift:drift",
    "prompts": "mlflow_genie_plugin.cli.prompts:prompts",
    "local": "mlflow_genie_plugin.cli.local:local",
    "init": "mlflow_genie_plugin.cli.init:init",
    "doctor": "mlflow_genie_plugin.cli.doctor:doctor",
    "completion": "mlflow_genie_plugin.cli.completion:completion",
}


class LazyGroup(click.RichGroup):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is click's
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature is click's
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        return getattr(import_module(module), name)


# No boxes: help is copied into tickets and read aloud.
@click.rich_config({"theme": "default-slim", "style_errors_panel_box": "BLANK"})
@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mlflow-genie-plugin", prog_name="mlflow-genie")
def main() -> None:
    """Evaluate, gate, promote and roll back Databricks Genie Spaces as MLflow model versions."""


if __name__ == "__main__":
    main()
