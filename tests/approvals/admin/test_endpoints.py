"""Webhooks as the other side sees them, over HTTPS; and the page on which they are set up."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from approvals import actions, channels
from approvals.actions import pump
from approvals.actions.webhooks import NoWebhookEndpoint
from approvals.channels.webhook import Webhook
from approvals.models.deliveries import Delivery, WebhookEndpoint
from audit.context import Door
from audit.models import Event
from tests.approvals.channels.hook import certificate_for_localhost, served

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "admin:approvals_webhookendpoint_changelist"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return certificate_for_localhost(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def hook(certificate, settings, monkeypatch):
    """The double. Its very host and port are named in the settings, its certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with served(certificate, certificate.parent) as hook, channels.temporarily(Webhook()):
        settings.WEBHOOK_PRIVATE_HOSTS = [hook.host]
        yield hook


@pytest.fixture
def secret(hook, root):
    return actions.add_endpoint(hook.url, ["request_opened"], by=root, door=Door.ADMIN)


# --- Sent ----------------------------------------------------------------------------------------


def test_what_happens_is_sent_and_its_signature_is_good(ask, hook, secret):
    request = ask()
    assert pump() == 1
    ((path, headers, body),) = hook.requests
    said = Verifier(secret).verify(body, headers)
    assert (path, said["type"]) == ("/hook", "request_opened")
    assert said["data"] == {
        "subject_type": "approvals.approvalrequest",
        "subject_id": str(request.pk),
        "status": "pending",
    }
    delivery = Delivery.objects.get()
    assert delivery.status == "sent"
    assert delivery.external == {"webhook_id": headers["webhook-id"], "status": 204}


def test_a_body_that_was_changed_or_another_secret_is_noticed(ask, hook, secret):
    ask()
    pump()
    ((_, headers, body),) = hook.requests
    other = actions.add_endpoint(
        "https://hook.example/", ["request_opened"], by=None, door=Door.COMMAND
    )
    for key, text in ((secret, body.replace("pending", "approved")), (other, body)):
        with pytest.raises(WebhookVerificationError):
            Verifier(key).verify(text, headers)


def test_what_the_other_side_could_not_take_comes_again_under_the_same_id(ask, hook, secret):
    hook.answers = [500, 429]
    ask()
    for _ in range(3):
        Delivery.objects.update(due_at="2020-01-01T00:00Z")
        pump()
    assert len(hook.requests) == 3
    assert len({headers["webhook-id"] for _, headers, _ in hook.requests}) == 1
    assert len(hook.taken) == 1
    assert Delivery.objects.get().status == "sent"


def test_a_redirect_is_not_followed(ask, hook, secret):
    hook.answers = [302]
    ask()
    pump()
    delivery = Delivery.objects.get()
    assert (delivery.status, len(hook.requests)) == ("failed", 1)


def test_only_the_host_and_port_that_are_named_are_reached(ask, hook, secret, settings):
    settings.WEBHOOK_PRIVATE_HOSTS = ["localhost:1", "elsewhere.example:443"]
    ask()
    pump()
    assert "private network" in Delivery.objects.get().error
    assert hook.requests == []


