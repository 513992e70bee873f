"""Every error of the package: one root, a stable code, the exit code of the command line and the next step.

The text of an error follows one pattern, ``what: why — what to do next``; the command line puts ``error[CODE]:``
before it. A code is never reused for another meaning; ``docs/errors.md`` has a section for each. They stand in one
file, long as it is, so that no code is given twice and the whole tree is read at a glance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar


class ExitCode(IntEnum):
    """What a command's exit status says."""

    OK = 0
    NO = 1  # the answer is no: a gate failed, a config is invalid, a difference was found
    USAGE = 2  # bad usage or input
    UNAVAILABLE = 3  # workspace or tracking server unreachable, or it refused us
    CONFLICT = 4  # someone else changed the thing meanwhile
    UNDECIDED = 10  # the evidence is too small or incomplete


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a document breaks.

    Attributes:
        path: JSON path of the offending value, ``$`` for the document itself.
        rule: Stable name of the rule, for example ``id-format``.
        message: What is wrong, with the value seen.
        severity: ``error`` (would be refused) or ``warning`` (would be accepted, is probably a mistake).
        fix: What to do about it; empty when the message says it all.
    """

    path: str
    rule: str
    message: str
    severity: str = "error"
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" + (f" ({self.fix})" if self.fix else "")


class GenieError(Exception):
    """Root of all errors this package raises on purpose.

    Args:
        what: What happened, naming the thing it happened to.
        next_step: What the reader should do now.
        details: Facts for machines (ids, hashes, paths); they appear in ``--json`` output, never secrets.
    """

    code: ClassVar[str] = "MG000"
    exit_code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(self, what: str, *, next_step: str = "", **details: Any) -> None:
        self.what = what
        self.next_step = next_step
        self.details = details
        super().__init__(f"{what} — {next_step}" if next_step else what)


class InvalidDocumentError(GenieError):
    """Base of "this document breaks these rules": carries every violation, not the first."""

    def __init__(self, what: str, violations: Sequence[Violation], *, next_step: str = "", **details: Any) -> None:
        self.violations = tuple(violations)
        super().__init__(what, next_step=next_step, **details)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {violation}" for violation in self.violations)])


class UnexpectedStepError(GenieError):
    """Raised when a step of the quickstart ends otherwise than its story says: a defect, never hidden."""

    code = "MG001"
    exit_code = ExitCode.NO


# --- workspace: reaching it and being allowed (MG1xx) ---------------------------------------------------------------


class NotSignedInError(GenieError):
    """Raised when no credentials were found or the workspace rejected them (HTTP 401, expired token)."""

    code = "MG101"
    exit_code = ExitCode.UNAVAILABLE


class PermissionDeniedError(GenieError):
    """Raised when the identity may not do this (HTTP 403)."""

    code = "MG102"
    exit_code = ExitCode.UNAVAILABLE


class WorkspaceUnavailableError(GenieError):
    """Raised when the workspace cannot be reached, times out or answers with a server error."""

    code = "MG103"
    exit_code = ExitCode.UNAVAILABLE


class RateLimitedError(GenieError):
    """Raised when the workspace keeps asking us to slow down after the waiting budget is spent."""

    code = "MG104"
    exit_code = ExitCode.UNAVAILABLE

    def __init__(self, what: str, *, retry_after_seconds: float | None = None, next_step: str = "", **details: Any):
        self.retry_after_seconds = retry_after_seconds
        super().__init__(what, next_step=next_step, **details)


class SpaceNotFoundError(GenieError):
    """Raised when the space id does not exist, is in the trash, or is hidden from this identity."""

    code = "MG105"


class SpaceNotEditableError(GenieError):
    """Raised when a space is returned without its configuration: the identity lacks CAN EDIT."""

    code = "MG106"
    exit_code = ExitCode.UNAVAILABLE


class WorkspaceRefusedError(GenieError):
    """Raised when the workspace rejects a request as invalid (HTTP 400), with its own message."""

    code = "MG107"
    exit_code = ExitCode.UNAVAILABLE


class UnconfirmedRequestError(WorkspaceUnavailableError):
    """Raised when a request that must not be sent twice got no answer and a look-up could not tell what it did."""

    code = "MG108"


class MissingExtraError(GenieError):
    """Raised when an optional dependency is needed; the next step names the extra to install."""

    code = "MG110"


# --- input: files, arguments, documents (MG2xx) ----------------------------------------------------------------------


class UsageError(GenieError):
    """Raised for arguments that contradict each other or are missing."""

    code = "MG200"


class InvalidSpaceError(InvalidDocumentError):
    """Raised when a space config breaks the server's rules; carries all violations."""

    code = "MG201"


class TemplateSpaceError(GenieError):
    """Raised when a space config still holds ``${…}`` or ``{{…}}`` placeholders where a real value is needed."""

    code = "MG202"


class InvalidBenchmarksError(InvalidDocumentError):
    """Raised when a benchmark file breaks its schema or rules; carries all violations."""

    code = "MG203"


class InvalidCriteriaError(InvalidDocumentError):
    """Raised when criteria.yaml breaks its schema or leaves a judge or rule unnamed; carries all violations."""

    code = "MG204"


