"""``mlflow-genie completion``: print the script that teaches a shell to complete commands and options."""

from __future__ import annotations

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json
from mlflow_genie_plugin.errors import UsageError

_PROGRAM = "mlflow-genie"
_VARIABLE = "_MLFLOW_GENIE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@command
def completion(shell: str, *, as_json: bool) -> None:
    """Print the completion script of SHELL.

    bash: eval "$(mlflow-genie completion bash)" in ~/.bashrc; zsh: the same in ~/.zshrc;
    fish: mlflow-genie completion fish > ~/.config/fish/completions/mlflow-genie.fish
    """
    from click.shell_completion import get_completion_class

    from mlflow_genie_plugin.cli.main import main

    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"there is no completion for {shell}")
    # Not .source(): for bash it starts a bash to check its version, and the script is often made where none is.
    made = found(main, {}, _PROGRAM, _VARIABLE)
    script = made.source_template % made.source_vars()
    if as_json:
        emit_json({"shell": shell, "script": script})
    else:
        emit(script)
