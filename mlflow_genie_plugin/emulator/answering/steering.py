"""What text instructions can change: a small grammar of sentences, documented in docs/local-workspace.md.

Genie reads prose with a language model; the local workspace reads these sentence forms and ignores all others:

* ``X means SQL.`` (also ``is defined as``, ``is calculated as``, ``=``): a measure, a filter or an expression named X
* ``When asked about X, use SQL.``: the same
* ``X means Y.``: X is another word for Y
* ``Synonyms: cost = spend = billing, workspace = environment``: the same for several words
* ``For X, use T.`` (also ``For X and Y, use T, unless …``): T is a column, table, metric view or function
* ``Use X instead of Y.``: column X stands in for column Y
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlflow_genie_plugin.emulator.answering.sql_text import parse_expression
from mlflow_genie_plugin.emulator.answering.words import phrase_of

_SENTENCE = re.compile(r"\n+|(?<=[.;!?])\s+")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s*")
_MEANS = re.compile(
    r"""^["“'`*]*(?P<term>[\w][\w \-/]{0,60}?)["”'`*]*\s+
    (?:means|is\ (?:always\ )?(?:defined|calculated|computed)\ as|refers\ to|stands\ for)\s+(?P<meaning>.+)$""",
    re.IGNORECASE | re.VERBOSE,
)
_EQUALS = re.compile(r"^(?P<term>[A-Za-z][\w \-]{0,40}?)\s*=\s*(?P<meaning>[A-Za-z_]+\s*\(.+)$")
_ASKED = re.compile(
    r"^(?:when|if) (?:asked|the user asks|someone asks|users ask) (?:about|for) (?P<term>[\w \-]{1,60}?),? "
    r"(?:then )?use (?P<meaning>.+)$",
    re.IGNORECASE,
)
_FOR_USE = re.compile(
    r"^for (?P<terms>[^,:]{1,120}?),? (?:always )?use (?P<target>`?[\w.`<>-]+`?)(?P<rest>.*)$", re.IGNORECASE
)
_INSTEAD = re.compile(
    r"^(?:always )?use (?P<right>`?[\w.`]+`?) (?:instead of|rather than) (?P<wrong>`?[\w.`]+`?)", re.IGNORECASE
)
_SYNONYMS = re.compile(r"^\**synonyms\**:?\**:?\s*(?P<groups>.+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Steering:
    """The sentences understood, by kind.

    Attributes:
        definitions: (term, SQL expression).
        aliases: (term, the words it stands for).
        targets: (phrase of the term, name of a column, table, metric view or function).
        replacements: column name in lower case → the column name to use.
    """

    definitions: tuple[tuple[str, str], ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    targets: tuple[tuple[tuple[str, ...], str], ...] = ()
    replacements: tuple[tuple[str, str], ...] = ()

    def target_for(self, *words: str) -> str | None:
        """Return the target steered to for a term of exactly these stems."""
        return next((target for phrase, target in self.targets if phrase == words), None)


def read_steering(text: str) -> Steering:
    """Return the steering sentences in ``text``; a later sentence wins over an earlier one on the same term."""
    definitions: dict[str, str] = {}
    aliases: dict[str, str] = {}
    targets: dict[tuple[str, ...], str] = {}
    replacements: dict[str, str] = {}
    for sentence in _sentences(text):
        if match := _INSTEAD.match(sentence):
            replacements[_last_part(match["wrong"])] = _last_part(match["right"])
        elif match := _SYNONYMS.match(sentence):
            for group in match["groups"].rstrip(".").split(","):
                words = [word.strip() for word in group.split("=") if word.strip()]
                aliases.update(dict.fromkeys(words[1:], words[0]))
                # every word of a group names the same thing, so the first is also reachable from the second
                if len(words) > 1:
                    aliases.setdefault(words[0], words[1])
        elif match := _FOR_USE.match(sentence):
            for term in re.split(r",|\band\b|\bor\b", match["terms"]):
                if phrase := phrase_of(term):
                    targets[phrase] = match["target"].replace("`", "").rstrip(".")
        elif match := _MEANS.match(sentence) or _ASKED.match(sentence) or _EQUALS.match(sentence):
            term, meaning = match["term"].strip(), _trimmed(match["meaning"])
            if _is_sql(meaning):
                definitions[term] = meaning
            elif re.fullmatch(r"[\w \-]{1,60}", meaning):
                aliases[term] = meaning
    return Steering(
        tuple(definitions.items()), tuple(aliases.items()), tuple(targets.items()), tuple(replacements.items())
    )


def _sentences(text: str) -> list[str]:
    parts = (_BULLET.sub("", part).strip() for part in _SENTENCE.split(text[:100_000]))
    return [part.replace("**", "") for part in parts if part]


def _trimmed(meaning: str) -> str:
    return meaning.strip().rstrip(".;").strip().strip("`")


def _is_sql(meaning: str) -> bool:
    # Two plain words parse as SQL too (a column with an alias); an expression shows an operator, a call or a dot.
    return bool(re.search(r"[()<>=*/+]|\w\.\w", meaning)) and parse_expression(meaning) is not None


def _last_part(name: str) -> str:
    return name.replace("`", "").rstrip(".").split(".")[-1].lower()
