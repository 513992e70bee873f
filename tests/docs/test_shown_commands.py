"""Every command that the documentation shows is one that exists, with options that exist and arguments that suffice."""

import re
import shlex
import subprocess
import sys

import click
import pytest

SHELL = {"bash", "sh", "text", ""}


def _commands(block):
    """Return the commands of a shell block, continuation lines joined and comments taken off, split into words."""
    lines = block.text.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines if not line.lstrip().startswith(("#", "{", "}", '"'))]
    return [each for each in words if each]


def _shown(blocks, program):
    """Return place and arguments of every shown run of a program, alone or after ``&&`` and ``.venv/bin/``."""
    found = []
    for block in blocks:
        if block.language not in SHELL:
            continue
        try:
            commands = _commands(block)
        except ValueError:  # a quote that spans lines: SQL or JSON, no list of commands
            continue
        for words in commands:
            for position, word in enumerate(words):
                before = words[position - 1] if position else "&&"
                if word.rsplit("/", 1)[-1] == program and (before == "&&" or before.startswith("DATABRICKS")):
                    rest = words[position + 1 :]
                    found.append((str(block), rest[: rest.index("&&")] if "&&" in rest else rest))
    return found


def _parse(command, arguments, path):
    """Let click parse the arguments, group by group, without running anything."""
    if isinstance(command, click.Group) and not (arguments and arguments[0].startswith("-")):
        name, *rest = arguments
        child = command.get_command(click.Context(command), name)
        if child is not None:
            return _parse(child, rest, f"{path} {name}")
        if not command.invoke_without_command:
            raise click.UsageError(f"{path} has no command {name}")
    if {"-h", "--help"} & set(arguments):
        return path
    if "…" in arguments:  # stands for what else the command needs
        context = click.Context(command, info_name=path)
        command.make_parser(context).parse_args([word for word in arguments if word != "…"])
        return path
    command.make_context(path, list(arguments))
    return path


def test_every_shown_command_parses(blocks):
    from mlflow_genie_plugin.cli.main import main

    shown = _shown(blocks, "mlflow-genie")
    problems = []
    for place, arguments in shown:
        if not arguments:
            continue
        try:
            _parse(main, arguments, "mlflow-genie")
        except click.ClickException as error:
            problems.append(f"{place}: mlflow-genie {shlex.join(arguments)}: {error.format_message()}")
    assert not problems, "\n".join(problems)
    assert len(shown) > 80


def test_every_command_is_shown_somewhere(blocks):
    from mlflow_genie_plugin.cli.main import COMMANDS

    shown = {arguments[0] for _, arguments in _shown(blocks, "mlflow-genie") if arguments}
    assert set(COMMANDS) - shown - {"completion"} == set()


def test_every_pytest_option_that_is_shown_exists(blocks, pytest_help):
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", pytest_help))
    problems = [
        f"{place}: {word}"
        for place, arguments in _shown(blocks, "pytest")
        for word in arguments
        if word.startswith("-") and word.partition("=")[0] not in known
    ]
    assert not problems, "\n".join(problems)


def test_every_gate_option_is_explained(pages, pytest_help):
    options = set(re.findall(r"--genie-[\w-]+|--model-id", pytest_help))
    assert options
    assert {option for option in options if f"`{option}" not in pages["docs/gates.md"]} == set()


@pytest.fixture(scope="module")
def pytest_help():
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    return run.stdout


def test_commands_named_in_running_text_exist(pages):
    from mlflow_genie_plugin.cli.main import main

    problems = []
    for page, text in pages.items():
        prose = re.sub(r"(?ms)^```.*?^```$", "", text)
        for shown in re.findall(r"`mlflow-genie ([a-z][^`]*)`", prose):
            words = re.sub(r"\s+", " ", shown).replace("…", "").split()
            command = main.get_command(click.Context(main), words[0])
            if command is None:
                problems.append(f"{page}: {shown}")
            elif isinstance(command, click.Group) and words[1:] and words[1].isalpha() and words[1].islower():
                child = command.get_command(click.Context(command), words[1])
                if child is None:
                    problems.append(f"{page}: {shown}")
                command = child or command
            options = {opt for each in getattr(command, "params", []) for opt in each.opts} | {"--help", "--debug"}
            problems += [
                f"{page}: {shown}: {word}"
                for word in words
                if word.startswith("--") and word.rstrip(",;.").partition("=")[0] not in options
            ]
    assert not problems, "\n".join(problems)
