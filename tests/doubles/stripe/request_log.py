"""Which requests arrived, in order, and what became of them."""

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from tests.doubles.stripe.faults import Fault
from tests.doubles.stripe.wire import Call, Delivery, Obj

_KEPT = 10_000


@dataclass(eq=False)
class Logged:
    """One request. `status` stays None while it runs, and for good when no answer was sent."""

    id: str
    at: float
    method: str
    path: str
    params: Obj
    idempotency_key: str
    api_key: str
    account: str
    version: str
    fault: str = ""
    status: int | None = None
    replayed: bool = False

    def describe(self) -> Obj:
        return asdict(self)


class RequestLog:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rows: deque[Logged] = deque(maxlen=_KEPT)

    def received(self, call: Call, fault: Fault | None) -> Logged:
        row = Logged(
            id=call.id,
            at=time.time(),
            method=call.method,
            path=call.path,
            params=call.params,
            idempotency_key=call.idempotency_key,
            api_key=call.api_key,
            account=call.account,
            version=call.version,
            fault=fault.kind.value if fault else "",
        )
        with self._changed:
            self._rows.append(row)
            self._changed.notify_all()
        return row

    def delivered(self, row: Logged, delivery: Delivery) -> None:
        if delivery.answer is not None:
            row.status = delivery.answer.status
            row.replayed = "Idempotent-Replayed" in delivery.answer.headers

    def rows(self) -> list[Logged]:
        with self._changed:
            return list(self._rows)

    def wait_for(self, count: int, path: str, timeout: float) -> list[Logged]:
        """Block until so many requests to a path pattern have arrived. Raise TimeoutError."""

        def arrived() -> list[Logged]:
            return [row for row in self._rows if fnmatchcase(row.path, path)]

        with self._changed:
            if not self._changed.wait_for(lambda: len(arrived()) >= count, timeout):
                raise TimeoutError(
                    f"Waited {timeout} s for {count} requests to {path}; {len(arrived())} came."
                )
            return arrived()