def test_a_certificate_that_nobody_vouches_for_is_refused(ask, hook, secret, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    ask()
    pump()
    assert "certificate" in Delivery.objects.get().error
    assert hook.requests == []


def test_after_a_change_both_secrets_are_good_for_a_day(ask, hook, secret, root):
    endpoint = WebhookEndpoint.objects.get()
    new = actions.rotate_secret(endpoint.pk, by=root, door=Door.ADMIN)
    assert new != secret
    ask()
    pump()
    ((_, headers, body),) = hook.requests
    for key in (new, secret):
        assert Verifier(key).verify(body, headers)
    WebhookEndpoint.objects.update(secret_since="2020-01-01T00:00Z")
    ask()
    pump()
    _, headers, body = hook.requests[-1]
    assert Verifier(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(body, headers)


def test_nothing_is_sent_while_it_is_stopped(ask, hook, secret, root):
    endpoint = WebhookEndpoint.objects.get()
    actions.stop_endpoint(endpoint.pk, by=root, door=Door.ADMIN)
    ask()
    pump()
    actions.resume_endpoint(endpoint.pk, by=root, door=Door.ADMIN)
    pump()
    assert hook.requests == []
    ask()
    pump()
    assert len(hook.requests) == 1


# --- Who, and what is refused --------------------------------------------------------------------


def test_who_may_not_set_up_channels_is_refused_on_record(hook, secret, alice):
    endpoint = WebhookEndpoint.objects.get()
    for attempt in (
        lambda: actions.add_endpoint(
            "https://a.example/", ["request_opened"], by=alice, door=Door.ADMIN
        ),
        lambda: actions.rotate_secret(endpoint.pk, by=alice, door=Door.ADMIN),
        lambda: actions.stop_endpoint(endpoint.pk, by=alice, door=Door.ADMIN),
    ):
        with pytest.raises(NoWebhookEndpoint, match="permission to manage channels"):
            attempt()
    assert Event.objects.filter(verb="refused", actor=alice).count() == 3
    before = bytes(endpoint.ciphertext)
    endpoint.refresh_from_db()
    assert (bytes(endpoint.ciphertext), endpoint.is_active) == (before, True)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://10.0.0.1/"]
)
def test_a_private_address_is_refused_when_it_is_added(url, root):
    with pytest.raises(NoWebhookEndpoint, match="private network"):
        actions.add_endpoint(url, ["request_opened"], by=root, door=Door.ADMIN)
    assert not WebhookEndpoint.objects.exists()


# --- The page ------------------------------------------------------------------------------------


@pytest.fixture
def manager(dave, client):
    dave.user_permissions.add(Permission.objects.get(codename="manage_channels"))
    client.force_login(dave)
    return client


def test_it_is_added_with_its_secret_shown_once(manager, hook):
    page = reverse(PAGE)
    answer = manager.post(page, {"url": hook.url, "events": ["request_opened", "run_failed"]})
    (_, secret) = answer.context["shown"]
    assert secret.startswith("whsec_")
    assert secret in answer.text
    assert "no-store" in answer["Cache-Control"]
    assert secret not in manager.get(page).text
    assert WebhookEndpoint.objects.get().events == ["request_opened", "run_failed"]


@pytest.mark.parametrize(
    ("said", "field", "why"),
    [({"url": "http://hook.example/", "events": ["run_failed"]}, "url", "https://"),
     ({"url": "https://127.0.0.1/", "events": ["run_failed"]}, "url", "private network"),
     ({"url": "https://hook.example/"}, "events", "Choose one or more."),
     ({"url": "https://hook.example/", "events": ["nothing"]}, "events", "nothing")],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_the_field(manager, said, field, why):
    answer = manager.post(reverse(PAGE), said)
    assert answer.status_code == 400
    assert why in str(answer.context["form"].errors[field])
    assert not WebhookEndpoint.objects.exists()


def test_it_shows_what_became_of_the_last_and_sends_again(manager, hook, secret, ask):
    hook.answers = [400]
    ask()
    pump()
    delivery = Delivery.objects.get()
    assert "rejected it (400)" in manager.get(reverse(PAGE)).text
    again = reverse("admin:approvals_webhookendpoint_again", args=[delivery.address, delivery.pk])
    assert "Queued to send again." in manager.post(again, follow=True).text
    pump()
    delivery.refresh_from_db()
    assert (delivery.status, len(hook.taken)) == ("sent", 1)


def test_it_is_stopped_and_resumed_and_its_secret_changed_from_the_page(manager, secret, dave):
    endpoint = WebhookEndpoint.objects.get()
    for what, active in (("stop", False), ("resume", True)):
        manager.post(reverse(f"admin:approvals_webhookendpoint_{what}", args=[endpoint.pk]))
        endpoint.refresh_from_db()
        assert endpoint.is_active is active
    answer = manager.post(reverse("admin:approvals_webhookendpoint_rotate", args=[endpoint.pk]))
    assert answer.context["shown"][1] not in (secret, "")
    rows = WebhookEndpoint.history.order_by("history_id")
    assert [row.history_user for row in rows][1:] == [dave] * 3
    past = manager.get(reverse("admin:approvals_webhookendpoint_history", args=[endpoint.pk]))
    assert past.status_code == 200
    assert secret not in past.text


def test_the_other_endpoints_messages_are_not_sent_again_from_here(manager, secret, ask):
    ask()
    delivery = Delivery.objects.get()
    other = WebhookEndpoint.objects.create(
        url="https://b.example/", ciphertext=b"x", events=["run_failed"]
    )
    again = reverse("admin:approvals_webhookendpoint_again", args=[other.pk, delivery.pk])
    assert manager.post(again).status_code == 404


def test_for_others_there_is_no_such_page(client, alice, secret):
    client.force_login(alice)
    endpoint = WebhookEndpoint.objects.get()
    assert client.get(reverse(PAGE)).status_code == 404
    for what in ("rotate", "stop", "resume"):
        address = reverse(f"admin:approvals_webhookendpoint_{what}", args=[endpoint.pk])
        assert client.post(address).status_code == 404
    assert client.get(
        reverse("admin:approvals_webhookendpoint_history", args=[endpoint.pk])
    ).status_code in (302, 403, 404)
