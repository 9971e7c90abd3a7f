"""One call of a service with the values of a run: what is sent, and the same as a look-up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from approvals.transport import Call
from tasks.authoring import Found, Refused, Sent, TaskRun
from tasks.contrib.plain_values import plain
from tasks.contrib.rest.outcomes import NotThere, Reading, sent
from tasks.contrib.rest.service import PLACE, Endpoint, problem_of_base

STEP: Final = "call"
TO_LOOK: Final = 8.0  # seconds, where a person waits for a page

type Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Declared:
    """What was declared. `key` is the header of the idempotency key, empty for none."""

    endpoint: Endpoint
    body: Body | None
    returns: Mapping[str, type]
    key: str
    problem: str
    found_by: Endpoint | None

    @property
    def changes(self) -> bool:
        """Whether a call may change something at the service."""
        return self.endpoint.method != "GET"

    @property
    def is_safe_twice(self) -> bool:
        """Whether a call may be sent again as it was."""
        return bool(self.key) or self.endpoint.is_safe_twice

    def reading(self, *, changes: bool) -> Reading:
        """How an answer is read."""
        name = self.endpoint.service.name
        return Reading(name, self.returns, self.problem, changes, same_key=self.is_safe_twice)


def call_service(declared: Declared, values: Mapping[str, Any], run: TaskRun) -> dict[str, Any]:
    """Call it once, and give the declared fields. Raises Refused, Busy and OutcomeUnknown."""
    reading = declared.reading(changes=declared.changes)

    def send(key: str) -> dict[str, Any]:
        of_run = _Run(str(run.id), run.reason, run.requested_by.get_username(), key)
        headers = {declared.key: key} if declared.key else {}
        known = {**values, "run": of_run}
        return sent(prepared(declared.endpoint, known, declared.body, headers), reading)

    return run.once(STEP, send) if declared.changes else send("")


def found(declared: Declared, endpoint: Endpoint, step: Sent, values: Mapping[str, Any]) -> Found:
    """Whether the service shows what a step has made, under any of its keys."""
    reading = declared.reading(changes=False)
    for key in step.keys:
        call = prepared(endpoint.within(TO_LOOK), {**values, "run": _Run("", "", "", key)}, None)
        try:
            answer = sent(call, reading)
        except NotThere:
            continue
        except Refused as refusal:
            return Found(str(refusal), happened=None)
        facts = {"Key": key, **{name: str(value) for name, value in answer.items()}}
        return Found(f"{reading.of} shows it.", True, facts, answer)
    return Found(f"{reading.of} shows nothing under a key of this step.", happened=False)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a call may name of its run."""

    id: str
    reason: str
    requested_by: str
    key: str


def prepared(
    endpoint: Endpoint,
    known: Mapping[str, Any],
    body: Body | None,
    headers: Mapping[str, str] | None = None,
) -> Call:
    """The call with its values in it. Raises Refused where one of them cannot be sent."""
    service = endpoint.service
    base = service.resource.base
    if not base:
        raise Refused(
            f"{service.name} is not connected, so nothing was sent. Ask an engineer to set "
            f"{', '.join(service.resource.missing())}."
        )
    if problem := problem_of_base(base, private=service.private):
        raise Refused(
            f"{service.name} was not called. The address in its settings is wrong: {problem}"
        )
    path = PLACE.sub(lambda place: _quoted(named(place[1], known)), endpoint.path)
    pairs = [(name, _text(named(source, known))) for name, source in endpoint.query.items()]
    sent_headers = {**service.sent_headers(), **(headers or {})}
    content = None
    if body is not None:
        content = json.dumps(_filled(body, known)).encode()
        sent_headers["Content-Type"] = "application/json"
    return Call(
        endpoint.method,
        base + path + (f"?{urlencode(pairs)}" if pairs else ""),
        content,
        sent_headers,
        seconds=service.seconds,
        most=service.max_bytes,
        private=service.private,
    )


def named(source: str, known: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of any kind of parameter
    """The value behind a name, such as `account.number`."""
    name, *attributes = source.split(".")
    value = known[name]
    for attribute in attributes:
        value = getattr(value, attribute)
    return value


def _filled(body: Any, known: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON with names in it
    if isinstance(body, Mapping):
        return {name: _filled(each, known) for name, each in body.items()}
    return plain(named(body, known)) if isinstance(body, str) else body


def _text(value: Any) -> str:  # noqa: ANN401
    written = plain(value)
    if written is None or isinstance(written, (dict, list)):
        raise Refused(f"“{value}” cannot be part of an address. Nothing was sent.")
    return str(written).lower() if isinstance(written, bool) else str(written)


def _quoted(value: Any) -> str:  # noqa: ANN401
    """One part of a path, whatever is in it: no slash, no dots alone, nothing empty."""
    text = _text(value)
    if not text or set(text) <= {"."}:
        raise Refused(f"“{text}” cannot be part of an address. Nothing was sent.")
    return quote(text, safe="")