class UnsupportedFormatError(GenieError):
    """Raised when a file's ``format_version`` is not one this version of the package reads."""

    code = "MG205"


class UnreadableFileError(GenieError):
    """Raised when a file is missing, is not text, or is not the JSON or YAML it should be."""

    code = "MG206"


class InvalidSettingError(GenieError):
    """Raised when a setting (environment variable, option) has a value that cannot be used."""

    code = "MG207"


class UnsafeSqlError(GenieError):
    """Raised when SQL is anything but one read-only statement and was therefore not executed."""

    code = "MG208"


class SqlFailedError(GenieError):
    """Raised when an engine or warehouse could not run a statement; the message is the engine's."""

    code = "MG209"


class UnwritableFileError(GenieError):
    """Raised when a file cannot be written (no space, read-only); the old content is untouched."""

    code = "MG210"


class InvalidCorrectionsError(InvalidDocumentError):
    """Raised when a file of proposed corrections breaks its format or was changed by hand."""

    code = "MG215"


class InvalidImportError(InvalidDocumentError):
    """Raised when questions cannot be imported from a source as it is; carries every place with its line."""

    code = "MG216"


class InvalidSignOffError(InvalidDocumentError):
    """Raised when attestations.yaml or waivers.yaml breaks its rules; carries all violations."""

    code = "MG217"


# --- models and live state (MG3xx) -----------------------------------------------------------------------------------


class ModelNotFoundError(GenieError):
    """Raised when a model id, version, alias or run does not exist."""

    code = "MG301"


class NotAGenieModelError(GenieError):
    """Raised when the model exists but its flavor is not ``genie-space``."""

    code = "MG302"


class TamperedModelError(GenieError):
    """Raised when a model's files, hashes or MLmodel differ from what its write-once params record."""

    code = "MG303"


class DriftedSpaceError(GenieError):
    """Raised when the live space's behaviour hash differs from the model's."""

    code = "MG304"
    exit_code = ExitCode.CONFLICT


class ConflictError(GenieError):
    """Raised when something changed between plan and apply; nothing was written by the failing step."""

    code = "MG310"
    exit_code = ExitCode.CONFLICT


class UnverifiedWriteError(GenieError):
    """Raised when a write was accepted but the read-back did not show it in time; nothing was undone."""

    code = "MG311"
    exit_code = ExitCode.UNDECIDED


class CompensatedError(GenieError):
    """Raised when a later step failed and the space was put back to its safety snapshot (or why it could not be)."""

    code = "MG312"
    exit_code = ExitCode.CONFLICT


class ProtectedSpaceError(GenieError):
    """Raised when a write to a production space is refused because the version is not marked and verified."""

    code = "MG313"
    exit_code = ExitCode.NO


# --- evaluation (MG4xx) ----------------------------------------------------------------------------------------------


class EvaluationNotFoundError(GenieError):
    """Raised when no complete evaluation exists for a model, or the named run is not one."""

    code = "MG401"


class InvalidEvaluationError(GenieError):
    """Raised when an evaluation may not be used: config changed while it ran, rows are missing, digests differ."""

    code = "MG402"
    exit_code = ExitCode.UNDECIDED


class InterruptedEvaluationError(GenieError):
    """Raised when an evaluation stopped early; answers so far are kept and the same command continues."""

    code = "MG403"
    exit_code = ExitCode.UNAVAILABLE


class EvaluationLoggingError(GenieError):
    """Raised when what MLflow stored of an evaluation is not what was logged."""

    code = "MG404"
    exit_code = ExitCode.UNAVAILABLE


class SparkUnavailableError(GenieError):
    """Raised when judging on Spark was asked for and PySpark, Java or a session is missing."""

    code = "MG420"
    exit_code = ExitCode.UNAVAILABLE


class JudgingFailedError(GenieError):
    """Raised when a part of the cases could not be judged on Spark; no result is kept then."""

    code = "MG421"
    exit_code = ExitCode.UNAVAILABLE


class DatasetSyncError(GenieError):
    """Raised when an MLflow evaluation dataset cannot be brought in step with a benchmarks file, or proved to be."""

    code = "MG430"
    exit_code = ExitCode.UNAVAILABLE


# --- gates (MG5xx) ---------------------------------------------------------------------------------------------------


class VerificationError(GenieError):
    """Raised when an independent recomputation does not confirm a verdict; names the mismatch."""

    code = "MG501"
    exit_code = ExitCode.NO


class GateSuiteError(GenieError):
    """Raised when the gate suite or its manifest cannot be used (missing gates, wrong suite)."""

    code = "MG502"


# --- tracking server (MG6xx) -----------------------------------------------------------------------------------------


class TrackingUnavailableError(GenieError):
    """Raised when the MLflow tracking server or its store cannot be reached or fails."""

    code = "MG601"
    exit_code = ExitCode.UNAVAILABLE


class TrackingRefusedError(TrackingUnavailableError):
    """Raised when the tracking server answers that this identity may not do that (for example a read-only one)."""

    code = "MG602"
