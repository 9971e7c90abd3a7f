"""What a run would change: asked of its task, never done, and compared with what was approved."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction

from tasks.declaration.calling import call_with
from tasks.declaration.errors import Refused
from tasks.declaration.offline import WentOnline, offline
from tasks.declaration.registry import RegisteredTask, registry
from tasks.models import Run
from tasks.outputs import Change
from tasks.outputs.kinds import MAY_DIFFER
from tasks.parameters import DoesNotFit, ObjectGone, Secret
from tasks.queue import messages
from tasks.queue.outages import OUTAGE
from tasks.secrets import storage
from tasks.secrets.masking import Redactor, masking_the_log
from tasks.secrets.redaction import redacting

logger = logging.getLogger(__name__)

# For each statement of a preview, at the form and at the claim: somebody waits for it.
STATEMENT_SECONDS: Final = 5

type Rows = Sequence[Sequence[str]]


class PreviewFailed(Exception):
    """A fault of the preview's code. The text is for people; the traceback is in the log."""


class PreviewTimedOut(BaseException):
    """The worker's time was over while a preview was at work. Like a time-out, not to be caught."""


class Row(NamedTuple):
    """One change as it is stored: `note` is empty for what must hold as it is, or says its limits."""

    label: str
    before: str
    after: str
    note: str = ""

    def __str__(self) -> str:
        if self.note:
            return f"“{self.note}”"
        return f"{self.before or 'nothing'} → {self.after or 'nothing'}"


def rows_of(registered: RegisteredTask, values: Mapping[str, Any]) -> list[list[str]]:
    """What a run with these values would change now, as it is shown and sealed.

    The preview runs in a transaction that is rolled back, and offline. What it raises to turn the
    request down, `Refused` or `ValidationError`, passes; so does an outage of the database.
    Everything else is a `PreviewFailed`.
    """
    if registered.preview is None:
        return []
    try:
        with transaction.atomic(), offline():
            _limit_statements()
            try:
                changes: Iterable[Change] = call_with(registered.preview, values)
                return [_within_its_limits(change) for change in changes]
            finally:
                transaction.set_rollback(True)
    except (Refused, ValidationError):
        raise
    except Exception as error:
        if isinstance(error, OUTAGE) and not _took_too_long(error):
            raise
        secrets = [value.reveal() for value in values.values() if isinstance(value, Secret)]
        with masking_the_log(Redactor(secrets)):
            logger.exception("The preview of “%s” failed", registered.name)
        raise PreviewFailed(_fault(registered, error)) from error


def _within_its_limits(change: Change) -> list[str]:
    if problem := change.problem():
        raise Refused(problem)
    return change.as_json()


def why_not_as_approved(run: Run) -> str:
    """Why what approvers agreed to does not hold any more, or cannot be done. Empty when it holds.

    Empty as well for a run that nobody had to approve, and after a first attempt, which may have
    brought about what differs. Raises `PreviewTimedOut`, and leaves the database's connection in an
    unknown state, when the time of the task is over.
    """
    registered = registry.get(run.task.slug)
    if registered.preview is None or run.attempt or not run.needs_approval:
        return ""
    with redacting(run) as redact:
        return redact(_why_not(registered, run))


def _why_not(registered: RegisteredTask, run: Run) -> str:
    try:
        return difference(run.preview, rows_of(registered, storage.typed_values(registered, run)))
    except ValidationError as error:
        return f"It can no longer be done: {' '.join(error.messages)}"
    except (Refused, DoesNotFit, ObjectGone) as error:
        return f"It can no longer be done: {error}"
    except PreviewFailed as failure:
        return str(failure)
    except messages.TimedOut as late:
        raise PreviewTimedOut from late


def difference(approved: Rows, now: Rows) -> str:
    """The first change that is not as it was approved, in words. Empty when there is none.

    Rows that are there for information may differ. Of those with a limit, the limit must be the
    same: that it is kept, the preview has made sure of.
    """
    then, here = Counter(binding(approved)), Counter(binding(now))
    gone, new = list(then - here), list(here - then)
    if gone:
        was = gone[0]
        if now_is := next((row for row in new if row.label == was.label), None):
            return f"{was.label} was {was} when it was approved; it is now {now_is}."
        return f"{was.label} ({was}) was approved, but would no longer change that way."
    if new:
        return f"{new[0].label} ({new[0]}) would now change too, which nobody approved."
    return ""


def binding(rows: Rows) -> list[Row]:
    """What of these rows must be so again."""
    found = (Row(*texts) for texts in rows)
    return [
        Row(row.label, "", "", row.note) if row.note else row
        for row in found
        if row.note != MAY_DIFFER
    ]


def _limit_statements() -> None:
    with connection.cursor() as cursor:  # until the rollback
        cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")


def _took_too_long(error: Exception) -> bool:
    return isinstance(error, OperationalError) and isinstance(
        error.__cause__, psycopg.errors.QueryCanceled
    )


def _fault(registered: RegisteredTask, error: Exception) -> str:
    if isinstance(error, WentOnline):
        why = "its code tried to reach another system, which a preview must not"
    elif _took_too_long(error):
        why = f"the database had no answer within {STATEMENT_SECONDS} seconds"
    else:
        why = "its code has a fault"
    return f"The preview failed: {why}. Contact {registered.owner}."
