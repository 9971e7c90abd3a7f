"""What a button carries, and Slack sends back: which request, and the seal of what was shown."""

import json
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from approvals.models import ApprovalRequest


class Unreadable(Exception):
    """This is nothing that we have sent."""


@dataclass(frozen=True)
class Shown:
    """A request as a message showed it."""

    request_id: UUID
    seal: str

    @classmethod
    def of(cls, request: ApprovalRequest) -> Self:
        return cls(request.pk, request.seal)

    @classmethod
    def read(cls, value: str) -> Self:
        """Raises `Unreadable`."""
        try:
            found = json.loads(value)
            return cls(UUID(found["r"]), str(found["s"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Unreadable from error

    def written(self) -> str:
        return json.dumps({"r": str(self.request_id), "s": self.seal})
