"""What a language model is told about one question: data in fences, cut to size, and the digest of it all.

Questions, queries, names and cells come from people, from Genie and from tables. Whoever controls one of them may write
"this answer is right" there. Everything of that kind stands between fences whose name an author of the data cannot
know, with look-alikes escaped, and the model is told that nothing inside is an instruction.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from mlflow_genie_plugin.canonical_json import sha256_of_json
from mlflow_genie_plugin.evaluation.finding import Outcome

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.finding import Finding
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
    from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SpaceSchema
    from mlflow_genie_plugin.evaluation.stored_result import StoredResult

MODES = ("explain", "settle")
# Changes whenever the same case would be told otherwise: recorded opinions are then no longer found.
FRAME = 1

# Longer queries are not asked about: half a query would be judged as a whole one.
LONGEST_SQL = 20_000
_LONGEST_TEXT = 2_000
_LONGEST_SCHEMA = 8_000
_LONGEST_CELL = 100
_ROWS = 10

# The reasons that a model may give, per judge; every one is in the register of failure types.
VOCABULARY: Mapping[str, tuple[str, ...]] = {
    "schema_accuracy": (
        "UNRESOLVED_NAME", "wrong_table", "wrong_column", "missing_column", "wrong_join", "wrong_measure",
        "tvf_parameter_error",
    ),
    "logical_accuracy": (
        "wrong_join", "wrong_filter", "missing_filter", "missing_temporal_filter", "wrong_aggregation",
        "missing_aggregation", "wrong_groupby", "wrong_orderby", "wrong_distinct", "wrong_expression",
    ),
    "semantic_equivalence": ("different_metric", "different_grain", "different_scope"),
    "completeness": (
        "missing_column", "missing_filter", "missing_temporal_filter", "missing_aggregation", "partial_answer",
    ),
    "arbiter": (),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """How a judge's model is asked: recorded with the judge, and part of every digest except ``mode``.

    Attributes:
        mode: ``explain`` (add a rationale) or ``settle`` (also decide what evidence left open).
        model: Kind and name, for example ``openai:/gpt-x`` or ``databricks:/ENDPOINT``; never an address.
        prompt: Registered name.
        prompt_version: Number in the registry, or ``inline``.
        prompt_sha256: Digest of the text.
        rows: Whether result rows and Genie's text, which repeats them, are shown.
    """

    mode: str
    model: str
    prompt: str
    prompt_version: str
    prompt_sha256: str
    rows: bool = False

    @property
    def label(self) -> str:
        return f"{self.prompt}@{self.prompt_version}"

    def facts(self) -> dict[str, str]:
        """Return it as strings, for the judge's entry in the result."""
        named = {f"llm_{name}": str(value) for name, value in asdict(self).items() if name != "rows"}
        return {**named, "llm_rows": "shown" if self.rows else "hidden"}

    @classmethod
    def of_facts(cls, facts: Mapping[str, str]) -> Asked | None:
        """Return what :meth:`facts` wrote; None when the judge asked no model."""
        if facts.get("llm_mode") not in MODES:
            return None
        names = ("mode", "model", "prompt", "prompt_version", "prompt_sha256")
        mode, model, prompt, version, digest = (facts.get(f"llm_{name}", "") for name in names)
        return cls(mode, model, prompt, version, digest, rows=facts.get("llm_rows") == "shown")


@dataclass(frozen=True, slots=True)
class OpinionRequest:
    """One question to a model. ``data`` is untrusted text by name; ``sha256`` identifies the request and its answer."""

    judge: str
    question_id: str
    data: Mapping[str, str] = field(hash=False)
    sha256: str
    case: JudgedCase | None = field(default=None, repr=False, compare=False)

    def fenced(self) -> tuple[str, str]:
        """Return the data as the model gets it, and the id of its fences."""
        # An author of the data would have to write the digest of a text that contains it.
        mark = sha256_of_json(dict(self.data))[:16]
        blocks = (
            f'<data name="{name}" id="{mark}">\n{_LOOK_ALIKE.sub("&lt;", text)}\n</data id="{mark}">'
            for name, text in self.data.items()
        )
        return "\n".join(blocks), mark

    @property
    def too_long(self) -> str:
        """Why it is not to be sent; empty when it may be."""
        for name in ("expected_sql", "answer_sql"):
            if (length := len(self.data.get(name, ""))) > LONGEST_SQL:
                return f"the {name.replace('_', ' ')} has {length:,} characters, above {LONGEST_SQL:,}"
        return ""


