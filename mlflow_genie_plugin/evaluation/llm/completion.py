"""The form of chat completions: the text in what an endpoint answered, or why there is none."""

from __future__ import annotations

from typing import Any

MOST_TOKENS = 1_024


class NoAnswerError(Exception):
    """Raised when an endpoint gave no text; ``problem`` is one of ``Opinion.problem``."""

    def __init__(self, problem: str, text: str) -> None:
        self.problem = problem
        super().__init__(text)


def text_of(document: Any) -> str:
    """Return the model's text in an endpoint's JSON answer.

    Raises:
        NoAnswerError: refused, cut off, or not in this form.
    """
    choices = document.get("choices") if isinstance(document, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise NoAnswerError("garbage", "its endpoint did not answer in the form of chat completions")
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        raise NoAnswerError("refused", "it refused to answer")
    if choice.get("finish_reason") == "length":
        raise NoAnswerError("cut_off", f"its answer was cut off at {MOST_TOKENS:,} tokens")
    content = message.get("content")
    if isinstance(content, list):
        # Models that reason answer in parts; only the text is the answer.
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    if content is None:
        return ""
    if not isinstance(content, str):
        raise NoAnswerError("garbage", "its endpoint did not answer in the form of chat completions")
    return content
