"""Attack 14: what the link in an email can be made to do. Only its reader's own POST decides."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from approvals import actions
from approvals.actions import pump
from approvals.actions.email_links import NotYours
from approvals.channels.links import link_for
from approvals.models import ApprovalRequest, Decision
from approvals.models.deliveries import MailLink
from approvals.requests.policy import StageSpec
from audit.context import Door
from audit.models import Event
from tests.approvals.channels.mail import link_in, smtp, to
from tests.races import at_once

__all__ = ["smtp"]

pytestmark = pytest.mark.django_db(transaction=True)
BY_MAIL = "/approvals/approvalrequest/by-mail/"


@pytest.fixture
def asked(ask, smtp, bob, carol):
    request = ask(stages=[StageSpec("Bob or Carol", 1, people=[bob, carol])])
    pump()
    return request


@pytest.fixture
def link(asked, smtp, bob):
    return link_in(to(smtp, bob))


@pytest.fixture
def opened(client, link, bob):
    """Bob, signed in, who has opened his link."""
    client.force_login(bob)
    client.get(link)
    return client


def nothing_happened(request) -> bool:
    request.refresh_from_db()
    unused = not MailLink.objects.exclude(used_at=None).exists()
    return request.status == "pending" and not Decision.objects.exists() and unused


def page() -> str:
    """The address that Bob's link leads to."""
    return f"{BY_MAIL}{MailLink.objects.get(person__username='bob').pk}/"


def approve(client):
    """Send Bob's form, as a browser does that has it on the screen."""
    seal = ApprovalRequest.objects.get().seal
    return client.post(f"{page()}decide/", {"verdict": "approve", "seal": seal})


class Form(HTMLParser):
    """The form of a page with which one decides: where it is sent to, and what it carries along."""

    def __init__(self, response) -> None:
        super().__init__()
        self.action, self._form = "", ""
        self.fields: dict[str, str] = {}
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag == "form":
            self._form = named.get("action") or ""
            self.action = self._form if self._form.endswith("/decide/") else self.action
        if (
            tag == "input"
            and named.get("type") == "hidden"
            and self.action
            and self._form == self.action
        ):
            self.fields[named["name"]] = named["value"]

    def sent(self, client, verdict, **fields):
        return client.post(self.action, {**self.fields, "verdict": verdict, **fields})


# --- What it is for -------------------------------------------------------------------------------


def test_who_it_was_sent_to_looks_and_approves(opened, asked, bob):
    assert "Your review" in opened.get(page()).content.decode()
    assert approve(opened).status_code == 302
    decision = Decision.objects.get()
    assert (decision.decided_by, decision.door, decision.verdict) == (bob, "email", "approve")


def test_the_address_has_no_token_once_it_is_open(client, link, bob):
    client.force_login(bob)
    response = client.get(link)
    assert response.url == page()
    assert link.split("/")[2] not in client.get(page()).content.decode()


def test_who_is_not_signed_in_signs_in_first(client, link, bob):
    client.get(link)
    response = client.get(page())
    assert response.status_code == 302
    bob.set_password("correct horse")
    bob.save()
    response = client.post(response.url, {"username": "bob", "password": "correct horse"})
    assert response.url == page()
    assert "Your review" in client.get(page()).content.decode()


def test_only_the_hash_of_the_token_is_kept(link):
    token = link.split("/")[2]
    assert len(token) >= 43  # 256 bits
    assert token not in str(list(MailLink.objects.values()))


def test_each_reader_and_each_email_has_its_own(asked, smtp, bob, carol):
    assert link_in(to(smtp, bob)) != link_in(to(smtp, carol))


def test_a_rejection_without_a_reason_does_not_use_it_up(opened, asked):
    form = Form(opened.get(page()))
    response = form.sent(opened, "reject", reason="")
    assert response.status_code == 400
    assert "Enter a reason for rejecting it" in response.content.decode()
    assert nothing_happened(asked)
    form.sent(opened, "reject", reason="Too much")
    assert Decision.objects.get().reason == "Too much"


def test_the_page_is_kept_nowhere(opened, link):
    for path in (link, page()):
        headers = opened.get(path).headers
        assert "no-store" in headers["Cache-Control"]
        assert headers["Referrer-Policy"] == "same-origin"
    assert opened.get(link).headers["X-Robots-Tag"] == "noindex"


