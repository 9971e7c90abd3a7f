"""What two agree to is what comes of it; and whoever gains by it, in any way, agrees to nothing."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError, connection, transaction

from approvals import actions as approvals
from approvals.models import Absence, ApprovalRequest
from approvals.requests.policy import NotEligible
from audit.context import Door
from audit.database.clock import database_now
from backoffice import actions
from tasks.access.rights import Right, allowed
from tasks.actions import NotProposed, RuleSpec, propose_delegate, propose_grant, propose_rule
from tasks.actions.changes.grants import set_right
from tasks.models import ProposedChange
from tests.owner import guards_that_can_be_passed
from tests.people import join, person
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Status = ApprovalRequest.Status


@pytest.fixture
def erin(task):
    return person("Erin", is_superuser=True)


@pytest.fixture
def evan(erin):
    return person("Evan", is_superuser=True)


@pytest.fixture
def cass(db):
    return person("Cass")


@pytest.fixture
def helpers(db):
    return Group.objects.create(name="Helpers")


@pytest.fixture
def propose(task, erin, evan, helpers):
    """Erin proposes something for the group, or about the person that is given."""
    said = {"by": erin, "door": Door.ADMIN, "reason": "More hands"}

    def rule(**named):
        return propose_rule(task.pk, spec=RuleSpec("Credits", "true", **named), **said)

    return {
        "grant": lambda: propose_grant(task, Right.APPROVE, to=helpers, **said),
        "rule": lambda: rule(groups=[helpers], people=[evan]),
        "escalation": lambda: rule(
            people=[evan], escalate_to=[helpers], escalate_after=timedelta(hours=4)
        ),
    }


@pytest.fixture
def put_in(erin, helpers):
    said = {"by": erin, "door": Door.ADMIN, "reason": "Promoted"}
    return lambda who: actions.join_group(who.pk, helpers, **said)


def answer(proposed_change, by):
    request = proposed_change.approval
    approvals.decide(
        request.pk, decided_by=by, verdict="approve", seal=request.seal, door=Door.ADMIN
    )
    proposed_change.refresh_from_db()
    request.refresh_from_db()
    return request.status


def asked(proposed_change):
    places = proposed_change.approval.stages.get().reviewers
    return set(places.values_list("person__username", flat=True))


# --- What it gives ----------------------------------------------------------------------------------


@pytest.fixture
def third(erin):
    """A third administrator, who is in no rule."""
    return person("Third", is_superuser=True)


@pytest.mark.parametrize("kind", ["grant", "rule", "escalation"])
def test_nobody_fills_alone_the_group_that_a_proposal_is_about(
    propose, put_in, cass, helpers, third, kind
):
    propose[kind]()
    assert put_in(cass).approval
    assert not helpers.user_set.exists()


@pytest.mark.parametrize("kind", ["grant", "rule", "escalation"])
def test_the_members_of_the_group_are_shown_and_have_to_be_the_same(
    propose, cass, dave, helpers, third, task, kind
):
    join(dave, helpers)
    actions.deactivate_person(dave.pk, by=third, door=Door.ADMIN, reason="Left")
    proposed_change = propose[kind]()
    facts = proposed_change.approval.shown["facts"]
    assert [text for label, text in facts if "embers" in label] == [
        "Dave Example (dave, deactivated)"
    ]
    join(cass, helpers)  # by whatever way
    assert answer(proposed_change, third) == Status.STALE
    assert not allowed(cass, Right.APPROVE, task)
    assert not task.rules.filter(groups=helpers, ended_at=None).exists()


def test_of_who_joins_and_what_the_group_gets_one_is_agreed_to_at_the_same_instant(
    propose, put_in, cass, helpers, third, task
):
    grant, joining = propose["grant"](), put_in(cass)
    ends = at_once(partial(answer, grant, third), partial(answer, joining, third))
    assert sorted(ends) == [Status.APPROVED, Status.STALE]
    assert not allowed(cass, Right.APPROVE, task)


def test_who_joins_at_the_instant_of_the_proposal_is_shown_in_it_or_needs_two(
    propose, put_in, cass, helpers, third
):
    at_once(propose["grant"], partial(put_in, cass))
    proposed_change = ProposedChange.objects.get(kind="grant")
    shown = dict(proposed_change.approval.shown["facts"])["Current members"]
    assert ("Cass" in shown) == helpers.user_set.filter(pk=cass.pk).exists()


def test_who_is_put_into_a_group_gets_what_was_shown(put_in, cass, helpers, task, third):
    set_right(task, Right.VIEW, to=helpers)
    joining = put_in(cass)
    assert ["Permissions of the group", "Can view: Test credit"] in joining.approval.shown["facts"]
    set_right(task, Right.APPROVE, to=helpers)
    assert answer(joining, third) == Status.STALE
    assert not helpers.user_set.exists()


def test_an_account_is_open_again_with_what_was_shown(erin, third, cass, helpers, task):
    set_right(task, Right.VIEW, to=cass)
    actions.deactivate_person(cass.pk, by=erin, door=Door.ADMIN, reason="Left")
    opening = actions.reactivate_person(cass.pk, by=erin, door=Door.ADMIN, reason="Is back")
    shown = dict(opening.approval.shown["facts"])
    assert (shown["Groups"], shown["Permissions of their own"]) == ("None", "Can view: Test credit")
    join(cass, helpers)
    assert answer(opening, third) == Status.STALE
    cass.refresh_from_db()
    assert not cass.is_active


# --- Who gains --------------------------------------------------------------------------------------


def test_who_could_decide_under_a_rule_for_the_first_time_does_not_agree_to_it(
    propose, evan, third
):
    assert asked(propose["rule"]()) == {"third"}


def test_nor_who_decides_in_their_place(task, propose, erin, evan, third):
    """Evan is named; Third decides for him while he is away."""
    starts_at = database_now()
    absence = propose_delegate(
        evan,
        third,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=7),
        by=evan,
        door=Door.ADMIN,
        reason="On holiday",
    )
    answer(absence, erin)
    with pytest.raises(NotProposed, match="Third Example cannot approve it"):
        propose["rule"]()


def test_neither_who_is_away_nor_their_delegate_agrees(cass, erin, evan, third):
    def away(who, by):
        starts_at = database_now()
        return propose_delegate(
            who,
            cass,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(days=7),
            by=by,
            door=Door.ADMIN,
            reason="On holiday",
        )

    proposed_change = away(evan, erin)
    assert asked(proposed_change) == {"third"}
    with pytest.raises(NotEligible):
        answer(proposed_change, evan)
    assert answer(proposed_change, third) == Status.APPROVED


def test_the_database_begins_no_absence_to_which_who_is_away_has_agreed(
    cass, dave, erin, evan, third, task
):
    """A proposal that somebody has rewritten by hand, agreed to by Evan."""
    joining = actions.join_group(
        cass.pk, _with_a_right(task), by=erin, door=Door.ADMIN, reason="Promoted"
    )
    answer(joining, evan)
    starts_at = database_now()
    times = {"starts_at": starts_at, "ends_at": starts_at + timedelta(days=7)}
    written = {name: moment.isoformat() for name, moment in times.items()}

    def begin(who):
        content = {"person": who.pk, "delegate": cass.pk} | written
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            ProposedChange.objects.filter(pk=joining.pk).update(kind="delegate", content=content)
        with transaction.atomic():
            Absence.objects.create(person=who, delegate=cass, **times)

    with (
        guards_that_can_be_passed("tasks_proposedchange"),
        pytest.raises(DatabaseError, match="proposed and agreed to"),
    ):
        begin(evan)
    with guards_that_can_be_passed("tasks_proposedchange"):
        begin(dave)


def _with_a_right(task):
    group = Group.objects.create(name="Viewers")
    set_right(task, Right.VIEW, to=group)
    return group


# --- General permissions ----------------------------------------------------------------------------


def general(codename):
    return Permission.objects.get(codename=codename)


@pytest.mark.parametrize("codename", ["change_user", "view_everything"])
def test_a_group_that_holds_a_general_permission_takes_two_to_join(
    put_in, cass, helpers, third, codename
):
    """Else one administrator makes an account, lets it change people, and agrees with herself."""
    helpers.permissions.add(general(codename))
    joining = put_in(cass)
    assert not helpers.user_set.exists()
    shown = dict(joining.approval.shown["facts"])["Permissions of the group"]
    assert shown == f"General permission: {general(codename).name}"
    assert answer(joining, third) == Status.APPROVED


@pytest.mark.parametrize("say", ["their own", "of a group", "as a delegate", "proposed"])
def test_an_account_with_any_say_takes_two_to_be_open_again(erin, evan, third, cass, task, say):
    if say == "their own":
        cass.user_permissions.add(general("view_everything"))
    elif say == "of a group":
        group = Group.objects.create(name="Auditors")
        group.permissions.add(general("view_everything"))
        join(cass, group)
    elif say == "as a delegate":
        starts_at = database_now()
        absence = propose_delegate(
            evan,
            cass,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(days=7),
            by=evan,
            door=Door.ADMIN,
            reason="On holiday",
        )
        answer(absence, erin)
    else:
        propose_grant(task, Right.VIEW, to=cass, by=erin, door=Door.ADMIN, reason="New")
    actions.deactivate_person(cass.pk, by=erin, door=Door.ADMIN, reason="Left")
    assert actions.reactivate_person(cass.pk, by=erin, door=Door.ADMIN, reason="Is back").approval


@pytest.mark.parametrize("held", ["their own", "of a group"])
def test_who_was_left_alone_with_people_does_not_act_alone(erin, cass, dave, helpers, task, held):
    """Cass could change people: closing her account does not make Erin the first again."""
    if held == "their own":
        cass.user_permissions.add(general("change_user"))
    else:
        helpers.permissions.add(general("change_user"))
        join(cass, helpers)
    actions.deactivate_person(cass.pk, by=erin, door=Door.ADMIN, reason="Left")
    with pytest.raises(NotProposed, match=r"manage\.py administrator NAME"):
        actions.join_group(
            dave.pk, _with_a_right(task), by=erin, door=Door.ADMIN, reason="Promoted"
        )
    insert = (
        "INSERT INTO tasks_proposedchange (kind, content, reason, proposed_by_id, applied_at) "
        "VALUES ('join', '{}', '', %s, now())"
    )
    with (
        pytest.raises(DatabaseError, match="takes two people"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(insert, [erin.pk])
