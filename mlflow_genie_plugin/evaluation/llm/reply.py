"""Reading a model's answer: exactly the JSON that was asked for, or no answer at all."""

from __future__ import annotations

import re

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import GenieError
from mlflow_genie_plugin.evaluation.llm.opinion import Opinion, errored_opinion, is_allowed
from mlflow_genie_plugin.evaluation.llm.request import clean
from mlflow_genie_plugin.schemas import violations_of
from mlflow_genie_plugin.space.strict_json import load_strictly

SCHEMA = "opinion"
LONGEST_ANSWER = 8_000
_LONGEST_RATIONALE = 1_000
_FENCED = re.compile(r"\A```(?:json|JSON)?[ \t]*\n(?P<json>.*)\n[ \t]*```\Z", re.DOTALL)


def read_reply(text: str, judge: str) -> Opinion:
    """Return the opinion in a model's answer; anything but the JSON that was asked for is an errored one.

    One code fence around the whole answer is tolerated. Words are never searched for in prose: "unknown" holds a "no",
    and "not passed" a "passed".
    """
    answer = text.strip()
    digest = sha256_of_bytes(text.encode("utf-8", "surrogatepass"))
    if not answer:
        return errored_opinion("empty", "its answer was empty", digest)
    if len(answer) > LONGEST_ANSWER:
        return errored_opinion("too_long", f"its answer had {len(answer):,} characters", digest)
    if fenced := _FENCED.match(answer):
        answer = fenced["json"].strip()
    try:
        value = load_strictly(answer, "its answer")
    except (GenieError, RecursionError):
        return errored_opinion("garbage", "its answer was not the JSON that was asked for", digest)
    if violations := violations_of(value, SCHEMA):
        return errored_opinion(
            "garbage", f"its answer broke the form that was asked for at {violations[0].path}", digest
        )
    if not is_allowed(judge, value):
        return errored_opinion(
            "garbage",
            f"its answer named an outcome and failure type that do not go together for {judge}",
            digest,
        )
    return Opinion(
        outcome=value["outcome"],
        failure_type=value["failure_type"],
        rationale=one_line(value["rationale"]),
        confidence=float(value["confidence"]),
        answer_sha256=digest,
    )


def one_line(text: str) -> str:
    """Return a model's words fit to be shown: one line, no control characters, at most 1,000 characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= _LONGEST_RATIONALE else f"{line[: _LONGEST_RATIONALE - 2]} …"
