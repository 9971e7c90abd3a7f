"""The page of the demo that shows what would have been mailed."""

import pytest
from django.core.mail import EmailMultiAlternatives

from backoffice.demo.mail import EmailBackend


@pytest.fixture
def demo(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("BACKOFFICE_DEMO", "1")
    settings.EMAIL_FOLDER = tmp_path / "mail"


def send():
    message = EmailMultiAlternatives("Subject", "Text", "from@x.example", ["mona@x.example"])
    message.attach_alternative(
        '<html><body style="x"><a href="/a/token/">Look</a></body></html>', "text/html"
    )
    return EmailBackend().send_messages([message])


@pytest.mark.django_db
def test_what_was_sent_is_shown_as_its_reader_sees_it(demo, client):
    assert send() == 1
    page = client.get("/sent/").content.decode()
    assert "Email to mona@x.example" in page
    assert '<a href="/a/token/">Look</a>' in page


@pytest.mark.django_db
def test_who_is_signed_in_sees_it_among_the_other_pages(demo, client, alice):
    client.force_login(alice)
    assert "No messages yet." in client.get("/sent/").content.decode()


@pytest.mark.django_db
def test_outside_of_the_demo_the_page_is_not_there(client, alice):
    client.force_login(alice)
    assert client.get("/sent/").status_code == 404
