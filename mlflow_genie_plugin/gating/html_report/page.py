"""The report as one HTML file: whole without scripts, nothing from the network, everything escaped, bounded in size.

The one script makes the links of the page work in MLflow's frame. The page's own policy admits that text and no other.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.gating.explanation import Explained, Group
from mlflow_genie_plugin.gating.html_report.cards import ROWS, card_of
from mlflow_genie_plugin.gating.html_report.checks import families, stops
from mlflow_genie_plugin.gating.html_report.figures import headlines, latencies, parts, ruled, rulings
from mlflow_genie_plugin.gating.html_report.sheet import Sheet
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.phrases import WORDS, cause_line, problems_by_text, sentence
from mlflow_genie_plugin.gating.text import block, cut, plain

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# MLflow previews an artifact of any size, but a page that opens at once is read, and one of many megabytes is not.
MOST_BYTES = 2_000_000
_CARD_BYTES = 1_100_000
_LINE_BYTES = 1_600_000
_CARDS = {Group.NEWLY_WRONG: 40, Group.P0_WRONG: 20, Group.NOT_JUDGED: 20, Group.WRONG: 30, Group.OBJECTION: 10}
_LINES = 300
_OPEN = 3
_CHANGES = 60
_CAUSES = 5
_RULED = 20
_HISTORY = 30
_ACTIONS = {
    Outcome.PASSED: "may enter stage",
    Outcome.FAILED: "do not promote to",
    Outcome.UNDECIDED: "not a pass for",
}
_TITLES = {
    Group.NEWLY_WRONG: "Newly wrong",
    Group.P0_WRONG: "P0 wrong",
    Group.NOT_JUDGED: "Not judged",
    Group.WRONG: "Wrong",
    Group.OBJECTION: "Right result, but another judge objects",
    Group.NEWLY_RIGHT: "Newly right",
    Group.RIGHT: "Right",
}


@dataclass(frozen=True, slots=True)
class Section:
    """The questions of one group: the first ones in full (as HTML), the next as a line, and how many are left out."""

    key: str
    title: str
    total: int
    cards: tuple[str, ...]
    lines: tuple[Explained, ...]
    left_out: int


class _Budget:
    """How much may still be written; a question is written in full only while there is room."""

    def __init__(self) -> None:
        self.used = 0

    def take(self, size: int, limit: int) -> bool:
        if self.used + size > limit:
            return False
        self.used += size
        return True


def report_page(sheet: Sheet) -> bytes:
    """Return the page; equal sheets give equal bytes, and never more than :data:`MOST_BYTES`.

    Args:
        sheet: What it says. With ``rows`` False no value of a result stands on it.
    """
    verdict, explanation = sheet.verdict, sheet.explanation
    environment = _environment()
    style, script = _file("page.css"), _file("page.js")
    sections = tuple(_sections(sheet, environment))
    context: dict[str, Any] = {
        "sheet": sheet,
        "verdict": verdict,
        "word": WORDS[verdict.outcome],
        "action": f"{_ACTIONS[verdict.outcome]} {verdict.stage}",
        "sentence": cut(sentence(verdict), 400),
        "headlines": tuple(headlines(sheet)),
        "families": (listed := tuple(families(verdict))),
        "quiet": sum(len(family.folded) for family in listed),
        "problems": problems_by_text(verdict),
        "stops": tuple(stops(verdict)),
        "explanation": explanation,
        "changes": _changes(sheet),
        "causes": [(cause_line(cause, explanation), cause.fix) for cause in explanation.likely_causes[:_CAUSES]],
        "sections": sections,
        "parts": parts(sheet),
        "latencies": latencies(sheet),
        "rulings": rulings(explanation),
        "ruled": [card_of(item, rows=False) for item in ruled(explanation.told)[:_RULED]],
        "history": sheet.history[:_HISTORY],
        "evidence": tuple(_evidence(sheet)),
        "rows_shown": ROWS,
        "style": style,
        "style_hash": _digest(style),
        "script": script,
        "script_hash": _digest(script),
    }
    page = environment.get_template("page.html.j2").render(context)
    return page.encode("utf-8", "replace")


def _sections(sheet: Sheet, environment: Environment) -> Iterator[Section]:
    template = environment.get_template("card.html.j2")
    budget = _Budget()
    for group, items in sheet.explanation.groups.items():
        cards: list[str] = []
        for number, item in enumerate(items[: _CARDS.get(group, 0)]):
            card = card_of(item, rows=sheet.rows)
            html = template.render(card=card, is_open=group is Group.NEWLY_WRONG and number < _OPEN)
            if not budget.take(len(html.encode("utf-8", "replace")), _CARD_BYTES):
                break
            cards.append(html)
        # What is right needs no list: its number says all, and --json has the rest.
        rest = () if group is Group.RIGHT else items[len(cards) : len(cards) + _LINES]
        lines = [item for item in rest if budget.take(_line_bytes(item), _LINE_BYTES)]
        left_out = len(items) - len(cards) - len(lines)
        key = group.name.lower().replace("_", "-")
        yield Section(key, _title(group, sheet), len(items), tuple(cards), tuple(lines), left_out)


def _title(group: Group, sheet: Sheet) -> str:
    if group is Group.WRONG and sheet.explanation.baseline is not None:
        return "Still wrong, or new and wrong"
    return _TITLES[group]


def _line_bytes(item: Explained) -> int:
    # Escaping makes one character five at most.
    texts = (item.question_id, cut(item.observed.question, 200), cut(item.reason, 200))
    return 100 + 5 * sum(len(text.encode("utf-8", "replace")) for text in texts)


def _changes(sheet: Sheet) -> list[dict[str, Any]]:
    """Return for each baseline what changed since: counts, the items with their lines, and what was left out."""
    found = []
    for baseline in sheet.explanation.baselines:
        items = [
            {
                "action": change.action,
                "sign": change.sign,
                "kind": change.kind,
                "label": cut(plain(change.label), 200),
                "behaviour": change.changes_behaviour,
                "lines": block(dedent("\n".join(line for field in change.fields for line in field.lines()))),
            }
            for change in (baseline.diff.changes if baseline.diff is not None else ())[:_CHANGES]
        ]
        total = len(baseline.diff.changes) if baseline.diff is not None else 0
        found.append({"baseline": baseline, "items": items, "left_out": total - len(items)})
    return found


def _evidence(sheet: Sheet) -> Iterator[tuple[str, str]]:
    verdict = sheet.verdict
    model: Mapping[str, str | None] = verdict.model
    yield "model version", str(model["model_id"])
    yield "space", str(model["space_id"] or "unknown")
    for name in ("content", "behaviour", "snapshot"):
        yield f"{name} hash", str(model[f"{name}_sha256"] or "not proven")
    if verdict.evaluation is not None:
        yield "evaluation run", str(verdict.evaluation["run_id"] or "none; a file was judged")
        yield "evaluation result, sha256", str(verdict.evaluation["sha256"])
        yield "benchmark set, sha256", str(verdict.evaluation["benchmarks_sha256"])
        yield "evaluations tried", str(verdict.evaluation["attempts"])
    yield f"criteria {plain(verdict.criteria['name'])}", verdict.criteria["sha256"]
    yield f"suite of {len(verdict.suite_files)} files", verdict.suite_sha256
    for name, value in {**sheet.evaluation_facts, **verdict.provenance}.items():
        if value:
            yield plain(name).replace("_", " "), plain(value)
    yield "decided at", verdict.decided_at


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Autoescape without exceptions: every text on the page may come from a model.
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        optimized=False,  # each page is written once or twice, so compiling it quickly is worth more
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"plain": plain, "cut": cut, "breakable": _breakable}
    return environment


@cache
def _file(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _breakable(name: str) -> Markup:
    """Return a name, escaped, that may be broken after each underscore."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))
