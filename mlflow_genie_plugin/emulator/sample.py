"""The sample: a space over ``samples.tpch``, its benchmark questions, and an edit that somebody makes in a hurry."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import orjson

from mlflow_genie_plugin.errors import UsageError

SAMPLE_TITLE = "Orders (sample)"
SAMPLE_DESCRIPTION = "Questions about the orders of a wholesale company, over the TPC-H tables in samples.tpch."
_DATA = files("mlflow_genie_plugin.emulator").joinpath("data")


def sample_document() -> dict[str, Any]:
    """Return the sample space's ``serialized_space``: a fresh copy at every call."""
    document: dict[str, Any] = orjson.loads(sample_space())
    return document


def sample_space() -> bytes:
    """Return the bytes of the sample space's exported file (JSON)."""
    return _DATA.joinpath("sample_space.json").read_bytes()


def sample_benchmarks() -> bytes:
    """Return the bytes of the sample's benchmarks file (YAML)."""
    return _DATA.joinpath("sample_benchmarks.yaml").read_bytes()


@contextmanager
def sample_benchmarks_path() -> Iterator[Path]:
    """Give the sample's benchmarks file as a path on disk, also when the package is installed as an archive."""
    with as_file(_DATA.joinpath("sample_benchmarks.yaml")) as path:
        yield path


def bad_edit(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document after a plausible bad edit in the browser; ``document`` itself stays as it is.

    Somebody is asked for "revenue as on the invoices": they change the measure to the list amount, which forgets the
    discount,
    and "tidy up" the join from orders to customers and the sentence that says which nation counts. Revenue is then
    wrong
    everywhere it is composed, and revenue by nation or region silently follows the supplier.

    Raises:
        UsageError: The document is not the sample space (a part to be edited is missing), so that the edit would do
            nothing.
    """
    edited = copy.deepcopy(document)
    try:
        instructions = edited["instructions"]
        revenue = next(m for m in instructions["sql_snippets"]["measures"] if m["display_name"] == "revenue")
        join = next(
            j for j in instructions["join_specs"] if (j["left"]["alias"], j["right"]["alias"]) == ("orders", "customer")
        )
        text = instructions["text_instructions"][0]
        kept = [line for line in text["content"] if not line.startswith("For nations and regions")]
    except (KeyError, IndexError, TypeError, StopIteration) as error:
        raise UsageError(
            "this document is not the sample space, the bad edit does not fit it",
            next_step="use the document of sample_document(), or edit the space by hand",
        ) from error
    revenue["sql"] = ["SUM(lineitem.l_extendedprice)"]
    revenue["instruction"] = ["Revenue as on the invoices."]
    instructions["join_specs"].remove(join)
    text["content"] = kept
    return edited
