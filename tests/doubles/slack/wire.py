"""What comes in and what goes out."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

# A Slack object as it appears on the wire: plain JSON.
type Obj = dict[str, Any]


class Refused(Exception):
    """Slack says no, with a code: `{"ok": false, "error": code}`."""

    def __init__(self, code: str, *messages: str) -> None:
        super().__init__(code)
        self.code, self.messages = code, messages


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API."""

    method: str
    arguments: Obj
    token: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Obj
    headers: dict[str, str] = field(default_factory=dict)


def arguments_of(query: str, body: bytes, content_type: str) -> Obj:
    """What a method is called with: in the query, as a form or as JSON. Lists may come as JSON text."""
    given: Obj = dict(parse_qsl(query))
    if "json" in content_type:
        return given | dict(json.loads(body or b"{}"))
    given |= dict(parse_qsl(body.decode()))
    return {name: _read(name, value) for name, value in given.items()}


def _read(name: str, value: str) -> Any:
    return json.loads(value) if name in ("blocks", "view") else value
