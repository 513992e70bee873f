"""The numbers beside the checks: how parts of the question set did, how long answers took, what the arbiter says."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

from mlflow_genie_plugin.evaluation.result import OVERALL_JUDGE
from mlflow_genie_plugin.gating.explanation import Explained, Explanation, Group
from mlflow_genie_plugin.gating.html_report.cards import seconds
from mlflow_genie_plugin.gating.html_report.interval import Drawing, Scale, drawing, scale_of
from mlflow_genie_plugin.gating.html_report.sheet import Sheet
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, percent
from mlflow_genie_plugin.gating.phrases import interval_text
from mlflow_genie_plugin.gating.questions_observed import Questions
from mlflow_genie_plugin.gating.statistics import wilson_interval
from mlflow_genie_plugin.gating.text import plain

_MOST_PARTS = 40
# Below this many questions the interval is wider than half the scale, and the share says next to nothing.
_FEW = 5


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of the question set: how many of its questions have the right result."""

    by: str
    name: str
    right: int
    total: int
    share: str
    interval: str
    few: bool
    drawing: Drawing | None


@dataclass(frozen=True, slots=True)
class Rulings:
    """What the arbiter says where results differ: verdict → how many, and how many corrections it proposes."""

    verdicts: tuple[tuple[str, int], ...]
    proposals: int


@dataclass(frozen=True, slots=True)
class Headline:
    """One number of the first screen, and what it counts."""

    name: str
    value: str
    detail: str = ""


def headlines(sheet: Sheet) -> Iterator[Headline]:
    """Yield the few numbers that stand beside the verdict."""
    explanation, evaluation = sheet.explanation, sheet.evidence.evaluation
    if evaluation is None:
        return
    planned = max(evaluation.planned_count, len(evaluation.questions))
    if any(OVERALL_JUDGE in findings for findings in evaluation.rows.kinds.findings):
        right = sum(counts[True] for counts in explanation.parts["priority"].values())
        yield Headline("right results", percent(right / planned) if planned else "-", f"{right:,} of {planned:,}")
    if (p0 := sheet.verdict.result("p0")) is not None and p0.measured:
        yield Headline("P0 right", p0.measured, "all are required")
    if explanation.baseline is not None:
        than = f"than {explanation.baseline.role}"
        yield Headline("newly wrong", f"{explanation.count(Group.NEWLY_WRONG):,}", than)
        yield Headline("newly right", f"{explanation.count(Group.NEWLY_RIGHT):,}", than)
    if unjudged := explanation.count(Group.NOT_JUDGED):
        yield Headline("not judged", f"{unjudged:,}", "they count against it")


def parts(sheet: Sheet) -> tuple[PartRow, ...]:
    """Return the share of right results in each part of the question set; nothing where all are of one kind."""
    counted: list[tuple[str, str, int, int]] = []
    for part, seen in sheet.explanation.parts.items():
        by = part.replace("_", " ")
        total: Counter[str] = Counter()
        right: Counter[str] = Counter()
        for value, counts in seen.items():
            name = plain(value or "none")
            total[name] += counts.total()
            right[name] += counts[True]
        if len(total) < 2:
            continue
        listed = (
            sorted(total, key=lambda name: (right[name] / total[name], name)) if by != "priority" else sorted(total)
        )
        counted.extend((by, name, right[name], total[name]) for name in listed[:_MOST_PARTS])
    results = [_as_result(right, total) for _, _, right, total in counted]
    scale = Scale(0, 1) if not results else scale_of(results)
    return tuple(
        PartRow(by, name, right, total, percent(right / total), interval_text(result), total < _FEW,
                drawing(result, scale))
        for (by, name, right, total), result in zip(counted, results, strict=True)
    )  # fmt: skip


def latencies(sheet: Sheet) -> tuple[Headline, ...]:
    """Return how long answers took: median, 90th and 99th percentile (nearest rank) and the longest, in seconds."""
    evaluation = sheet.evidence.evaluation
    rows = evaluation.rows if evaluation is not None else Questions()
    times = sorted(took for took in compress(rows.latencies, rows.answered) if took is not None and math.isfinite(took))
    if not times:
        return ()
    named = (("median", 0.5), ("90 % are faster than", 0.9), ("99 % are faster than", 0.99), ("longest", 1.0))
    return tuple(Headline(name, seconds(times[max(0, math.ceil(share * len(times)) - 1)])) for name, share in named)


def rulings(explanation: Explanation) -> Rulings | None:
    """Return the arbiter's verdicts counted; None where it had nothing to rule on."""
    found = [item.observed.ruling for item in explanation.told if item.observed.ruling]
    if not found:
        return None
    counted = Counter(plain(str(ruling.get("verdict", ""))).replace("_", " ") for ruling in found)
    return Rulings(tuple(counted.most_common()), sum(ruling.get("proposal") is not None for ruling in found))


def ruled(items: Sequence[Explained]) -> tuple[Explained, ...]:
    """Return the questions on which the arbiter does not simply side with the ground truth."""
    return tuple(
        item for item in items if item.observed.ruling and item.observed.ruling.get("verdict") != "ground_truth_correct"
    )


def _as_result(right: int, total: int) -> GateResult:
    return GateResult("", Outcome.PASSED, "", value=right / total, interval=wilson_interval(right, total))
