"""The pages of the Approvals section: inbox, request, messages, preferences, webhooks.

They show; the buttons call `approvals.actions`. May import everything in `approvals`.
"""

from approvals.admin.endpoints import WebhookEndpointAdmin
from approvals.admin.request_admin import ApprovalRequestAdmin

__all__ = ["ApprovalRequestAdmin", "WebhookEndpointAdmin"]
