"""One approval of a run, or of its going on, in a process of its own, which may die of it: `python -m tests.chaos.deciding RUN LOGIN`."""

import os
import sys

import django


def main(run_id: str, login: str) -> None:
    from approvals.actions import decide
    from audit.context import Door
    from backoffice.models import User
    from tasks.models import Run

    run = Run.objects.get(pk=run_id)
    pause = run.pauses.last()
    asked = pause.approval if pause else run.approval
    assert asked
    person = User.objects.get(username=login)
    decide(asked.pk, decided_by=person, verdict="approve", seal=asked.seal, door=Door.ADMIN)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    main(*sys.argv[1:])
