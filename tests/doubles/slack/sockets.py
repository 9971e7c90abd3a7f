"""Socket Mode: apps that wait at the other end of a WebSocket for what people do."""

import contextlib
import json
import threading
import uuid
from typing import Final

from tests.doubles.slack.websocket import CLOSE, PING, TEXT, Link
from tests.doubles.slack.wire import Obj

HELLO: Final = {"type": "hello", "num_connections": 1, "connection_info": {}, "debug_info": {}}


class Sockets:
    """The connections that are open. An envelope goes to the newest."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets: set[str] = set()
        self._links: list[Link] = []
        self._answers: dict[str, Obj] = {}
        self.connected = 0  # how often, ever

    def ticket(self) -> str:
        """What lets a connection in, once."""
        with self._changed:
            self._tickets.add(ticket := uuid.uuid4().hex)
        return ticket

    def is_good(self, ticket: str) -> bool:
        with self._changed:
            good = ticket in self._tickets
            self._tickets.discard(ticket)
        return good

    def serve(self, link: Link) -> None:
        """Until the connection ends."""
        link.send(json.dumps(HELLO))
        with self._changed:
            self._links.append(link)
            self.connected += 1
            self._changed.notify_all()
        try:
            with contextlib.suppress(OSError):
                self._listen(link)
        finally:
            with self._changed:
                self._links.remove(link)
                self._changed.notify_all()

    def _listen(self, link: Link) -> None:
        while True:
            kind, payload = link.receive()
            if kind == CLOSE:
                return
            if kind == PING:
                link.pong(payload)
            elif kind == TEXT:
                self._take(json.loads(payload))

    def _take(self, answer: Obj) -> None:
        with self._changed:
            self._answers[answer["envelope_id"]] = answer.get("payload") or {}
            self._changed.notify_all()

    def wait_for(self, connections: int, timeout: float = 30.0) -> None:
        """Block until so many connections have been made, ever. Raise TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.connected >= connections, timeout):
                raise TimeoutError(f"Only {self.connected} connections in {timeout} s.")

    def ask(self, payload: Obj, timeout: float) -> Obj | None:
        """Send an envelope. The answer's payload, or None when nobody acknowledged it in time."""
        with self._changed:
            if not self._links:
                return None
            link = self._links[-1]
        envelope = uuid.uuid4().hex
        body = {"envelope_id": envelope, "type": "interactive", "payload": payload}
        with contextlib.suppress(OSError):
            link.send(json.dumps(body | {"accepts_response_payload": True}))
        with self._changed:
            self._changed.wait_for(lambda: envelope in self._answers, timeout)
            return self._answers.pop(envelope, None)

    def disconnect(self) -> None:
        """As Slack does now and then: say goodbye to each connection, and close it."""
        with self._changed:
            links = list(self._links)
        for link in links:
            with contextlib.suppress(OSError):
                link.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
                link.close()

    @property
    def is_open(self) -> bool:
        with self._changed:
            return bool(self._links)
