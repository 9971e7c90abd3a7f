"""Everything that can go wrong between a client and Stripe, on demand."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from tests.doubles.faults import WaitingFaults
from tests.doubles.stripe.refusals import error
from tests.doubles.stripe.wire import Answer, Call, Obj


class Kind(StrEnum):
    """`before`: nothing happens at Stripe. `after`: the effect is real, whatever the client sees."""

    RESET_BEFORE = "reset_before"  # the connection breaks, nothing happened
    RESET_AFTER = "reset_after"  # money moved, then the connection breaks
    HANG_BEFORE = "hang_before"  # silence, nothing happened
    HANG_AFTER = "hang_after"  # money moved, then silence
    ERROR_BEFORE = "error_before"  # an error that no key remembers: 429, 409, 503 …
    ERROR_SAVED = "error_saved"  # nothing happened, and this key answers 500 for ever
    ERROR_AFTER = "error_after"  # money moved, and this key answers 500 for ever
    ERROR_AFTER_EDGE = "error_after_edge"  # money moved, a proxy answers 502 once
    TRUNCATE_AFTER = "truncate_after"  # money moved, half the answer arrives
    SLOW = "slow"  # acts late: for now a look-up finds nothing, and the key is in use
    FORGET_KEY = "forget_key"  # money moved, and the key is as good as new: after 24 hours


_DEFAULT_CODES = {409: "idempotency_key_in_use", 429: "rate_limit"}
_MOST_SECONDS = 600.0


@dataclass(eq=False)
class Fault:
    """One thing to break. `skip` matching requests pass first, then `count` are hit (None: all).

    `path` is a shell pattern such as "/v1/customers/*/balance_transactions", `method` empty for any.
    `seconds` is how long "hang" and "slow" last unless `release()` ends them.
    """

    kind: Kind
    method: str = ""
    path: str = "*"
    probability: float = 1.0
    count: int | None = 1
    skip: int = 0
    seconds: float = 30.0
    status: int = 503
    code: str = ""
    retry_after: int | None = None
    should_retry: bool | None = None
    hits: int = 0
    _seen: int = field(default=0, repr=False)
    _released: threading.Event = field(default_factory=threading.Event, repr=False)

    def __post_init__(self) -> None:
        self.kind = Kind(self.kind)
        self.method = self.method.upper()
        if not 0 <= self.probability <= 1:
            raise ValueError("probability is a number from 0 to 1.")
        if not 0 <= self.seconds <= _MOST_SECONDS:
            raise ValueError(f"seconds is a number from 0 to {_MOST_SECONDS:g}.")
        if not 400 <= self.status <= 599:
            raise ValueError("status is an HTTP error, from 400 to 599.")

    def strikes(self, call: Call, chance: float) -> bool:
        if self.method not in ("", call.method) or not fnmatchcase(call.path, self.path):
            return False
        if self.count is not None and self.hits >= self.count:
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
        """The error of `error_before`."""
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.should_retry is not None:
            headers["Stripe-Should-Retry"] = str(self.should_retry).lower()
        code = self.code or _DEFAULT_CODES.get(self.status)
        message = f"The double was told to answer {self.status}."
        return error(self.status, message, code=code, headers=headers)

    def describe(self) -> Obj:
        shown = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return {**shown, "kind": self.kind.value}


def from_json(given: Obj) -> Fault:
    """Raise ValueError for a kind or a field that does not exist."""
    fields = {name for name in Fault.__dataclass_fields__ if not name.startswith("_")} - {"hits"}
    unknown = sorted(set(given) - fields)
    if unknown or "kind" not in given:
        raise ValueError(f"A fault has a kind and may have {sorted(fields)}; got {sorted(given)}.")
    return Fault(**given)


class Faults(WaitingFaults[Call, Fault]):
    """The faults that wait for their request. The first that strikes wins."""

    def describe(self) -> list[Obj]:
        with self._lock:
            return [fault.describe() for fault in self._all]


SERVER_ERROR = error(500, "An unknown error occurred.")
BAD_GATEWAY = Answer(
    502, "<html><body><h1>502 Bad Gateway</h1></body></html>", {"Content-Type": "text/html"}
)
