"""Messages: written with the fact, sent after it, tried again, given up, kept up to date."""

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from approvals import actions, channels
from approvals.actions import pump
from approvals.channels.base import Misconfigured, Permanent, Retry
from approvals.models import Notification
from approvals.models.deliveries import ChannelShutdown, Delivery
from approvals.requests.policy import StageSpec
from approvals.signals import deliveries_written
from audit.context import Door
from audit.database.clock import database_now
from tests.approvals.channels.memory import Memory
from tests.interleaving import two_lanes
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
WAITS = "Approval needed: “Issue credit: 150.00 USD”"


def due_now():
    Delivery.objects.update(due_at=Now())


def only() -> Delivery:
    return Delivery.objects.get()


@pytest.fixture
def one(ask, memory, bob, carol):
    """A request that only Bob is asked."""
    return lambda: ask(stages=[StageSpec("Bob", 1, people=[bob])])


# --- Written -------------------------------------------------------------------------------------


def test_those_who_may_decide_are_asked(ask, memory, outbox):
    ask()
    pump()
    assert sorted(memory.sent) == [("memory:bob", WAITS), ("memory:carol", WAITS)]
    assert outbox() == {"memory:bob": "sent", "memory:carol": "sent"}


def test_a_group_is_asked_where_it_reads(ask, memory):
    memory.rooms = {"Approvers": "#approvers"}
    ask()
    pump()
    assert ("#approvers", WAITS) in memory.sent


def test_a_change_that_is_undone_tells_nobody(ask, memory, outbox):
    with transaction.atomic():
        ask()
        transaction.set_rollback(True)
    assert outbox() == {}


def test_nothing_is_sent_before_the_commit(ask, memory):
    with transaction.atomic():
        ask()
        assert memory.sent == []
    pump()
    assert memory.sent


def test_a_later_stage_is_asked_when_its_turn_comes(ask, decide, memory, approvers, bob, carol):
    request = ask(stages=[StageSpec("Bob", 1, people=[bob]), StageSpec("Carol", 1, people=[carol])])
    pump()
    assert memory.sent == [("memory:bob", WAITS)]
    decide(request, bob)
    pump()
    assert memory.sent == [("memory:bob", WAITS), ("memory:carol", WAITS)]


def test_who_asked_is_told_of_the_decision(ask, decide, memory, bob):
    request = ask()
    decide(request, bob)
    pump()
    assert ("memory:alice", "Approved: “Issue credit: 150.00 USD”") in memory.sent


def test_the_inbox_needs_no_channel(ask, decide, bob, alice):
    decide(ask(), bob)
    assert Notification.objects.get().person == alice
    assert not Delivery.objects.exists()


def test_the_bell_rings_once_for_what_is_written(ask, memory):
    rung = []

    def hear(**_):
        rung.append(1)

    deliveries_written.connect(hear)
    try:
        ask()
    finally:
        deliveries_written.disconnect(hear)
    assert rung == [1]


# --- Sent once ------------------------------------------------------------------------------------


def test_what_was_sent_is_not_sent_again(one, memory):
    one()
    pump()
    pump()
    assert len(memory.sent) == 1
    assert only().external == {"id": 1}


def test_two_workers_do_not_send_the_same(ask, memory):
    ask()
    at_once(pump, pump, pump)
    assert len(memory.sent) == 2


def test_two_workers_do_not_send_the_same_at_whatever_statement_they_meet(one, memory):
    with two_lanes() as lanes:
        one()
        for after in range(1, lanes.statements_of(pump) + 1):
            memory.sent.clear()
            one()
            lanes.meet(pump, pump, after=after)
            assert len(memory.sent) == 1


def test_a_worker_that_takes_longer_than_its_lease_changes_nothing(one, memory):
    one()
    here, go_on = threading.Event(), threading.Event()

    def hang(delivery):
        memory.before_sending = lambda _: None
        here.set()
        go_on.wait(10)

    memory.before_sending = hang

    def meanwhile():
        assert here.wait(10)
        Delivery.objects.update(lease_until=Now() - timedelta(seconds=1))
        pump()
        go_on.set()

    at_once(pump, meanwhile)
    assert len(memory.sent) == 2  # at least once
    assert only().external == {"id": 1}


def test_a_message_that_kills_its_worker_is_given_up(one):
    one()
    Delivery.objects.update(status="sending", attempts=8, lease_until=Now() - timedelta(seconds=1))
    pump()
    assert only().status == "failed"


def test_what_was_decided_before_it_was_sent_is_not_sent(ask, decide, memory, bob, outbox):
    decide(ask(), bob)
    pump()
    assert [address for address, _ in memory.sent] == ["memory:alice"]
    assert outbox() == {"memory:bob": "skipped", "memory:carol": "skipped", "memory:alice": "sent"}


def test_who_has_decided_is_not_asked_any_more(ask, decide, memory, bob, outbox):
    decide(ask(needed=2), bob)
    pump()
    assert outbox() == {"memory:bob": "skipped", "memory:carol": "sent"}


def test_an_account_that_was_closed_is_sent_nothing(one, memory, bob, outbox):
    one()
    bob.is_active = False
    bob.save()
    pump()
    assert outbox() == {"memory:bob": "skipped"}


def test_an_address_that_is_not_theirs_any_more_is_sent_nothing(one, memory):
    one()
    Delivery.objects.update(address="memory:mallory")
    pump()
    assert memory.sent == []
    assert only().error == "The person's address has changed."


