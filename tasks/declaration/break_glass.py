"""Who may break the glass: what the author of a task says of emergencies."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class BreakGlass:
    """Who may run a task without approval in an emergency: members of a group, so often in 24 hours.

    It stands in the code, so that it is reviewed and deployed, and no administrator gives it away.
    `up_to` is the most that a parameter of money may come to, in its own currency.
    """

    group: str
    per_day: int = 1
    up_to: Decimal | None = None
