"""The only functions that change people and groups."""

import re
from copy import copy
from typing import Any, Final
from uuid import uuid4

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from approvals.actions import add_member, end_slack_link, remove_member, set_group_slack_channel
from approvals.notifications import events
from approvals.notifications.notify import notify
from approvals.notifications.outbox import put_to_address
from audit.context import current
from audit.texts.quoting import quoted
from audit.transitions import Refusal, transition
from backoffice.models import User
from backoffice.names import check_group_name, check_names
from backoffice.time_zones import zone_names
from tasks import locks
from tasks.access.administrators import deciding_groups, has_any_say, hold_permissions
from tasks.actions import propose_member, propose_opening
from tasks.models import ProposedChange

MAY_CHANGE: Final = "backoffice.change_user"
SLACK_CHANNEL: Final = re.compile(r"[CG][A-Z0-9]{5,19}")
NAMES: Final = (
    "names of people and groups"  # of two alike at the same instant the second is refused
)
ACCOUNT_CHANGED: Final = "account_changed"

events.add(events.Event(ACCOUNT_CHANGED, "My name or email address is changed"))


class NotAnAdministrator(Refusal):
    """The person may not change people and groups."""


class NotYourself(Refusal):
    """The person tried to do to themselves what somebody else has to do."""


class ReasonMissing(Refusal):
    """A change that needs a reason came without one."""


def add_person(  # noqa: PLR0913 - an account has this many parts
    *,
    username: str,
    first_name: str,
    last_name: str,
    email: str,
    password: str,
    by: User,
    door: str,
    reason: str = "",
) -> User:
    """Make an account with this password, which its owner has to change at the first sign-in.

    Raises `NotAnAdministrator`, or a `ValidationError` when the name or email address is taken or
    malformed, the name looks like that of somebody else, or the password is weak.
    """
    with transition(by=by, door=door, reason=reason):
        _require(by)
        person = User(username=username, first_name=first_name, last_name=last_name, email=email)
        person.must_change_password = True
        _require_strong(password, person)
        person.set_password(password)
        person.full_clean()
        locks.hold(NAMES)
        check_names(person)
        person.save()
    return person


def change_person(  # noqa: PLR0913 - what may change, and who changes it, where and why
    person_id: int,
    *,
    first_name: str,
    last_name: str,
    email: str,
    by: User,
    door: str,
    reason: str = "",
) -> User:
    """Change a person's name and email address, and tell them, also at the former address.

    Raises `NotAnAdministrator` or `ReasonMissing`, or a `ValidationError` when the email address is
    taken or malformed, or a new name looks like that of somebody else.
    """
    with transition(by=by, door=door, subject=_subject(person_id), reason=reason):
        _require_reason(
            reason, "Enter a reason for changing the name or email. It is kept in the audit log."
        )
        person = _locked(person_id, by=by)
        before = copy(person)
        person.first_name, person.last_name, person.email = first_name, last_name, email
        person.full_clean(exclude=["username", "password"])
        if str(person) != str(before):
            locks.hold(NAMES)
            check_names(person)
        person.save(update_fields=["first_name", "last_name", "email"])
        _tell_of_change(before, person, reason)
    return person


def _tell_of_change(before: User, person: User, reason: str) -> None:
    """Whoever redirects what others are sent, or renames somebody, is not the only one who knows."""
    pairs = (("Name", str(before), str(person)), ("Email", before.email, person.email))
    changed = [f"{what}: {old} → {new}" for what, old, new in pairs if old != new]
    if not changed:
        return
    by = current().label
    text = f"{by} changed your account. {'. '.join(changed)}. Reason: {quoted(reason)}"
    told: dict[str, Any] = {"event": ACCOUNT_CHANGED, "subject": person, "text": text}
    told["occurrence"] = uuid4().hex
    notify([person], even_themselves=True, **told)
    if before.email != person.email and before.is_active:
        put_to_address(before.email, **told)


def set_time_zone(person: User, name: str, *, door: str) -> User:
    """Show this person times in this zone of the IANA database; in the server's where it is empty.

    Raises a `ValidationError` for a zone that is not known.
    """
    if name and name not in zone_names():
        raise ValidationError({"time_zone": "Choose a time zone from the list."})
    with transition(by=person, door=door, subject=person):
        person.time_zone = name
        person.save(update_fields=["time_zone"])
    return person


def change_own_password(person: User, password: str, *, door: str) -> User:
    """Set the password that its owner has chosen."""
    with transition(by=person, door=door, subject=person):
        person.set_password(password)
        person.must_change_password = False
        person.save(update_fields=["password", "must_change_password"])
    return person


def require_new_password(person_id: int, *, door: str, reason: str) -> User:
    """Have somebody whose password another person has set choose their own at the next sign-in."""
    with transition(by=None, door=door, subject=_subject(person_id), reason=reason):
        person = User.objects.select_for_update().get(pk=person_id)
        person.must_change_password = True
        person.save(update_fields=["must_change_password"])
    return person


def deactivate_person(person_id: int, *, by: User, door: str, reason: str) -> User:
    """Close an account. What the person did stays; what they approved stops counting at once.

    Raises `NotYourself`, `NotAnAdministrator` or `ReasonMissing`.
    """
    with transition(by=by, door=door, subject=_subject(person_id), reason=reason):
        _require_reason(
            reason, "Enter a reason for deactivating this account. It is kept in the audit log."
        )
        person = _locked(person_id, by=by)
        if person.pk == by.pk:
            raise NotYourself("You cannot deactivate your own account. Another administrator can.")
        _set_active(person, active=False)
        end_slack_link(person, by=by, door=door, reason=reason, tells=False)
    return person


