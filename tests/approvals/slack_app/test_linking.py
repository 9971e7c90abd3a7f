"""Whose a Slack account is: said here with fresh proof, confirmed there by a click, once, in time."""

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from approvals import actions, channels
from approvals.channels.email import Email
from approvals.channels.slack import Slack
from approvals.models import Decision, Notification
from approvals.models.deliveries import Delivery, SlackLink
from audit.context import Door
from audit.models import Event
from backoffice.actions import deactivate_person, reactivate_person
from tests.approvals.channels.slack import BOB, CAROL, link, newest, slack, text_of

__all__ = ["slack"]

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/approvals/approvalrequest/notification_settings/slack/"
LINK, END = f"{PAGE}link/", f"{PAGE}end/"
PASSWORD = "correct horse battery"


@pytest.fixture
def at_bobs(client, bob):
    bob.set_password(PASSWORD)
    bob.save()
    client.force_login(bob, backend="backoffice.sign_in.NameOrEmailBackend")
    return client


def offer(client, password=PASSWORD):
    return client.post(LINK, {"password": password})


def holds(who):
    return SlackLink.objects.filter(person=who, confirmed_at__isnull=False, ended_at=None).exists()


def answer(slack, action="link_yes", by=BOB, **other):
    return slack.click(by, newest(slack, BOB), action, **other)


# --- The way it goes ------------------------------------------------------------------------------


def test_the_account_is_asked_and_its_click_links_it(at_bobs, slack, bob):
    assert offer(at_bobs).status_code == 302
    assert "Check Slack" in at_bobs.get(PAGE).content.decode()
    assert not holds(bob)
    assert answer(slack).is_good
    assert holds(bob)
    assert "Your decisions here count as Bob Example" in text_of(newest(slack, BOB))
    assert "Decisions made there count as yours" in at_bobs.get(PAGE).content.decode()


def test_without_the_password_nobody_is_asked(at_bobs, slack):
    for password in ("", "wrong"):
        response = offer(at_bobs, password)
        assert response.status_code == 403
        assert "password" in response.content.decode()
    assert slack.messages() == []
    assert not SlackLink.objects.exists()


def test_the_notification_settings_lead_there_where_slack_is_in_use(at_bobs, slack):
    notification_settings = reverse("admin:approvals_notification_settings")
    assert PAGE in at_bobs.get(notification_settings).content.decode()
    with channels.temporarily(Email()):
        assert PAGE not in at_bobs.get(notification_settings).content.decode()
        assert at_bobs.get(PAGE).status_code == at_bobs.post(LINK).status_code == 404


def test_the_other_channels_notify_of_it(at_bobs, slack, bob):
    with channels.temporarily(Email(), Slack()):
        offer(at_bobs)
        answer(slack)
        at_bobs.post(END)
    told = Delivery.objects.filter(event="slack_link_changed")
    assert set(told.values_list("channel", "address")) == {("email", bob.email)}
    assert told.count() == 2
    assert Notification.objects.filter(person=bob, event="slack_link_changed").count() == 2


def test_who_made_and_ended_it_is_in_the_history(at_bobs, slack, bob):
    offer(at_bobs)
    answer(slack)
    at_bobs.post(END)
    rows = SlackLink.history.order_by("history_id")
    assert [(row.history_door, row.history_user_id) for row in rows] == [
        ("admin", bob.pk),
        ("slack", bob.pk),
        ("admin", bob.pk),
    ]


# --- Who may not ----------------------------------------------------------------------------------


def test_another_account_cannot_answer(at_bobs, slack, bob):
    offer(at_bobs)
    answer(slack, by=CAROL)
    assert not holds(bob)
    assert not SlackLink.objects.filter(user=CAROL).exists()


@pytest.mark.parametrize(
    "other", [{"team": {"id": "T0OTHER"}}, {"user": {"id": BOB, "team_id": "T0OTHER"}}]
)
def test_another_workspace_cannot_answer(at_bobs, slack, bob, other):
    offer(at_bobs)
    answer(slack, **other)
    assert not holds(bob)


def test_no_ends_it_and_is_told(at_bobs, slack, bob):
    offer(at_bobs)
    message = newest(slack, BOB)
    answer(slack, "link_no")
    slack.click(BOB, message, "link_yes")
    assert not holds(bob)
    assert "is not yours" in Notification.objects.get(person=bob).text


def test_it_is_answered_once(at_bobs, slack, bob):
    offer(at_bobs)
    message = newest(slack, BOB)
    answer(slack)
    at_bobs.post(END)
    slack.click(BOB, message, "link_yes")
    assert not holds(bob)
    assert "This request to link has expired" in text_of(newest(slack, BOB))


