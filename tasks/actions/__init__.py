"""The only functions that change tasks and runs. Every door calls these.

A lock, the state, the right, the write, its history: in this order, in one transaction. Beside
those of runs: the catalogue, stops, subscriptions, changes that two people agree to. May import
`tasks.runs` and everything below.
"""

from tasks.actions.catalogue import adopt_task, retire_task
from tasks.actions.changes.grants import revoke
from tasks.actions.changes.proposed_changes import (
    NotProposed,
    on_proposed_change_decided,
    propose_delegate,
    propose_end,
    propose_grant,
    propose_member,
    propose_opening,
    propose_rule,
)
from tasks.actions.confirmation_limits import NotSmall, confirm_again, skip_confirmation
from tasks.actions.pins import pin_task, unpin_task
from tasks.actions.runs.confirmations import NotConfirmed
from tasks.actions.runs.drafts import InvalidValues
from tasks.actions.runs.effects import answer_effect, begin_effect, refuse_effect, write_effect
from tasks.actions.runs.emergencies import EmergencyRefused, break_glass
from tasks.actions.runs.lifecycle import (
    NotCancellable,
    Outcome,
    cancel_run,
    extend_lease,
    finish_run,
    give_up_late,
    on_request_decided,
    start_run,
)
from tasks.actions.runs.look_ups import NothingToLookUp, look_up
from tasks.actions.runs.lost_runs import enqueue_again, recover_lost_runs
from tasks.actions.runs.pauses import (
    NotPausable,
    expire_pauses,
    on_pause_decided,
    pause_run,
    resume_run,
)
from tasks.actions.runs.requests import request_run
from tasks.actions.runs.resolutions import Finding, NotResolved, on_resolution_decided, resolve_run
from tasks.rules.evaluation import RuleSpec

__all__ = [
    "EmergencyRefused",
    "Finding",
    "InvalidValues",
    "NotCancellable",
    "NotConfirmed",
    "NotPausable",
    "NotProposed",
    "NotResolved",
    "NotSmall",
    "NothingToLookUp",
    "Outcome",
    "RuleSpec",
    "adopt_task",
    "answer_effect",
    "begin_effect",
    "break_glass",
    "cancel_run",
    "confirm_again",
    "enqueue_again",
    "expire_pauses",
    "extend_lease",
    "finish_run",
    "give_up_late",
    "look_up",
    "on_pause_decided",
    "on_proposed_change_decided",
    "on_request_decided",
    "on_resolution_decided",
    "pause_run",
    "pin_task",
    "propose_delegate",
    "propose_end",
    "propose_grant",
    "propose_member",
    "propose_opening",
    "propose_rule",
    "recover_lost_runs",
    "refuse_effect",
    "request_run",
    "resolve_run",
    "resume_run",
    "retire_task",
    "revoke",
    "skip_confirmation",
    "start_run",
    "unpin_task",
    "write_effect",
]
