"""What machines ask this process: is it there, can it work, how much is there to do.

Nobody signs in for that, so the answers hold numbers and fixed sentences only. The status page shows
the same to people.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.db import Error, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import choose_encoder

from approvals.models.deliveries import ChannelShutdown
from audit.admin.pages import page, person_of
from backoffice.monitoring.status import (
    Status,
    Work,
    may_see,
    status,
    troubles,
    why_not_ready,
    work,
)
from tasks.access.restores import RESTORED
from tasks.queue.messages import can_be_written
from tasks.runs.texts import length

logger = logging.getLogger(__name__)

PATIENCE_MS: Final = 5000  # for each statement: a probe that hangs tells nobody anything
# The error itself names hosts, roles and databases: it goes into the log.
AWAY: Final = "The database is unreachable, or its tables are not of this version."


UNWRITABLE: Final = "The database takes no changes: it only reads, or its disk is full."


@require_safe
@cache_control(no_store=True)
def alive(request: HttpRequest) -> HttpResponse:
    """Whether this process answers. It asks nothing else, not even the database."""
    return JsonResponse({"alive": True})


@require_safe
@cache_control(no_store=True)
def ready(request: HttpRequest) -> HttpResponse:
    """Whether the product can do what it is there for: 200, or 503 with the reason."""
    try:
        with _bounded():
            found = work()
    except Error as error:
        _note(error)
        return _answer(reason=AWAY, database=False)
    if found.restored:
        return _answer(reason=RESTORED, database=True, **_numbers(found))
    reason = why_not_ready(found) or _why_not_writable()
    return _answer(reason=reason, database=True, **_numbers(found))


@require_safe
@cache_control(no_store=True)
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus, if it knows METRICS_TOKEN. To everybody else, this does not exist."""
    if not _knows_token(request):
        raise Http404
    registry = CollectorRegistry()  # of this one answer: the numbers are the database's
    up = Gauge("backoffice_database_up", "Whether the database answers", registry=registry)
    try:
        with _bounded():
            _fill(registry, status())
        up.set(1)
    except Error as error:
        _note(error)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


@require_safe
def status_page(request: HttpRequest) -> HttpResponse:
    """The same for people who administer something."""
    if not may_see(person_of(request)):
        raise Http404
    found = status()
    return page(
        request,
        "backoffice/status.html",
        title="Status",
        found=found,
        troubles=[
            *troubles(found),
            *(str(shutdown) for shutdown in ChannelShutdown.objects.order_by("channel")),
        ],
        waited=_in_words(found.work.oldest_wait),
        silence=_in_words(found.work.silence),
    )


def _why_not_writable() -> str | None:
    try:
        with _bounded():
            can_be_written()
    except Error as error:
        _note(error)
        return UNWRITABLE
    return None


def _in_words(took: timedelta | None) -> str:
    return "" if took is None else length(took)


def _answer(*, reason: str | None, **numbers: object) -> JsonResponse:
    code = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
    return JsonResponse({"ready": not reason, "reason": reason, **numbers}, status=code)


def _numbers(found: Work) -> dict[str, Any]:
    wait, silence = found.oldest_wait, found.silence
    return {
        "queued_runs": found.queued,
        "oldest_queued_seconds": None if wait is None else round(wait.total_seconds(), 1),
        "running_runs": found.running,
        "running_runs_with_expired_lease": found.left_alone,
        "queue_messages_waiting": found.messages_waiting,
        "queue_messages_taken": found.messages_taken,
        "worker_alive": found.worker_alive,
        "worker_silent_seconds": None if silence is None else round(silence.total_seconds()),
        "sender_alive": found.sender_alive,
    }


def _fill(registry: CollectorRegistry, found: Status) -> None:
    runs = Gauge("backoffice_runs", "Runs that are not over", ["status"], registry=registry)
    for name in ("queued", "running"):
        runs.labels(name).set(getattr(found.work, name))
    for name in ("awaiting", "uncertain", "paused"):
        runs.labels(name).set(getattr(found, name))
    for name, (meaning, number) in _gauges(found.work).items():
        Gauge(f"backoffice_{name}", meaning, registry=registry).set(number)


def _gauges(found: Work) -> dict[str, tuple[str, float]]:
    wait = found.oldest_wait.total_seconds() if found.oldest_wait else 0
    return {
        "oldest_queued_run_seconds": ("How long a run that is due has been waiting", wait),
        "expired_leases": ("Running runs whose worker is silent", found.left_alone),
        "queue_messages_waiting": ("Messages that no worker has", found.messages_waiting),
        "queue_messages_taken": ("Messages that a worker has", found.messages_taken),
        "worker_alive": ("Whether there is at least one worker", found.worker_alive),
        "sender_alive": ("Whether there is one that sends notifications", found.sender_alive),
        "database_restored": ("Whether it was restored and is not reconciled", found.restored),
    }


def _knows_token(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    sent = request.headers.get("Authorization", "")
    return bool(token) and constant_time_compare(sent, f"Bearer {token}")


@contextmanager
def _bounded() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS:d}")
        yield


def _note(error: Error) -> None:
    logger.warning("The database could not be queried: %s", str(error).strip())
