"""Whether this database was restored from a backup, and which of its runs nobody has reconciled yet.

Runs and requests of the time after the backup are not in it: nobody here knows what they have done.
"""

from typing import Final

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from tasks.models import OPEN, DatabaseIdentity, Reconciliation, Run, Stop

RESTORED: Final = (
    "This database was restored from a backup. Nothing runs and nothing is sent until "
    "administrators have reconciled it."
)


def is_restored() -> bool:
    """Whether the newest identity on record is that of another database, or was written by a restore."""
    return _says("tasks_is_restored")


def is_held() -> bool:
    """The same, or that it is on record already and not yet reconciled. One statement."""
    return _says("tasks_is_held")


def _says(question: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {question}()")
        return bool(cursor.fetchone()[0])


def open_restore() -> DatabaseIdentity | None:
    """The restore that people have to reconcile now, if there is one on record."""
    held = DatabaseIdentity.objects.filter(stop__isnull=False, stop__ended_at=None)
    return held.select_related("stop").order_by("-pk").first()


def to_reconcile(restore: DatabaseIdentity) -> QuerySet[Run]:
    """The runs that were unfinished in the backup, oldest first: each needs a decision."""
    runs = Run.objects.filter(status__in=OPEN, requested_at__lt=restore.recorded_at)
    return runs.exclude(_decided(restore)).order_by("requested_at", "pk")


def reconciled(restore: DatabaseIdentity) -> QuerySet[Reconciliation]:
    """What people have decided so far, newest first."""
    decided = restore.reconciliations.select_related("run", "run__task", "decided_by")
    return decided.order_by("-pk")


def left_of(stop: Stop) -> int:
    """How many runs have to be reconciled before this stop may end."""
    restore = open_restore()
    return to_reconcile(restore).count() if restore and restore.stop_id == stop.pk else 0


def was_restored_since(run: Run) -> bool:
    """Whether steps of this run may have been sent that this database does not know of."""
    since = DatabaseIdentity.objects.filter(recorded_at__gt=run.requested_at)
    return since.filter(stop__isnull=False).exists()


def _decided(restore: DatabaseIdentity) -> Exists:
    return Exists(Reconciliation.objects.filter(identity=restore, run=OuterRef("pk")))
