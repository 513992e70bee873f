"""From the pieces of a question to what it asks for."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.answering.concepts import Concept, Mention
from mlflow_genie_plugin.emulator.answering.pieces import Piece, cut
from mlflow_genie_plugin.emulator.answering.reading_numbers import NumberReader
from mlflow_genie_plugin.emulator.answering.request import Ask, Filter, Request, When
from mlflow_genie_plugin.emulator.answering.time_phrases import Grain
from mlflow_genie_plugin.emulator.answering.vocabulary import Vocabulary
from mlflow_genie_plugin.emulator.answering.words import stem, whole_number_of


def understand(question: str, vocabulary: Vocabulary) -> Request:
    """Return what ``question`` asks for. Never fails: what it cannot place it lists under ``unknown``."""
    return _Reader(cut(question, vocabulary), vocabulary).read()


class _Reader(NumberReader):
    """Walks over the pieces once."""

    def read(self) -> Request:
        at = 0
        while at < len(self.pieces):
            at += self.place(at)
        request = self.request
        if self.ranking and request.rank is None and request.measures:
            request.rank = request.measures[0]
        request.distinct = request.distinct or self.distinct
        return request

    def place(self, at: int) -> int:
        """Place the piece at ``at`` and return how many pieces that took."""
        piece = self.pieces[at]
        match piece.kind:
            case "mention":
                return self.place_mention(at)
            case "compare":
                return self.place_comparison(at)
            case "period":
                self.request.periods.append(When(piece.period, self.date_near(at)))  # type: ignore[arg-type]
            case "grain":
                self.request.groups.append(piece.grain)  # type: ignore[arg-type]
                self.role = ""
            case "aggregate":
                joined = self.aggregate == "AVG" and piece.value == "COUNT"
                keep = self.aggregate == "COUNT" and piece.value == "SUM"
                self.aggregate = "AVG COUNT" if joined else self.aggregate if keep else piece.value
                if self.role != "rank":
                    self.role = ""
            case "distinct":
                self.distinct = True
            case "superlative" | "top":
                self.place_ranking(at)
            case "extreme":
                direction, hint = piece.value.split()
                self.place_ranking(at)
                self.request.direction, self.request.extreme = direction, hint
            case "number":
                return self.place_number(at)
            case "not":
                self.negated = True
            case "list":
                self.request.listing = True
            case "versus":
                self.request.compares = True
            case "share":
                self.request.share = True
            case "direction":
                self.request.direction = piece.value
                self.ranking = True
            case "trend":
                if not any(isinstance(group, Grain) for group in self.request.groups):
                    self.request.groups.append(Grain("MONTH"))
            case "group" | "rank" | "which" | "with" | "without":
                self.role = piece.kind
                self.ranking = self.ranking or piece.kind == "rank"
                if piece.kind == "which":
                    self.request.listing = True
            case "owner":
                self.request.context.append(piece.mention)  # type: ignore[arg-type]
            case "unknown":
                self.place_unknown(at)
            case _:  # and, or: they join what stands around them
                pass
        return 1

    def place_ranking(self, at: int) -> None:
        piece, request = self.pieces[at], self.request
        request.direction = piece.value.split()[0]
        self.ranking = True
        if self.role != "without":
            self.role = "top" if piece.kind in {"top", "extreme"} else "superlative"
        request.single = request.single or piece.kind != "top"
        for neighbour in (at + 1, at - 1):
            if 0 <= neighbour < len(self.pieces) and self.pieces[neighbour].kind == "number":
                number = whole_number_of(self.pieces[neighbour].number)
                if number is not None and 0 < number <= 100_000:
                    request.limit = number
                    if piece.kind == "superlative":  # "the 5 largest X" names a subject, as "top 5 X" does
                        self.role = "top"

    def place_mention(self, at: int) -> int:
        mention = self.pieces[at].mention
        if mention is None:
            raise AssertionError("a mention piece carries its mention")
        if self.role in {"group", "rank"} and not self.continues(at):
            self.role = ""
        role, request = self.role, self.request
        if role not in {"group", "rank"}:
            self.role = ""
        following = self.pieces[at + 1] if at + 1 < len(self.pieces) else None
        if (value := mention.of("value")) and not self.is_rather_a_name(mention, value):
            self.place_value(at, mention)
            return 1
        if role == "without" and (mention.of("table") or mention.of("filter")):
            if mention.of("table"):
                request.without.append(mention)
            else:
                request.filters.append(Filter(mention, negated=True))
        elif role in {"group", "rank"}:
            self.place_group(mention, role)
        elif mention.of("filter") and mention.concepts[0].kind == "filter":
            self.place_filter_snippet(at, mention, role)
        elif self.is_date_hint(mention, at):
            pass
        elif role == "superlative" and self.is_figure(mention) and not (following and following.kind == "unknown"):
            self.place_ranked_figure(mention)
        elif role in {"top", "superlative"} or (role == "which" and not self.is_measure(mention)):
            self.place_subject(mention, self.pieces[at].text)
        elif self.aggregate is not None:
            request.measures.append(Ask(mention, self.aggregate, self.distinct))
            self.aggregate, self.distinct = None, False
        elif self.is_measure(mention):
            request.measures.append(Ask(mention))
        elif (flag := mention.of("column", "dimension")) and flag.column is not None and flag.column.is_boolean:
            request.filters.append(Filter(mention, "IS", negated=self.negated))
            self.negated = False
        elif mention.concepts[0].kind == "table":
            request.context.append(mention)
        else:
            request.columns.append(mention)
        return 1

    def continues(self, at: int) -> bool:
        """Return whether what a "by" said still holds: right after it, after "and", or in an enumeration."""
        before = self.pieces[at - 1]
        if before.kind in {"group", "rank", "and", "superlative", "aggregate", "distinct", "owner", "number", "top"}:
            return True
        return before.kind in {"mention", "grain"} and (before.end == self.pieces[at].start or self.pieces[at].comma)

    def place_value(self, at: int, mention: Mention) -> None:
        request = self.request
        beside = [self.pieces[n].mention for n in (at - 1, at + 1) if 0 <= n < len(self.pieces)]
        named = {concept.column for m in beside if m is not None for concept in m.concepts if concept.kind != "value"}
        agreeing = tuple(c for c in mention.concepts if c.kind == "value" and c.column in named)
        if agreeing:  # "in the BUILDING segment": the column's name next to its value says which column is meant
            mention = Mention(mention.start, mention.end, agreeing)
            for index, neighbour in (
                (at - 1, beside[0] if at > 0 else None),
                (at + 1, beside[-1] if at + 1 < len(self.pieces) else None),
            ):
                if neighbour is not None and any(c.column == a.column for c in neighbour.concepts for a in agreeing):
                    self.forget(neighbour)
                    if index > at and not neighbour.of("value"):
                        self.pieces[index] = Piece("spoken", neighbour.start, neighbour.end, "")
        concept = mention.of("value")
        if concept is None:
            raise AssertionError("only a mention of a value is placed as one")
        request.filters.append(Filter(mention, "IN", values=(concept.value,), negated=self.negated))
        self.negated = False
        if self.role == "group":
            self.role = ""

    def place_group(self, mention: Mention, role: str) -> None:
        request = self.request
        figure = self.is_measure(mention) or self.aggregate is not None or (self.ranking and self.is_figure(mention))
        counted = self.ranking and mention.concepts[0].kind == "table" and request.subject is not None
        if figure or counted or role == "rank":
            aggregate = self.aggregate or ("COUNT" if counted else None)
            request.rank = Ask(mention, aggregate, self.distinct)
            self.ranking, self.aggregate, self.distinct, self.role = True, None, False, ""
        else:
            request.groups.append(mention)

    def place_filter_snippet(self, at: int, mention: Mention, role: str) -> None:
        request = self.request
        request.filters.append(Filter(mention, negated=self.negated))
        self.negated = False
        counts = self.aggregate in {"COUNT", "AVG COUNT"} or role == "superlative"
        names_rows_later = any(
            piece.mention is not None and piece.mention.of("table") for piece in self.pieces[at + 1 : at + 3]
        )
        if counts and not names_rows_later:
            ask = Ask(mention, "COUNT")
            if role == "superlative":
                request.rank = ask
            else:
                request.measures.append(ask)
            self.aggregate = None
        elif role in {"top", "superlative", "which"}:
            self.role = role
        elif not names_rows_later and not request.measures and request.subject is None:
            request.context.append(mention)

    def place_ranked_figure(self, mention: Mention) -> None:
        request = self.request
        aggregate = self.aggregate or ("COUNT" if mention.concepts[0].kind == "table" else None)
        request.rank = Ask(mention, aggregate, self.distinct)
        self.aggregate, self.distinct = None, False
        if request.subject is None and (request.columns or request.context) and not request.measures:
            # "suppliers with the highest balance": what stood before is what is ranked
            request.subject = (request.columns or request.context)[-1]
            self.forget_listing(request.subject)

    def place_subject(self, mention: Mention, text: str) -> None:
        if self.request.subject is None:
            last = text.split()[-1].lower()
            self.request.subject, self.request.plural = mention, stem(last) != last
        elif mention.concepts[0].kind == "table":
            self.request.context.append(mention)
        else:
            self.request.columns.append(mention)

    def is_date_hint(self, mention: Mention, at: int) -> bool:
        """Return whether a date column only says what a period is about ("shipped in 1995"), or is a mere verb."""
        concept = mention.of("column", "dimension")
        if concept is None or concept.column is None or not concept.column.is_temporal or self.aggregate or self.role:
            return False
        if mention.end - mention.start == 1 and concept.weight >= 1:  # one word: "shipped", "ordered", "placed"
            return True
        return any(piece.kind == "period" for piece in self.pieces[at + 1 : at + 2] + self.pieces[max(at - 1, 0) : at])

    def is_rather_a_name(self, mention: Mention, value: Concept) -> bool:
        """Return whether a mention that is also a value is meant as the name of something stronger."""
        best = mention.concepts[0]
        return (
            best.kind != "value"
            and best.weight > value.weight
            and self.role in {"group", "rank", "which", "superlative", ""}
        )

    def is_measure(self, mention: Mention) -> bool:
        return mention.concepts[0].kind in {"measure", "metric"} or (
            mention.of("measure", "metric") is not None and mention.of("column", "expression") is None
        )

    def is_figure(self, mention: Mention) -> bool:
        """Return whether a mention can rank: a measure, a numeric column or expression, or rows to be counted."""
        best = mention.concepts[0]
        if best.kind in {"measure", "metric", "expression"}:
            return True
        if best.column is not None and best.kind in {"column", "dimension"}:
            return best.column.is_numeric or best.column.is_temporal
        by_time = any(isinstance(group, Grain) for group in self.request.groups)
        return best.kind == "table" and (self.request.subject is not None or by_time)