_LOOK_ALIKE = re.compile(r"<(?=\s*/?\s*data\b)", re.IGNORECASE)


def request_for(finding: Finding, case: JudgedCase, asked: Asked) -> OpinionRequest | None:
    """Return what to ask about a finding; None when there is nothing to ask.

    A model explains what failed or was left open, and settles what was left open. Where there is no query, or the judge
    itself broke, it has nothing to say.
    """
    wanted = (Outcome.ABSTAINED,) if asked.mode == "settle" else (Outcome.ABSTAINED, Outcome.FAILED)
    if finding.outcome not in wanted or not (case.answer.sql or "").strip():
        return None
    data = {name: text for name, text in _data(finding, case, rows=asked.rows) if text}
    digest = sha256_of_json(
        {
            "frame": FRAME,
            "judge": finding.judge,
            "model": asked.model,
            "prompt_sha256": asked.prompt_sha256,
            "vocabulary": list(VOCABULARY.get(finding.judge, ())),
            "data": data,
        }
    )
    return OpinionRequest(finding.judge, case.benchmark.id, data, digest, case)


def _data(finding: Finding, case: JudgedCase, *, rows: bool) -> list[tuple[str, str]]:
    expected_sql, answer_sql = case.benchmark.expected_sql, case.answer.sql or ""
    shown = [
        ("question", _cut(clean(case.benchmark.question), _LONGEST_TEXT)),
        ("expected_sql", clean(expected_sql)),
        ("answer_sql", clean(answer_sql)),
        ("answer_parameters", _parameters(case)),
        ("columns_of_the_space", _schema(case.schema, f"{expected_sql}\n{answer_sql}")),
        ("expected_result", _result(case.expected, rows=rows)),
        ("answer_result", _result(case.answer, rows=rows)),
        ("judge_so_far", _cut(clean(_so_far(finding)), _LONGEST_TEXT)),
    ]
    if rows and case.answer.text:
        shown.append(("answer_text", _cut(clean(case.answer.text), _LONGEST_TEXT)))
    return shown


def clean(text: str) -> str:
    """Return text without control and invisible characters, which could hide something from a person."""
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else "\ufffd"
        for char in text.replace("\r\n", "\n")
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]} … [{len(text) - length:,} more characters were cut off]"


def _so_far(finding: Finding) -> str:
    return f"{finding.outcome.value}, {finding.failure_type or 'no type'}: {finding.rationale}"


def _parameters(case: JudgedCase) -> str:
    return _cut(clean(_json(dict(case.answer.parameters))), _LONGEST_TEXT) if case.answer.parameters else ""


def _schema(schema: SpaceSchema | None, queries: str) -> str:
    if schema is None:
        return ""
    words = set(re.findall(r"\w+", queries.casefold()))
    used = [asset for name, asset in sorted(schema.assets.items()) if name.rpartition(".")[2] in words]
    return _cut(clean("\n".join(map(_asset, used))), _LONGEST_SCHEMA)


def _asset(asset: SchemaAsset) -> str:
    if asset.columns is None:
        return f"{asset.kind} {asset.name}: columns are not known"
    columns = (f"{item.name} {item.type_text}{' measure' if item.is_measure else ''}".strip() for item in asset.columns)
    return f"{asset.kind} {asset.name} ({', '.join(columns)})"


def _result(result: StoredResult, *, rows: bool) -> str:
    if result.columns is None:
        return ""
    columns = ", ".join(f"{item.name} {item.type_text or item.type_name}" for item in result.columns)
    lines = [f"{result.row_count} rows{' (cut off)' if result.truncated else ''}; columns: {columns}"]
    if rows and result.rows is not None:
        # No more than every stored sample has, so that the request can be made again from the result file.
        lines += [_json([_cell(cell) for cell in row]) for row in result.rows[:_ROWS]]
    return _cut(clean("\n".join(lines)), _LONGEST_SCHEMA)


def _cell(cell: Any) -> Any:
    text = cell if isinstance(cell, str) else _json(cell)
    return cell if len(text) <= _LONGEST_CELL else _cut(text, _LONGEST_CELL)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
