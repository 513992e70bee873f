"""Asking a model for all the opinions that an evaluation needs, several at once, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from mlflow_genie_plugin.evaluation.judge import Judge, JudgedCase, judge_case
from mlflow_genie_plugin.evaluation.llm.opinion import Opinion, Opinionist
from mlflow_genie_plugin.evaluation.llm.recorded import RecordedOpinions
from mlflow_genie_plugin.evaluation.llm.request import OpinionRequest, request_for

Save = Callable[[str, Opinion], None]


def gather_opinions(
    cases: Iterable[JudgedCase],
    judges: Sequence[Judge],
    opinionist: Opinionist,
    *,
    known: Mapping[str, Opinion] | None = None,
    save: Save | None = None,
    extra: Iterable[OpinionRequest] = (),
    at_once: int = 4,
) -> RecordedOpinions:
    """Return the opinions on every finding that wants one; judging itself then asks nobody.

    Args:
        cases: What is judged.
        judges: The deterministic judges.
        opinionist: Who is asked.
        known: Opinions on record, by the digest of their request; those that are answers are not asked for again.
        save: Called with every new answer as it arrives (not with outages, which a later attempt tries again).
        extra: More requests, of the arbiter.
        at_once: How many threads ask.
    """
    modes = {judge.name: asked for judge in judges if (asked := opinionist.asked(judge.name)) is not None}
    asking = [judge for judge in judges if judge.name in modes]
    wanted = {request.sha256: request for request in _requests(cases, asking, modes)}
    wanted.update((request.sha256, request) for request in extra)
    if (arbiter := opinionist.asked("arbiter")) is not None:
        modes["arbiter"] = arbiter
    found = {digest: opinion for digest, opinion in (known or {}).items() if digest in wanted and opinion.is_answer}
    missing = [request for digest, request in wanted.items() if digest not in found]
    pool = ThreadPoolExecutor(max_workers=max(1, at_once), thread_name_prefix="genie-opinion")
    try:
        futures = {pool.submit(opinionist.opinion, request): request.sha256 for request in missing}
        for future in as_completed(futures):
            digest, opinion = futures[future], future.result()
            found[digest] = opinion
            if save is not None and opinion.is_answer:
                save(digest, opinion)
    finally:
        # Ctrl-C: what is under way is bounded by its own deadline, the rest is not begun.
        pool.shutdown(wait=True, cancel_futures=True)
    return RecordedOpinions(modes, found)


def _requests(
    cases: Iterable[JudgedCase], judges: Sequence[Judge], modes: Mapping[str, object]
) -> Iterable[OpinionRequest]:
    for case in cases:
        for finding in judge_case(case, judges).values():
            asked = modes[finding.judge]
            request = request_for(finding, case, asked)  # type: ignore[arg-type]
            if request is not None:
                yield request
