"""Who is acting, and through which door they came in.

This labels history rows and events. No permission is ever read from it: the functions that change
state take the acting person as an argument.
"""

import ipaddress
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.http import HttpRequest, HttpResponseBase

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from backoffice.models import User

SYSTEM = "System"
NOT_SIGNED_IN = "not signed in"


class Door(models.TextChoices):
    """Where a call came from."""

    ADMIN = "admin", "the web"
    API = "api", "the API"
    SLACK = "slack", "Slack"
    EMAIL = "email", "an email"
    SCHEDULE = "schedule", "a schedule"
    RUNBOOK = "runbook", "a runbook"
    TASK = "task", "another task"
    COMMAND = "command", "a command"
    WORKER = "worker", "a worker"
    DEPLOY = "deploy", "a deploy"


@dataclass(frozen=True, slots=True)
class Context:
    user_id: int | None
    label: str
    door: str
    reason: str = ""
    request_id: str = ""
    ip: str | None = None


_OUTSIDE = Context(user_id=None, label=SYSTEM, door=Door.COMMAND)

# A request is kept as a function, because nobody has signed in yet when it begins.
_current: ContextVar[Callable[[], Context]] = ContextVar("audit_context", default=lambda: _OUTSIDE)


def current() -> Context:
    """Who is acting now. Outside a request and outside `acting`: the system, by a command."""
    return _current.get()()


@contextmanager
def acting(*, user: "User | None", door: Door | str, reason: str = "") -> Iterator[Context]:
    """Label everything written inside with this person, door and reason.

    Inside a request, or inside another `acting`, the request's id and address stay.

    Raises:
        ValueError: the door is none of `Door`.
    """
    outer = current()
    context = Context(
        user_id=None if user is None else user.pk,
        label=label_of(user),
        door=Door(door).value,
        reason=reason,
        request_id=outer.request_id,
        ip=outer.ip,
    )
    with _set(lambda: context):
        yield context


def label_of(user: "User | AnonymousUser | None") -> str:
    """The name that history keeps for a person, even when they are renamed later."""
    if user is None:
        return SYSTEM
    if not user.is_authenticated:
        return NOT_SIGNED_IN
    return f"{user} ({user.get_username()})"


class AuditMiddleware:
    """Labels what a web request writes, and answers with the request's id in X-Request-ID.

    Stands after AuthenticationMiddleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = uuid.uuid4().hex
        ip = _address(request)

        def context() -> Context:
            return Context(
                user_id=request.user.pk,
                label=label_of(request.user),
                door=Door.ADMIN.value,
                request_id=request_id,
                ip=ip,
            )

        with _set(context):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


@contextmanager
def _set(source: Callable[[], Context]) -> Iterator[None]:
    token = _current.set(source)
    try:
        yield
    finally:
        _current.reset(token)


def _address(request: HttpRequest) -> str | None:
    """The caller's address, or None where there is none, as on a Unix socket."""
    address = str(request.META.get("REMOTE_ADDR") or "")
    if settings.SECURE_PROXY_SSL_HEADER:
        # Only the last entry was written by our own proxy; a caller can invent the others.
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        address = forwarded.rpartition(",")[2].strip() or address
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None
