"""What the author of a task says of Slack: how much may be seen there, and whether it decides."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

type Mode = Literal["off", "notify", "link", "decide"]


@dataclass(frozen=True)
class InSlack:
    """How much of a task's requests Slack may show, and whether they are decided there.

    `up_to` is the most that a parameter of money may come to, in its own currency, for a request to
    be decided in Slack: above it there is a link. It stands in the code, so that it is reviewed and
    deployed: Slack knows no password, and whoever holds the phone presses the button.
    """

    mode: Mode = "link"
    up_to: Decimal | None = None

    def mode_for(self, amounts: Iterable[Decimal]) -> Mode:
        """What holds for a run about these amounts of money."""
        if self.mode != "decide" or self.up_to is None:
            return self.mode
        return "link" if any(amount > self.up_to for amount in amounts) else "decide"


ONLY_A_LINK = InSlack()
