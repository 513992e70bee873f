"""A question cut into pieces: mentions of the space's words, periods, grains, numbers and the words that give structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlflow_genie_plugin.emulator.answering.time_phrases import Grain, Period, match_time
from mlflow_genie_plugin.emulator.answering.vocabulary import Mention, Vocabulary
from mlflow_genie_plugin.emulator.answering.words import Token, tokenize

# marker → (kind, value); longer phrases win over shorter ones.
_MARKERS: dict[str, tuple[str, str]] = {
    **{text: ("aggregate", "COUNT") for text in ("how many", "number of", "count of", "count the", "count", "total number of")},
    **{text: ("aggregate", "SUM") for text in ("total", "sum of", "sum", "overall", "combined", "altogether", "how much")},
    **{text: ("aggregate", "AVG") for text in ("average", "avg", "mean", "on average", "typical")},
    **{text: ("aggregate", "MAX") for text in ("maximum", "max", "maximal")},
    **{text: ("aggregate", "MIN") for text in ("minimum", "min", "minimal")},
    **{text: ("aggregate", "MEDIAN") for text in ("median",)},
    **{text: ("distinct", "") for text in ("distinct", "different", "unique")},
    **{text: ("superlative", "DESC") for text in ("highest", "most", "largest", "biggest", "greatest", "best", "the most")},
    **{text: ("superlative", "ASC") for text in ("lowest", "least", "smallest", "fewest", "worst", "cheapest amount")},
    **{text: ("top", "DESC") for text in ("top", "leading", "first")},
    **{text: ("top", "ASC") for text in ("bottom",)},
    **{text: ("group", "") for text in ("by", "per", "each", "every", "for each", "in each", "for every", "across", "of each")},
    **{text: ("group", "") for text in ("grouped by", "split by", "broken down by", "break down by", "breakdown by", "within each")},
    **{text: ("rank", "") for text in ("ranked by", "sorted by", "ordered by", "sort by", "in order of", "rank by")},
    **{text: ("direction", "DESC") for text in ("descending", "in descending order", "from highest to lowest")},
    **{text: ("direction", "ASC") for text in ("ascending", "in ascending order", "from lowest to highest")},
    **{text: ("compare", ">") for text in ("more than", "greater than", "higher than", "larger than", "bigger than", "over")},
    **{text: ("compare", ">") for text in ("above", "exceeding", "exceeds", "exceed", "longer than", "older than", "heavier than")},
    **{text: ("compare", "<") for text in ("less than", "fewer than", "lower than", "smaller than", "under", "below")},
    **{text: ("compare", "<") for text in ("shorter than", "younger than", "cheaper than", "lighter than")},
    **{text: ("compare", ">=") for text in ("at least", "no less than", "not less than", "minimum of")},
    **{text: ("compare", "<=") for text in ("at most", "up to", "no more than", "not more than", "maximum of")},
    **{text: ("compare", "=") for text in ("exactly", "equal to", "equals", "is equal to")},
    **{text: ("compare", "between") for text in ("between",)},
    **{text: ("share", "") for text in ("share of", "percentage of", "percent of", "proportion of", "fraction of", "share")},
    **{text: ("share", "") for text in ("what percentage", "what share", "percentage", "proportion")},
    **{text: ("without", "") for text in ("without", "without any", "never", "no", "have no", "has no", "with no", "did not have")},
    **{text: ("not", "") for text in ("not", "not in", "excluding", "except", "except for", "other than", "is not", "are not", "were not")},
    **{text: ("versus", "") for text in ("versus", "vs", "compare", "compared to", "compared with", "comparison", "against")},
    **{text: ("and", "") for text in ("and", "as well as", "along with", "together with")},
    **{text: ("or", "") for text in ("or",)},
    **{text: ("which", "") for text in ("which", "what are the", "who")},
    **{text: ("list", "") for text in ("list", "show", "give me", "display", "show me", "list all", "show all")},
    **{text: ("with", "") for text in ("with", "having", "whose", "that have", "that had", "that has", "who have", "who has")},
    **{text: ("extreme", "DESC price") for text in ("most expensive", "priciest", "costliest", "most costly")},
    **{text: ("extreme", "ASC price") for text in ("cheapest", "least expensive", "least costly")},
    **{text: ("extreme", "DESC time") for text in ("newest", "latest", "most recent")},
    **{text: ("extreme", "ASC time") for text in ("oldest", "earliest")},
    **{text: ("extreme", "DESC length") for text in ("longest",)},
    **{text: ("extreme", "ASC length") for text in ("shortest",)},
    **{text: ("trend", "") for text in ("trend", "trends", "evolution", "develop", "develop over time")},
}
_MARKER_PHRASES = {tuple(text.split()): marker for text, marker in _MARKERS.items()}
_LONGEST_MARKER = max(len(phrase) for phrase in _MARKER_PHRASES)
_FILLERS = frozenset(
    """a an the of in on at to for from is are was were be been being do does did has have had having there here it its this that
    these those what how when where who whom why i we us our me my you your they them their he she can could would will shall should
    may might please tell give want need know see find get show shown look let all any some many much only just also so far then than
    as if into out up about value values amount amounts figure figures number numbers data record records row rows entry entries
    information result results following item items sold sell selling buy bought made make come came coming go going went given giving
    took take taken generate generated earned earn recorded register registered exist existing located live lives living based
    currently now available respectively ever far place belong belongs use used using within during through by per stand stands
    cost come's had get got got's say said called name names kind kinds type types sort exactly what's's s t dollars dollar usd eur
    happen happened occur occurred day days date dates time period
    worth each other break broken down overview summary summarise summarize report calculate compute return returns display
    most more less one ones order-wise across over total""".split()
)


@dataclass(frozen=True)
class Piece:
    """One piece of a question.

    ``kind``: mention, owner (a table that says whose column follows), period, grain, number, unknown, or the kind of a marker (``aggregate``, ``group`` …) with its ``value``.
    """

    kind: str
    start: int
    end: int
    text: str
    value: str = ""
    mention: Mention | None = None
    period: Period | None = None
    grain: Grain | None = None
    number: float | None = None
    comma: bool = False


def cut(question: str, vocabulary: Vocabulary) -> list[Piece]:
    """Return the pieces of ``question`` in order; filler words are dropped, words that mean nothing stay as ``unknown``."""
    tokens = tokenize(question)
    pieces: list[Piece] = []
    at = 0
    while at < len(tokens):
        piece = _piece_at(tokens, at, vocabulary)
        if piece is not None:
            if _specifies(pieces, piece):
                pieces[-1] = replace(pieces[-1], kind="owner")
            pieces.append(piece)
            at = piece.end
        else:
            at += 1
    return pieces


def _piece_at(tokens: Sequence[Token], at: int, vocabulary: Vocabulary) -> Piece | None:
    token = tokens[at]
    mention = vocabulary.match(tokens, at)
    timed = match_time(tokens, at)
    marker, marker_length = _marker(tokens, at)
    if mention is not None and mention.end - at >= max(timed[1] if timed else 0, marker_length):
        return _piece("mention", tokens, at, mention.end, mention=mention)
    if timed is not None and timed[1] >= marker_length:
        when, length = timed
        if isinstance(when, Period):
            return _piece("period", tokens, at, at + length, period=when)
        return _piece("grain", tokens, at, at + length, grain=when)
    if marker is not None:
        return _piece(marker[0], tokens, at, at + marker_length, value=marker[1])
    if token.kind == "quoted":
        return _piece("unknown", tokens, at, at + 1, value="quoted")
    if token.number is not None:
        return _piece("number", tokens, at, at + 1, number=token.number)
    part = vocabulary.match_part(token, at) if token.word not in _FILLERS else None
    if part is not None:
        return _piece("mention", tokens, at, at + 1, mention=part)
    return None if token.word in _FILLERS or token.stem in _FILLERS else _piece("unknown", tokens, at, at + 1)


def _specifies(pieces: Sequence[Piece], piece: Piece) -> bool:
    """Return whether the piece before is a table that only says whose column this is ("supplier nation")."""
    if not pieces or piece.mention is None or piece.comma:
        return False
    before = pieces[-1]
    owner = before.mention.concepts[0].kind == "table" if before.mention else False
    adjacent = before.kind == "mention" and before.end == piece.start
    named = piece.mention.concepts[0]
    is_verb = named.column is not None and named.column.is_temporal  # "customers placed", "orders shipped"
    return owner and adjacent and named.kind in {"column", "table"} and not is_verb


def _marker(tokens: Sequence[Token], at: int) -> tuple[tuple[str, str] | None, int]:
    for length in range(min(_LONGEST_MARKER, len(tokens) - at), 0, -1):
        marker = _MARKER_PHRASES.get(tuple(token.word for token in tokens[at : at + length]))
        if marker is not None:
            return marker, length
    return None, 0


def _piece(
    kind: str,
    tokens: Sequence[Token],
    start: int,
    end: int,
    *,
    value: str = "",
    mention: Mention | None = None,
    period: Period | None = None,
    grain: Grain | None = None,
    number: float | None = None,
) -> Piece:
    text = " ".join(token.text for token in tokens[start:end])
    return Piece(kind, start, end, text, value, mention, period, grain, number, tokens[start].comma)
