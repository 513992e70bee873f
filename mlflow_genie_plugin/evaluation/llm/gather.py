"""Asking for all the opinions that an evaluation needs: several at once, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed

from mlflow_genie_plugin.evaluation.llm.opinion import Opinion, Opinionist
from mlflow_genie_plugin.evaluation.llm.request import OpinionRequest

Save = Callable[[str, Opinion], None]


def gather_opinions(
    requests: Iterable[OpinionRequest],
    opinionist: Opinionist,
    *,
    known: Mapping[str, Opinion] | None = None,
    save: Save | None = None,
    at_once: int = 4,
) -> dict[str, Opinion]:
    """Return the opinion on every request, by the request's digest.

    Args:
        requests: What to ask; equal ones are asked once.
        opinionist: Who is asked.
        known: Opinions on record, by the digest of their request; those that are answers are not asked for again.
        save: Called with every new answer as it arrives (not with outages, which a later attempt tries again).
        at_once: How many threads ask.
    """
    wanted = {request.sha256: request for request in requests}
    found = {digest: opinion for digest, opinion in (known or {}).items() if digest in wanted and opinion.is_answer}
    pool = ThreadPoolExecutor(max_workers=max(1, at_once), thread_name_prefix="genie-opinion")
    try:
        futures = {
            pool.submit(opinionist.opinion, request): digest
            for digest, request in wanted.items()
            if digest not in found
        }
        for future in as_completed(futures):
            digest, opinion = futures[future], future.result()
            found[digest] = opinion
            if save is not None and opinion.is_answer:
                save(digest, opinion)
    finally:
        # Ctrl-C: what is under way is bounded by its own deadline, the rest is not begun.
        pool.shutdown(wait=True, cancel_futures=True)
    return found
