"""A double of a small CRM with goodwill points: `python -m tests.doubles.crm --port 12113 --state FILE`.

It keeps what was credited, knows idempotency keys, and can go wrong. Beside what a CRM has, there is
`POST /_ctl/fault {"kind": …}` for the next call that credits: "reset_before", "reset_after" (the effect),
"fault_after", "busy".
"""

import argparse
import json
import re
import signal
import sys
import threading
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, override

from tests.doubles.serving import Server

CREDITS = re.compile(r"/v2/accounts/([\w-]+)/credits")
BY_KEY = re.compile(r"/v2/credits/by-key/([\w:.-]+)")
MOST = 10_000  # points at once
TOKEN = "crm-token-of-the-double"

type Reply = tuple[int, dict[str, Any]]


@dataclass
class Books:
    """What the CRM knows."""

    credits: list[dict[str, Any]] = field(default_factory=list)
    by_key: dict[str, dict[str, Any]] = field(default_factory=dict)

    def credit(self, account: str, key: str, given: dict[str, Any]) -> Reply:
        if known := self.by_key.get(key):
            same = known["given"] == {"account": account, **given}
            return (201, known["made"]) if same else problem(422, "The key had other values.")
        points = given.get("points")
        if type(points) is not int or not 0 < points <= MOST:
            return problem(422, f"Between 1 and {MOST} points can be credited at once.")
        balance = points + sum(c["points"] for c in self.credits if c["account"] == account)
        made = {"id": f"cr_{len(self.credits) + 1}", "account": account, "points": points}
        made |= {"balance": balance, "note": given.get("note", ""), "internal": "not for you"}
        self.credits.append(made)
        if key:
            self.by_key[key] = {"given": {"account": account, **given}, "made": made}
        return 201, made


def problem(status: int, message: str) -> Reply:
    return status, {"error": {"message": message}}


class CrmDouble:
    """Serves on 127.0.0.1 until it is closed."""

    def __init__(self, port: int = 0, state: Path | None = None) -> None:
        self._state = state
        self.books = Books(**json.loads(state.read_text())) if state and state.exists() else Books()
        self.faults: list[str] = []
        self.guard = threading.Lock()
        self.server = CrmServer(port, self)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v2/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def fault(self) -> str:
        return self.faults.pop(0) if self.faults else ""

    def keep(self) -> None:
        if self._state:
            self._state.write_text(json.dumps(asdict(self.books)))

    def close(self) -> None:
        self.server.close()


class CrmServer(Server):
    def __init__(self, port: int, double: CrmDouble) -> None:
        self.double = double
        super().__init__(port, Handler)


class Handler(BaseHTTPRequestHandler):
    server: CrmServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        books = self.server.double.books
        if not (found := BY_KEY.fullmatch(self.path)) or not self._may():
            self._send(problem(404 if self._may() else 401, "There is nothing here."))
        elif known := books.by_key.get(found[1]):
            self._send((200, known["made"]))
        else:
            self._send(problem(404, "No credit has this key."))

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        double = self.server.double
        if self.path == "/_ctl/fault":
            double.faults.append(given["kind"])
            self._send((200, {}))
        elif not self._may():
            self._send(problem(401, "The token is not one of ours."))
        elif found := CREDITS.fullmatch(self.path):
            with double.guard:
                self._credit(found[1], given, double.fault())
        else:
            self._send(problem(404, "There is nothing here."))

    def _may(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _credit(self, account: str, given: dict[str, Any], fault: str) -> None:
        if fault == "busy":
            self._send(problem(429, "Too many calls."))
        elif fault == "reset_before":
            self._break()
        else:
            key = self.headers.get("Idempotency-Key", "")
            reply = self.server.double.books.credit(account, key, given)
            self.server.double.keep()
            if fault == "reset_after":
                self._break()
            else:
                self._send(problem(500, "A fault.") if fault == "fault_after" else reply)

    def _break(self) -> None:
        self.server.reset(self.connection)
        self.close_connection = True

    def _send(self, reply: Reply) -> None:
        body = json.dumps(reply[1]).encode()
        self.send_response(reply[0])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> int:
    parser = argparse.ArgumentParser(prog="crm-double", description="A stateful double of a CRM.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--state", type=Path, help="JSON file that keeps everything")
    options = parser.parse_args()
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    double = CrmDouble(options.port, options.state)
    sys.stdout.write(f"CRM double: {double.url}\n")
    sys.stdout.flush()
    ended.wait()
    double.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
