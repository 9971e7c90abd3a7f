"""The seal of a run: one fingerprint over everything that an approver is shown."""

from audit.seals import seal_of
from tasks.models import Run


def seal_of_run(run: Run) -> str:
    """SHA-256 over task, code, requester, reason, parameters and preview as they are stored."""
    return seal_of(
        {
            "task": run.task.slug,
            "source": run.source_hash,
            "requested_by": run.requested_by_id,
            "reason": run.reason,
            "values": run.values,
            "preview": run.preview,
        }
    )
