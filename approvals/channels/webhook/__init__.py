"""Webhooks: what happens, for other programs. Ids and states only."""

from approvals.channels.webhook.channel import Webhook

__all__ = ["Webhook"]
