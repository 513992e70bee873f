"""A question cut into pieces: mentions of the space's words, periods, grains, numbers, and words of structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlflow_genie_plugin.emulator.answering.concepts import Mention
from mlflow_genie_plugin.emulator.answering.time_phrases import Grain, Period, match_time
from mlflow_genie_plugin.emulator.answering.vocabulary import Vocabulary
from mlflow_genie_plugin.emulator.answering.words import Token, tokenize, word_set

# marker → (kind, value); longer phrases win over shorter ones.
_MARKERS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("how many", "number of", "count of", "count the", "count", "total number of"), ("aggregate", "COUNT")
    ),
    **dict.fromkeys(("total", "sum of", "sum", "overall", "combined", "altogether", "how much"), ("aggregate", "SUM")),
    **dict.fromkeys(("average", "avg", "mean", "on average", "typical"), ("aggregate", "AVG")),
    **dict.fromkeys(("maximum", "max", "maximal"), ("aggregate", "MAX")),
    **dict.fromkeys(("minimum", "min", "minimal"), ("aggregate", "MIN")),
    **dict.fromkeys(("median",), ("aggregate", "MEDIAN")),
    **dict.fromkeys(("distinct", "different", "unique"), ("distinct", "")),
    **dict.fromkeys(("highest", "most", "largest", "biggest", "greatest", "best", "the most"), ("superlative", "DESC")),
    **dict.fromkeys(("lowest", "least", "smallest", "fewest", "worst", "cheapest amount"), ("superlative", "ASC")),
    **dict.fromkeys(("top", "leading", "first"), ("top", "DESC")),
    **dict.fromkeys(("bottom",), ("top", "ASC")),
    **dict.fromkeys(
        ("by", "per", "each", "every", "for each", "in each", "for every", "across", "of each"), ("group", "")
    ),
    **dict.fromkeys(
        ("grouped by", "split by", "broken down by", "break down by", "breakdown by", "within each"), ("group", "")
    ),
    **dict.fromkeys(("ranked by", "sorted by", "ordered by", "sort by", "in order of", "rank by"), ("rank", "")),
    **dict.fromkeys(
        ("descending", "in descending order", "highest to lowest", "largest to smallest", "ranked", "most to least"),
        ("direction", "DESC"),
    ),
    **dict.fromkeys(("ascending", "in ascending order", "from lowest to highest"), ("direction", "ASC")),
    **dict.fromkeys(
        ("more than", "greater than", "higher than", "larger than", "bigger than", "over"), ("compare", ">")
    ),
    **dict.fromkeys(
        ("above", "exceeding", "exceeds", "exceed", "longer than", "older than", "heavier than"), ("compare", ">")
    ),
    **dict.fromkeys(("less than", "fewer than", "lower than", "smaller than", "under", "below"), ("compare", "<")),
    **dict.fromkeys(("shorter than", "younger than", "cheaper than", "lighter than"), ("compare", "<")),
    **dict.fromkeys(("at least", "no less than", "not less than", "minimum of"), ("compare", ">=")),
    **dict.fromkeys(("at most", "up to", "no more than", "not more than", "maximum of"), ("compare", "<=")),
    **dict.fromkeys(("exactly", "equal to", "equals", "is equal to"), ("compare", "=")),
    **dict.fromkeys(("between",), ("compare", "between")),
    **dict.fromkeys(
        ("share of", "percentage of", "percent of", "proportion of", "fraction of", "share"), ("share", "")
    ),
    **dict.fromkeys(("what percentage", "what share", "percentage", "proportion"), ("share", "")),
    **dict.fromkeys(
        ("without", "without any", "never", "no", "have no", "has no", "with no", "did not have"), ("without", "")
    ),
    **dict.fromkeys(
        ("not", "not in", "excluding", "except", "except for", "other than", "is not", "are not", "were not"),
        ("not", ""),
    ),
    **dict.fromkeys(
        ("versus", "vs", "compare", "compared to", "compared with", "comparison", "against"), ("versus", "")
    ),
    **dict.fromkeys(("and", "as well as", "along with", "together with"), ("and", "")),
    **dict.fromkeys(("or",), ("or", "")),
    **dict.fromkeys(("which", "what are the", "who"), ("which", "")),
    **dict.fromkeys(("list", "show", "give me", "display", "show me", "list all", "show all"), ("list", "")),
    **dict.fromkeys(
        ("with", "having", "whose", "that have", "that had", "that has", "who have", "who has"), ("with", "")
    ),
    **dict.fromkeys(("most expensive", "priciest", "costliest", "most costly"), ("extreme", "DESC price")),
    **dict.fromkeys(("cheapest", "least expensive", "least costly"), ("extreme", "ASC price")),
    **dict.fromkeys(("newest", "latest", "most recent"), ("extreme", "DESC time")),
    **dict.fromkeys(("oldest", "earliest"), ("extreme", "ASC time")),
    **dict.fromkeys(("longest",), ("extreme", "DESC length")),
    **dict.fromkeys(("shortest",), ("extreme", "ASC length")),
    **dict.fromkeys(("trend", "trends", "evolution", "develop", "develop over time"), ("trend", "")),
}
_MARKER_PHRASES = {tuple(text.split()): marker for text, marker in _MARKERS.items()}
_LONGEST_MARKER = max(len(phrase) for phrase in _MARKER_PHRASES)
_FILLERS = word_set(
    """a an the of in on at to for from is are was were be been being do does did has have had having there here it
    its this that these those what how when where who whom why i we us our me my you your they them their he she
    can could would will shall should may might please tell give want need know see find get show shown look let
    all any some many much only just also so far then than as if into out up about value values amount amounts
    figure figures number numbers data record records row rows entry entries information result results following
    item items sold sell selling buy bought made make come came coming go going went given giving took take taken
    generate generated earned earn recorded register registered exist existing located live lives living based
    currently now available respectively ever place belong belongs use used using within during through by per
    stand stands cost come's got got's say said called name names kind kinds type types sort exactly what's's s t
    dollars dollar usd eur happen happened occur occurred day days date dates time period code codes worth each
    other break broken down overview summary summarise summarize report calculate compute return returns display
    most more less one ones order-wise across over total"""
)


@dataclass(frozen=True)
class Piece:
    """One piece of a question.

    ``kind``: mention, owner (a table that says whose column follows), period, grain, number, unknown, or the kind of
    a marker (``aggregate``, ``group`` …) with its ``value``.
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
    """Return the pieces of ``question`` in order, without filler words; words that mean nothing stay as ``unknown``."""
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