def test_ten_minutes_later_it_is_too_late(at_bobs, slack, bob, older):
    offer(at_bobs)
    older(SlackLink.objects.get(), minutes=11)
    answer(slack)
    assert not holds(bob)


@pytest.fixture
def older():
    """Rows that were written earlier, past the guard."""
    from datetime import timedelta

    from django.db import connection

    def make(row, minutes):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE approvals_slacklink DISABLE TRIGGER USER")
            SlackLink.objects.filter(pk=row.pk).update(
                offered_at=row.offered_at - timedelta(minutes=minutes)
            )
            cursor.execute(
                "ALTER TABLE approvals_slacklink ENABLE ALWAYS TRIGGER approvals_guard_slack_link"
            )

    return make


def test_a_new_question_ends_the_one_before(at_bobs, slack, bob):
    offer(at_bobs)
    first = newest(slack, BOB)
    offer(at_bobs, "")  # the proof still counts
    slack.click(BOB, first, "link_yes")
    assert not holds(bob)
    answer(slack)
    assert holds(bob)


@pytest.mark.parametrize(
    "kind", ["is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "deleted"]
)
def test_guests_bots_and_strangers_are_not_asked(at_bobs, slack, kind):
    slack.add_person(BOB, "bob@example.com", **{kind: True})
    assert offer(at_bobs).status_code == 400
    assert slack.messages() == []


def test_nobody_with_that_address_is_said_so(at_bobs, slack):
    del slack.workspace.people[BOB]
    assert "No Slack account has your address" in offer(at_bobs).content.decode()


def test_slack_that_does_not_answer_is_said_so(at_bobs, slack):
    slack.fault("reset_before", method="users.*")
    assert "could not be reached" in offer(at_bobs).content.decode()


def test_an_account_is_one_persons_and_a_person_has_one(at_bobs, slack, bob, carol):
    link(carol, BOB)
    response = offer(at_bobs)
    assert "already linked to somebody" in response.content.decode()
    assert Event.objects.filter(verb=Event.Verb.REFUSED, actor=bob).exists()
    actions.end_slack_link(carol, by=carol, door=Door.ADMIN)
    offer(at_bobs, "")
    answer(slack)
    assert "have already linked a Slack account" in offer(at_bobs).content.decode()


def test_a_closed_account_loses_its_link_for_good(slack, bob, root):
    link(bob, BOB)
    deactivate_person(bob.pk, by=root, door=Door.ADMIN, reason="Left")
    assert not holds(bob)
    reactivate_person(bob.pk, by=root, door=Door.ADMIN, reason="Back")
    assert not holds(bob)


# --- What the database refuses --------------------------------------------------------------------


def refused(change):
    with pytest.raises(DatabaseError), transaction.atomic():
        change()
    return True


def test_the_database_keeps_a_link_as_it_was_made(bob, carol, slack):
    made = link(bob, BOB)
    rows = SlackLink.objects.filter(pk=made.pk)
    for wrong in ({"person": carol}, {"user": CAROL}, {"team": "T0OTHER"}, {"confirmed_at": None}):
        assert refused(lambda wrong=wrong: rows.update(**wrong))
    assert refused(rows.delete)
    actions.end_slack_link(bob, by=bob, door=Door.ADMIN)
    assert refused(lambda: rows.update(ended_at=None))


def test_the_database_lets_no_link_begin_confirmed(bob):
    made = SlackLink.objects.create(
        person=bob, team="T1", user=BOB, confirmed_at="2020-01-01T00:00:00Z"
    )
    made.refresh_from_db()
    assert made.confirmed_at is None


def test_the_database_lets_no_late_click_confirm(bob, older):
    made = SlackLink.objects.create(person=bob, team="T1", user=BOB)
    made.refresh_from_db()
    older(made, minutes=11)
    rows = SlackLink.objects.filter(pk=made.pk)
    assert refused(lambda: rows.update(confirmed_at="2020-01-01T00:00:00Z"))


def test_the_database_takes_no_decision_from_slack_that_is_none(ask, bob, carol):
    def decide(request):
        return Decision.objects.bulk_create([
            Decision(
                request=request, stage=request.stages.first(), requested_by=request.requested_by,
                decided_by=bob, verdict="approve", seal=request.seal, door="slack",
            )
        ])  # fmt: skip

    by_slack, by_link = ask(slack_mode="decide"), ask(slack_mode="link")
    assert refused(lambda: decide(by_slack))  # nobody has linked anything
    link(bob, BOB)
    assert refused(lambda: decide(by_link))
    assert decide(by_slack)


def test_the_database_keeps_what_slack_may_do_with_a_request(ask):
    request = ask(slack_mode="link")
    assert refused(lambda: type(request).objects.update(slack_mode="decide"))
