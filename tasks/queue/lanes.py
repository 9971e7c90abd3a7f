"""The two lanes of the queue. What waits in one of them never holds up the other.

Each has processes of its own: runs do not wait for a mail server that accepts and says nothing.
"""

from dataclasses import dataclass
from typing import Final

from django.conf import settings

from tasks.models import Sign


@dataclass(frozen=True, slots=True)
class Lane:
    """`queue` is the key of its messages in the queue's table, `sign` its sign of life."""

    name: str
    queue: str
    sign: str
    workers: int
    timeout: int  # seconds
    niceness: int = 0  # where the processor is short, the other lane goes first


_settings: Final = settings.Q_CLUSTER
RUNS: Final = Lane(
    "runs", _settings["name"], Sign.Name.RUNS, _settings["workers"], _settings["timeout"]
)
MESSAGES: Final = Lane(
    "messages",
    "messages",
    Sign.Name.MESSAGES,
    settings.MESSAGE_WORKERS,
    settings.MESSAGE_TASK_SECONDS,
    niceness=10,
)
LANES: Final = {lane.name: lane for lane in (RUNS, MESSAGES)}
