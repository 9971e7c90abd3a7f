"""What is in front of PostgreSQL where a pooler is: it greets with a process id of its own."""

import io
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

KEY_DATA: Final = b"K"  # the message that says the process id of who answers
SOCKET: Final = ".s.PGSQL.5432"


@contextmanager
def pooler(folder: Path, *, behind: str) -> Iterator[str]:
    """Listens in `folder`, and hands on to the server whose socket is in `behind`.

    Yields the host to connect to. Everything but the greeting passes as it is.
    """
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(folder / SOCKET))
        door.listen()
        thread = threading.Thread(target=_welcome, args=(door, f"{behind}/{SOCKET}"), daemon=True)
        thread.start()
        yield str(folder)
        door.shutdown(socket.SHUT_RDWR)
        thread.join()


def _welcome(door: socket.socket, server: str) -> None:
    with suppress(OSError):  # the door was shut
        while True:
            client, _ = door.accept()
            threading.Thread(target=_serve, args=(client, server), daemon=True).start()


def _serve(client: socket.socket, server: str) -> None:
    with client, socket.socket(socket.AF_UNIX) as behind, suppress(OSError):
        behind.connect(server)
        forth = threading.Thread(target=_pass_on, args=(client, behind))
        forth.start()
        _greet(behind, client)
        _pass_on(behind, client)
        forth.join()


def _greet(behind: socket.socket, client: socket.socket) -> None:
    """Pass on what the server says, up to its process id, and another one instead of that."""
    with behind.makefile("rb", buffering=0) as said:
        while head := _exactly(said, 5):
            kind, length = head[:1], struct.unpack("!I", head[1:])[0]
            body = _exactly(said, length - 4)
            if kind == KEY_DATA:
                client.sendall(head + struct.pack("!I", 1) + body[4:])
                return
            client.sendall(head + body)


def _exactly(said: io.RawIOBase, size: int) -> bytes:
    found = b""
    while len(found) < size and (more := said.read(size - len(found))):
        found += more
    return found


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
