"""A mail server that accepts and says nothing, or too little: each message has an end, and so has the trying."""

import signal
import time
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.db.models.functions import Now

from approvals import channels
from approvals.actions import pump, shutdowns
from approvals.channels.deadline import TookTooLong, deadline
from approvals.channels.email import Email
from approvals.models.deliveries import ChannelShutdown, Delivery
from tests.doubles.smtp import SmtpDouble, Tarpit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings):
    """Has Django send its mail there, by a channel of which nothing is known yet."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = (
        "127.0.0.1",
        "",
        "",
    )
    shutdowns._in_a_row.clear()

    def use(server):
        settings.EMAIL_PORT = server.port
        return server

    with channels.temporarily(Email()):
        yield use
    shutdowns._in_a_row.clear()


def due_now():
    Delivery.objects.filter(status="queued").update(due_at=Now())


def test_a_server_that_drips_is_left_when_the_time_of_the_message_is_over(ask, server, settings):
    """Each byte begins the time-out of a read anew."""
    settings.DELIVERY_SECONDS = 1
    with Tarpit(every=0.1, holds=20) as tarpit:
        server(tarpit)
        ask()
        begun = time.monotonic()
        pump()
    assert time.monotonic() - begun < 15
    assert tarpit.visitors == 2
    assert set(Delivery.objects.values_list("status", "attempts")) == {("queued", 1)}
    assert "mail server" in Delivery.objects.first().error


def test_a_channel_that_does_not_answer_three_times_rests_and_somebody_is_told(
    ask, server, settings, root
):
    settings.DELIVERY_SECONDS = 0.3
    with Tarpit() as tarpit:
        server(tarpit)
        ask()  # Bob and Carol
        pump()
        assert not ChannelShutdown.objects.exists()
        due_now()
        pump()
        assert tarpit.visitors == 3
        due_now()
        pump()
        assert tarpit.visitors == 3
    shutdown = ChannelShutdown.objects.get()
    assert "no answer" in shutdown.why
    assert root.notifications.get().event == "channel_turned_off"
    assert set(Delivery.objects.filter(asks=True).values_list("status", flat=True)) == {"queued"}
    with SmtpDouble() as smtp:
        server(smtp)
        ChannelShutdown.objects.update(retry_at=Now())
        due_now()
        pump()
        assert len(smtp.messages) >= 2
    assert not ChannelShutdown.objects.exists()


def test_one_that_is_silent_again_rests_at_once_and_for_longer(ask, server, settings):
    settings.DELIVERY_SECONDS = 0.3
    since = Now() - timedelta(minutes=5)
    ChannelShutdown.objects.create(channel="email", why="No answer.", retry_at=Now())
    ChannelShutdown.objects.update(since=since)
    with Tarpit() as tarpit:
        server(tarpit)
        ask()
        pump()
        assert tarpit.visitors == 1
    rests = ChannelShutdown.objects.get().retry_at - ChannelShutdown.objects.get().since
    assert rests >= timedelta(minutes=9)


@pytest.mark.parametrize("seconds", [0, 90])
def test_a_message_has_less_time_than_its_claim(settings, seconds):
    settings.DELIVERY_SECONDS = seconds
    assert "approvals.E111" in [problem.id for problem in run_checks(tags=["approvals"])]


def test_the_time_of_the_task_around_it_goes_on():
    """A process has one alarm, and django-q2 ends the task by it."""
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(TookTooLong), deadline(0.1):
            time.sleep(20)
        assert not rang
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left < 0.5
        while not rang:
            signal.sigtimedwait([], 0.01)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
