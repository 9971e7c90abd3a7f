"""What may be run, by whom and under which rules; and every run of it.

May import `declaration`; the database's own guards are in the migrations.
"""

from tasks.models.catalogue import Task, TaskGroupPermission, TaskUserPermission
from tasks.models.confirmation_limits import ConfirmationLimit
from tasks.models.effects import Effect
from tasks.models.interventions import Emergency, Pause, Resolution
from tasks.models.pins import PinnedTask
from tasks.models.restores import DatabaseIdentity, Reconciliation, WorkerLook
from tasks.models.rules import ApprovalRule, ProposedChange
from tasks.models.runs import OPEN, UNFINISHED, LogLine, Run, StoredFile, StoredSecret, SumKey
from tasks.models.search import RunWords
from tasks.models.signs import Sign
from tasks.models.stops import Stop
from tasks.models.subscriptions import Subscription

__all__ = [
    "OPEN",
    "UNFINISHED",
    "ApprovalRule",
    "ConfirmationLimit",
    "DatabaseIdentity",
    "Effect",
    "Emergency",
    "LogLine",
    "Pause",
    "PinnedTask",
    "ProposedChange",
    "Reconciliation",
    "Resolution",
    "Run",
    "RunWords",
    "Sign",
    "Stop",
    "StoredFile",
    "StoredSecret",
    "Subscription",
    "SumKey",
    "Task",
    "TaskGroupPermission",
    "TaskUserPermission",
    "WorkerLook",
]
