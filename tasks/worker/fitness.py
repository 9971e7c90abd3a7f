"""Whether this worker can still claim runs. One that cannot makes room for another, which can."""

import logging
from typing import Final

from tasks.queue.processes import leave
from tasks.worker.sessions import Sessions

logger = logging.getLogger(__name__)

TOO_MANY: Final = 2  # claims that failed in a row


class _Claims:
    """Those of this process."""

    failed = 0


def claim_went_well() -> None:
    """Also where there was nothing to claim: the database answered."""
    _Claims.failed = 0


def claim_failed(sessions: Sessions) -> None:
    """Replace the connections, which may be the reason; where that did not help, leave."""
    _Claims.failed += 1
    sessions.replace()
    if _Claims.failed >= TOO_MANY:
        logger.critical("%d claims failed in a row: this worker ends and is replaced", TOO_MANY)
        leave()
