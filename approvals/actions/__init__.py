"""The only functions that change a request. Every door calls these."""

from approvals.actions.following_up import escalate_due, remind_due
from approvals.actions.links import decide_by_link
from approvals.actions.preferences import save_preferences
from approvals.actions.proving import prove_by_password
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
from approvals.actions.webhooks import add_endpoint, end_endpoint

__all__ = [
    "NobodyCanDecide",
    "add_endpoint",
    "add_member",
    "decide",
    "decide_by_link",
    "end_endpoint",
    "escalate_due",
    "expire_due",
    "mark_stale",
    "open_request",
    "prove_by_password",
    "pump",
    "remind_due",
    "remove_member",
    "resume_channel",
    "save_preferences",
    "send_again",
    "withdraw",
]
