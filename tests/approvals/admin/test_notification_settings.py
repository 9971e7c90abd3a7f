"""Who is told of what by which channel, as each person chooses."""

import pytest
from django.urls import reverse

from approvals import channels
from approvals.actions import pump
from approvals.models.deliveries import Delivery, NotificationSetting
from tests.approvals.channels.memory import Memory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chooses(client):
    """Send the form as this person, with these boxes ticked."""

    def choose(who, *boxes):
        client.force_login(who)
        return client.post(
            reverse("admin:approvals_notification_settings"), dict.fromkeys(boxes, "on")
        )

    return choose


def addresses():
    return sorted(Delivery.objects.values_list("address", flat=True))


def test_who_wants_no_reminder_gets_none_and_is_still_asked(ask, memory, chooses, bob):
    chooses(bob, "request_opened:memory")
    ask()
    assert addresses() == ["memory:bob", "memory:carol"]
    assert not NotificationSetting.objects.get(event="request_reminder", person=bob).wanted


def test_what_is_not_wanted_is_not_written(ask, decide, memory, chooses, alice, bob):
    chooses(alice, "request_opened:memory")
    decide(ask(), bob)
    assert "memory:alice" not in addresses()


def test_one_way_of_being_asked_stays(memory, chooses, bob):
    response = chooses(bob, "request_decided:memory")
    assert response.status_code == 400
    page = response.content.decode()
    assert "Keep at least one channel for requests" in page
    assert 'name="request_decided:memory" checked' in page  # nothing is lost
    assert not NotificationSetting.objects.exists()


def test_one_of_two_is_enough(ask, chooses, bob):
    with channels.temporarily(Memory("one"), Memory("two")):
        chooses(bob, "request_opened:two")
        ask()
    assert addresses() == ["one:carol", "two:bob", "two:carol"]


def test_the_page_says_what_holds_without_a_choice(client, memory, bob):
    client.force_login(bob)
    page = client.get(reverse("admin:approvals_notification_settings")).content.decode()
    assert 'name="request_opened:memory" checked' in page
    assert 'name="run_succeeded:memory">' in page


def test_who_is_reached_by_nothing_is_told_so(client, bob):
    client.force_login(bob)
    page = client.get(reverse("admin:approvals_notification_settings")).content.decode()
    assert "No other channel reaches you" in page


def test_a_choice_has_a_history_and_only_what_changed(memory, chooses, bob):
    everything = _ticked(memory)
    chooses(bob, *everything[1:], everything[0])
    assert not NotificationSetting.history.exists()
    chooses(bob, *[box for box in everything if box != "request_decided:memory"])
    row = NotificationSetting.history.get()
    assert (row.event, row.wanted, row.history_user) == ("request_decided", False, bob)


def _ticked(memory):
    from approvals.notifications import events

    return [f"{event.key}:{memory.name}" for event in events.every() if event.by_default]


def test_an_approver_without_choices_is_told(ask, memory, bob):
    ask()
    pump()
    assert ("memory:bob", "Approval needed: “Issue credit: 150.00 USD”") in memory.sent
