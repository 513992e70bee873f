"""Types as Spark computes them, above all the precision and scale of decimals, which DuckDB computes otherwise.

The rules are those of Spark's ``DecimalPrecision`` and ``DecimalType.adjustPrecisionScale``, precision loss allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import ParseError

MAX_PRECISION = 38
_MIN_ADJUSTED_SCALE = 6
_INTEGERS = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 20}
_FRACTIONS = ("FLOAT", "DOUBLE")


@dataclass(frozen=True, slots=True)
class SparkType:
    """A type by its SQL name.

    Attributes:
        kind: BIGINT, DECIMAL, STRING, ARRAY, MAP, STRUCT, INTERVAL …
        precision, scale: Of a DECIMAL.
        items: Type of an array's elements, or of a map's keys and values; unknown ones are None.
        fields: Names and types of a struct.
    """

    kind: str
    precision: int = 0
    scale: int = 0
    items: tuple[SparkType | None, ...] = ()
    fields: tuple[tuple[str, SparkType | None], ...] = ()

    @property
    def is_decimal(self) -> bool:
        return self.kind == "DECIMAL"

    @property
    def is_integer(self) -> bool:
        return self.kind in _INTEGERS

    @property
    def is_number(self) -> bool:
        return self.is_decimal or self.is_integer or self.kind in _FRACTIONS

    def field(self, name: str) -> SparkType | None:
        """Return the type of a struct's field, or None."""
        return next((kind for label, kind in self.fields if label.lower() == name.lower()), None)

    def text(self) -> str:
        """Write the type as ``typeof`` does: ``array<decimal(10,2)>``."""
        if self.is_decimal:
            return f"decimal({self.precision},{self.scale})"
        if self.kind in ("ARRAY", "MAP"):
            return f"{self.kind.lower()}<{','.join(item.text() if item else 'void' for item in self.items)}>"
        if self.kind == "STRUCT":
            fields = (f"{name}:{kind.text() if kind else 'void'}" for name, kind in self.fields)
            return f"struct<{','.join(fields)}>"
        return self.kind.lower()

    @property
    def is_known(self) -> bool:
        """Whether no part of it is unknown."""
        parts = (*self.items, *(kind for _, kind in self.fields))
        return all(part is not None and part.is_known for part in parts)


def simple(kind: str) -> SparkType:
    """Return a type without parameters."""
    return SparkType(kind)


def decimal(precision: int, scale: int) -> SparkType:
    """Return a decimal type, cut to 38 digits without touching the scale."""
    return SparkType("DECIMAL", min(precision, MAX_PRECISION), min(scale, MAX_PRECISION))


def array_of(item: SparkType | None) -> SparkType:
    return SparkType("ARRAY", items=(item,))


def parse_type(text: str) -> SparkType | None:
    """Return the type that a catalog's type text names, or None when it is none of the known ones."""
    try:
        return from_data_type(exp.DataType.build(text, dialect="databricks"))
    except (ValueError, ParseError):  # an exotic type
        return None


_KINDS = {
    "BOOLEAN": "BOOLEAN", "TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INT": "INT", "BIGINT": "BIGINT",
    "FLOAT": "FLOAT", "DOUBLE": "DOUBLE", "TEXT": "STRING", "VARCHAR": "STRING", "CHAR": "STRING", "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP", "TIMESTAMPTZ": "TIMESTAMP", "TIMESTAMPLTZ": "TIMESTAMP",
    "TIMESTAMPNTZ": "TIMESTAMP_NTZ", "BINARY": "BINARY", "VARBINARY": "BINARY",
}  # fmt: skip


