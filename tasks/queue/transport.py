"""What carries messages between the queue's table and the workers of a cluster.

django-q2's own processes for this end on a message that they cannot read, which then comes again and again; and
they read pickles that nobody has signed from a table of results, which whoever may write to it can fill.
"""

import logging
from time import sleep
from typing import Any, Final

from django.db import connections
from django_q.signing import SignedPackage

from tasks.queue.broker import Delivery, PostgresBroker
from tasks.queue.outages import PAUSE

logger = logging.getLogger(__name__)

NEEDED: Final = frozenset({"id", "name", "func", "args", "kwargs"})


def pusher(task_queue: Any, stop: Any, broker: PostgresBroker) -> None:  # noqa: ANN401 - multiprocessing's
    """Take messages from the table and hand them to the workers, until `stop` is set."""
    while not stop.is_set():
        for delivery, payload in _taken(broker):
            if message := _read(broker, delivery, payload):
                task_queue.put(message)


def _taken(broker: PostgresBroker) -> list[tuple[Delivery, str]]:
    try:
        return broker.dequeue() or []
    except Exception:
        # Not an outage, which the broker waits for: a table that is not there yet, perhaps.
        logger.exception("Messages cannot be taken from the queue")
        connections.close_all()
        sleep(PAUSE)
        return []


def _read(broker: PostgresBroker, delivery: Delivery, payload: str) -> dict[str, Any] | None:
    """The message, or None for what is none: it is removed, for it would come back for ever."""
    try:
        message = SignedPackage.loads(payload)  # whose signature is checked before it is unpickled
    except Exception as error:
        message, why = None, type(error).__name__
    else:
        why = "its parts are missing"
    if isinstance(message, dict) and message.keys() >= NEEDED:
        return message | {"ack_id": delivery}
    logger.error("Message %s cannot be read (%s) and was removed from the queue", delivery.id, why)
    broker.fail(delivery)
    return None


def monitor(result_queue: Any, broker: PostgresBroker) -> None:  # noqa: ANN401 - multiprocessing's
    """Acknowledge what workers have done. An end is an end, also a bad one: the run is the record."""
    for result in iter(result_queue.get, "STOP"):
        broker.acknowledge(result["ack_id"])
        if not result["success"]:
            logger.error("%s failed: %s", result["func"], result["result"])
