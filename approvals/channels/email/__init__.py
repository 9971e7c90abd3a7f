"""Email, by whatever backend Django is set up with: SMTP, or a provider's API with anymail."""

from approvals.channels.email.channel import Email

__all__ = ["Email"]
