"""Settings: people and groups. Who may change them, and what a change leaves behind. S1."""

import re
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.context import Door
from audit.models import Event
from backoffice import actions
from backoffice.models import Membership, User
from tests.people import join, person
from tests.races import at_once

PEOPLE = "admin:backoffice_user_changelist"
GROUPS = "admin:auth_group_changelist"
NEW: dict[str, Any] = {
    "username": "frieda",
    "first_name": "Frieda",
    "last_name": "Novak",
    "email": "frieda@example.com",
    "password": "a-long-one-4711",
}


@pytest.fixture
def pia(db) -> User:
    """May change people, and nothing else."""
    pia = person("Pia")
    pia.user_permissions.add(
        Permission.objects.get(codename="change_user", content_type__app_label="backoffice")
    )
    return pia


@pytest.fixture
def at_pias(client, pia):
    client.force_login(pia)
    return client


def url(who, name="change", *args):
    return reverse(f"admin:backoffice_user_{name}", args=[who.pk, *args])


def fresh(who) -> User:
    return User.objects.get(pk=who.pk)


# --- Who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alice", "dave", "mallory"])
def test_to_others_these_pages_do_not_exist(name, client, bob, approvers, request):
    client.force_login(request.getfixturevalue(name))
    for page in (
        reverse(PEOPLE),
        reverse("admin:backoffice_user_new"),
        url(bob),
        url(bob, "history"),
        reverse(GROUPS),
        reverse("admin:auth_group_change", args=[approvers.pk]),
    ):
        assert client.get(page).status_code == 404


def test_others_change_nobody(client, bob, mallory, approvers):
    client.force_login(mallory)
    data = {**NEW, "reason": "Because", "group": approvers.pk, "person": mallory.pk, "name": "Mine"}
    for page in (
        reverse("admin:backoffice_user_new"),
        url(bob, "edit"),
        url(bob, "close"),
        url(bob, "open"),
        url(mallory, "join"),
        url(bob, "leave", approvers.pk),
        reverse("admin:auth_group_new"),
        reverse("admin:auth_group_join", args=[approvers.pk]),
    ):
        assert client.post(page, data).status_code == 404
    assert fresh(bob).email == "bob@example.com"
    assert fresh(bob).is_active
    assert set(approvers.user_set.all()) == {bob}
    assert User.objects.count() == 2


def test_the_actions_refuse_others_too(bob, mallory, approvers):
    by: dict[str, Any] = {"by": mallory, "door": Door.API, "reason": "Because"}
    names: dict[str, Any] = {"first_name": "B", "last_name": "B", "email": "b@example.com"}
    for attempt in (
        lambda: actions.add_person(**NEW, **by),
        lambda: actions.change_person(bob.pk, **names, **by),
        lambda: actions.deactivate_person(bob.pk, **by),
        lambda: actions.reactivate_person(bob.pk, **by),
        lambda: actions.join_group(mallory.pk, approvers, **by),
        lambda: actions.leave_group(bob.pk, approvers, **by),
        lambda: actions.add_group(name="Mine", **by),
    ):
        with pytest.raises(actions.NotAnAdministrator):
            attempt()
    assert Event.objects.filter(verb=Event.Verb.REFUSED, actor=mallory).count() == 7


@pytest.mark.parametrize("name", ["edit", "close", "open", "join"])
def test_a_get_changes_nothing(name, at_pias, bob):
    assert at_pias.get(url(bob, name), {"reason": "Because"}).status_code == 405
    assert fresh(bob).is_active


# --- Lists ---------------------------------------------------------------------------------------


def test_the_list_names_people_their_groups_and_accounts(at_pias, alice, bob):
    actions.deactivate_person(
        alice.pk, by=person("Root", is_superuser=True), door=Door.ADMIN, reason="left"
    )
    text = at_pias.get(reverse(PEOPLE)).text
    for words in ("Bob Example", "bob@example.com", "Approvers", "Deactivated"):
        assert words in text


@pytest.mark.parametrize(("wanted", "found"), [("ali exa", True), ("BOB", False), ("%", False)])
def test_searching(wanted, found, at_pias, alice):
    text = at_pias.get(reverse(PEOPLE), {"q": wanted}).text
    assert ("alice@example.com" in text) is found


def test_nobody_found_is_said(at_pias):
    assert "No people match “zoe”." in at_pias.get(reverse(PEOPLE), {"q": "zoe"}).text


