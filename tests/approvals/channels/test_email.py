"""Emails: what they say, how they hang together, and what a server's refusal means."""

from html import unescape

import pytest
from django.db.models.functions import Now

from approvals import actions
from approvals.actions import pump
from approvals.channels.email import Email
from approvals.models.deliveries import ChannelShutdown, Delivery
from approvals.requests.policy import StageSpec
from audit.context import Door
from tests.approvals.channels.mail import link_in, part, smtp, to

__all__ = ["smtp"]

BECAUSE = "355.00 USD to this account in 24 hours, above the limit of 100.00"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def one(ask, smtp, bob, carol):
    """A request that only Bob is asked."""
    return lambda: ask(stages=[StageSpec("Bob", 1, people=[bob])])


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("status", flat=True))


def test_an_email_says_what_is_asked_and_where_to_decide(one, smtp, bob):
    one()
    pump()
    message = to(smtp, bob)
    for kind in ("plain", "html"):
        body = part(message, kind)
        assert "Approval needed: “Issue credit: 150.00 USD”" in body
        assert "Alice Example" in body
        assert "The parcel was late" in body
        assert link_in(message) in body


def test_an_email_says_why_approval_is_needed_and_never_in_code(ask, smtp, bob, carol):
    stage = StageSpec("Large ones", 1, people=[bob], condition="amount > 100", because=BECAUSE)
    ask(stages=[stage, StageSpec("All", 1, people=[carol], condition="true")])
    pump()
    for kind in ("plain", "html"):
        body = part(to(smtp, bob), kind)
        assert f"{BECAUSE}. Every run needs approval." in " ".join(body.split())
        assert "amount >" not in unescape(body)


def test_its_headers_say_that_a_machine_wrote_it(one, smtp, bob):
    request = one()
    pump()
    message = to(smtp, bob)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Unsubscribe"].strip().startswith("<https://backoffice.example/")
    assert message["List-Unsubscribe-Post"] is None
    assert message["Subject"] == f"[Backoffice] Request {str(request.pk)[:8]}"


def test_its_subject_and_first_line_name_no_customer_and_no_amount(smtp, alice, bob):
    request = actions.open_request(
        title="Issue credit: Ann Miller, 150.00 USD",
        shown={"task": "Issue account credit", "facts": [["Customer", "Ann Miller"]]},
        seal="5ea1" * 16,
        requested_by=alice,
        door=Door.ADMIN,
        stages=[StageSpec("Bob", 1, people=[bob])],
    )
    pump()
    message = to(smtp, bob)
    number = str(request.pk)[:8]
    assert message["Subject"] == f"[Backoffice] Issue account credit: Request {number}"
    assert part(message, "plain").splitlines()[0] == "Approval needed: Issue account credit"
    seen_first = part(message, "html").partition("<body")[2].partition("</p>")[0]
    assert "Approval needed: Issue account credit." in seen_first
    for text in (message["Subject"], seen_first, part(message, "plain").splitlines()[0]):
        assert "Ann" not in text
        assert "150" not in text


def test_all_emails_about_a_request_hang_together(one, decide, smtp, alice, bob):
    request = one()
    pump()
    decide(request, bob)
    pump()
    asked, told = to(smtp, bob), to(smtp, alice)
    assert asked["References"] == told["References"] == asked["In-Reply-To"]
    assert asked["Subject"] == told["Subject"]
    assert asked["Message-ID"] != told["Message-ID"]


def test_no_text_of_a_person_gets_into_a_header(smtp, alice, bob, approvers):
    evil = "Refund\r\nBcc: mallory@example.com"
    bob.first_name = "Bob\nBcc: mallory@example.com"
    bob.save()
    actions.open_request(
        title=evil,
        shown={},
        seal="5ea1" * 16,
        requested_by=alice,
        door=Door.ADMIN,
        stages=[StageSpec("Bob", 1, people=[bob])],
        reason="<b>bold</b>",
    )
    pump()
    message = to(smtp, bob)
    assert message["Bcc"] is None
    assert "mallory" not in str(list(message.items()))
    assert "&lt;b&gt;bold&lt;/b&gt;" in part(message, "html")


def test_details_stay_on_the_page(one, smtp, bob):
    one()
    pump()
    assert "Amount" not in to(smtp, bob).as_string()


def test_who_is_only_told_gets_no_link_to_decide(one, decide, smtp, alice, bob):
    request = one()
    decide(request, bob)
    pump()
    body = part(to(smtp, alice), "plain")
    assert f"https://backoffice.example/approvals/approvalrequest/{request.pk}/" in body
    assert "/a/" not in body


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_not_now_is_tried_again(one, smtp, command):
    one()
    smtp.refuse(command, "451 4.7.1 Try again later")
    pump()
    assert states() == ["queued"]
    Delivery.objects.update(due_at=Now())
    pump()
    assert states() == ["sent"]
    assert len(smtp.messages) == 1


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_never_is_given_up(one, smtp, command):
    one()
    smtp.refuse(command, "550 5.1.1 No such person: bob")
    pump()
    delivery = Delivery.objects.get()
    assert delivery.status == "failed"
    assert "bob" not in delivery.error  # what a server says is not for our pages


def test_a_refused_login_stops_the_channel(one, smtp, settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "user", "wrong"
    one()
    smtp.refuse("AUTH", "535 5.7.8 Wrong password", times=3)
    pump()
    assert ChannelShutdown.objects.get().why == "The mail server rejected our login."
    assert states() == ["queued"]


def test_a_refused_sender_stops_the_channel(one, smtp):
    one()
    smtp.refuse("MAIL", "553 5.7.1 Not your address")
    pump()
    assert ChannelShutdown.objects.get().channel == "email"


def test_a_server_that_hangs_up_is_asked_again(one, smtp):
    one()
    smtp.refuse("DROP_BEFORE")
    pump()
    assert states() == ["queued"]
    assert smtp.messages == []


def test_a_server_that_is_not_there_is_asked_again(one, smtp, settings):
    one()
    settings.EMAIL_PORT = 9  # where nobody listens
    pump()
    assert states() == ["queued"]


def test_a_mail_after_which_the_server_hung_up_comes_twice(one, smtp):
    one()
    smtp.refuse("DROP_AFTER")
    pump()
    Delivery.objects.update(due_at=Now())
    pump()
    assert states() == ["sent"]
    assert len(smtp.messages) == 2  # at least once


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"SITE_URL": ""}, "E101"),
        ({"EMAIL_HOST": ""}, "E102"),
        ({"EMAIL_HOST": "mail.example"}, "W101"),
    ],
)
def test_a_wrong_setting_is_named(smtp, settings, changes, number):
    assert list(Email().problems()) == []
    for name, value in changes.items():
        setattr(settings, name, value)
    found = [problem.id for problem in Email().problems()]
    assert f"approvals.{number}" in found
