"""Whatever a run says goes through its redactor before it is kept: errors, log lines, results.

A secret that the run was given, or one of the settings, may turn up in the error of somebody else's
library as well as in what a task writes itself. It is removed by value.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cryptography.fernet import InvalidToken
from django.utils.crypto import salted_hmac

from tasks.models import Run, StoredSecret
from tasks.secrets import storage
from tasks.secrets.masking import Redactor, masking_the_log, secret_settings, without_settings

LONGEST: Final = 160  # characters of the name of a step: the column has no more


def redactor_for(run: Run) -> Redactor:
    """What gives a text without the run's secrets and those of the settings.

    Make it while the run goes on: when it ends, its secrets are deleted.
    """
    secrets = list(_secrets_of(run.values))
    return Redactor([*secrets, *secret_settings()]) if secrets else without_settings()


def without_secrets(name: str, redact: Redactor) -> str:
    """The name of a step without secrets. Two that differ only in them stay two."""
    if (masked := redact(name)) == name:
        return name
    digest = salted_hmac(__name__, name).hexdigest()[:16]
    # What is masked may be longer than what it stands for.
    return f"{masked[: LONGEST - len(digest) - 1]}:{digest}"


@contextmanager
def redacting(run: Run) -> Iterator[Redactor]:
    """The run's redactor. What this process logs goes through it as well, while the block runs."""
    redact = redactor_for(run)
    with masking_the_log(redact):
        yield redact


def _secrets_of(values: object) -> Iterator[str]:
    match values:
        case {"secret": str(reference), **others} if not others:
            yield from _secret(reference)
        case dict():
            for value in values.values():
                yield from _secrets_of(value)
        case list():
            for value in values:
                yield from _secrets_of(value)


def _secret(reference: str) -> Iterator[str]:
    try:
        yield storage.read_secret(reference)
    except (StoredSecret.DoesNotExist, InvalidToken, ValueError):
        return  # the task cannot read it either
