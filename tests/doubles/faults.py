"""What is to go wrong in a double: the faults that wait for their call. The first that strikes wins."""

import random
import threading
from typing import Any, Protocol


class Strikes[Call](Protocol):
    def strikes(self, call: Call, chance: float, /) -> bool: ...
    def release(self) -> None: ...


class WaitingFaults[Call, Fault: Strikes[Any]]:
    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._all: list[Fault] = []
        # Seeded, so that a run that found something can be repeated.
        self._random = random.Random(seed)  # noqa: S311

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._all.append(fault)
        return fault

    def pick(self, call: Call) -> Fault | None:
        with self._lock:
            for fault in self._all:
                if fault.strikes(call, self._random.random()):
                    return fault
        return None

    def clear(self) -> None:
        """No more faults; calls that hang in one go on."""
        with self._lock:
            for fault in self._all:
                fault.release()
            self._all = []
