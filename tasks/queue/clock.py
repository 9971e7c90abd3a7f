"""The database's clock, watched: when somebody sets it forward, no lease is over that was not over before."""

from time import monotonic
from typing import Final

from django.conf import settings

from audit.database.clock import database_now

# Seconds. Less than this is slowness, or a clock that is corrected little by little.
JUMP: Final = 5.0


class ClockWatch:
    """Compares the database's clock with the one of this machine, which nobody can set."""

    def __init__(self) -> None:
        self._difference: float | None = None
        self._trusted_from = 0.0

    def look(self) -> None:
        """To be called every few seconds."""
        difference = database_now().timestamp() - monotonic()
        if self._difference is not None and difference - self._difference > JUMP:
            # By then each worker that lives has extended its leases by the new time.
            self._trusted_from = monotonic() + settings.RUN_LEASE_SECONDS
        self._difference = difference

    @property
    def can_be_trusted(self) -> bool:
        """Whether what is over by the database's clock is over."""
        return monotonic() >= self._trusted_from
