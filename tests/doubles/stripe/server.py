"""The HTTP side: keep-alive, and answers that arrive whole, in part or not at all."""

from http.server import BaseHTTPRequestHandler
from typing import Any, override
from urllib.parse import urlsplit

from tests.doubles.serving import Server
from tests.doubles.stripe.books import new_id
from tests.doubles.stripe.control import Control
from tests.doubles.stripe.pipeline import Pipeline
from tests.doubles.stripe.wire import Answer, Call, Delivery, parse_form


class StripeServer(Server):
    def __init__(self, port: int, pipeline: Pipeline, control: Control) -> None:
        self.pipeline = pipeline
        self.control = control
        super().__init__(port, Handler)


class Handler(BaseHTTPRequestHandler):
    server: StripeServer
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
