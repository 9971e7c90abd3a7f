"""`@rest_task`: one call of a service as a task."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from types import MappingProxyType
from typing import Any, Final, Unpack

from tasks.authoring import Found, Sent
from tasks.contrib.rest.answers import TYPES
from tasks.contrib.rest.calling import Body, Declared, call_service, found
from tasks.contrib.rest.service import Endpoint
from tasks.declaration.declared import Function, TaskArguments
from tasks.declaration.kinds import Shown, TaskKind
from tasks.declaration.registry import task
from tasks.declaration.source import registers

OF_RUN: Final = ("id", "reason", "requested_by", "key")
_HEADER: Final = re.compile(r"[A-Za-z0-9-]+")


def rest_task(
    endpoint: Endpoint,
    *,
    body: Body | None = None,
    returns: Mapping[str, type] | None = None,
    key: str = "",
    problem: str = "",
    found_by: Endpoint | None = None,
    **said: Unpack[TaskArguments],
) -> Callable[[Function], Function]:
    """Make a call of a service a task: the `def` below it is the form and the description.

    `body` is the JSON that is sent: by its names those of parameters, or of what these have, such as
    `account.number`; dicts in it likewise; what is no text stays as it is. `returns` names the fields of the answer
    that are kept, with str, int, Decimal or bool: everything else of it goes nowhere. `key` is the
    header in which the service takes an idempotency key, `problem` the field with its reason for a
    refusal. `found_by` is a second call, a GET with `{run.key}` in it, that shows what the first has
    made and answers 404 where it has not: the task's look-up. All other arguments are those of `@task`. A call with a key, and one whose
    method may be sent twice, is `idempotent` unless that is said otherwise.
    """

    def declare(function: Function) -> Function:
        given = said.copy()
        declared = Declared(
            endpoint,
            body,
            MappingProxyType(dict(returns or {})),
            key,
            problem,
            found_by,
        )
        given.setdefault("idempotent", declared.is_safe_twice)
        if found_by is not None:
            given["look_up"] = _look_up(declared, found_by)
        given["resources"] = (*said.get("resources", ()), endpoint.service.resource)
        kind = TaskKind(
            "REST",
            run=lambda values, run: call_service(declared, values, run),
            content={"call": _text_of(declared).encode()},
            shown=_shown(declared),
            problems=tuple(_problems(declared, set(signature(function).parameters))),
            reads_only=not declared.changes,
        )
        return task(kind=kind, **given)(function)

    return declare


registers(rest_task)


def _look_up(declared: Declared, endpoint: Endpoint) -> Callable[..., Found]:
    def look(sent: Sent, **values: Any) -> Found:  # noqa: ANN401 - of any kind of parameter
        return found(declared, endpoint, sent, values)

    return look


def _text_of(declared: Declared) -> str:
    """All that decides what is sent and what is kept. Not the look-up, which may be mended any time."""
    service, body = declared.endpoint.service, declared.body
    return json.dumps(
        {
            "call": declared.endpoint.text,
            "body": None if body is None else _plain(body),
            "returns": {name: kind.__name__ for name, kind in declared.returns.items()},
            "key": declared.key,
            "problem": declared.problem,
            "headers": dict(service.headers),
            "limits": [service.seconds, service.max_bytes],
        },
        indent=2,
        default=str,
    )


def _plain(body: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(body, Mapping):
        return {name: _plain(each) for name, each in body.items()}
    return body


def _shown(declared: Declared) -> tuple[Shown, ...]:
    lines = [declared.endpoint.text]
    if declared.key:
        lines.append(f"{declared.key}: {{run.key}}")
    if declared.body is not None:
        lines += ["", json.dumps(_plain(declared.body), indent=2, default=str)]
    kept = ", ".join(declared.returns) or "nothing"
    return (Shown("Request", "\n".join(lines)), Shown("Kept of the answer", kept))


def _problems(declared: Declared, parameters: set[str]) -> Iterator[tuple[str, str]]:
    for endpoint in filter(None, (declared.endpoint, declared.found_by)):
        if problem := endpoint.problem():
            yield problem
    places = [*declared.endpoint.places, *_sources(declared.body)]
    yield from _of_places(places, parameters, OF_RUN)
    if declared.found_by:
        yield from _of_places(declared.found_by.places, parameters, ("key",))
        if declared.found_by.method != "GET":
            yield "found_by is a call that may change something.", "Write service.get(...)."
    if declared.body is not None and not declared.changes:
        yield "A GET has no body.", "Leave body out, or name the values in query."
    if declared.key and not _HEADER.fullmatch(declared.key):
        yield f"key is {declared.key!r}.", 'Write the name of a header: key="Idempotency-Key".'
    if wrong := [name for name, kind in declared.returns.items() if kind not in TYPES]:
        yield (
            f"returns gives {wrong[0]!r} a type that JSON has not.",
            "Write str, int, Decimal or bool.",
        )


def _of_places(
    places: list[str], parameters: set[str], of_run: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    for place in places:
        name, _, rest = place.partition(".")
        if name == "run" and rest not in of_run:
            yield f"There is no {{{place}}} here.", f"Of the run there is {', '.join(of_run)}."
        elif name not in {"run", *parameters}:
            yield (
                f"It uses {place!r}, and the task has no parameter {name!r}.",
                f"Its parameters are {', '.join(sorted(parameters)) or 'none'}.",
            )
        elif "__" in place or place.endswith("."):
            yield f"{place!r} is no name of a value.", "Write account, or account.number."


def _sources(body: Any) -> list[str]:  # noqa: ANN401 - JSON with names in it
    if isinstance(body, Mapping):
        return [name for each in body.values() for name in _sources(each)]
    return [body] if isinstance(body, str) else []
