"""Spark types as text, taken apart: ``array<struct<a: int, b: decimal(10,2)>>``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DataType:
    """A type.

    Attributes:
        name: Lower case, for example ``decimal``, ``array``, ``struct``; the text itself where it is none of the known
            shapes.
        numbers: Of ``decimal(10,2)`` or ``varchar(20)``.
        items: Element type of an array, key and value type of a map.
        fields: Names and types of a struct's fields.
    """

    name: str
    numbers: tuple[int, ...] = ()
    items: tuple[DataType, ...] = ()
    fields: tuple[tuple[str, DataType], ...] = ()

    def __str__(self) -> str:
        if self.numbers:
            return f"{self.name}({','.join(map(str, self.numbers))})"
        if self.items:
            return f"{self.name}<{','.join(map(str, self.items))}>"
        if self.fields:
            return f"{self.name}<{','.join(f'{name}:{kind}' for name, kind in self.fields)}>"
        return self.name


def parse_type(text: str) -> DataType:
    """Read a type as ``information_schema`` writes it; what has no known shape becomes a type of that name."""
    text = text.strip()
    name, opening, inside = text.partition("<")
    name = name.strip().lower()
    if opening and inside.rstrip().endswith(">"):
        parts = _split(inside.rstrip()[:-1])
        if name == "struct":
            return DataType(name, fields=tuple(_field(part) for part in parts))
        if name in ("array", "map"):
            return DataType(name, items=tuple(map(parse_type, parts)))
        return DataType(text.lower())
    name, opening, inside = text.partition("(")
    numbers = inside.rstrip().removesuffix(")").split(",") if opening else []
    if numbers and all(number.strip().isdigit() for number in numbers):
        return DataType(name.strip().lower(), tuple(int(number) for number in numbers))
    return DataType(text.lower())


def type_from_json(value: Any) -> DataType:
    """Read a type as ``DESCRIBE … AS JSON`` writes it: ``{"name": "decimal", "precision": 10, "scale": 2}``."""
    if not isinstance(value, Mapping):
        return parse_type(str(value or ""))
    name = str(value.get("name") or "").lower()
    if name == "array":
        return DataType(name, items=(type_from_json(value.get("element_type")),))
    if name == "map":
        return DataType(name, items=(type_from_json(value.get("key_type")), type_from_json(value.get("value_type"))))
    if name == "struct":
        fields = [field for field in value.get("fields") or () if isinstance(field, Mapping)]
        return DataType(
            name, fields=tuple((str(field.get("name")), type_from_json(field.get("type"))) for field in fields)
        )
    numbers = [value[key] for key in ("precision", "scale", "length") if isinstance(value.get(key), int)]
    # Spark names the type with a time zone by the session's rules; in SQL it is plain TIMESTAMP.
    return DataType({"timestamp_ltz": "timestamp"}.get(name, name), tuple(numbers))


def type_to_json(kind: DataType) -> dict[str, Any]:
    """Write a type as ``DESCRIBE … AS JSON`` does."""
    if kind.name == "array" and kind.items:
        return {"name": "array", "element_type": type_to_json(kind.items[0]), "element_nullable": True}
    if kind.name == "map" and len(kind.items) == 2:
        key, value = map(type_to_json, kind.items)
        return {"name": "map", "key_type": key, "value_type": value, "value_nullable": True}
    if kind.name == "struct":
        return {"name": "struct", "fields": [{"name": name, "type": type_to_json(of)} for name, of in kind.fields]}
    keys = ("precision", "scale") if kind.name == "decimal" else ("length",)
    name = {"timestamp": "timestamp_ltz"}.get(kind.name, kind.name)
    return {"name": name, **dict(zip(keys, kind.numbers, strict=False))}


def _field(text: str) -> tuple[str, DataType]:
    """Read ``name: type`` or ``name type``; the name may stand in backticks."""
    text = text.strip()
    if text.startswith("`"):
        end = text.find("`", 1)
        name, rest = text[1:end], text[end + 1 :]
    else:
        end = min((place for sign in ": " if (place := text.find(sign)) >= 0), default=len(text))
        name, rest = text[:end], text[end:]
    return name.strip(), parse_type(rest.lstrip(" :").partition(" COMMENT ")[0])


def _split(text: str) -> list[str]:
    """Split at the commas that stand inside no bracket."""
    parts, depth, start = [], 0, 0
    for position, sign in enumerate(text):
        if sign in "<(":
            depth += 1
        elif sign in ">)":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [part for part in [*parts, text[start:]] if part.strip()]
