"""Cases and what they have in common as JSON, so that they can be judged in another process without pickling them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import orjson

from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import expected_from_json, stored_from_json, stored_json
from mlflow_genie_plugin.space.config import Envelope, SpaceConfig


@dataclass(frozen=True)
class Surroundings:
    """What the cases of one evaluation share: it travels once, not with every case."""

    assets: SpaceAssets
    schema: SpaceSchema | None = None
    config: SpaceConfig | None = None

    @classmethod
    def of(cls, case: JudgedCase) -> Surroundings:
        return cls(case.assets, case.schema, case.config)

    def is_of(self, case: JudgedCase) -> bool:
        """Whether these are the surroundings of the case: the same objects, as comparing them would cost too much."""
        return self.assets is case.assets and self.schema is case.schema and self.config is case.config

    def to_json(self) -> dict[str, Any]:
        config = self.config
        return {
            "assets": {item.name: sorted(getattr(self.assets, item.name)) for item in fields(SpaceAssets)},
            "schema": None if self.schema is None else self.schema.to_json(),
            "config": None if config is None else {
                "document": config.document,
                "envelope": {item.name: getattr(config.envelope, item.name) for item in fields(Envelope)},
                "space_id": config.space_id,
                "etag": config.etag,
            },
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Surroundings:
        """Return the surroundings that :meth:`to_json` wrote."""
        schema, config = document["schema"], document["config"]
        return cls(
            SpaceAssets(**{name: frozenset(names) for name, names in document["assets"].items()}),
            None if schema is None else SpaceSchema.from_json(schema),
            None if config is None else SpaceConfig(**{**config, "envelope": Envelope(**config["envelope"])}),
        )


def case_bytes(case: JudgedCase) -> bytes:
    """Return a case without its surroundings as JSON."""
    return orjson.dumps(
        {
            "benchmark": {item.name: getattr(case.benchmark, item.name) for item in fields(Benchmark)},
            "answer": stored_json(case.answer),
            "expected": stored_json(case.expected),
            "repeats": [stored_json(answer) for answer in case.repeats],
        }
    )


def case_from_bytes(data: bytes, around: Surroundings) -> JudgedCase:
    """Return the case that :func:`case_bytes` wrote, in its surroundings."""
    document = orjson.loads(data)
    benchmark = document["benchmark"]
    names = {key: tuple(benchmark[key]) for key in ("required_tables", "required_columns")}
    return JudgedCase(
        Benchmark(**{**benchmark, **names}),
        stored_from_json(document["answer"]),
        expected_from_json(document["expected"]),
        around.assets,
        around.schema,
        around.config,
        tuple(stored_from_json(answer) for answer in document["repeats"]),
    )
