"""The server's side of a WebSocket, as far as Socket Mode needs it: RFC 6455."""

import hashlib
import struct
import threading
from base64 import b64encode
from io import BufferedIOBase
from typing import Final

MAGIC: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10


def accept_of(key: str) -> str:
    """What proves to the client that it speaks to a WebSocket."""
    return b64encode(hashlib.sha1(f"{key}{MAGIC}".encode()).digest()).decode()  # noqa: S324


class Link:
    """One open connection. Whole frames only: this client sends nothing else."""

    def __init__(self, incoming: BufferedIOBase, outgoing: BufferedIOBase) -> None:
        self._in, self._out = incoming, outgoing
        self._lock = threading.Lock()

    def send(self, text: str) -> None:
        self._send(TEXT, text.encode())

    def pong(self, payload: bytes) -> None:
        self._send(PONG, payload)

    def close(self) -> None:
        self._send(CLOSE, struct.pack("!H", 1000))

    def _send(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        if length < 126:
            size = struct.pack("!B", length)
        elif length < 65536:
            size = struct.pack("!BH", 126, length)
        else:
            size = struct.pack("!BQ", 127, length)
        with self._lock:
            self._out.write(bytes([0x80 | opcode]) + size + payload)
            self._out.flush()

    def receive(self) -> tuple[int, bytes]:
        """The next frame. ConnectionError when the other side has gone."""
        first, second = self._read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._read(8))
        mask = self._read(4) if second & 0x80 else bytes(4)
        payload = self._read(length)
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))

    def _read(self, length: int) -> bytes:
        found = self._in.read(length)
        if len(found) < length:
            raise ConnectionError("The other side has gone.")
        return found
