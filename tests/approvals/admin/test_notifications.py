"""What people are told: once, in the transaction of the fact, and without a say in it."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals import actions
from approvals.models import Notification
from approvals.notifications.notify import mark_read, notify
from audit.context import Door, acting
from tests.tasks.admin.reading import words

pytestmark = pytest.mark.django_db


def told(person):
    return list(Notification.objects.filter(person=person).values_list("event", "text"))


@pytest.fixture
def subject(ask):
    return ask()


@pytest.fixture
def say(subject):
    def say_it(*people, event="something", text="It happened", **kwargs):
        notify(people, event=event, subject=subject, text=text, **kwargs)

    return say_it


def test_a_decision_is_told_to_who_asked(subject, decide, alice, bob):
    decide(subject, bob)
    assert told(alice) == [("request_decided", "Approved: “Issue credit: 150.00 USD”")]
    assert told(bob) == []


def test_who_withdraws_is_not_told_of_it(subject, alice):
    actions.withdraw(subject.pk, by=alice, door=Door.ADMIN)
    assert told(alice) == []


def test_the_same_told_twice_is_told_once(say, alice):
    say(alice)
    say(alice)
    say(alice, occurrence="2")
    assert len(told(alice)) == 2


def test_it_takes_one_statement_for_everybody(say, alice, bob, carol):
    with CaptureQueriesContext(connection) as statements:
        say(alice, bob, carol)
    assert len(statements) == 1


def test_who_did_it_and_who_has_left_are_not_told(say, alice, bob, carol):
    carol.is_active = False
    with acting(user=bob, door=Door.ADMIN):
        say(alice, bob, carol)
    assert Notification.objects.get().person == alice


@pytest.mark.django_db(transaction=True)
def test_what_is_taken_back_was_not_told(say, alice):
    with transaction.atomic():
        say(alice)
        transaction.set_rollback(True)
    assert told(alice) == []


@pytest.mark.django_db(transaction=True)
def test_nothing_is_told_outside_a_transaction(say, alice):
    with pytest.raises(RuntimeError):
        say(alice)


# --- The page -------------------------------------------------------------------------------------


def notifications(client, person):
    client.force_login(person)
    return client.get(reverse("admin:approvals_notifications"))


def opening(notification):
    return reverse("admin:approvals_notification_open", args=[notification.pk])


def test_an_empty_list_says_what_will_stand_there(client, alice):
    assert "No notifications yet." in words(notifications(client, alice))


def test_a_notification_leads_to_what_it_is_about_and_is_read_then(client, say, subject, alice):
    say(alice)
    assert "It happened" in words(notifications(client, alice))
    answer = client.get(opening(Notification.objects.get()))
    assert answer.url == reverse("admin:approvals_approvalrequest_change", args=[subject.pk])
    assert Notification.objects.get().read_at


def test_a_notification_of_somebody_else_is_not_there(client, say, alice, bob):
    say(alice)
    client.force_login(bob)
    assert client.get(opening(Notification.objects.get())).status_code == 404
    assert not Notification.objects.get().read_at


def test_all_of_ones_own_are_marked_as_read(client, say, alice, bob):
    say(alice, bob)
    client.force_login(alice)
    reading = reverse("admin:approvals_notifications_read")
    assert client.get(reading).status_code == 405
    client.post(reading)
    assert {n.person: bool(n.read_at) for n in Notification.objects.all()} == {
        alice: True,
        bob: False,
    }


def test_what_was_read_stays_read_at_the_time_of_the_first_look(say, alice):
    say(alice)
    assert mark_read(alice) == 1
    assert mark_read(alice) == 0


def test_the_sidebar_counts_what_is_to_decide_and_the_tab_what_is_unread(client, say, subject, bob):
    say(bob)
    page = words(notifications(client, bob))
    assert "Inbox 1 Runs" in page.replace("history ", "")
    assert "Notifications 1" in page
    mark_read(bob)
    page = words(notifications(client, bob))
    assert "Inbox 1 Runs" in page.replace("history ", "")
    assert "Notifications 1" not in page


def test_a_long_list_costs_as_many_queries_as_a_short_one(client, say, alice):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            notifications(client, alice)
        return len(queries)

    say(alice)
    cost()
    few = cost()
    for number in range(30):
        say(alice, occurrence=str(number))
    assert cost() <= few
