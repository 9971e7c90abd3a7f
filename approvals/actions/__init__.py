"""The only functions that change a request. Every door calls these."""

from approvals.actions.following_up import escalate_due, remind_due
from approvals.actions.requests import (
    NobodyCanDecide,
    add_member,
    decide,
    expire_due,
    mark_stale,
    open_request,
    remove_member,
    withdraw,
)
from approvals.actions.sending import pump, resume_channel, send_again

__all__ = [
    "NobodyCanDecide",
    "add_member",
    "decide",
    "escalate_due",
    "expire_due",
    "mark_stale",
    "open_request",
    "pump",
    "remind_due",
    "remove_member",
    "resume_channel",
    "send_again",
    "withdraw",
]
