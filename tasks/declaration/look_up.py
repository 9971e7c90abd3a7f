"""What a task's look-up is asked, and what it answers: did this step happen on the other side?

This module knows neither Django nor the database, like the declaration that uses it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Sent:
    """A step of a run that was sent and whose answer is not known.

    `keys` are the idempotency keys that it was sent under, the newest first: any of them may have
    done it. `since` is when the first of them was sent.
    """

    step: str
    keys: Sequence[str]
    since: datetime
    label: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What the other side shows.

    `what` is a sentence for people. `happened` is None where it cannot be told. `facts` are shown
    and kept, so they hold harmless fields only. `answer` is what the step's `send` would have
    returned, where it happened: a run goes on with it.
    """

    what: str
    happened: bool | None
    facts: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None
