"""What can go wrong between a client and Slack, on demand."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from tests.doubles.faults import WaitingFaults
from tests.doubles.slack.wire import Answer, Obj


class Kind(StrEnum):
    """`before`: nothing happens at Slack. `after`: the message is there, whatever the client sees."""

    RATELIMITED = "ratelimited"  # 429, and after how many seconds to come back
    ERROR = "error"  # an answer that says no, with a code
    HTTP_500 = "http500"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    HANG = "hang"  # silence, then a reset; nothing happens


@dataclass(eq=False)
class Fault:
    """One thing to break. `skip` matching calls pass first, then `count` are hit (None: all).

    `method` is a shell pattern such as "chat.*". `seconds` is how long a hang lasts unless
    `release()` ends it.
    """

    kind: Kind
    method: str = "*"
    probability: float = 1.0
    count: int | None = 1
    skip: int = 0
    seconds: float = 30.0
    code: str = "fatal_error"
    retry_after: int = 1
    hits: int = 0
    _seen: int = field(default=0, repr=False)
    _released: threading.Event = field(default_factory=threading.Event, repr=False)

    def __post_init__(self) -> None:
        self.kind = Kind(self.kind)

    def strikes(self, method: str, chance: float) -> bool:
        if not fnmatchcase(method, self.method) or self.hits == self.count:
            return False
        self._seen += 1
        if self._seen <= self.skip or chance >= self.probability:
            return False
        self.hits += 1
        return True

    def wait(self) -> None:
        self._released.wait(self.seconds)

    def release(self) -> None:
        """End every wait of this fault, now and later."""
        self._released.set()

    @property
    def answer(self) -> Answer:
        """What is answered in place of doing anything."""
        if self.kind is Kind.RATELIMITED:
            body = {"ok": False, "error": "ratelimited"}
            return Answer(429, body, {"Retry-After": str(self.retry_after)})
        if self.kind is Kind.HTTP_500:
            return Answer(500, {"ok": False, "error": "internal_error"})
        return Answer(200, {"ok": False, "error": self.code})


def from_json(given: Obj) -> Fault:
    """Raise ValueError for a kind or a field that does not exist."""
    fields = {name for name in Fault.__dataclass_fields__ if not name.startswith("_")} - {"hits"}
    if "kind" not in given or set(given) - fields:
        raise ValueError(f"A fault has a kind and may have {sorted(fields)}; got {sorted(given)}.")
    return Fault(**given)


class Faults(WaitingFaults[str, Fault]):
    """The faults that wait for their call. The first that strikes wins."""
