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

__all__ = [
    "NobodyCanDecide",
    "add_member",
    "decide",
    "escalate_due",
    "expire_due",
    "mark_stale",
    "open_request",
    "remind_due",
    "remove_member",
    "withdraw",
]
