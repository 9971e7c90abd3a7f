"""The double as tests use it."""

import contextlib
import copy
import json
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.doubles.stripe import later, seeds, webhooks
from tests.doubles.stripe.books import new_id
from tests.doubles.stripe.control import Control
from tests.doubles.stripe.faults import Fault, Faults, Kind
from tests.doubles.stripe.pipeline import Pipeline
from tests.doubles.stripe.request_log import Logged
from tests.doubles.stripe.server import StripeServer
from tests.doubles.stripe.wire import Obj
from tests.doubles.stripe.world import World

_POLL = 0.02


class DoubleBroken(AssertionError):
    """The double itself crashed while answering, so no result of the test can be believed."""


class StripeDouble:
    """`with StripeDouble() as stripe_double:` serves at `.url` until the block ends.

    `state` is a file that keeps everything over restarts; at first it may hold seeds. `seed` makes
    faults with a probability repeatable. `now` gives seconds since 1970. Amounts are in minor units.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        state: Path | None = None,
        seed: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.world = World(now, state)
        self._faults = Faults(seed)
        self._pipeline = Pipeline(self.world, self._faults)
        self._control = Control(self._pipeline)
        self._port = port
        self._server: StripeServer | None = None
        self._thread: threading.Thread | None = None
        if state is not None and state.exists():
            self._load(state)

    def _load(self, state: Path) -> None:
        try:
            saved = json.loads(state.read_text())
            if "format" in saved:
                self.world.load(saved)
            else:
                seeds.plant(self.world, saved)
        except (ValueError, KeyError, TypeError) as wrong:
            raise ValueError(
                f"The state file {state} cannot be used: {wrong}. "
                "Mend it, or remove it to start afresh."
            ) from wrong

    # Running

    def start(self) -> None:
        """Listen. Raise OSError when the port is taken."""
        self._server = StripeServer(self._port, self._pipeline, self._control)
        # Kept, so that a double that went away comes back at the same address.
        self._port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="stripe-double", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close every connection. Hanging requests end at once; slow ones still act."""
        self._faults.clear()
        if self._server and self._thread:
            self._server.close()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._pipeline.crashes:
            raise DoubleBroken("\n".join(self._pipeline.crashes)) from raised

    @contextlib.contextmanager
    def offline(self) -> Iterator[None]:
        """Refuse connections for the length of the block; state stays, faults are cleared."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    # What exists

    def seed(self, given: Obj) -> Obj:
        """As POST /_ctl/seed. Raise ValueError for a seed that makes no sense."""
        return seeds.plant(self.world, given)

    def seed_payment(self, **given: Any) -> str:
        """A payment that went through, of 5000 US cents unless told otherwise. Return its id."""
        return self._plant("payments", {"id": new_id("pi"), "amount": 5000, **given})

    def seed_customer(self, **given: Any) -> str:
        """A customer. Return the id."""
        return self._plant("customers", {"id": new_id("cus"), **given})

    def seed_account(self, **given: Any) -> str:
        """A connected account; with active=False it cannot receive transfers. Return its id."""
        return self._plant("accounts", {"id": new_id("acct"), **given})

    def _plant(self, table: str, given: Obj) -> str:
        self.seed({table: [given]})
        return str(given["id"])

    def seed_available(self, amount: int, currency: str = "usd") -> None:
        self.seed({"available": {currency: amount}})

    # What happened

    def effects(self, kind: str = "") -> list[Obj]:
        """Money that really moved, oldest first: "refund", "balance_transaction", "transfer"."""
        return [effect for effect in self._control.effects() if kind in ("", effect["kind"])]

    @property
    def requests(self) -> list[Logged]:
        return self._pipeline.log.rows()

    def wait_for_requests(
        self, count: int = 1, *, path: str = "*", timeout: float = 20.0
    ) -> list[Logged]:
        """Block until so many requests to a path pattern have arrived. Raise TimeoutError."""
        return self._pipeline.log.wait_for(count, path, timeout)

    def find(self, table: str, key: str) -> Obj:
        """A copy of an object as it is now, such as find("charges", "ch_1"). Raise LookupError."""
        with self.world.lock:
            return copy.deepcopy(self.world.find(table, key)[1])

    def events(self, kind: str = "") -> list[Obj]:
        """Events on the platform's own account, oldest first."""
        with self.world.lock:
            rows = copy.deepcopy(list(self.world.platform.tables["events"].values()))
        return [row for row in rows if kind in ("", row["type"])]

    # What goes wrong

    def fault(self, kind: Kind | str, **where: Any) -> Fault:
        """Break the next request that matches; see Fault for the rest."""
        return self._faults.add(Fault(Kind(kind), **where))

    def clear_faults(self) -> None:
        self._faults.clear()

    def prune_keys(self, older_than: float = 0.0) -> int:
        """Forget keys first used more than so many seconds ago. Return how many."""
        return self._control.prune_keys(older_than)

    def forget(self, keys: Collection[str]) -> None:
        """Forget these keys, however young."""
        with self.world.lock:
            self.world.keys.forget(keys)

    # What happens later

    def fail_refund(self, refund: str, **rest: Any) -> Obj:
        return copy.deepcopy(later.fail_refund(self.world, refund, **rest))

    def complete_refund(self, refund: str) -> Obj:
        return copy.deepcopy(later.complete_refund(self.world, refund))

    def reverse_transfer(self, transfer: str, amount: int | None = None) -> Obj:
        return copy.deepcopy(later.reverse_transfer(self.world, transfer, amount))

    def dispute(self, payment: str) -> Obj:
        return copy.deepcopy(later.dispute(self.world, payment))

    # Webhooks

    def signed(self, event: str, secret: str, at: int | None = None) -> tuple[bytes, str]:
        """Body and signature header for an event by its id, signed now unless told."""
        return webhooks.signed(self.find("events", event), secret, self._moment(at))

    def deliver(self, event: str, url: str, secret: str, at: int | None = None) -> int:
        """POST an event to a webhook address and return the status of the answer."""
        return webhooks.deliver(self.find("events", event), url, secret, self._moment(at))

    def _moment(self, at: int | None) -> int:
        return int(self.world.now()) if at is None else at
