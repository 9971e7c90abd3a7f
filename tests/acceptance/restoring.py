"""What people and a worker do before and after a restore, in a process with the database's environment.

`python -m tests.acceptance.restoring STEP`, which writes its answer as JSON.
"""

import json
import os
import sys
from typing import Any, Final

import django

PAYMENTS: Final = 6


def prepare() -> list[str]:
    """A refund that was made, four that are queued (one of them approved), and one that waits."""
    from audit.context import Door
    from backoffice.models import User
    from tasks.actions import request_run
    from tasks.actions.restores import check_database
    from tasks.models import Run, Task
    from tasks.worker.execution import execute
    from tests.chaos import company
    from tests.chaos.staff import usd

    there = company.found(PAYMENTS)
    sam, task = User.objects.get(username="sam"), Task.objects.get(slug="refund-payment")
    check_database(door=Door.WORKER)

    def refund(number: int, amount: str) -> Run:
        payment = there.payments[number].pk
        values = {"payment": payment, "amount": usd(amount), "reason": "duplicate"}
        return request_run(
            task.pk, requested_by=sam, door=Door.ADMIN, values=values, reason="The customer called"
        )

    execute(str(refund(0, "5.00").pk))
    runs = [refund(1, "5.00"), refund(2, "6.00"), refund(3, "7.00")]
    runs += [refund(4, "240.00"), refund(5, "240.00")]
    _approve(runs[3])
    return [str(run.pk) for run in runs]


def approve(run_id: str) -> None:
    from tasks.models import Run

    _approve(Run.objects.get(pk=run_id))


def _approve(run: Any) -> None:
    from approvals.actions import decide
    from audit.context import Door
    from backoffice.models import User

    mona = User.objects.get(username="mona")
    decide(run.approval_id, decided_by=mona, verdict="approve", seal=run.seal, door=Door.ADMIN)


def restart() -> None:
    from approvals.actions import decide
    from audit.context import Door
    from backoffice.models import User
    from tasks.actions.stops import propose_start
    from tasks.models import Stop

    erin, mona = (User.objects.get(username=name) for name in ("erin", "mona"))
    stop = Stop.objects.get(ended_at=None)
    asked = propose_start(stop.pk, by=erin, door=Door.ADMIN, reason="All is reconciled")
    decide(asked.pk, decided_by=mona, verdict="approve", seal=asked.seal, door=Door.ADMIN)


STEPS: Final[dict[str, Any]] = {
    "prepare": prepare,
    "approve": approve,
    "restart": restart,
}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    sys.stdout.write(json.dumps(STEPS[sys.argv[1]](*sys.argv[2:])))
