"""What a run would change: asked of its task, never done, and compared with what was approved."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from cryptography.fernet import InvalidToken
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import OperationalError

from tasks.databases import NotAllowedHere, rolled_back
from tasks.declaration.calling import call_with
from tasks.declaration.errors import Refused
from tasks.declaration.offline import WentOnline, offline
from tasks.declaration.registry import RegisteredTask, registry
from tasks.declaration.resources import using
from tasks.declaration.texts import said
from tasks.models import Run
from tasks.outputs import Change
from tasks.outputs.kinds import MAY_DIFFER
from tasks.parameters import DoesNotFit, ObjectGone, Secret
from tasks.queue import messages
from tasks.queue.outages import is_outage
from tasks.secrets import storage
from tasks.secrets.bounds import bounded
from tasks.secrets.masking import SHORTEST_SETTING, Redactor, masking_the_log, without_settings
from tasks.secrets.redaction import redacting
from tasks.time_limits import SECONDS, TookTooLong, in_time

logger = logging.getLogger(__name__)

# For each statement of a preview, at the form and at the claim: somebody waits for it.
STATEMENT_SECONDS: Final = 5
MOST_CHARACTERS: Final = 500_000  # of all its rows: somebody reads them

type Rows = Sequence[Sequence[str]]


class PreviewFailed(Exception):
    """A fault of the preview's code. The text is for people; the traceback is in the log."""


class _TooLong(Exception):
    """It lists more than anybody reads."""


class PreviewTimedOut(BaseException):
    """The time was over while a preview was at work at the claim. Like a time-out, not to be caught.

    The text says how long that is.
    """


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

    The preview runs in a transaction of each database, which is rolled back, and offline. What it
    raises to turn the request down, `Refused` or `ValidationError`, passes; so does an outage of the
    database. Everything else is a `PreviewFailed`.
    """
    preview = registered.preview
    if preview is None:
        return []
    given = [value.reveal() for value in values.values() if isinstance(value, Secret)]
    try:
        with (
            masking_the_log(Redactor(given)),
            rolled_back(seconds=STATEMENT_SECONDS),
            offline(),
            using(registered.resources),
        ):
            rows = in_time(lambda: _rows(call_with(preview, values)))
            return _without_secrets(registered, rows, given)
    except (Refused, ValidationError, PreviewFailed):
        raise
    except Exception as error:
        if is_outage(error):
            raise
        with masking_the_log(Redactor(given)):
            logger.exception("The preview of “%s” failed", registered.name)
        raise PreviewFailed(_fault(registered, error)) from error


def _rows(changes: Iterable[Change]) -> list[list[str]]:
    rows: list[list[str]] = []
    left = MOST_CHARACTERS
    for change in changes:
        if problem := change.problem():
            raise Refused(problem)
        rows.append(change.as_json())
        left -= sum(map(len, rows[-1]))
        if left < 0:
            raise _TooLong
    return rows


def _without_secrets(
    registered: RegisteredTask, rows: list[list[str]], given: Iterable[str]
) -> list[list[str]]:
    """The rows without the secrets of the settings.

    One that shows a secret of the form is no preview. It is not masked: whoever requests could hide a
    number from who approves by entering it as the secret.
    """
    redact = Redactor(text for text in given if len(text) >= SHORTEST_SETTING)
    if any(redact(text) != text for row in rows for text in row):
        raise PreviewFailed(
            "The preview shows the secret that was entered. Enter another one, or contact "
            f"{registered.owner}."
        )
    return [[without_settings()(text) for text in row] for row in rows]


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
        return bounded(_why_not(registered, run), redact)


def _why_not(registered: RegisteredTask, run: Run) -> str:
    try:
        return difference(run.preview, rows_of(registered, storage.typed_values(registered, run)))
    except ValidationError as error:
        return f"It can no longer be done: {' '.join(error.messages)}"
    except (Refused, DoesNotFit, ObjectGone) as error:
        return f"It can no longer be done: {said(error)}"
    except (ObjectDoesNotExist, InvalidToken):
        return "It can no longer be done: a file or secret that it was given cannot be read."
    except PreviewFailed as failure:
        if isinstance(failure.__cause__, TookTooLong):
            raise PreviewTimedOut(f"{SECONDS} seconds") from failure
        return str(failure)
    except messages.TimedOut as late:
        raise PreviewTimedOut(f"{run.task.timeout} seconds") from late


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


def _took_too_long(error: Exception) -> bool:
    return isinstance(error, OperationalError) and isinstance(
        error.__cause__, psycopg.errors.QueryCanceled
    )


def _fault(registered: RegisteredTask, error: Exception) -> str:
    if isinstance(error, WentOnline):
        why = "its code tried to reach another system, which a preview must not"
    elif isinstance(error, NotAllowedHere):
        why = f"its code did something that cannot be undone. {error}"
    elif isinstance(error, _TooLong):
        why = f"it lists more than {MOST_CHARACTERS:,} characters"
    elif isinstance(error, TookTooLong):
        why = str(error)
    elif _took_too_long(error):
        why = f"the database had no answer within {STATEMENT_SECONDS} seconds"
    else:
        why = "its code has a fault"
    return f"The preview failed: {why.rstrip('.')}. Contact {registered.owner}."
