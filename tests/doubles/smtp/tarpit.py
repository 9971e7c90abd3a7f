"""A mail server that accepts each connection and never says what it should."""

import socket
import threading
from contextlib import suppress
from time import monotonic
from typing import Self


class Tarpit:
    """`with Tarpit(every=4) as server`: a byte now and then, so that no read ever times out.

    Without `every` it says nothing at all. It hangs up after `holds` seconds. `visitors` counts those
    who came.
    """

    def __init__(self, *, every: float | None = None, holds: float = 60.0) -> None:
        self.visitors = 0
        self._every, self._holds = every, holds
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._listener.close()
        self._accepting.join(10)

    def _accept(self) -> None:
        while not self._over.is_set():
            with suppress(OSError):
                visitor, _ = self._listener.accept()
                self.visitors += 1
                threading.Thread(target=self._hold, args=[visitor], daemon=True).start()

    def _hold(self, visitor: socket.socket) -> None:
        with visitor, suppress(OSError):
            until = monotonic() + self._holds
            while monotonic() < until and not self._over.wait(self._every or self._holds):
                visitor.sendall(b"2")  # the beginning of a greeting, for ever
