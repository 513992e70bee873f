"""What a catalog tells about one table and one column."""

from __future__ import annotations

from dataclasses import dataclass

# Database names that DuckDB keeps for itself; "main" is also the most common catalog of a Databricks workspace.
_RESERVED_DATABASES = frozenset({"main", "memory", "system", "temp"})


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


def database_of(catalog: str) -> str:
    """Return the name of the DuckDB database that holds a catalog: the catalog's own wherever DuckDB allows it."""
    return f"{catalog} catalog" if catalog.lower() in _RESERVED_DATABASES else catalog
