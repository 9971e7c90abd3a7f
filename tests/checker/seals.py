"""Promise 4: what runs is what was shown. The seal is computed again from what is stored now."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from tests.checker.evidence import Evidence
from tests.checker.invariants import invariant


@invariant(4)
def the_seal_fits_what_is_stored(evidence: Evidence) -> Iterator[str]:
    """The seal of each run is that of its task, code, requester, reason, parameters, preview, limits
    and ticket."""
    for run, seal, *parts in evidence.rows("""
        SELECT run.id, run.seal, task.slug, run.source_hash, run.requested_by_id, run.reason,
            run.values, run.preview, run.undoes_id, run.limits, run.ticket,
            run.called_by_id
        FROM tasks_run run JOIN tasks_task task ON task.id = run.task_id ORDER BY run.id
    """):
        names = (
            "task",
            "source",
            "requested_by",
            "reason",
            "values",
            "preview",
            "undoes",
            "limits",
            "ticket",
            "called_by",
        )
        sealed = dict(zip(names, parts, strict=True))
        for other in ("undoes", "called_by"):
            sealed[other] = str(sealed[other] or "")
        for optional in ("undoes", "limits", "ticket", "called_by"):
            if not sealed[optional]:
                del sealed[optional]
        if seal_of(sealed) != seal:
            yield f"Run {run} is not what was sealed: something of it was changed afterwards."


def seal_of(value: Any) -> str:
    """SHA-256 of JSON with sorted keys, without white space, in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
