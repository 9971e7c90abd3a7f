"""Fresh proof of who somebody is, where a rule asks for it: an open session is not enough."""

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models.functions import Now

from approvals.models import Decision, Proof, Stage
from audit.models import Event
from audit.transitions import Refusal

if TYPE_CHECKING:
    from backoffice.models import User

MOST_TRIES: Final = 5
TRIES_COUNT_FOR: Final = timedelta(minutes=15)
KIND: Final = "proof"  # in the details of the event of a try that failed


class NotProved(Refusal):
    """What the person gave does not prove who they are."""


class ProofMissing(Refusal):
    """The stage asks for fresh proof, and this session has none."""


def fresh_for() -> timedelta:
    """For how long a proof counts."""
    return timedelta(seconds=settings.FRESH_PROOF_SECONDS)


def digest_of(session: str) -> str:
    """What is kept of a session: enough to know it again, and not to enter it."""
    return hashlib.sha256(f"proof:{session}".encode()).hexdigest() if session else ""


def is_needed(stage: Stage, verdict: str = Decision.Verdict.APPROVE) -> bool:
    """Whether this answer needs proof. Saying no never does."""
    return stage.fresh_proof and verdict == Decision.Verdict.APPROVE


def fresh_proof(person: "User", session: str) -> Proof | None:
    """The last proof that this person gave in this session, while it counts."""
    if not session:
        return None  # a door without a session: an email, a chat
    given = Proof.objects.filter(person=person, session=digest_of(session))
    return given.filter(proved_at__gt=Now() - fresh_for()).order_by("-proved_at").first()


def check_tries(person: "User") -> None:
    """Raise `NotProved` after too many tries that failed. Kept in the database, for all processes."""
    failed = Event.objects.filter(
        actor=person,
        verb=Event.Verb.SIGN_IN_REFUSED,
        data__has_key=KIND,
        at__gt=Now() - TRIES_COUNT_FOR,
    )
    if failed.count() >= MOST_TRIES:
        raise NotProved(
            "Too many wrong passwords. Wait 15 minutes. If this was not you, contact an "
            "administrator."
        )
