"""``mlflow-genie evaluate review``: what the arbiter proposes to correct in the benchmarks, for a person to decide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from mlflow_genie_plugin.cli.evaluate import evaluate as ask_and_judge
from mlflow_genie_plugin.cli.output import command, emit, emit_json, say
from mlflow_genie_plugin.cli.sources import read_file
from mlflow_genie_plugin.errors import ConflictError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow_genie_plugin.evaluation.corrections import Correction

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--benchmarks", "benchmarks_file", type=_FILE, required=True, help="The questions that were evaluated.")
@click.option(
    "-o", "--output", type=_FILE, help="Corrections file; default: FILE.corrections.yaml beside the questions."
)
@click.option("--accept", multiple=True, metavar="ID", help="Carry out this proposal in the benchmarks; repeatable.")
@click.option("--reject", multiple=True, metavar="ID", help="Decide against this proposal; repeatable.")
@click.option("--by", metavar="NAME", help="Who decides; required with --accept and --reject.")
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@command
def review(
    runs: tuple[str, ...],
    *,
    benchmarks_file: Path,
    output: Path | None,
    accept: tuple[str, ...],
    reject: tuple[str, ...],
    by: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """List where the expected SQL may be wrong, as the arbiter sees it in evaluations RUN, and decide about it.

    Proposals are collected in a corrections file; the benchmarks change only by --accept, one question at a time, and
    keep everything else byte for byte. P0 and held_out questions never get a proposal. A proposal that another
    evaluation makes again, from other answers, is confirmed by it. ID is a proposal's id, or the question's where it
    has only one. A RUN may be an evaluation's run id or its result file.
    """
    from mlflow_genie_plugin.clock import SYSTEM_CLOCK
    from mlflow_genie_plugin.evaluation.correct import correct
    from mlflow_genie_plugin.evaluation.corrections import ACCEPTED, REJECTED, choose, decided, merge
    from mlflow_genie_plugin.evaluation.corrections_file import corrections_path, read_corrections, write_corrections

    if (accept or reject) and not (by and by.strip()):
        raise UsageError("a decision needs a name", next_step="add --by NAME: who has looked at the two queries")
    path = output or corrections_path(benchmarks_file)
    before = read_file(benchmarks_file)
    name = _name_of(before, benchmarks_file)
    corrections = read_corrections(path)
    for run in runs:
        corrections = merge(corrections, _proposals(run))
    data, notes = before, list[str]()
    for state, ids in ((ACCEPTED, accept), (REJECTED, reject)):
        for chosen in [choose(corrections, wanted) for wanted in ids]:
            if state == ACCEPTED:
                corrected = correct(data, chosen, str(benchmarks_file))
                data = corrected.data
                notes += corrected.notes
            now = decided(chosen, state, str(by), SYSTEM_CLOCK)
            corrections = [now if item.id == chosen.id else item for item in corrections]
    if not dry_run:
        _write(benchmarks_file, before, data)
        if corrections:
            write_corrections(path, name, corrections)
    difference = _difference(before, data, benchmarks_file)
    if as_json:
        emit_json(
            {
                "benchmarks": str(benchmarks_file),
                "corrections_file": str(path),
                "written": not dry_run,
                "diff": difference,
                "notes": notes,
                "corrections": [item.to_json() for item in corrections],
            }
        )
        return
    if accept or reject:
        emit(_decisions(corrections, by, dry_run=dry_run, benchmarks=benchmarks_file))
        emit(difference.rstrip("\n")) if difference else None
        for note in notes:
            say(f"note: {note}")
    else:
        emit(_listing(corrections, benchmarks_file))
    if corrections and not dry_run:
        say(f"Wrote {path}" + (f" and {benchmarks_file}" if data != before else f"; {benchmarks_file} is unchanged"))


# Shown under the help of evaluate, which knows nothing of the other command.
ask_and_judge.epilog = "Proposed corrections of the benchmarks:  mlflow-genie evaluate review --help"


class EvaluateOrReview(click.RichCommand):
    """``evaluate`` as it is, except that a first argument ``review`` leads to the other command."""

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        if args[:1] == ["review"]:
            return review.make_context(f"{info_name} review", args[1:], parent=parent, **extra)
        return ask_and_judge.make_context(info_name, args, parent=parent, **extra)

    def get_help(self, ctx: Any) -> str:
        return ask_and_judge.get_help(ctx)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        return ask_and_judge.shell_complete(ctx, incomplete)


evaluate = EvaluateOrReview(
    name="evaluate", params=ask_and_judge.params, callback=ask_and_judge.callback, help=ask_and_judge.help
)


def _proposals(run: str) -> list[Correction]:
    from mlflow_genie_plugin.evaluation.corrections import proposals_of
    from mlflow_genie_plugin.evaluation.mlflow_logging import load_evaluation
    from mlflow_genie_plugin.evaluation.result_file import evaluation_sha256, parse_result
    from mlflow_genie_plugin.evaluation.rows_file import beside

    run_id: str | None = None
    if Path(run).is_file():
        data = read_file(Path(run))
        result = parse_result(data, beside(Path(run)))
    else:
        run_id = run
        data, result = load_evaluation(run)
    if result.status != "complete":
        raise UsageError(f"the evaluation {run} is {result.status}", next_step="review a complete one")
    return proposals_of(result, run_id=run_id, evaluation_sha256=evaluation_sha256(data))


def _name_of(data: bytes, path: Path) -> str:
    from mlflow_genie_plugin.evaluation.benchmark_lint.subject import read_subject

    return read_subject(data, str(path)).name or path.stem


def _write(path: Path, before: bytes, data: bytes) -> None:
    from mlflow_genie_plugin.atomic_files import write_bytes_atomically

    if data == before:
        return
    if read_file(path) != before:
        raise ConflictError(f"{path} changed while it was reviewed; nothing was written", next_step="review it again")
    write_bytes_atomically(path, data)


def _difference(before: bytes, after: bytes, path: Path) -> str:
    import difflib

    old, new = (data.decode("utf-8", "replace").splitlines(keepends=True) for data in (before, after))
    return "".join(difflib.unified_diff(old, new, f"a/{path.name}", f"b/{path.name}"))


def _decisions(corrections: Sequence[Correction], by: str | None, *, dry_run: bool, benchmarks: Path) -> str:
    from mlflow_genie_plugin.evaluation.corrections import PROPOSED

    states = [item.state for item in corrections]
    would = "would be " if dry_run else ""
    lines = [f"{benchmarks}: decisions {would}recorded as {by}'s; {states.count(PROPOSED)} proposals are open"]
    lines += [f"  {item.state} {item.id}" for item in corrections if item.state != PROPOSED and item.by == by]
    return "\n".join(lines)


def _listing(corrections: Sequence[Correction], benchmarks: Path) -> str:
    from mlflow_genie_plugin.evaluation.corrections import PROPOSED

    proposals = [item for item in corrections if item.state == PROPOSED]
    if not proposals:
        decided_before = len(corrections)
        more = f" (decided before: {decided_before})" if decided_before else ""
        return f"{benchmarks}: nothing to correct is proposed{more}"
    lines = [f"{benchmarks}: {len(proposals)} proposed, {len(corrections) - len(proposals)} decided"]
    for item in proposals:
        times = len(item.confirmations)
        seen = "seen in 1 answer" if times == 1 else f"confirmed: seen in {times} independent answers"
        lines.append(f"  {item.id}  {item.verdict}, {item.confidence} confidence, rule {item.rule}, {seen}")
        lines.append(f"      {' '.join(item.question.split())}")
        lines.append(f"      {item.rationale}")
        lines += [f"      - {line}" for line in item.old_sql.splitlines()] if item.field == "expected_sql" else []
        lines += [
            f"      + {line}"
            for line in (
                str(item.value) if item.field == "expected_sql" else f"{item.field}: {item.value}"
            ).splitlines()
        ]
    first = proposals[0].id
    lines.append(f"Decide:  mlflow-genie evaluate review --benchmarks {benchmarks} --accept {first} --by NAME")
    return "\n".join(lines)
