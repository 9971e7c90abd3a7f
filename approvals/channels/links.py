"""The links in emails: made, and found again. A link says who was meant; it lets nobody in."""

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from approvals.channels.addresses import absolute
from approvals.models import ApprovalRequest
from approvals.models.deliveries import MailLink

if TYPE_CHECKING:
    from backoffice.models import User

BYTES: Final = 32  # 256 bits: nobody guesses one


def link_for(request: ApprovalRequest, person: "User") -> str:
    """A new link for this person to this request as it is asked now. Only its hash is kept."""
    token = secrets.token_urlsafe(BYTES)
    MailLink.objects.create(
        token_hash=hashed(token), person=person, request=request, seal=request.seal
    )
    return absolute("approvals_open_link", token)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
