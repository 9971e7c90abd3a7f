"""The only functions that change a request. Every door calls these.

May import `notifications` and everything below.
"""

from approvals.actions.absences import begin_absence, end_absence
from approvals.actions.deliveries import pump, resume_channel, send_again
from approvals.actions.email_links import decide_by_link
from approvals.actions.follow_ups import escalate_due, notify_of_stuck, remind_due
from approvals.actions.notification_settings import save_notification_settings
from approvals.actions.proofs import is_own_password, prove_by_password
from approvals.actions.requests import (
    NobodyCanDecide,
    add_member,
    close_for_requester,
    decide,
    expire_due,
    mark_stale,
    open_request,
    remove_member,
    withdraw,
)
from approvals.actions.slack import (
    confirm_slack_link,
    decide_in_slack,
    decline_slack_link,
    end_slack_link,
    offer_slack_link,
    set_group_slack_channel,
)
from approvals.actions.webhooks import (
    add_endpoint,
    end_endpoint,
    resume_endpoint,
    rotate_secret,
    stop_endpoint,
)

__all__ = [
    "NobodyCanDecide",
    "add_endpoint",
    "add_member",
    "begin_absence",
    "close_for_requester",
    "confirm_slack_link",
    "decide",
    "decide_by_link",
    "decide_in_slack",
    "decline_slack_link",
    "end_absence",
    "end_endpoint",
    "end_slack_link",
    "escalate_due",
    "expire_due",
    "is_own_password",
    "mark_stale",
    "notify_of_stuck",
    "offer_slack_link",
    "open_request",
    "prove_by_password",
    "pump",
    "remind_due",
    "remove_member",
    "resume_channel",
    "resume_endpoint",
    "rotate_secret",
    "save_notification_settings",
    "send_again",
    "set_group_slack_channel",
    "stop_endpoint",
    "withdraw",
]
