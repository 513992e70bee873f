"""Reading ``attestations.yaml`` and ``waivers.yaml``, which stand beside the criteria and are as trusted as those."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import InvalidSignOffError, UnreadableFileError, Violation
from mlflow_genie_plugin.gating.checklist import ROWS
from mlflow_genie_plugin.gating.criteria import load
from mlflow_genie_plugin.gating.rules.register import family_of, is_packaged, packaged_stems
from mlflow_genie_plugin.gating.rules.rule import violation
from mlflow_genie_plugin.gating.signed import LONGEST_WAIVER_DAYS, Attestation, SignOffs, Waiver
from mlflow_genie_plugin.schemas import require_format_version, violations_of
from mlflow_genie_plugin.schemas.wording import did_you_mean

FORMAT_VERSION = 1
ATTESTATIONS = "attestations.yaml"
WAIVERS = "waivers.yaml"


def signoffs_beside(criteria: Path) -> SignOffs:
    """Return what is signed in the folder of a criteria file; a file that is not there holds nothing.

    Raises:
        UnreadableFileError: A file is there and cannot be read.
        InvalidSignOffError: A file breaks its rules; all violations with their paths.
    """

    def read(name: str) -> bytes | None:
        path = criteria.parent / name
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error

    return signoffs_from(read)


def signoffs_from(read: Callable[[str], bytes | None]) -> SignOffs:
    """Return what is signed, from wherever ``read`` gets a file that stands beside the criteria (None: there is none).

    Raises:
        InvalidSignOffError: A file breaks its rules; all violations with their paths.
    """
    found = {name: read(name) for name in (ATTESTATIONS, WAIVERS)}
    attestations, waivers = found[ATTESTATIONS], found[WAIVERS]
    return SignOffs(
        parse_attestations(attestations) if attestations is not None else (),
        parse_waivers(waivers) if waivers is not None else (),
        {name: sha256_of_bytes(data) for name, data in found.items() if data is not None},
    )


def parse_attestations(data: bytes, name: str = ATTESTATIONS) -> tuple[Attestation, ...]:
    """Return the attestations in the YAML text ``data``.

    Raises:
        UnreadableFileError, UnsupportedFormatError: It is not YAML, or of another ``format_version``.
        InvalidSignOffError: It breaks the rules; all violations.
    """
    entries = _entries(data, name, "attestations", _attestation_rules)
    return tuple(
        Attestation(**{**entry, "attested_on": _day(entry["attested_on"]), "expires": _day(entry["expires"])})
        for entry in entries
    )


def parse_waivers(data: bytes, name: str = WAIVERS) -> tuple[Waiver, ...]:
    """Return the waivers in the YAML text ``data``; raises as :func:`parse_attestations`."""
    entries = _entries(data, name, "waivers", _waiver_rules)
    return tuple(
        Waiver(**{**entry, "granted": _day(entry["granted"]), "expires": _day(entry["expires"])}) for entry in entries
    )


def waiver_problem(gate: Any) -> tuple[str, str, str] | None:
    """Return why a gate cannot be waived (rule, message, fix), None when it can."""
    if not isinstance(gate, str):
        return None  # the schema says so
    if not is_packaged(gate):
        fix = f"a gate of your own is taken out of custom_gates instead; {did_you_mean(gate, packaged_stems())}"
        return "unknown-gate", f"there is no gate {gate!r}", fix
    if not family_of(gate).WAIVABLE:
        return "never-waived", f"{gate} can never be waived", "correct what it found, and evaluate again"
    return None


def _entries(
    data: bytes, name: str, kind: str, rules: Callable[[dict[str, Any], list[str | int]], Iterator[Violation]]
) -> list[dict[str, Any]]:
    document = load(data, name)
    require_format_version(document, FORMAT_VERSION, name)
    found = violations_of(document, kind)
    entries = document.get(kind)
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            found.extend(rules(entry, [kind, index]))
    if found:
        raise InvalidSignOffError(f"{name} cannot be used", found, next_step="correct these lines", file=name)
    return list(document[kind])


def _attestation_rules(entry: dict[str, Any], path: list[str | int]) -> Iterator[Violation]:
    row = entry.get("row")
    if isinstance(row, str) and row not in ROWS:
        yield violation([*path, "row"], "unknown-row", f"the checklist has no row {row!r}", did_you_mean(row, ROWS))
    elif isinstance(row, str) and not ROWS[row].attestable:
        yield violation([*path, "row"], "decided-by-gates", f"{row} is decided by the gates; nobody can attest it")
    if ("model_id" in entry) == ("content_sha256" in entry):
        message = "it names both a version and a content" if "model_id" in entry else "it does not say what it is about"
        yield violation(path, "not-about-one-thing", message, "write model_id or content_sha256")
    yield from _day_rules(entry, "attested_on", path)


def _waiver_rules(entry: dict[str, Any], path: list[str | int]) -> Iterator[Violation]:
    if (problem := waiver_problem(entry.get("gate"))) is not None:
        rule, message, fix = problem
        yield violation([*path, "gate"], rule, message, fix)
    yield from _day_rules(entry, "granted", path)
    first, last = _day_or_none(entry.get("granted")), _day_or_none(entry.get("expires"))
    if first is not None and last is not None and (last - first).days > LONGEST_WAIVER_DAYS:
        message = f"a waiver runs for at most {LONGEST_WAIVER_DAYS} days, this one for {(last - first).days}"
        yield violation([*path, "expires"], "too-long", message)


def _day_rules(entry: dict[str, Any], begins: str, path: list[str | int]) -> Iterator[Violation]:
    for name in (begins, "expires"):
        value = entry.get(name)
        if isinstance(value, str) and _day_or_none(value) is None:
            yield violation([*path, name], "not-a-day", f"{value!r} is not a day", "write it as 2026-11-20")
    first, last = _day_or_none(entry.get(begins)), _day_or_none(entry.get("expires"))
    if first is not None and last is not None and last < first:
        yield violation([*path, "expires"], "ends-before-it-begins", f"{last} is before {first}")


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _day_or_none(value: Any) -> date | None:
    # fromisoformat also reads 20261120 and 2026-W47-5, which no person takes for a day at a glance.
    if not isinstance(value, str) or len(value) != len("2026-11-20"):
        return None
    try:
        return date.fromisoformat(value) if value[4] == value[7] == "-" else None
    except ValueError:
        return None
