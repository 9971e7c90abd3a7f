"""Our settings, with django-q2's own broker as fast as its settings make it."""

from backoffice.settings import *  # noqa: F403
from backoffice.settings import Q_CLUSTER

Q_CLUSTER = Q_CLUSTER | {"broker_class": None, "poll": 0.05}
SILENCED_SYSTEM_CHECKS = ["tasks.E104"]
