"""What comes in and what goes out: requests, answers, and Stripe's form encoding."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

# A Stripe object as it appears on the wire: plain JSON.
type Obj = dict[str, Any]

_BRACKETS = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API, as Stripe's front door sees it."""

    id: str
    method: str
    path: str
    params: Obj = field(default_factory=dict)
    authorization: str = ""
    account: str = ""
    version: str = ""
    idempotency_key: str = ""

    @property
    def api_key(self) -> str:
        return self.authorization.removeprefix("Bearer ")

    @property
    def fingerprint(self) -> str:
        """Equal for two requests that ask for the same thing, whatever the order of their parameters."""
        asked = json.dumps([self.method, self.path, self.params], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers and a body that is already text, so that a replay is the same to the byte."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, body: Obj, headers: Mapping[str, str] | None = None) -> Self:
        return cls(status, json.dumps(body, indent=2), dict(headers or {}))

    def also(self, **headers: str) -> "Answer":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(self.status, self.body, {**self.headers, **named})


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer reaches the client: whole, cut in half, or as a connection reset."""

    how: Literal["whole", "half", "reset"]
    answer: Answer | None = None


def parse_form(encoded: str) -> Obj:
    """Read `a=1&b[c]=2&d[]=3` into nested dictionaries. Lists become dictionaries keyed "0", "1", …"""
    params: Obj = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        _put(params, [name.split("[", 1)[0], *_BRACKETS.findall(name)], value)
    return params


def _put(params: Obj, path: list[str], value: str) -> None:
    here = params
    for step in path[:-1]:
        below = here.setdefault(step, {})
        if not isinstance(below, dict):
            below = here[step] = {}
        here = below
    here[path[-1] or str(len(here))] = value
