"""The HTTP side: threads, keep-alive, and connections that break the way real ones do."""

import contextlib
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, override
from urllib.parse import urlsplit

from tests.doubles.stripe.books import new_id
from tests.doubles.stripe.control import Control
from tests.doubles.stripe.pipeline import Pipeline
from tests.doubles.stripe.wire import Answer, Call, Delivery, parse_form

# Linger on, for no time at all: closing then sends a reset instead of a polite end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_SECONDS_TO_END = 10.0


class Server(ThreadingHTTPServer):
    """Knows its open connections, so that closing it ends every thread and leaves no socket behind."""

    request_queue_size = 128

    def __init__(self, port: int, pipeline: Pipeline, control: Control) -> None:
        self.pipeline = pipeline
        self.control = control
        self._guard = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._to_reset: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)

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


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "StripeDouble"
    wbufsize = -1  # head and body in one packet
    disable_nagle_algorithm = True

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the request log of the double says more."""

    def respond(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if address.path.startswith("/_ctl/"):
            answer = self.server.control.answer(self.command, address.path, body)
            self._deliver(Delivery("whole", answer))
        else:
            form = address.query if self.command == "GET" else body
            self._deliver(self.server.pipeline.serve(self._call(address.path, form)))

    do_GET = do_POST = do_DELETE = respond  # noqa: N815

    def _call(self, path: str, form: str) -> Call:
        return Call(
            id=new_id("req"),
            method=self.command,
            path=path,
            params=parse_form(form),
            authorization=self.headers.get("Authorization", ""),
            account=self.headers.get("Stripe-Account", ""),
            version=self.headers.get("Stripe-Version", ""),
            idempotency_key=self.headers.get("Idempotency-Key", ""),
        )

    def _deliver(self, delivery: Delivery) -> None:
        if delivery.answer is None:
            self.server.reset(self.connection)
            self.close_connection = True
            return
        body = delivery.answer.body.encode()
        self._head(delivery.answer, len(body))
        if delivery.how == "half":
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def _head(self, answer: Answer, length: int) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
