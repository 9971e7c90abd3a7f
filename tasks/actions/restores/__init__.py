"""A database that was restored from a backup: how it is found, and how people reconcile its runs.

May import `tasks.actions.runs` and `tasks.actions.stops`.
"""

from tasks.actions.restores.finding import check_database
from tasks.actions.restores.reconciling import NotReconciled, look_up_unfinished, reconcile_run

__all__ = ["NotReconciled", "check_database", "look_up_unfinished", "reconcile_run"]
