"""The thread in which a heart beats: one for many runs, because a thread for each takes a tenth of a short one."""

import threading
from typing import Final, Protocol

from django.db import connection

BEATS_EVERY: Final = 1.0  # seconds


class Beating(Protocol):
    """What beats."""

    def beat(self) -> float:
        """Called again and again, in the pacemaker's thread. Returns the seconds until the next."""
        ...


class Pacemaker:
    """Lets one heart beat at a time. Its thread ends when there was none for a second."""

    def __init__(self) -> None:
        self.awake = threading.Event()  # set by who does not want to wait for the next beat
        self._lock = threading.Lock()  # held while it beats
        self._heart: Beating | None = None
        self._has_ended = False
        self._hung_up = threading.Event()
        self._hung_up.set()
        self._thread = threading.Thread(target=self._run, name="pacemaker", daemon=True)
        self._thread.start()

    def begin(self, heart: Beating) -> bool:
        """Let a heart beat, within a second. False when the thread has ended: it needs another one."""
        with self._lock:
            # A fork leaves the object behind, without its thread.
            if self._has_ended or not self._thread.is_alive():
                return False
            self._heart = heart
            return True

    def end(self) -> None:
        """Let it beat no more. Waits for the beat that goes on, and until its connection is closed."""
        with self._lock:
            self._heart = None
        if not self._hung_up.is_set():
            self.awake.set()
            self._hung_up.wait()

    def _run(self) -> None:
        seconds = BEATS_EVERY
        try:
            while True:
                self.awake.wait(seconds)
                with self._lock:
                    self.awake.clear()
                    if self._heart is None and self._hung_up.is_set():
                        self._has_ended = True
                        return
                    seconds = self._beat_or_hang_up()
        finally:
            self._hang_up()

    def _beat_or_hang_up(self) -> float:
        if self._heart is None:
            self._hang_up()
            return BEATS_EVERY
        self._hung_up.clear()
        seconds = self._heart.beat()
        if connection.connection is None:
            self._hung_up.set()
        return seconds

    def _hang_up(self) -> None:
        connection.close()
        self._hung_up.set()


_own = threading.local()


def pace(heart: Beating) -> Pacemaker:
    """Let a heart beat, beside the thread that asks for it. To be ended."""
    pacemaker: Pacemaker | None = getattr(_own, "pacemaker", None)
    while pacemaker is None or not pacemaker.begin(heart):
        pacemaker = _own.pacemaker = Pacemaker()
    return pacemaker
