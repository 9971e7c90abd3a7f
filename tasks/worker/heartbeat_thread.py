"""The thread in which a heartbeat goes on: one for many runs, because a thread for each takes a tenth of a short one."""

import threading
from typing import Final, Protocol

from django.db import connection

BEATS_EVERY: Final = 1.0  # seconds


class Beating(Protocol):
    """What is called in the thread."""

    def beat(self) -> float:
        """Called again and again, in the heartbeat thread. Returns the seconds until the next."""
        ...


class HeartbeatThread:
    """Lets one heartbeat go on at a time. Its thread ends when there was none for a second."""

    def __init__(self) -> None:
        self.awake = threading.Event()  # set by who does not want to wait for the next beat
        self._lock = threading.Lock()  # held while it beats
        self._heartbeat: Beating | None = None
        self._has_ended = False
        self._hung_up = threading.Event()
        self._hung_up.set()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def begin(self, heartbeat: Beating) -> bool:
        """Start a heartbeat, within a second. False when the thread has ended: it needs another one."""
        with self._lock:
            # A fork leaves the object behind, without its thread.
            if self._has_ended or not self._thread.is_alive():
                return False
            self._heartbeat = heartbeat
            return True

    def end(self) -> None:
        """Let it beat no more. Waits for the beat that goes on, and until its connection is closed."""
        with self._lock:
            self._heartbeat = None
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
                    if self._heartbeat is None and self._hung_up.is_set():
                        self._has_ended = True
                        return
                    seconds = self._beat_or_hang_up()
        finally:
            self._hang_up()

    def _beat_or_hang_up(self) -> float:
        if self._heartbeat is None:
            self._hang_up()
            return BEATS_EVERY
        self._hung_up.clear()
        seconds = self._heartbeat.beat()
        if connection.connection is None:
            self._hung_up.set()
        return seconds

    def _hang_up(self) -> None:
        connection.close()
        self._hung_up.set()


_own = threading.local()


def start_heartbeat(heartbeat: Beating) -> HeartbeatThread:
    """Start a heartbeat, beside the thread that asks for it. To be ended."""
    thread: HeartbeatThread | None = getattr(_own, "thread", None)
    while thread is None or not thread.begin(heartbeat):
        thread = _own.thread = HeartbeatThread()
    return thread
