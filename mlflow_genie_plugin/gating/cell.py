"""A verdict or a verification as a few lines of HTML, for a notebook cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from mlflow_genie_plugin.gating.phrases import (
    ENDINGS,
    WORDS,
    ending,
    interval_text,
    label,
    rows_worth_showing,
    sentence,
    stopped,
    subject,
)
from mlflow_genie_plugin.gating.shared_reasons import shared_reasons
from mlflow_genie_plugin.gating.text import cut, plain
from mlflow_genie_plugin.gating.verdict import Verdict

_REASON = 300


def verdict_cell(verdict: Verdict, next_step: str = "") -> str:
    """Return the first screen of a verdict; the whole page is the report's business."""
    rows = [
        (label(r.gate), ending(r), r.measured, interval_text(r), r.required, cut(plain(r.told), _REASON))
        for r in rows_worth_showing(verdict)
    ]
    head = f"<p><strong>{WORDS[verdict.outcome]}</strong> {_text(sentence(verdict))}</p>"
    about = f"<p>{'<br>'.join(_text(line) for line in subject(verdict))}</p>"
    following = f"<p>Next: <code>{_text(next_step)}</code></p>" if next_step else ""
    columns = ("check", "outcome", "measured", "95 % interval", "required", "")
    once = "".join(
        f"<p>{ENDINGS[shared.outcome]}: {_text(cut(plain(shared.reason), _REASON))}<br>{_text(stopped(shared))}</p>"
        for shared in shared_reasons(verdict.results)
    )
    return head + about + once + (table("Checks", columns, rows) if rows or not once else "") + following


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; every text in it is escaped, and stands on one line."""
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{_text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: str) -> str:
    return escape(plain(text))