@pytest.mark.parametrize("page", [PEOPLE, GROUPS])
def test_long_lists_cost_as_many_queries_as_short_ones(page, at_pias, db):
    def fill(first, how_many):
        for number in range(first, first + how_many):
            group = Group.objects.create(name=f"Group {number}")
            join(person(f"Person{number}"), group)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert at_pias.get(reverse(page)).status_code == 200
        return len(queries)

    fill(0, 3)
    cost()
    few = cost()
    fill(3, 27)
    assert cost() == few


def test_a_group_names_its_members(at_pias, bob, carol, approvers):
    for page in (reverse(GROUPS), reverse("admin:auth_group_change", args=[approvers.pk])):
        text = at_pias.get(page).text
        assert "Bob Example" in text
        assert "Carol Example" in text
    assert "2 members" in at_pias.get(reverse(GROUPS)).text


# --- Adding and changing -------------------------------------------------------------------------


def test_adding_a_person_who_can_then_sign_in(at_pias, pia, client):
    response = at_pias.post(reverse("admin:backoffice_user_new"), {**NEW, "reason": "New here"})
    frieda = User.objects.get(username="frieda")
    assert response.url == url(frieda)
    assert client.login(username="frieda", password=NEW["password"])
    assert not frieda.is_superuser
    row = frieda.history.get()
    assert (row.history_user, row.history_door, row.history_change_reason) == (
        pia,
        "admin",
        "New here",
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"username": "ALICE"}, "This username is already used."),
        ({"email": "Alice@Example.com"}, "This email address is already used."),
        ({"email": "no address"}, "Enter a valid email address."),
        ({"username": "two words"}, "Enter a valid username."),
        ({"password": "12345678"}, "This password is"),
        ({"password": "friedanovak"}, "The password is too similar to the username."),
        ({"password": ""}, "This field is required."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(changed, words, at_pias, alice):
    response = at_pias.post(reverse("admin:backoffice_user_new"), {**NEW, **changed})
    assert response.status_code == 400
    assert words in response.text
    assert 'value="Novak"' in response.text
    assert not User.objects.filter(username__iexact="frieda").exists()


def test_nobody_is_made_a_superuser_by_a_forged_field(at_pias):
    forged = {"is_superuser": "on", "is_staff": "on", "groups": "1", "user_permissions": "1"}
    at_pias.post(reverse("admin:backoffice_user_new"), {**NEW, **forged})
    frieda = User.objects.get(username="frieda")
    assert (frieda.is_superuser, frieda.is_staff) == (False, False)
    assert not frieda.user_permissions.exists()


def test_changing_a_name_and_an_email_address(at_pias, pia, bob):
    data = {"first_name": "Robert", "last_name": "Example", "email": "robert@example.com"}
    at_pias.post(url(bob, "edit"), {**data, "reason": "As he signs", "username": "forged"})
    assert str(fresh(bob)) == "Robert Example"
    assert (fresh(bob).username, fresh(bob).email) == ("bob", "robert@example.com")
    row = bob.history.first()
    assert (row.history_user, row.history_change_reason) == (pia, "As he signs")


def test_an_email_address_that_is_somebody_elses_is_refused(at_pias, alice, bob):
    data = {"first_name": "Bob", "last_name": "Example", "email": "ALICE@example.com"}
    response = at_pias.post(url(bob, "edit"), {**data, "reason": "As she signs"})
    assert response.status_code == 400
    assert "This email address is already used." in response.text
    assert fresh(bob).email == "bob@example.com"


# --- Closing and opening -------------------------------------------------------------------------


def test_closing_an_account_and_opening_it_again(at_pias, pia, bob):
    at_pias.post(url(bob, "close"), {"reason": "Has left"})
    assert not fresh(bob).is_active
    at_pias.post(url(bob, "open"), {"reason": "Is back"})
    assert fresh(bob).is_active
    reasons = bob.history.values_list("history_change_reason", "history_user")
    assert list(reasons[:2]) == [("Is back", pia.pk), ("Has left", pia.pk)]


@pytest.mark.parametrize("name", ["close", "open"])
def test_without_a_reason_the_account_stays_as_it_is(name, at_pias, bob):
    bob.is_active = name == "close"
    bob.save()
    response = at_pias.post(url(bob, name), {"reason": "  "})
    assert response.status_code == 400
    assert re.search(r'_error">\s*Enter a reason for (de|re)activating this account', response.text)
    assert fresh(bob).is_active is (name == "close")


def test_nobody_closes_their_own_account(at_pias, pia):
    response = at_pias.post(url(pia, "close"), {"reason": "Enough"})
    assert "You cannot deactivate your own account." in response.text
    assert fresh(pia).is_active
    assert "Deactivate account</button>" not in at_pias.get(url(pia)).text


@pytest.mark.parametrize("name", ["close", "edit"])
def test_only_an_administrator_of_everything_changes_another(name, at_pias, root):
    data = {"reason": "Because", "email": "mine@example.com"}
    response = at_pias.post(url(root, name), data)
    assert response.status_code == 400
    assert "is an administrator" in response.text
    assert (fresh(root).is_active, fresh(root).email) == (True, "root@example.com")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_close_each_other_at_the_same_instant_one_stays():
    first, second = (person(name, is_superuser=True) for name in ("First", "Second"))

    def close(who, by):
        return lambda: actions.deactivate_person(who.pk, by=by, door=Door.ADMIN, reason="You first")

    for _ in range(10):
        results = at_once(close(first, second), close(second, first))
        assert [type(result) for result in results].count(actions.NotAnAdministrator) == 1
        assert User.objects.filter(is_active=True).count() == 1
        for who in (first, second):
            who.is_active = True
            who.save()


def test_people_are_never_deleted(client, root, bob):
    client.force_login(root)
    assert client.post(url(bob, "delete"), {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=bob.pk).exists()


# --- Groups --------------------------------------------------------------------------------------


def test_joining_and_leaving_a_group_with_a_reason(at_pias, pia, alice, approvers):
    at_pias.post(url(alice, "join"), {"group": approvers.pk, "reason": "Promoted"})
    assert list(alice.groups.all()) == [approvers]
    at_pias.post(url(alice, "leave", approvers.pk), {"reason": "Moved on"})
    assert list(alice.groups.all()) == []
    rows = Membership.history.filter(user=alice).values_list(
        "history_type", "history_change_reason", "history_user"
    )
    assert list(rows) == [("-", "Moved on", pia.pk), ("+", "Promoted", pia.pk)]


def test_joining_and_leaving_need_a_reason(at_pias, alice, bob, approvers):
    for page, data in (
        (url(alice, "join"), {"group": approvers.pk}),
        (url(bob, "leave", approvers.pk), {}),
        (reverse("admin:auth_group_join", args=[approvers.pk]), {"person": alice.pk}),
    ):
        response = at_pias.post(page, data)
        assert response.status_code == 400
        assert "Enter a reason for" in response.text
    assert set(approvers.user_set.all()) == {bob}


def test_putting_somebody_into_a_group_on_the_groups_page(at_pias, alice, approvers):
    page = reverse("admin:auth_group_join", args=[approvers.pk])
    at_pias.post(page, {"person": alice.pk, "reason": "Promoted"})
    assert list(approvers.user_set.all()) == [alice]


def test_making_a_group(at_pias):
    at_pias.post(reverse("admin:auth_group_new"), {"name": "Risk"})
    group = Group.objects.get(name="Risk")
    assert not group.permissions.exists()


def test_a_group_whose_name_is_taken_is_refused(at_pias, approvers):
    response = at_pias.post(reverse("admin:auth_group_new"), {"name": "Approvers"})
    assert response.status_code == 400
    assert Group.objects.filter(name="Approvers").count() == 1
    assert "Group with this Name already exists." in response.text


def test_the_history_of_a_person_is_a_page(at_pias, bob):
    at_pias.post(url(bob, "close"), {"reason": "Has left"})
    assert "Has left" in at_pias.get(url(bob, "history")).text


# --- From the server -----------------------------------------------------------------------------


def test_the_command_makes_an_administrator_and_ends_it_and_says_by_what(bob):
    out = StringIO()
    call_command("administrator", "bob", reason="Second one", stdout=out)
    assert out.getvalue() == "Bob Example is an administrator.\n"
    assert fresh(bob).is_superuser
    row = bob.history.first()
    assert (row.history_door, row.history_change_reason) == ("command", "Second one")
    call_command("administrator", "bob", "--end", reason="Left", stdout=out)
    assert not fresh(bob).is_superuser


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [
        ("nobody", "x", "no person"),
        ("bob", " ", "Enter a reason"),
        ("alice", "x", "is deactivated"),
    ],
)
def test_the_command_says_what_is_wrong(bob, alice, name, reason, message):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    with pytest.raises(CommandError, match=message):
        call_command("administrator", name, reason=reason)
    assert not User.objects.filter(is_superuser=True).exists()
