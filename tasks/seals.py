"""Seals of runs and settlements: one fingerprint over everything that an approver is shown."""

from audit.seals import seal_of
from tasks.models import Run, Settlement


def seal_of_run(run: Run) -> str:
    """SHA-256 over task, code, requester, reason, parameters and preview as they are stored.

    And over the run that is undone, where it undoes one.
    """
    sealed = {
        "task": run.task.slug,
        "source": run.source_hash,
        "requested_by": run.requested_by_id,
        "reason": run.reason,
        "values": run.values,
        "preview": run.preview,
    }
    return seal_of(sealed | ({"undoes": str(run.undoes_id)} if run.undoes_id else {}))


def seal_of_settlement(settlement: Settlement) -> str:
    """SHA-256 over what was found out, by whom, why, and what the look-up showed."""
    return seal_of(
        {
            "run": str(settlement.run_id),
            "settled_by": settlement.settled_by_id,
            "finding": settlement.finding,
            "reason": settlement.reason,
            "looked_up": settlement.looked_up,
        }
    )
