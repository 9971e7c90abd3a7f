"""What is asked and answered, and what goes out about it.

The database's own guards are in the migrations. May import nothing of `approvals`.
"""

from approvals.models.deliveries import (
    Delivery,
    Endpoint,
    Halt,
    MailLink,
    Preference,
    SlackLink,
    SlackRoom,
)
from approvals.models.requests import (
    Absence,
    ApprovalRequest,
    Decision,
    FollowUp,
    Notice,
    Proof,
    Reviewer,
    SlackMode,
    Stage,
)

__all__ = [
    "Absence",
    "ApprovalRequest",
    "Decision",
    "Delivery",
    "Endpoint",
    "FollowUp",
    "Halt",
    "MailLink",
    "Notice",
    "Preference",
    "Proof",
    "Reviewer",
    "SlackLink",
    "SlackMode",
    "SlackRoom",
    "Stage",
]