# --- Two of them in one browser -------------------------------------------------------------------


@pytest.fixture
def two(ask, smtp, client, bob, carol):
    """Two requests, and their pages as Bob's browser has them in two tabs, opened in this order."""
    requests = [ask(title=title, seal=seal * 64) for title, seal in (("110", "1"), ("4,900", "2"))]
    client.force_login(bob)
    pages = [client.get(link_for(request, bob), follow=True) for request in requests]
    return [(request, Form(page)) for request, page in zip(requests, pages, strict=True)]


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize("shown", [0, 1])
def test_what_is_decided_is_what_stands_in_the_tab(client, two, shown, verdict):
    request, form = two[shown]
    form.sent(client, verdict, reason="Read in this tab")
    decision = Decision.objects.get()
    assert (decision.request, decision.verdict, decision.seal) == (request, verdict, request.seal)


@pytest.mark.parametrize("seal", ["", None, "2" * 64])
def test_a_form_without_the_seal_of_its_page_decides_nothing_and_keeps_what_was_typed(
    client, two, seal
):
    _, form = two[0]
    form.fields.pop("seal")
    if seal is not None:
        form.fields["seal"] = seal
    response = form.sent(client, "reject", reason="Typed for half an hour")
    assert response.status_code == 403
    text = response.content.decode()
    assert "Open it again and review it." in text
    assert "Typed for half an hour" in text
    assert not Decision.objects.exists()


def test_what_was_typed_is_shown_where_nothing_can_be_decided_any_more(opened, asked, alice):
    form = Form(opened.get(page()))
    actions.withdraw(asked.pk, by=alice, door=Door.ADMIN)
    text = form.sent(opened, "reject", reason="Typed for half an hour").content.decode()
    assert "Typed for half an hour" in text


# --- What it is not for ---------------------------------------------------------------------------


@pytest.mark.parametrize("signed_in", [True, False])
def test_fifty_looks_change_nothing(client, link, asked, bob, signed_in):
    if signed_in:
        client.force_login(bob)
    for _ in range(25):
        client.get(link, follow=True)
        client.head(link, follow=True)
    assert nothing_happened(asked)


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_link_itself_takes_nothing(client, link, asked, bob, method):
    client.force_login(bob)
    response = getattr(client, method)(link, {"verdict": "approve"})
    assert response.status_code == 405
    assert nothing_happened(asked)


def test_a_get_with_an_answer_decides_nothing(opened, asked):
    assert opened.get(f"{page()}decide/", {"verdict": "approve"}).status_code == 405
    opened.get(page(), {"verdict": "approve"})
    assert nothing_happened(asked)


@pytest.mark.parametrize("name", ["carol", "alice", "mallory", "root"])
def test_opened_by_another_it_says_so_and_shows_nothing(client, link, asked, name, request):
    client.force_login(request.getfixturevalue(name))
    client.get(link)
    response = client.get(page())
    assert response.status_code == 403
    text = response.content.decode()
    assert "This link was sent to another person. No decision was made." in text
    assert "Issue credit" not in text
    assert "The parcel" not in text
    assert approve(client).status_code == 403
    assert nothing_happened(asked)


def test_a_colleagues_attempt_is_on_record(client, link, carol, asked):
    client.force_login(carol)
    client.get(link)
    approve(client)
    event = Event.objects.get(verb="refused")
    assert (event.actor, event.door, event.subject_id) == (carol, "email", str(asked.pk))


def test_an_answer_needs_a_sign_in(client, link, asked):
    client.get(link)
    response = approve(client)
    assert response.status_code == 302
    assert "/login/" in response.url
    assert nothing_happened(asked)


def test_an_answer_needs_the_token_of_a_form(link, asked, bob):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(bob)
    strict.get(link)
    assert approve(strict).status_code == 403
    assert nothing_happened(asked)


def test_used_once_it_is_used_up(opened, link, asked):
    approve(opened)
    opened.get(link)
    response = approve(opened)
    assert response.status_code == 403
    assert "You have already decided with this link." in response.content.decode()
    assert Decision.objects.count() == 1