def reactivate_person(person_id: int, *, by: User, door: str, reason: str) -> ProposedChange | None:
    """Open a closed account again, with the groups that it had.

    An account that may do something takes a second person: then it is proposed. Raises
    `NotAnAdministrator`, `ReasonMissing` or `NotProposed`.
    """
    with transition(by=by, door=door, subject=_subject(person_id), reason=reason):
        _require_reason(
            reason, "Enter a reason for reactivating this account. It is kept in the audit log."
        )
        hold_permissions()
        person = _locked(person_id, by=by)
        if not person.is_active and has_any_say(person):
            return propose_opening(person, by=by, door=door, reason=reason)
        _set_active(person, active=True)
    return None


def make_administrator(person_id: int, *, door: str, reason: str) -> User:
    """Let a person administer everything. For who operates the server: no page calls this.

    It is how a second administrator comes, without whom a first one changes nothing any more that
    takes two. Raises `ReasonMissing`, or `NotAnAdministrator` for an account that is closed.
    """
    return _set_administrator(person_id, is_superuser=True, door=door, reason=reason)


def end_administrator(person_id: int, *, door: str, reason: str) -> User:
    """Let a person not administer everything any more. Raises as `make_administrator` does."""
    return _set_administrator(person_id, is_superuser=False, door=door, reason=reason)


def _set_administrator(person_id: int, *, is_superuser: bool, door: str, reason: str) -> User:
    with transition(by=None, door=door, subject=_subject(person_id), reason=reason):
        _require_reason(reason, "Enter a reason. It is kept in the audit log.")
        person = User.objects.select_for_update().get(pk=person_id)
        if not person.is_active:
            raise NotAnAdministrator(
                f"The account of {person} is deactivated. Reactivate it first."
            )
        if person.is_superuser != is_superuser:
            person.is_superuser = is_superuser
            person.save(update_fields=["is_superuser"])
    return person


def add_group(*, name: str, by: User, door: str, reason: str = "") -> Group:
    """Make a group without members.

    Raises `NotAnAdministrator`, or a `ValidationError` when the name is taken or looks like another.
    """
    with transition(by=by, door=door, reason=reason):
        _require(by)
        group = Group(name=name)
        group.full_clean()
        locks.hold(NAMES)
        check_group_name(group)
        group.save()
    return group


def join_group(
    person_id: int, group: Group, *, by: User, door: str, reason: str
) -> ProposedChange | None:
    """Put a person into a group.

    A group whose members may do or decide something takes a second person, and so does one that a
    proposal is about: then it is proposed.
    Raises `NotAnAdministrator`, `ReasonMissing` or `NotProposed`.
    """
    with transition(by=by, door=door, subject=group, reason=reason):
        _require_reason(
            reason, "Enter a reason for adding this person. It is kept in the audit log."
        )
        hold_permissions()
        person = _locked(person_id, by=by)
        if deciding_groups().filter(pk=group.pk).exists():
            return propose_member(person, group, by=by, door=door, reason=reason)
        add_member(user=person, group=group, by=by, door=door, reason=reason)
    return None


def leave_group(person_id: int, group: Group, *, by: User, door: str, reason: str) -> None:
    """Take a person out of a group.

    Raises `NotAnAdministrator` or `ReasonMissing`.
    """
    with transition(by=by, door=door, subject=group, reason=reason):
        _require_reason(
            reason, "Enter a reason for removing this person. It is kept in the audit log."
        )
        remove_member(user=_locked(person_id, by=by), group=group, by=by, door=door, reason=reason)


def set_slack_channel(group: Group, channel: str, *, by: User, door: str, reason: str) -> None:
    """Have a group asked in this Slack channel, too; in none where it is empty.

    Raises `NotAnAdministrator` or `ReasonMissing`, and a `ValidationError` for what is no channel.
    """
    with transition(by=by, door=door, subject=group, reason=reason):
        _require(by)
        _require_reason(
            reason, "Enter a reason for changing the channel. It is kept in the audit log."
        )
        if channel and not SLACK_CHANNEL.fullmatch(channel):
            raise ValidationError(
                {"channel": "A Slack channel ID begins with C and has capital letters and digits."}
            )
        set_group_slack_channel(group, channel, by=by, door=door, reason=reason)


def _subject(person_id: int) -> User | None:
    return User.objects.filter(pk=person_id).first()


def _locked(person_id: int, *, by: User) -> User:
    """The person's row, for somebody who may change it.

    Both rows are locked, in one order: of two administrators who close each other's accounts at the
    same instant, the second finds themselves closed.
    """
    # Not against what only refers to them: who proposes something names the others as reviewers.
    locked = User.objects.select_for_update(no_key=True)
    rows = locked.filter(pk__in=[person_id, by.pk]).order_by("pk")
    people = {person.pk: person for person in rows}
    _require(people[by.pk])
    person = people[person_id]
    if person.is_superuser and not people[by.pk].is_superuser:
        raise NotAnAdministrator(
            f"{person} is an administrator. Only another administrator can change this account."
        )
    return person


def _require(by: User) -> None:
    # Asked of the rows as they are now, not as they were when the session began.
    now = User.objects.filter(pk=by.pk, is_active=True).first()
    if now is None or not now.has_perm(MAY_CHANGE):
        raise NotAnAdministrator(
            "You don't have permission to manage people and groups. Contact an administrator."
        )


def _require_reason(reason: str, message: str) -> None:
    if not reason.strip():
        raise ReasonMissing(message)


def _require_strong(password: str, person: User) -> None:
    try:
        validate_password(password, person)
    except ValidationError as weak:
        raise ValidationError({"password": weak.messages}) from weak


def _set_active(person: User, *, active: bool) -> None:
    if person.is_active != active:
        person.is_active = active
        person.save(update_fields=["is_active"])
