"""The job's task: job parameters in (``name=value``, empty for "not given"), the evaluation as JSON on stdout out.

It runs ``mlflow-genie evaluate --json``, so that a job and a person get the same checks, messages and result.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

REQUIRED = ("model_id", "benchmarks")
OPTIONS = {
    "model_id": "--model-id",
    "space_id": "--space-id",
    "benchmarks": "--benchmarks",
    "scope": "--scope",
    "repeats": "--repeats",
    "runner": "--runner",
    "answers": "--answers",
    "store_rows": "--store-rows",
    "engine": "--engine",
}
# Several values, separated by commas.
LISTS = {"patched": "--patched", "judges": "--judge", "variables": "--variable"}
SETTINGS = {"state_dir": "GENIE_STATE_DIR", "questions_per_minute": "GENIE_QUESTIONS_PER_MINUTE"}

# What an orchestrator that has no model version writes into the parameter.
NOTHING = ("", "none", "null")


class ParameterError(Exception):
    """Raised for parameters that the job cannot start with."""


def parameters_of(texts: Sequence[str]) -> dict[str, str]:
    """Read ``name=value`` parameters; those without a value are left out.

    Raises:
        ParameterError: One is unknown or stands there twice, or a required one has no value.
    """
    known = {*OPTIONS, *LISTS, *SETTINGS}
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise ParameterError(f"{text!r} is no parameter of this job; they are {', '.join(sorted(known))}")
        if name in given:
            raise ParameterError(f"the parameter {name} stands there twice")
        given[name] = value.strip()
    values = {name: value for name, value in given.items() if value.lower() not in NOTHING}
    for name in REQUIRED:
        if name not in values:
            raise ParameterError(
                f"the job parameter {name} is empty, so there is nothing to evaluate; "
                f"start the job with --params {name}=…"
            )
    return values


def arguments_of(values: dict[str, str]) -> list[str]:
    """Return the arguments of ``mlflow-genie``."""
    arguments = ["evaluate", "--json"]
    for name, option in OPTIONS.items():
        if name in values:
            arguments += [option, values[name]]
    for name, option in LISTS.items():
        for value in values.get(name, "").split(","):
            if value.strip():
                arguments += [option, value.strip()]
    return arguments


def main(texts: Sequence[str]) -> int:
    """Evaluate and return the exit code: 0 complete, 10 the space changed meanwhile, others as the command line's."""
    try:
        values = parameters_of(texts)
    except ParameterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, variable in SETTINGS.items():
        if name in values:
            os.environ[variable] = values[name]
    from mlflow_genie_plugin.cli.main import main as mlflow_genie

    try:
        mlflow_genie(arguments_of(values), prog_name="mlflow-genie")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    if code:  # leaving with 0 by an exception counts as a failure in some runtimes
        sys.exit(code)
