"""Proving anew who one is. One function for each kind of proof; all leave a row."""

from typing import TYPE_CHECKING

from django.contrib.auth import authenticate, get_user_model

from approvals.models import Proof
from approvals.requests.proofs import KIND, NotProved, check_tries, digest_of
from audit.actions import record
from audit.models import Event
from audit.transitions import transition

if TYPE_CHECKING:
    from backoffice.models import User


def prove_by_password(person: "User", password: str, *, session: str, door: str) -> Proof:
    """Check the password of somebody who is signed in, and note that they proved who they are.

    It counts in this session, for `FRESH_PROOF_SECONDS`. Raises `NotProved` for a wrong one, and
    after five wrong ones within a quarter of an hour for every one.
    """
    with transition(by=person, door=door):
        if is_right := _is_right(person, password, door):
            proof = Proof.objects.create(
                person=person,
                kind=Proof.Kind.PASSWORD,
                session=digest_of(session),
                door=door,
            )
    if not is_right:  # raised here: what was tried stays on record
        raise NotProved("Incorrect password. No decision was made.")
    return proof


def is_own_password(person: "User", password: str, *, door: str) -> bool:
    """Whether somebody who is signed in typed their own password, before they change it.

    Wrong ones are on record and counted together with those of proofs: who has stolen a session does
    not guess on elsewhere. Raises `NotProved` after too many.
    """
    with transition(by=person, door=door):
        return _is_right(person, password, door)


def _is_right(person: "User", password: str, door: str) -> bool:
    # One after another: guesses at the same instant are counted, too.
    get_user_model().objects.select_for_update().get(pk=person.pk)
    check_tries(person)
    found = authenticate(username=person.get_username(), password=password)
    if found is not None and found.pk == person.pk:
        return True
    record(Event.Verb.SIGN_IN_REFUSED, by=person, door=door, data={KIND: "password"})
    return False
