"""What the author of a task imports: everything that a task's code needs, from one module.

    from tasks.authoring import Money, TaskRun, task

    @task(name="Issue credit", category="Accounts", owner="Payments")
    def issue_credit(run: TaskRun, account: str, amount: Money) -> str:
        '''Adds a credit to an account.'''

These names stay and mean the same from one release to the next: the changelog says when one
comes or goes. The modules behind them may be moved at any time, so import from here alone. What
talks to other systems is in `tasks.contrib`.

Import it in the modules that TASK_MODULES names, or after `django.setup()`: the types of a run
and of its parameters need Django's models.
"""

from tasks.declaration.break_glass import BreakGlass
from tasks.declaration.errors import Busy, Cancelled, OutcomeUnknown, Paused, Refused, Stopped
from tasks.declaration.limits import Limits
from tasks.declaration.look_up import Found, Sent
from tasks.declaration.registry import Approval, Finished, Undo, task
from tasks.declaration.resources import Env, Resource
from tasks.declaration.slack import InSlack
from tasks.outputs import JSON, Change, Chart, KeyValue, Markdown, Output, Table, Text
from tasks.parameters import (
    Confirm,
    DeclarationError,
    DoesNotFit,
    File,
    Kind,
    Money,
    Param,
    Rows,
    Secret,
    register_kind,
)
from tasks.worker.items import Report
from tasks.worker.task_run import TaskRun

__all__ = [
    "JSON",
    "Approval",
    "BreakGlass",
    "Busy",
    "Cancelled",
    "Change",
    "Chart",
    "Confirm",
    "DeclarationError",
    "DoesNotFit",
    "Env",
    "File",
    "Finished",
    "Found",
    "InSlack",
    "KeyValue",
    "Kind",
    "Limits",
    "Markdown",
    "Money",
    "OutcomeUnknown",
    "Output",
    "Param",
    "Paused",
    "Refused",
    "Report",
    "Resource",
    "Rows",
    "Secret",
    "Sent",
    "Stopped",
    "Table",
    "TaskRun",
    "Text",
    "Undo",
    "register_kind",
    "task",
]
