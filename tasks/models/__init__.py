"""What may be run, by whom and under which rules; and every run of it.

May import `declaration`; the database's own guards are in the migrations.
"""

from tasks.models.catalogue import Task, TaskGroupPermission, TaskUserPermission
from tasks.models.effects import Effect
from tasks.models.rules import ApprovalRule, Proposal
from tasks.models.runs import UNFINISHED, LogLine, Run, StoredFile, StoredSecret, Tally
from tasks.models.stops import Stop
from tasks.models.subscriptions import Subscription
from tasks.models.turns import Emergency, Pause, Settlement

__all__ = [
    "UNFINISHED",
    "ApprovalRule",
    "Effect",
    "Emergency",
    "LogLine",
    "Pause",
    "Proposal",
    "Run",
    "Settlement",
    "Stop",
    "StoredFile",
    "StoredSecret",
    "Subscription",
    "Tally",
    "Task",
    "TaskGroupPermission",
    "TaskUserPermission",
]
