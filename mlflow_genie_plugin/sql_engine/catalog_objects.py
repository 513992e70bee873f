"""What a catalog tells about one table and one column."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column: name, manifest type (``LONG``), SQL type (``BIGINT``), comment, whether NULL is allowed, role.

    ``role`` is ``column``, or ``dimension`` or ``measure`` of a metric view.
    """

    name: str
    type_name: str
    type_text: str
    comment: str = ""
    nullable: bool = True
    role: str = "column"


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table, view or metric view: its three-part name and ``kind`` (``TABLE``, ``VIEW``, ``METRIC_VIEW``)."""

    catalog: str
    schema: str
    name: str
    kind: str
    comment: str = ""

    @property
    def full_name(self) -> str:
        """Return ``catalog.schema.name``."""
        return f"{self.catalog}.{self.schema}.{self.name}"
