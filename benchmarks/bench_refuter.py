"""How often the refuter is right on labelled pairs of queries, and how long it takes.

    python benchmarks/bench_refuter.py PAIRS [--databases 8] [--wrong] [--unknown] [--limit N]

PAIRS is a folder of ``*.jsonl`` files as ``convert_pairs.py`` writes them, or the repository's own labelled pairs
(``tests/evaluation/refuter/pairs.yaml``). Precision and recall are over the pairs that run; ``unknown`` counts
against recall. Without a folder only the repository's own pairs are measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlflow_genie_plugin.evaluation.refuter.refutation import unknown
from mlflow_genie_plugin.evaluation.refuter.refute import refute
from mlflow_genie_plugin.evaluation.refuter.tables import Constraints, ForeignKey
from mlflow_genie_plugin.evaluation.refuter.witness import replay
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema

HEADINGS = ("set", "pairs", "run", "EQ precision", "EQ recall", "NEQ precision", "NEQ recall", "unknown", "p50 ms",
            "p95 ms", "CPU p50 ms")  # fmt: skip
OWN_PAIRS = Path(__file__).parents[1] / "tests" / "evaluation" / "refuter" / "pairs.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("pairs", type=Path, nargs="?", default=OWN_PAIRS)
    parser.add_argument("--databases", type=int, default=8)
    parser.add_argument("--limit", type=int, default=0, help="at most this many pairs of each set")
    parser.add_argument("--only", default="", help="only sets whose name contains this")
    parser.add_argument("--wrong", action="store_true", help="print the pairs that were judged wrongly")
    parser.add_argument("--unknown", action="store_true", help="print why pairs are unknown")
    given = parser.parse_args()
    outcomes: dict[str, Counter[tuple[bool, str]]] = defaultdict(Counter)
    times: dict[str, list[float]] = defaultdict(list)
    cpu_times: dict[str, list[float]] = defaultdict(list)
    undisputed: Counter[tuple[bool, str]] = Counter()
    reasons: Counter[str] = Counter()
    proofs: Counter[str] = Counter()
    unreplayed = 0
    for pair in read_pairs(given.pairs):
        name = pair["set"]
        if given.only not in name or (given.limit and len(times[name]) >= given.limit):
            continue
        schema, constraints = schema_of(pair["schema"])
        start, cpu = time.perf_counter(), time.thread_time()
        try:
            found = refute(pair["left"], pair["right"], schema, databases=given.databases, constraints=constraints)
        except Exception as error:  # noqa: BLE001 one broken pair is counted and shown, and the others still measured
            print(f"--- broke ({name}): {type(error).__name__}: {error}", pair["left"], pair["right"], sep="\n")
            found = unknown(f"broke: {type(error).__name__}: {error}")
        times[name].append((time.perf_counter() - start) * 1000)
        cpu_times[name].append((time.thread_time() - cpu) * 1000)
        runs = found.outcome != "unknown" or found.databases > 0
        outcomes[name][pair["equal"], found.outcome if runs else "not run"] += 1
        if "disputed" not in pair:
            undisputed[pair["equal"], found.outcome if runs else "not run"] += 1
        proofs[found.proof or found.outcome] += 1
        if found.witness is not None and not replay(found.witness):
            unreplayed += 1
        if found.outcome == "unknown":
            reasons[found.reason[:110]] += 1
            if given.unknown:
                print(f"--- unknown ({name}): {found.reason}\n{pair['left']}\n{pair['right']}")
        elif given.wrong and (found.outcome == "equivalent") is not pair["equal"]:
            label = "equal" if pair["equal"] else "different"
            print(f"--- {name}: labelled {label}, found {found.outcome}: {found.reason}")
            print(pair["left"], pair["right"], sep="\n")
            if found.witness is not None:
                print(json.dumps({key: found.witness[key] for key in ("tables", "expected", "actual")}))
    print("| " + " | ".join(HEADINGS) + " |")
    print("|---" * len(HEADINGS) + "|")
    for name in sorted(outcomes):
        print(line(name, outcomes[name], times[name], cpu_times[name]))
    everything: Counter[tuple[bool, str]] = sum(outcomes.values(), Counter())
    flat, flat_cpu = ([each for some in group.values() for each in some] for group in (times, cpu_times))
    print(line("all", everything, flat, flat_cpu))
    print(line("all without disputed labels", undisputed, flat, flat_cpu))
    print("proofs:", dict(proofs), "witnesses that do not replay:", unreplayed)
    print("unknown:", *reasons.most_common(12), sep="\n  ")


def read_pairs(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix == ".yaml":
        import yaml

        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for pair in document["pairs"]:
            yield {**pair, "schema": document["schema"], "set": "own pairs"}
        return
    for file in sorted(path.glob("*.jsonl")):
        for text in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(text)


def schema_of(document: dict[str, Any] | None) -> tuple[SpaceSchema | None, Constraints]:
    if document is None:
        return None, Constraints()
    assets = {
        name: SchemaAsset(
            name,
            "TABLE",
            tuple(SchemaColumn(column, kind) for column, kind in table["columns"].items()),
            unique_keys=tuple(map(tuple, table.get("keys") or ())),
        )
        for name, table in document.items()
    }
    references = tuple(
        ForeignKey(name, tuple(columns), parent, tuple(parent_columns))
        for name, table in document.items()
        for columns, parent, parent_columns in table.get("foreign_keys") or ()
        if parent in document
    )
    not_null = {name: frozenset(table.get("not_null") or ()) for name, table in document.items()}
    return SpaceSchema(assets), Constraints(foreign_keys=references, not_null=not_null)


def line(name: str, counts: Counter[tuple[bool, str]], times: list[float], cpu_times: list[float]) -> str:
    run = {key: count for key, count in counts.items() if key[1] != "not run"}
    cells = []
    for equal, outcome in ((True, "equivalent"), (False, "different")):
        right = run.get((equal, outcome), 0)
        said = right + run.get((not equal, outcome), 0)
        labelled = sum(count for key, count in run.items() if key[0] is equal)
        cells += [f"{right / said:.3f}" if said else "-", f"{right / labelled:.3f}" if labelled else "-"]
    unknown = sum(count for key, count in run.items() if key[1] == "unknown")
    p95 = sorted(times)[int(len(times) * 0.95)] if times else 0.0
    total = sum(counts.values())
    p50 = statistics.median(times) if times else 0.0
    cpu = statistics.median(cpu_times) if cpu_times else 0.0
    counted = f"{total} | {sum(run.values())} | {' | '.join(cells)} | {unknown}"
    return f"| {name} | {counted} | {p50:.0f} | {p95:.0f} | {cpu:.0f} |"


if __name__ == "__main__":
    main()
