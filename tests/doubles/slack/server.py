"""The HTTP side: `/api/<method>`, the WebSocket at `/link/…`, and the side door `/_ctl/…`."""

import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, override
from urllib.parse import urlsplit

from tests.doubles.serving import Server
from tests.doubles.slack import control
from tests.doubles.slack.websocket import Link, accept_of
from tests.doubles.slack.wire import Answer, Call, arguments_of

if TYPE_CHECKING:
    from tests.doubles.slack.double import SlackDouble


class SlackServer(Server):
    def __init__(self, port: int, double: "SlackDouble") -> None:
        self.double = double
        super().__init__(port, Handler)


class Handler(BaseHTTPRequestHandler):
    server: SlackServer
    protocol_version = "HTTP/1.1"
    server_version = "SlackDouble"
    wbufsize = -1  # head and body in one packet
    disable_nagle_algorithm = True

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the double says more."""

    def do_GET(self) -> None:
        if self.path.startswith("/link/"):
            self._link(self.path.removeprefix("/link/").partition("?")[0])
        else:
            self.do_POST()

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if address.path.startswith("/_ctl/"):
            self._send(control.answer(self.server.double, address.path, body))
            return
        given = arguments_of(address.query, body, self.headers.get("Content-Type") or "")
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        call = Call(address.path.rpartition("/")[2], given, token or given.pop("token", ""))
        answer = self.server.double.answer(call)
        if answer is None:
            self.server.reset(self.connection)
            self.close_connection = True
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _link(self, ticket: str) -> None:
        self.close_connection = True
        if not self.server.double.sockets.is_good(ticket):
            self.send_error(404)
            return
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept_of(self.headers["Sec-WebSocket-Key"]))
        self.end_headers()
        self.wfile.flush()
        self.server.double.sockets.serve(Link(self.rfile, self.wfile))
