"""Rules that a test finds in force or ended: by somebody who has always administered the task alone."""

from typing import Any

from backoffice.models import User
from tasks.actions import propose_end, propose_rule
from tasks.models import ApprovalRule


def save_rule(task_id: int, **said: Any) -> ApprovalRule:
    proposed_change = propose_rule(task_id, **said)
    assert proposed_change.applied_at, "It waits for another administrator."
    return proposed_change.brought


def end_rule(rule_id: int, *, by: User, door: str, reason: str = "") -> None:
    proposed_change = propose_end(rule_id, by=by, door=door, reason=reason)
    assert proposed_change.applied_at, "It waits for another administrator."
