"""A server of threads that knows its open connections, and can break them the way real ones break."""

import contextlib
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, override

# Linger on, for no time at all: closing then sends a reset instead of a polite end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_SECONDS_TO_END = 10.0


class Server(ThreadingHTTPServer):
    """Closing it ends every thread and leaves no socket behind."""

    request_queue_size = 128

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self._guard = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._to_reset: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)

    @override
    def server_bind(self) -> None:
        # The inherited method asks the resolver for the host's name, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.socket.getsockname()[1]

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._guard:
            self._open[request] = thread
        thread.start()

    def reset(self, request: socket.socket) -> None:
        with self._guard:
            self._to_reset.add(request)

    @override
    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.pop(request, None)
            broken = request in self._to_reset
            self._to_reset.discard(request)
        if broken:
            # No shutdown first: it would send a polite end ahead of the reset.
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.close_request(request)
        else:
            super().shutdown_request(request)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that gave up waiting is daily bread here; anything else is a fault of the double.
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Stop listening, end the open connections, wait for their threads."""
        self.shutdown()
        self.server_close()
        with self._guard:
            still_open = dict(self._open)
        for request, thread in still_open.items():
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
            thread.join(_SECONDS_TO_END)
