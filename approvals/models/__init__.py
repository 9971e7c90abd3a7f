"""What is asked and answered, and what goes out about it.

The database's own guards are in the migrations. May import nothing of `approvals`.
"""

from approvals.models.deliveries import (
    ChannelShutdown,
    Delivery,
    GroupSlackChannel,
    MailLink,
    NotificationSetting,
    SlackLink,
    WebhookEndpoint,
)
from approvals.models.requests import (
    Absence,
    ApprovalRequest,
    Decision,
    FollowUp,
    Notification,
    Proof,
    Reviewer,
    SlackMode,
    Stage,
)

__all__ = [
    "Absence",
    "ApprovalRequest",
    "ChannelShutdown",
    "Decision",
    "Delivery",
    "FollowUp",
    "GroupSlackChannel",
    "MailLink",
    "Notification",
    "NotificationSetting",
    "Proof",
    "Reviewer",
    "SlackLink",
    "SlackMode",
    "Stage",
    "WebhookEndpoint",
]