def test_of_two_answers_at_the_same_instant_one_counts(asked, link, bob):
    number = MailLink.objects.get(person=bob).pk

    def answer(verdict):
        return lambda: actions.decide_by_link(
            number, decided_by=bob, verdict=verdict, seal=asked.seal, reason="Because"
        )

    answers = at_once(*[answer("approve"), answer("reject")] * 4)
    assert sum(isinstance(each, ApprovalRequest) for each in answers) == 1
    assert Decision.objects.count() == 1


@pytest.mark.parametrize("change", ["x", "", "-old"])
def test_a_token_that_was_tampered_with_leads_nowhere(client, link, asked, bob, change):
    client.force_login(bob)
    wrong = f"/a/{link.split('/')[2][:-1]}{change}/"
    response = client.get(wrong)
    assert response.status_code == 404
    assert "This link is not valid." in response.content.decode()
    assert client.get(page()).status_code == 404
    assert nothing_happened(asked)


def test_a_wrong_link_says_so_to_who_is_not_signed_in(client, asked):
    response = client.get("/a/nothing/")
    assert response.status_code == 404
    assert "This link is not valid." in response.content.decode()


def test_a_link_that_was_not_opened_in_this_session_is_none(client, asked, bob):
    client.force_login(bob)
    assert approve(client).status_code == 404
    assert nothing_happened(asked)


def test_after_its_time_it_decides_nothing_and_says_why(ask, client, bob):
    late = ask(waits_for=timedelta(seconds=-1))
    client.force_login(bob)
    client.get(link_for(late, bob))
    text = client.get(page()).content.decode()
    assert "Expired" in text
    assert "Your review" not in text
    answer = approve(client)
    assert answer.status_code == 403
    assert "This request has expired." in answer.content.decode()
    assert nothing_happened(late)


def test_after_somebody_else_decided_it_says_so(opened, asked, decide, carol):
    decide(asked, carol)
    assert "All approvals were given." in opened.get(page()).content.decode()
    assert approve(opened).status_code == 403
    assert Decision.objects.count() == 1


def test_after_it_was_withdrawn_it_decides_nothing(opened, asked, alice):
    actions.withdraw(asked.pk, by=alice, door=Door.ADMIN)
    assert approve(opened).status_code == 403
    assert not Decision.objects.exists()


def test_what_was_asked_in_another_form_is_not_decided(opened, asked):
    MailLink.objects.update(seal="0" * 64)
    text = opened.get(page()).content.decode()
    assert "This link is outdated." in text
    assert approve(opened).status_code == 403
    asked.refresh_from_db()
    assert asked.status == "pending"


def test_who_may_not_decide_any_more_does_not(opened, asked, bob):
    bob.is_active = False
    bob.save()
    response = approve(opened)
    assert "/login/" in response.url
    assert nothing_happened(asked)


def test_who_was_taken_out_of_the_group_does_not_decide(ask, smtp, client, bob, approvers):
    request = ask()
    pump()
    client.force_login(bob)
    client.get(link_in(to(smtp, bob)))
    actions.remove_member(user=bob, group=approvers, by=None, door=Door.COMMAND, reason="Left")
    assert approve(client).status_code == 403
    assert nothing_happened(request)


def test_the_function_itself_refuses_another_person(asked, link, bob, carol):
    number = MailLink.objects.get(person=bob).pk
    with pytest.raises(NotYours):
        actions.decide_by_link(number, decided_by=carol, verdict="approve", seal=asked.seal)
    assert nothing_happened(asked)


def test_signing_out_there_leads_on_to_the_right_person(client, link, asked, bob, carol):
    client.force_login(carol)
    client.get(link)
    client.post(f"{page()}switch/")
    assert client.get(page()).status_code == 302  # to the sign-in
    client.force_login(bob)
    assert "Your review" in client.get(page()).content.decode()


@pytest.mark.parametrize(
    "evil", ["//evil.example", "https:evil.example", "\\\\evil.example", "/%09/evil.example"]
)
def test_the_sign_in_leads_to_no_foreign_site(client, bob, evil):
    bob.set_password("correct horse")
    bob.save()
    response = client.post(
        reverse("admin:login"), {"username": "bob", "password": "correct horse", "next": evil}
    )
    assert response.status_code == 302
    assert not response.url.startswith(("//", "http", "\\"))