def from_data_type(data_type: exp.DataType) -> SparkType | None:
    """Return the type that a cast names, or None when it is none of the known ones."""
    name = data_type.this.value if isinstance(data_type.this, exp.DataType.Type) else ""
    inner = data_type.expressions
    if name == "DECIMAL":
        numbers = [int(each.this.name) for each in inner] or [10, 0]
        return SparkType("DECIMAL", numbers[0], numbers[1] if len(numbers) > 1 else 0)
    if name in ("ARRAY", "MAP"):
        return SparkType(name, items=tuple(from_data_type(each) for each in inner))
    if name == "STRUCT":
        if any(not each.name or each.args.get("kind") is None for each in inner):
            return None  # a field without a name or a type
        return SparkType(name, fields=tuple((each.name, from_data_type(each.args["kind"])) for each in inner))
    return simple(_KINDS[name]) if name in _KINDS else None


def as_decimal(kind: SparkType, literal: str | None = None) -> SparkType | None:
    """Return the decimal that an integer or decimal takes part as; an integer literal has just its own digits."""
    if kind.is_decimal:
        return kind
    if literal is not None and literal.isdigit():
        return decimal(max(len(literal.lstrip("0")), 1), 0)
    return decimal(_INTEGERS[kind.kind], 0) if kind.is_integer else None


def arithmetic(operator: str, left: SparkType, right: SparkType) -> SparkType:
    """Return the decimal that ``left operator right`` gives; operators are ``+ - * / %``."""
    p1, s1, p2, s2 = left.precision, left.scale, right.precision, right.scale
    if operator in "+-":
        scale = max(s1, s2)
        return _adjusted(max(p1 - s1, p2 - s2) + scale + 1, scale)
    if operator == "*":
        return _adjusted(p1 + p2 + 1, s1 + s2)
    if operator == "/":
        scale = max(_MIN_ADJUSTED_SCALE, s1 + p2 + 1)
        return _adjusted(p1 - s1 + s2 + scale, scale)
    return _adjusted(min(p1 - s1, p2 - s2) + max(s1, s2), max(s1, s2))


def _adjusted(precision: int, scale: int) -> SparkType:
    if precision <= MAX_PRECISION:
        return SparkType("DECIMAL", precision, scale)
    whole = precision - scale
    least = min(scale, _MIN_ADJUSTED_SCALE)
    return SparkType("DECIMAL", MAX_PRECISION, max(MAX_PRECISION - whole, least))


def wider(left: SparkType | None, right: SparkType | None) -> SparkType | None:
    """Return the type that values of both become in one column; None when it is unknown."""
    if left is None or right is None:
        return None
    if left == right or right.kind == "VOID":
        return left
    if left.kind == "VOID":
        return right
    if left.is_number and right.is_number:
        if left.kind in _FRACTIONS or right.kind in _FRACTIONS:
            return simple("FLOAT") if left.kind == right.kind == "FLOAT" else simple("DOUBLE")
        if left.is_integer and right.is_integer:
            return max(left, right, key=lambda kind: _INTEGERS[kind.kind])
        one, other = as_decimal(left), as_decimal(right)
        if one is not None and other is not None:
            scale = max(one.scale, other.scale)
            return decimal(max(one.precision - one.scale, other.precision - other.scale) + scale, scale)
    if {left.kind, right.kind} == {"DATE", "TIMESTAMP"}:
        return simple("TIMESTAMP")
    if left.kind == right.kind and left.kind in ("ARRAY", "MAP"):
        return SparkType(left.kind, items=tuple(wider(a, b) for a, b in zip(left.items, right.items, strict=True)))
    return None


def common(kinds: Iterable[SparkType | None]) -> SparkType | None:
    """Return the type that all of several values become, or None."""
    result: SparkType | None = simple("VOID")
    for kind in kinds:
        result = wider(result, kind)
    return result


def rounded(kind: SparkType, digits: int) -> SparkType:
    """Return the type of ``round(decimal, digits)``."""
    whole = kind.precision - kind.scale + 1
    if digits < 0:
        return decimal(max(whole, 1 - digits), 0)
    scale = min(kind.scale, digits)
    return decimal(whole + scale, scale)
