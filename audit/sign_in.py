"""Sign-ins, refused sign-ins and sign-outs become events."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from audit.actions import record
from audit.context import current
from audit.models import Event

if TYPE_CHECKING:
    from backoffice.models import User

LONGEST_NAME = 150


def listen() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_logged_out.connect(_signed_out, dispatch_uid="audit")
    user_login_failed.connect(_refused, dispatch_uid="audit")


def _signed_in(user: "User", **_: object) -> None:
    record(Event.Verb.SIGNED_IN, by=user, door=current().door, subject=user)


def _signed_out(user: "User | None", **_: object) -> None:
    if user is not None:
        record(Event.Verb.SIGNED_OUT, by=user, door=current().door, subject=user)


def _refused(credentials: dict[str, Any], **_: object) -> None:
    """Keep the name that was typed, and nothing else of the credentials."""
    name_field = get_user_model().USERNAME_FIELD
    typed = str(credentials.get(name_field) or credentials.get("username") or "")
    # PostgreSQL refuses the null character, and a name field takes any length.
    name = typed.replace("\x00", "")[:LONGEST_NAME]
    record(
        Event.Verb.SIGN_IN_REFUSED, by=None, door=current().door, data={"username entered": name}
    )
