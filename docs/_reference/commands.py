"""The command reference, read from the commands themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import click

# Where a command is explained at length.
SEE_ALSO = {
    "quickstart": ["quickstart.md"],
    "space": ["concepts.md#hashes", "another-environment.md"],
    "snapshot": ["own-space.md", "flavor.md"],
    "evaluate": ["own-space.md", "evaluation-result.md", "judges.md"],
    "benchmarks": ["write-benchmarks.md", "benchmarks-file.md"],
    "verify": ["ci.md", "threat-model.md"],
    "attest": ["checklist.md"],
    "waive": ["checklist.md"],
    "history": ["checklist.md"],
    "report": ["report.md"],
    "restore": ["restore.md"],
    "rollback": ["restore.md"],
    "apply": ["restore.md"],
    "lineage": ["concepts.md"],
    "drift": ["restore.md"],
    "prompts": ["language-model.md"],
    "local": ["local-workspace.md", "tutorial.md"],
    "init": ["own-space.md"],
    "doctor": ["troubleshooting.md", "settings.md"],
}


@cache
def command_pages() -> dict[str, str]:
    """Return command name → its page, with the page's subcommands as sections."""
    return {name: "\n".join(_page(name, command)) for name, command in _commands().items()}


def command_index() -> str:
    """Return the list of all commands and subcommands, each with its first sentence."""
    lines = ["| command | does |", "|---|---|"]
    for name, command in _commands().items():
        page = f"{name}.md"
        lines.append(f"| [`{name}`]({page}) | {_cell(_sentence(command))} |")
        lines += [
            f"| [`{name} {sub}`]({page}#{name}-{sub}) | {_cell(_sentence(child))} |"
            for sub, child in _children(command).items()
        ]
    return "\n".join(lines)


def _commands() -> dict[str, click.Command]:
    from mlflow_genie_plugin.cli.main import COMMANDS

    found = {}
    for name, place in COMMANDS.items():
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        if not command.hidden:
            found[name] = command
    return found


def _children(command: click.Command) -> dict[str, click.Command]:
    if not isinstance(command, click.Group):
        return {}
    return {name: child for name, child in sorted(command.commands.items()) if not child.hidden}


def _page(name: str, command: click.Command) -> Iterator[str]:
    yield f"# mlflow-genie {name}\n"
    yield from _section(["mlflow-genie", name], command)
    for sub, child in _children(command).items():
        yield f"\n## {name} {sub}\n"
        yield from _section(["mlflow-genie", name, sub], child)
    if links := SEE_ALSO.get(name):
        yield "\n## See also\n"
        yield from (f"- [{_link_text(link)}](../{link})" for link in links)


def _section(path: list[str], command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(path))
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{' '.join(path)} {pieces}\n```\n"
    yield _prose(command.help) + "\n"
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    if options:
        yield "| option | meaning |"
        yield "|---|---|"
        yield from (f"| {_names(option, context)} | {_meaning(option, context)} |" for option in options)
    if command.epilog:
        yield "\n" + _prose(command.epilog)


def _names(option: click.Option, context: click.Context) -> str:
    names = sorted([*option.opts, *option.secondary_opts], key=lambda name: name.startswith("--"))
    value = "" if option.is_flag or option.count else " " + _value(option, context)
    return _cell(", ".join(f"`{name}`" for name in names[:-1]) + (", " if names[1:] else "") + f"`{names[-1]}{value}`")


def _value(option: click.Option, context: click.Context) -> str:
    if isinstance(option.type, click.Choice):
        return option.opts[-1].rsplit("-", 1)[-1].upper()
    if isinstance(option.type, (click.IntRange, click.FloatRange)):
        return "N"
    return option.make_metavar(context)


def _meaning(option: click.Option, context: click.Context) -> str:
    text = _cell(re.sub(r"\s*\[(default: [^\]]+)\]", r" (\1)", option.help or ""))
    extra = option.get_help_extra(context)
    notes = [extra["range"].replace("x>=", "from ").replace("<=x<=", " to ")] if "range" in extra else []
    if isinstance(option.type, click.Choice):
        notes.insert(0, "one of " + ", ".join(f"`{choice}`" for choice in option.type.choices))
    shown = "default:" in text.lower()
    if (default := extra.get("default")) and not shown:
        notes.append(f"default: {default}")
    if option.required:
        notes.append("required")
    return text + (f" ({'; '.join(_cell(str(note)) for note in notes)})" if notes else "")


def _prose(text: str | None) -> str:
    return re.sub(r"(?m)^\x08$\n?", "", inspect.cleandoc(text or "")).replace("<", "&lt;")


def _sentence(command: click.Command) -> str:
    return _prose(command.help).split("\n\n")[0].replace("\n", " ")


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;" if "`" not in text else "<").strip()


def _link_text(link: str) -> Any:
    page, _, anchor = link.partition("#")
    words = page.removesuffix(".md").replace("-", " ")
    return f"{words}: {anchor.replace('-', ' ')}" if anchor else words
