"""What an author's functions do wrong while somebody fills in a form: a sentence there, no error page.

What went wrong is in the log by its type and place alone: its text may hold what was typed.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from traceback import extract_tb
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from tasks.databases import NotAllowedHere
from tasks.declaration.errors import Refused
from tasks.declaration.texts import cut, said
from tasks.time_limits import TookTooLong

logger = logging.getLogger(__name__)

WHOM_TO_TELL: Final = "Contact the owner of this task."


class AuthorsFault(Exception):
    """A function of the task's author failed, or gave what it may not. The text is for people."""


@contextmanager
def told_in_a_sentence(what: str) -> Iterator[None]:
    """Make an `AuthorsFault` of whatever the block raises: “The choices could not be loaded”.

    What it says itself to turn the values down passes.
    """
    try:
        yield
    except (ValidationError, AuthorsFault):
        raise
    except Refused as refused:
        raise ValidationError(cut(said(refused))) from refused
    except (NotAllowedHere, TookTooLong) as error:
        raise AuthorsFault(f"{what}. {error} {WHOM_TO_TELL}") from error
    except Exception as error:
        where = extract_tb(error.__traceback__)[-1]
        kind = type(error).__name__
        logger.error("%s: %s at %s:%s", what, kind, where.filename, where.lineno)
        raise AuthorsFault(
            f"{what}: the code of this task has a fault ({kind}). {WHOM_TO_TELL}"
        ) from error


@contextmanager
def kept_apart() -> Iterator[None]:
    """Let a statement that fails in the block leave the transaction around it usable."""
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        yield


class BrokenField(forms.CharField):
    """Stands where a field could not be made: it says why, and takes no value."""

    def __init__(self, fault: AuthorsFault) -> None:
        super().__init__(required=False, disabled=True)
        self.fault = str(fault)

    def clean(self, value: Any) -> Any:  # noqa: ANN401 -- never returns
        """Raises ValidationError."""
        raise ValidationError(self.fault, "fault")
