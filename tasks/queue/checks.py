"""System checks of the queue's settings: combinations that hang, repeat or lose work, and why."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

OUR_BROKER = "tasks.queue.broker.PostgresBroker"
MARGIN = 30  # seconds
LONGEST_ROUND = 5  # seconds


@register("tasks")
def check_queue(**_: object) -> list[CheckMessage]:
    """What is wrong in Q_CLUSTER, and in the database settings that concern a cluster."""
    queue: Mapping[str, Any] = getattr(settings, "Q_CLUSTER", {})
    return [
        *_of_timeout(queue),
        *_of_database(queue),
        *_of_broker(queue),
        *_of_repetition(queue),
        *_of_scheduler(queue),
        *_of_retry(queue),
        *_of_guard(queue),
        *_of_records(queue),
        *_of_name(queue),
    ]


def _of_timeout(queue: Mapping[str, Any]) -> Iterator[CheckMessage]:
    timeout = queue.get("timeout")
    if type(timeout) is not int or timeout < 1:
        yield Error(
            f"Q_CLUSTER['timeout'] is {timeout!r}. A run that hangs would keep its worker for ever, "
            "and django-q2 fails on fractions of a second.",
            hint="Give a whole number of seconds.",
            id="tasks.E101",
        )


def _of_database(queue: Mapping[str, Any]) -> Iterator[CheckMessage]:
    alias = queue.get("orm") or "default"
    options = settings.DATABASES.get(alias, {}).get("OPTIONS", {})
    if options.get("pool"):
        yield Error(
            f"DATABASES[{alias!r}] has a connection pool. The processes of a cluster would share its "
            "connections and get each other's answers.",
            hint="Remove OPTIONS['pool'] and keep CONN_MAX_AGE.",
            id="tasks.E102",
        )


def _of_broker(queue: Mapping[str, Any]) -> Iterator[CheckMessage]:
    if queue.get("orm") != "default":
        yield Error(
            "Q_CLUSTER['orm'] does not name the database of the runs, so a message does not commit "
            "with the run that it announces.",
            hint="Set it to 'default'.",
            id="tasks.E103",
        )
    if queue.get("broker_class") != OUR_BROKER:
        yield Error(
            "Q_CLUSTER['broker_class'] is not ours. Others lose messages, deliver before the commit, "
            "or remove what somebody else is working on.",
            hint=f"Set it to {OUR_BROKER!r}.",
            id="tasks.E104",
        )


def _of_repetition(queue: Mapping[str, Any]) -> Iterator[CheckMessage]:
    if queue.get("max_attempts") != 1 or queue.get("ack_failures") is not True:
        yield Error(
            "The queue would deliver a message again after a failure, for ever if 'max_attempts' is "
            "not set.",
            hint="Set Q_CLUSTER['max_attempts'] to 1 and Q_CLUSTER['ack_failures'] to True.",
            id="tasks.E105",
        )


def _of_scheduler(queue: Mapping[str, Any]) -> Iterator[CheckMessage]:
    if queue.get("scheduler") is not False:
        yield Error(
            "django-q2's own cluster would call whatever function a row of its table of schedules names.",
            hint="Set Q_CLUSTER['scheduler'] to False.",
            id="tasks.E106",
        )


def _of_retry(queue: Mapping[str, Any]) -> Iterator[CheckMessage]:
    timeout, retry = queue.get("timeout") or 0, queue.get("retry", 60)
    workers = queue.get("workers") or 1
    waiting = queue.get("queue_limit", workers**2) + queue.get("bulk", 1)
    least = timeout * (1 + -(-waiting // workers)) + MARGIN
    if retry < least:
        yield Warning(
            f"Q_CLUSTER['retry'] is {retry}: a message that waits behind {waiting} others in the "
            "memory of a cluster would be delivered a second time.",
            hint=f"Set it to {least:.0f} or more, or lower 'queue_limit' and 'bulk'.",
            id="tasks.W101",
        )


def _of_guard(queue: Mapping[str, Any]) -> Iterator[CheckMessage]:
    cycle = queue.get("guard_cycle", 0.5)
    if not 0 < cycle <= LONGEST_ROUND:
        yield Warning(
            f"Q_CLUSTER['guard_cycle'] is {cycle!r}: runs that do not stop by themselves are ended "
            "late, or the guard does nothing else than look.",
            hint="Set it to 0.5.",
            id="tasks.W102",
        )


def _of_records(queue: Mapping[str, Any]) -> Iterator[CheckMessage]:
    if queue.get("save_limit", 250) != -1:
        yield Warning(
            "The queue keeps a record of each success. With a limit it reads all of them for each "
            "message; without one they pile up.",
            hint="Set Q_CLUSTER['save_limit'] to -1: the run is the record.",
            id="tasks.W103",
        )


def _of_name(queue: Mapping[str, Any]) -> Iterator[CheckMessage]:
    name = os.environ.get("Q_CLUSTER_NAME")
    if "ALT_CLUSTERS" not in queue:
        yield Warning(
            "Q_CLUSTER has no 'ALT_CLUSTERS': with Q_CLUSTER_NAME in the environment, django-q2 "
            "stops with a KeyError.",
            hint="Set it to {}.",
            id="tasks.W104",
        )
    elif name and name != queue.get("name") and name not in queue["ALT_CLUSTERS"]:
        yield Warning(
            f"Q_CLUSTER_NAME is {name!r}, and nothing is put into a queue of that name.",
            hint="Remove it from the environment, or name the queue in ALT_CLUSTERS.",
            id="tasks.W105",
        )
