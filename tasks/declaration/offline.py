"""Code that may not talk to the world outside: what it would send to another computer is refused.

The database is another matter: its driver is no Python code, and does not come by here.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

# The second half is for connections that were made before and kept open. A process that is started
# could connect as well.
_WAYS_OUT: Final = frozenset(
    {
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendto",
        "socket.sendmsg",
        "os.fork",
        "os.posix_spawn",
        "os.system",
        "subprocess.Popen",
        "ftplib.sendcmd",
        "http.client.send",
        "imaplib.send",
        "smtplib.send",
    }
)
_refused: ContextVar[list[str] | None] = ContextVar("refused", default=None)


class WentOnline(Exception):
    """The block tried to reach something outside. `way` is what it called."""

    def __init__(self, way: str) -> None:
        super().__init__(f"Nothing outside may be reached from here, and it was tried by {way}.")
        self.way = way


@contextmanager
def offline() -> Iterator[None]:
    """Refuse outgoing connections in this thread while the block runs. Others are not affected.

    Raises `WentOnline` where one is tried, and once more at the end of a block that has caught it,
    or made another error of it. This finds mistakes. It is no prison for code that wants out: a
    thread that the block starts, or a library that does not use Python's sockets, is not seen.
    """
    _listen_once()
    tried: list[str] = []
    token = _refused.set(tried)
    try:
        yield
    except Exception as error:
        if tried and not isinstance(error, WentOnline):
            raise WentOnline(tried[0]) from error
        raise
    finally:
        _refused.reset(token)
    if tried:
        raise WentOnline(tried[0])


@cache
def _listen_once() -> None:
    sys.addaudithook(_listen)  # for the life of the process: hooks cannot be taken away


def _listen(event: str, _: tuple[Any, ...]) -> None:
    if event in _WAYS_OUT and (tried := _refused.get()) is not None:
        tried.append(event)
        raise WentOnline(event)
