"""Numbers, comparisons and loose values of a question, placed by what stands beside them."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.answering.concepts import Mention
from mlflow_genie_plugin.emulator.answering.pieces import Piece
from mlflow_genie_plugin.emulator.answering.request import Ask, Filter, Request
from mlflow_genie_plugin.emulator.answering.vocabulary import Vocabulary
from mlflow_genie_plugin.emulator.answering.words import whole_number_of


class NumberReader:
    """The state of reading a question; ``role`` is what the last marker said about the next mention."""

    def __init__(self, pieces: list[Piece], vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.pieces = pieces
        self.request = Request()
        self.role = ""
        self.aggregate: str | None = None
        self.distinct = False
        self.negated = False
        self.ranking = False

    def place_number(self, at: int) -> int:
        beside = [self.pieces[n].kind for n in (at - 1, at + 1) if 0 <= n < len(self.pieces)]
        following = self.pieces[at + 1].mention if at + 1 < len(self.pieces) else None
        count = whole_number_of(self.pieces[at].number)
        ranked = any(piece.kind in {"superlative", "extreme"} for piece in self.pieces)
        if following is not None and ranked and self.request.limit is None and count is not None and 0 < count <= 1000:
            self.request.limit = count  # "which 3 suppliers have the highest …"
            self.role = self.role or "which"
        elif not {"top", "superlative", "extreme"} & set(beside):
            column = self.column_before(at)
            if column is not None and column.of("column", "dimension").column.is_numeric:  # type: ignore[union-attr]
                self.forget(column)
                self.request.filters.append(Filter(column, "=", numbers=(float(self.pieces[at].number or 0),)))
            else:
                self.request.unknown.append(self.pieces[at].text)
        return 1

    def place_unknown(self, at: int) -> None:
        piece, column = self.pieces[at], self.column_before(at)
        concept = column.of("column", "dimension") if column is not None else None
        value = self.vocabulary.exact_value(concept.column, piece.text) if concept and concept.column else None
        if value is None and concept and piece.value == "quoted":
            value = piece.text
        if column is not None and value is not None:
            self.forget(column)
            self.request.filters.append(Filter(column, "IN", values=(value,), negated=self.negated))
            self.negated = False
        else:
            self.request.unknown.append(piece.text)

    def column_before(self, at: int) -> Mention | None:
        """Return the mention right before ``at`` when it reads as a column."""
        before = self.pieces[at - 1].mention if at > 0 else None
        return before if before is not None and before.of("column", "dimension") else None

    def forget(self, mention: Mention) -> None:
        """Take a mention out of the lists it was put into before a later piece showed what it is for."""
        request = self.request
        request.groups = [group for group in request.groups if group != mention]
        self.forget_listing(mention)
        if request.subject is mention:
            request.subject = None

    def forget_listing(self, mention: Mention) -> None:
        for found in (self.request.columns, self.request.context):
            if mention in found:
                found.remove(mention)

    def place_comparison(self, at: int) -> int:
        piece = self.pieces[at]
        numbers: list[float] = []
        end = at + 1
        while end < len(self.pieces) and len(numbers) < (2 if piece.value == "between" else 1):
            number = _number_of(self.pieces[end])
            if number is not None:
                numbers.append(number)
            elif not (numbers and self.pieces[end].kind == "and"):
                break
            end += 1
        if len(numbers) < (2 if piece.value == "between" else 1):
            self.request.unknown.append(piece.text)
            return 1
        after = self.pieces[end].mention if end < len(self.pieces) else None
        if after is not None and self.compared(Ask(after, self.aggregate), piece.value, tuple(numbers)):
            return end + 1 - at
        hinted = self.vocabulary.numeric_part(piece.text.split()[0].lower(), self.named_tables())
        before = self.pieces[at - 1].mention if at > 0 else None
        if hinted is not None and (before is None or before.concepts[0].kind == "table"):
            self.request.filters.append(Filter(hinted, piece.value, numbers=tuple(numbers)))
            # the unit that follows ("longer than 10 miles") says the same as the adjective
            unit = end < len(self.pieces) and self.pieces[end].kind == "unknown"
            return end + (1 if unit else 0) - at
        asked = next((ask for ask in self.request.measures if ask.mention is before), None)
        if before is not None and self.compared(asked or Ask(before, self.aggregate), piece.value, tuple(numbers)):
            if asked is not None and self.request.subject is not None:
                self.request.measures.remove(asked)
            self.forget(before)
            return end - at
        self.request.unknown.append(" ".join(p.text for p in self.pieces[at:end]))
        return end - at

    def compared(self, ask: Ask, operator: str, numbers: tuple[float, ...]) -> bool:
        """Add a comparison on the mention if it is a figure; return whether it is."""
        column = ask.mention.of("column", "dimension", "expression")
        if ask.aggregate in {None, "COUNT"} and ask.mention.of("table") and not (column and column.weight >= 1):
            self.request.comparisons.append((Ask(ask.mention, "COUNT"), operator, numbers))
        elif ask.mention.of("measure", "metric") or (ask.aggregate not in {None, "COUNT"} and column):
            self.request.comparisons.append((ask, operator, numbers))
        elif column and (column.kind == "expression" or (column.column is not None and column.column.is_numeric)):
            self.request.filters.append(Filter(ask.mention, operator, numbers=numbers))
            return True
        else:
            return False
        self.aggregate = None
        return True

    def named_tables(self) -> set[str]:
        """Return the tables that the question names anywhere."""
        mentions = [piece.mention for piece in self.pieces if piece.mention is not None]
        return {concept.table for mention in mentions if (concept := mention.of("table"))}

    def date_near(self, at: int) -> Mention | None:
        """Return the last date column named before a period, or right after it."""
        for piece in [*reversed(self.pieces[:at]), *self.pieces[at + 1 : at + 2]]:
            concept = piece.mention.of("column", "dimension") if piece.mention else None
            if concept and concept.column and concept.column.is_temporal and piece.mention not in self.request.groups:
                return piece.mention
        return None


def _number_of(piece: Piece) -> float | None:
    """Return the number a piece stands for in a comparison, where "2000" is no year."""
    if piece.kind == "period" and piece.text.isdigit():
        return float(piece.text)
    return piece.number if piece.kind == "number" else None
