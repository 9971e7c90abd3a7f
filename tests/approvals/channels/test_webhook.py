"""Webhooks: signed, to public addresses only, with ids and states."""

import json
import secrets
import socket
from base64 import b64encode

import pytest
from django.core.management import CommandError, call_command
from standardwebhooks.webhooks import Webhook as Verifier

from approvals import channels
from approvals.actions import pump
from approvals.channels.base import Permanent
from approvals.channels.webhook import Webhook
from approvals.channels.webhook.channel import signed
from approvals.channels.webhook.secrets import locked, opened
from approvals.channels.webhook.sending import post, problem_of
from approvals.models.deliveries import Delivery, WebhookEndpoint
from approvals.transport import is_public

SECRET = "whsec_" + b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture
def endpoint(db):
    with channels.temporarily(Webhook()):
        yield WebhookEndpoint.objects.create(
            url="https://localhost/hook", ciphertext=locked(SECRET), events=["request_opened"]
        )


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.1", "::1",
     "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "224.0.0.1",
     "100.64.0.1", "255.255.255.255", "64:ff9b::7f00:1",
     # Beside the internet's unicast, or a way from there into a private network.
     "fec0::1", "::10.0.0.1", "::1.1.1.1", "::ffff:0:10.0.0.1", "::ffff:0:1.1.1.1", "5f00::1",
     "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:192.168.1.1", "fe80::5efe:1.1.1.1",
     "2002:a00:1::1", "2001:0:7f00:1::1", "64:ff9b::10.0.0.1", "64:ff9b:1::1.1.1.1", "3fff::1",
     "2001:db8::1", "2001:20::1", "100::1", "ff0e::1", "4000::1", "192.88.99.1", "::"],
)  # fmt: skip
def test_a_private_address_is_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "64:ff9b::1.1.1.1", "2002:101:101::1", "::ffff:1.1.1.1"])  # fmt: skip
def test_a_public_address_is_not(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["http://hook.example/", "file:///etc/passwd", "https://", "https://a:b@hook.example/",
     "https://hook.example:99999/", "gopher://hook.example/", "//hook.example"],
)  # fmt: skip
def test_only_plain_https_is_called(url):
    assert problem_of(url)
    with pytest.raises(Permanent):
        post(url, b"", {})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]"])
def test_no_way_of_writing_it_leads_inside(host):
    with pytest.raises(Permanent, match="private network"):
        post(f"https://{host}/", b"", {})


def test_a_name_with_one_private_address_is_refused(monkeypatch):
    found = [(2, 1, 6, "", (address, 443)) for address in ("1.1.1.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Permanent, match="private network"):
        post("https://rebinding.example/", b"", {})


def test_the_address_that_was_checked_is_the_one_called(monkeypatch):
    asked, called = [], []
    found = [(2, 1, 6, "", ("1.1.1.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **_: asked.append(a) or found)

    def refuse(address, _timeout):
        called.append(address)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(Exception, match="could not be reached"):
        post("https://hook.example/", b"", {})
    assert len(asked) == 1
    assert called == [("1.1.1.1", 443)]


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_hears_once_of_what_it_listens_to(ask, decide, endpoint, bob):
    decide(ask(), bob)
    (delivery,) = Delivery.objects.all()
    assert (delivery.event, delivery.person) == ("request_opened", None)


@pytest.mark.django_db(transaction=True)
def test_what_leads_inside_fails_and_says_why(ask, endpoint):
    ask()
    pump()
    delivery = Delivery.objects.get()
    assert delivery.status == "failed"
    assert "private network" in delivery.error


@pytest.mark.django_db(transaction=True)
def test_it_is_signed_and_has_nobodys_data(ask, endpoint):
    request = ask()
    body, headers = signed(Delivery.objects.get(), SECRET)
    assert Verifier(SECRET).verify(body, headers)["type"] == "request_opened"
    data = json.loads(body)["data"]
    assert data["subject_id"] == str(request.pk)
    assert "credit" not in body
    assert "Alice" not in body


@pytest.mark.django_db(transaction=True)
def test_its_secret_is_stored_encrypted_and_in_no_history(endpoint):
    assert SECRET.encode() not in bytes(endpoint.ciphertext)
    assert not hasattr(WebhookEndpoint.history.model, "ciphertext")


@pytest.mark.django_db(transaction=True)
def test_an_administrator_adds_one_and_ends_it(capsys):
    call_command("webhook", "https://hook.example/", "request_opened")
    endpoint = WebhookEndpoint.objects.get()
    assert opened(endpoint.ciphertext) in capsys.readouterr().out
    call_command("webhook", "https://hook.example/", "--end")
    endpoint.refresh_from_db()
    assert not endpoint.is_active
    assert WebhookEndpoint.history.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "arguments", [["http://hook.example/", "request_opened"], ["https://hook.example/", "nothing"]]
)
def test_what_cannot_be_is_refused_in_words(arguments):
    with pytest.raises(CommandError):
        call_command("webhook", *arguments)
    assert not WebhookEndpoint.objects.exists()