# --- Tried again ----------------------------------------------------------------------------------


def test_the_pauses_grow_and_end(one, memory):
    one()
    pauses = []
    for _ in range(8):
        memory.refusals = [Retry("Busy")]
        due_now()
        pump()
        pauses.append((only().due_at - database_now()).total_seconds())
    assert pauses[:7] == pytest.approx([5, 15, 45, 135, 405, 1215, 3600], abs=4)
    assert (only().status, only().error) == ("failed", "Busy")


def test_the_other_side_says_when(one, memory):
    one()
    memory.refusals = [Retry("Slow down", after=120)]
    pump()
    assert 110 < (only().due_at - database_now()).total_seconds() <= 120


def test_what_is_not_due_waits(one, memory):
    one()
    Delivery.objects.update(due_at=Now() + timedelta(seconds=60))
    pump()
    assert memory.sent == []


def test_after_the_clock_was_set_back_nothing_waits_longer_than_the_longest_pause(one, memory):
    one()
    Delivery.objects.update(due_at=Now() + timedelta(minutes=61))
    pump()
    assert [delivery.status for delivery in Delivery.objects.all()] == ["sent"]


def test_what_can_never_arrive_is_given_up_at_once(one, memory):
    one()
    memory.refusals = [Permanent("Nobody of that name")]
    pump()
    assert (only().status, only().error) == ("failed", "Nobody of that name")


def test_a_mistake_in_a_channel_stops_no_other_message(ask, memory, outbox):
    ask()
    memory.refusals = [KeyError("oops")]
    pump()
    assert sorted(outbox().values()) == ["queued", "sent"]


def test_what_failed_is_sent_again_when_somebody_says_so(one, memory, root, bob):
    one()
    memory.refusals = [Permanent("No")]
    pump()
    actions.send_again(only().pk, by=root, door=Door.ADMIN)
    pump()
    assert len(memory.sent) == 1


def test_only_what_failed_is_sent_again(one, memory, root):
    one()
    pump()
    with pytest.raises(actions.deliveries.NotFailed):
        actions.send_again(only().pk, by=root, door=Door.ADMIN)


# --- Kept up to date ------------------------------------------------------------------------------


def test_every_copy_shows_the_decision(ask, decide, memory, bob):
    request = ask()
    pump()
    decide(request, bob)
    pump()
    assert sorted(memory.updated) == [("memory:bob", "approved"), ("memory:carol", "approved")]
    pump()
    assert len(memory.updated) == 2


def test_a_decision_that_is_not_the_last_is_shown_too(ask, decide, memory, bob):
    request = ask(needed=2)
    pump()
    decide(request, bob)
    pump()
    assert len(memory.updated) == 2


def test_what_is_decided_while_it_is_sent_is_updated(one, decide, memory, bob):
    request = one()
    memory.before_sending = lambda delivery: delivery.asks and decide(request, bob)
    pump()
    assert memory.updated == [("memory:bob", "approved")]


def test_a_channel_that_cannot_update_is_not_asked_to(ask, decide, bob):
    paper = Memory("paper", updatable=False)
    with channels.temporarily(paper):
        request = ask()
        pump()
        decide(request, bob)
        pump()
    assert paper.updated == []


def test_an_update_is_tried_again_and_given_up(one, decide, memory, bob):
    request = one()
    pump()
    decide(request, bob)
    for _ in range(8):
        memory.refusals = [Retry("Busy"), Retry("Busy")]  # Alice is told as well
        due_now()
        pump()
    memory.refusals = []
    due_now()
    pump()
    assert memory.updated == []
    assert Delivery.objects.get(address="memory:bob").status == "sent"


# --- Stopped --------------------------------------------------------------------------------------


@pytest.fixture
def stopped(one, memory, root):
    one()
    memory.refusals = [Misconfigured("The key is wrong.")]
    pump()
    return memory


def test_a_wrong_setting_stops_the_channel_and_is_told(stopped, root):
    assert ChannelShutdown.objects.get().why == "The key is wrong."
    assert Notification.objects.get(person=root).text == (
        "Memory was turned off, and nothing is sent through it: The key is wrong."
    )
    pump()
    assert stopped.sent == []


def test_the_other_channels_say_so(one, root):
    broken, other = Memory("broken"), Memory("other")
    with channels.temporarily(broken, other):
        one()
        broken.refusals = [Misconfigured("The key is wrong.")]
        pump()
    assert [a for a, text in other.sent if "was turned off" in text] == ["other:root"]


def test_a_stopped_channel_costs_its_messages_no_attempt(stopped):
    assert Delivery.objects.get(address="memory:bob").attempts == 0


def test_it_tries_again_after_a_while_and_goes_on(stopped):
    ChannelShutdown.objects.update(retry_at=Now())
    pump()
    assert "memory:bob" in dict(stopped.sent)
    assert not ChannelShutdown.objects.exists()
    assert list(ChannelShutdown.history.values_list("history_type", flat=True)) == ["-", "+"]


def test_a_person_lets_it_go_on(stopped, root):
    actions.resume_channel("memory", by=root, door=Door.ADMIN)
    pump()
    assert "memory:bob" in dict(stopped.sent)


def test_what_a_removed_channel_left_waits(one, memory):
    one()
    with channels.temporarily():
        pump()
    assert only().status == "queued"


def test_who_may_read_nothing_is_told_nothing_of_channels(stopped, alice, mallory):
    assert not Notification.objects.filter(
        event="channel_turned_off", person__in=[alice, mallory]
    ).exists()
