"""Seals of runs, settlements, pauses and proposals: one fingerprint over everything that an approver is shown."""

from audit.seals import seal_of
from tasks.models import Pause, ProposedChange, Resolution, Run


def seal_of_run(run: Run) -> str:
    """SHA-256 over task, code, requester, reason, parameters and preview as they are stored.

    And over the run that is undone or that asked for it, its limits and its ticket, where it has them.
    """
    sealed = {
        "task": run.task.slug,
        "source": run.source_hash,
        "requested_by": run.requested_by_id,
        "reason": run.reason,
        "values": run.values,
        "preview": run.preview,
    }
    undoes = {"undoes": str(run.undoes_id)} if run.undoes_id else {}
    called = {"called_by": str(run.called_by_id)} if run.called_by_id else {}
    limits = {"limits": run.limits} if run.limits else {}
    ticket = {"ticket": run.ticket} if run.ticket else {}
    return seal_of(sealed | undoes | called | limits | ticket)


def seal_of_resolution(resolution: Resolution) -> str:
    """SHA-256 over what was found out, by whom, why, and what the look-up showed."""
    return seal_of(
        {
            "run": str(resolution.run_id),
            "resolved_by": resolution.resolved_by_id,
            "finding": resolution.finding,
            "reason": resolution.reason,
            "looked_up": resolution.looked_up,
        }
    )


def seal_of_pause(pause: Pause) -> str:
    """SHA-256 over the run, why it paused, and what became of each item so far."""
    tried = pause.run.effects.items().filter(sent_at__isnull=False)
    fields = ("position", "step", "generation", "state", "answer", "error")
    return seal_of(
        {
            "run": str(pause.run_id),
            "seal": pause.run.seal,
            "why": pause.why,
            "seen": pause.seen,
            "items": [list(item) for item in tried.values_list(*fields)],
        }
    )


def seal_of_proposed_change(proposed_change: ProposedChange) -> str:
    """SHA-256 over what is to be changed, as it is stored, and who proposes it, why."""
    return seal_of(
        {
            "kind": proposed_change.kind,
            "task": proposed_change.task.slug if proposed_change.task else "",
            "rule": proposed_change.rule_id,
            "content": proposed_change.content,
            "proposed_by": proposed_change.proposed_by_id,
            "reason": proposed_change.reason,
        }
    )
