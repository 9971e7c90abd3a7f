from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_login_failed
from django.db import IntegrityError
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse

from audit.actions import record
from audit.context import AuditMiddleware, acting
from audit.models import Event

pytestmark = pytest.mark.django_db

PASSWORD = "a password for tests"


def test_an_event_says_who_did_what_to_what_and_why(alice):
    group = Group.objects.create(name="Front desk")
    event = record(
        Event.Verb.REFUSED,
        by=alice,
        door="slack",
        subject=group,
        reason="own request",
        data={"a": 1},
    )
    event.refresh_from_db()
    assert (event.actor, event.actor_label) == (alice, "Alice Example (alice)")
    assert (event.door, event.verb, event.reason) == ("slack", "refused", "own request")
    assert (event.subject_type, event.subject_id, event.subject_label) == (
        "auth.group",
        str(group.pk),
        "Front desk",
    )
    assert event.data == {"a": 1}


def test_the_database_says_when(alice):
    event = record(Event.Verb.REFUSED, by=alice, door="slack")
    assert event.at is not None
    forged = Event.objects.create(
        actor_label="x",
        door="api",
        verb="refused",
        at=datetime(2001, 1, 1, tzinfo=UTC),
    )
    forged.refresh_from_db()
    assert forged.at >= event.at


def test_an_event_of_a_web_request_carries_its_number_and_address(alice):
    def view(_):
        record(Event.Verb.REFUSED, by=alice, door="admin")
        return HttpResponse()

    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    request.user = alice
    response = AuditMiddleware(view)(request)
    event = Event.objects.get()
    assert (event.request_id, event.ip) == (response.headers["X-Request-ID"], "192.0.2.7")


def test_an_event_without_a_person_is_the_systems_even_while_somebody_acts(alice):
    with acting(user=alice, door="worker"):
        event = record(Event.Verb.REFUSED, by=None, door="worker")
    assert (event.actor, event.actor_label) == (None, "System")


@pytest.mark.parametrize("wrong", [{"verb": "danced"}, {"door": "window"}])
def test_unknown_words_are_refused(wrong):
    with pytest.raises(ValueError, match=r"danced|window"):
        record(**{"verb": "refused", "door": "admin", "by": None} | wrong)


def test_nobody_with_events_can_be_deleted(alice):
    record(Event.Verb.REFUSED, by=alice, door="admin")
    with pytest.raises(IntegrityError):
        get_user_model().objects.filter(pk=alice.pk).delete()


def sign_in(client, name, password=PASSWORD):
    return client.post(reverse("admin:login"), {"username": name, "password": password})


@pytest.fixture
def signer(staff):
    staff.set_password(PASSWORD)
    staff.save()
    return staff


def test_a_sign_in_is_an_event(client, signer):
    sign_in(client, "stan")
    event = Event.objects.get()
    assert (event.verb, event.actor, event.door) == ("signed_in", signer, "admin")
    assert event.actor_label == "Stan Example (stan)"
    assert event.ip == "127.0.0.1"


def test_a_refused_sign_in_keeps_the_name_that_was_typed(client, signer):
    sign_in(client, "stan", "a wrong password")
    event = Event.objects.get()
    assert (event.verb, event.actor, event.actor_label) == (
        "sign_in_refused",
        None,
        "not signed in",
    )
    assert event.data == {"username entered": "stan"}


def test_a_refused_sign_in_does_not_keep_the_password(client, signer):
    sign_in(client, "stan", "CANARY-7f3a")
    event = Event.objects.get()
    assert "CANARY" not in repr(vars(event))


@pytest.mark.parametrize("name", ["x" * 10_000, "nul\x00name", ""])
def test_a_name_that_the_database_would_refuse_is_recorded_all_the_same(name):
    user_login_failed.send(sender=None, credentials={"username": name, "password": "***"})
    typed = Event.objects.get().data["username entered"]
    assert typed == name.replace("\x00", "")[:150]


def test_a_sign_out_is_an_event(client, signer):
    client.force_login(signer)
    client.post(reverse("admin:logout"))
    last, first = Event.objects.all()
    assert (last.verb, first.verb) == ("signed_out", "signed_in")
    assert last.actor == signer
