"""The pages of one gate run: with result rows for MLflow, where those are anyway, and without for the local folder."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlflow_genie_plugin.gating.evidence import Collected
from mlflow_genie_plugin.gating.explanation import Explanation
from mlflow_genie_plugin.gating.html_report.gather import gather
from mlflow_genie_plugin.gating.html_report.page import report_page
from mlflow_genie_plugin.gating.verdict import Verdict

PAGE_NAME = "report.html"
PAGE_ARTIFACT = f"gate/{PAGE_NAME}"


@dataclass(frozen=True, slots=True)
class Pages:
    """Both pages; empty with the ``problem`` where they could not be made.

    ``local`` has no result rows: CI uploads that folder to places with other readers than the MLflow experiment has.
    """

    full: bytes = b""
    local: bytes = b""
    problem: str = ""


def report_pages(verdict: Verdict, collected: Collected, explanation: Explanation) -> Pages:
    """Return the pages of a gate run."""
    try:
        sheet = gather(verdict, collected, explanation)
        full = b"" if verdict.dry_run else report_page(sheet)
        return Pages(full, report_page(replace(sheet, rows=False)))
    except Exception as error:  # noqa: BLE001 - a page that cannot be made must not keep a verdict from being written
        return Pages(problem=f"no {PAGE_NAME}: {type(error).__name__}: {error}")
