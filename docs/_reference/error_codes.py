"""The exit code of every error, put below its heading."""

from __future__ import annotations

import inspect
import re


def with_exit_codes(markdown: str) -> str:
    """Return the page with ``Exit code N.`` below the heading of each code."""
    from mlflow_genie_plugin import errors

    codes = {
        str(each.code): int(each.exit_code)
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, errors.GenieError) and "code" in vars(each) and each.code != errors.GenieError.code
    }

    def with_code(heading: re.Match[str]) -> str:
        exit_code = codes.get(heading[1])
        return heading[0] if exit_code is None else f"{heading[0]}\n\nExit code {exit_code}."

    return re.sub(r"(?m)^#+ (MG\d{3})$", with_code, markdown)
