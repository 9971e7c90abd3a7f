"""The inbox and the page of one request: who sees what, and what the buttons do. S12, S13."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals import actions
from approvals.models import ApprovalRequest, Decision
from approvals.requests.policy import StageSpec
from audit.context import Door
from audit.models import Event
from tests.people import join, person

Status = ApprovalRequest.Status
INBOX = "admin:approvals_approvalrequest_changelist"


def at(client: Client, who) -> Client:
    client.force_login(who)
    return client


def page(request, name="change"):
    return reverse(f"admin:approvals_approvalrequest_{name}", args=[request.pk])


def inbox(client, who, **query):
    return at(client, who).get(reverse(INBOX), query)


def send(client, who, request, verdict="approve", **fields):
    data = {"verdict": verdict, "seal": request.seal, "reason": "", **fields}
    return at(client, who).post(page(request, "decide"), data)


def state(request):
    return ApprovalRequest.objects.get(pk=request.pk).status


# --- Who sees what -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alice", "bob", "carol"])
def test_who_asked_and_who_may_decide_see_the_request(name, ask, client, request):
    asked = ask()
    assert at(client, request.getfixturevalue(name)).get(page(asked)).status_code == 200


@pytest.mark.parametrize("name", ["dave", "mallory"])
def test_to_others_it_does_not_exist(name, ask, client, request):
    asked = ask()
    who = request.getfixturevalue(name)
    assert at(client, who).get(page(asked)).status_code == 404
    assert send(client, who, asked).status_code == 404
    assert client.post(page(asked, "withdraw")).status_code == 404
    assert client.get(page(asked, "history")).status_code == 404
    assert state(asked) == Status.PENDING


def test_a_request_that_is_not_there_looks_like_a_hidden_one(ask, client, mallory):
    hidden = at(client, mallory).get(page(ask()))
    missing = client.get(reverse("admin:approvals_approvalrequest_change", args=["nothing"]))
    assert (hidden.status_code, missing.status_code) == (404, 404)


def test_somebody_not_signed_in_is_asked_to(ask, client):
    for url in (reverse(INBOX), page(ask())):
        assert client.get(url).url.startswith(reverse("admin:login"))


def test_the_inbox_lists_what_waits_for_this_person(ask, client, alice, bob):
    ask()
    assert "Issue credit: 150.00 USD" in inbox(client, bob).text
    assert "Nothing needs your review." in inbox(client, alice).text
    assert "Issue credit: 150.00 USD" in inbox(client, alice, tab="mine").text


def test_what_is_decided_moves_to_done(ask, decide, client, bob):
    decide(ask(), bob)
    assert "Nothing needs your review." in inbox(client, bob).text
    assert "Approved" in inbox(client, bob, tab="done").text


def test_what_i_agreed_to_is_done_for_me_while_it_waits_for_others(ask, decide, client, bob):
    decide(ask(needed=2), bob)
    done = inbox(client, bob, tab="done").text
    assert "Issue credit: 150.00 USD" in done
    assert "1 of 2" in done


def test_only_who_may_read_everything_has_the_tab_everything(ask, client, bob, dave):
    dave.user_permissions.add(Permission.objects.get(codename="view_everything"))
    ask()
    assert "tab=everything" not in inbox(client, bob).text
    assert "Issue credit: 150.00 USD" in inbox(client, dave, tab="everything").text
    assert "Issue credit: 150.00 USD" not in inbox(client, dave).text


def test_an_unknown_tab_is_the_first_one(client, bob):
    assert inbox(client, bob, tab="everything").context["tab"].key == "decide"


def test_a_request_whose_time_is_over_waits_for_nobody(ask, client, bob):
    asked = ask(waits_for=timedelta(seconds=-1))
    assert "Nothing needs your review." in inbox(client, bob).text
    text = at(client, bob).get(page(asked)).text
    assert "Nobody decided in time." in text
    assert "Approve</button>" not in text


@pytest.mark.parametrize("tab", ["decide", "mine", "done"])
def test_a_long_inbox_costs_as_many_queries_as_a_short_one(tab, ask, decide, client, alice, bob):
    who = alice if tab == "mine" else bob

    def fill(how_many):
        for _ in range(how_many):
            asked = ask()
            if tab == "done":
                decide(asked, bob)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert len(inbox(client, who, tab=tab).context["rows"]) in (3, 25)
        return len(queries)

    fill(3)
    inbox(client, who)
    few = cost()
    fill(27)
    assert cost() == few


def test_the_second_page_of_a_long_inbox(ask, client, bob):
    for _ in range(26):
        ask()
    assert len(inbox(client, bob, page=2).context["rows"]) == 1


@pytest.fixture
def two_askers(ask, alice, dave):
    """Alice asks for a credit, Dave for a refund."""
    ask()
    return actions.open_request(
        title="Refund: 9.00 EUR",
        shown={"task": "Refund a payment", "facts": [], "changes": []},
        seal="a" * 64,
        requested_by=dave,
        door=Door.ADMIN,
        stages=[StageSpec("Managers", 1, [Group.objects.get(name="Approvers")])],
    )


@pytest.mark.parametrize(
    "query",
    [
        {"q": "refund a payment"},
        {"q": "9.00"},
        {"q": "EUR refund"},
        {"by": "dave"},
        {"by": "Example Dave"},
        {"by": "dave@example.com"},
        {"q": "refund", "by": "dave"},
    ],
)
def test_the_inbox_is_filtered_by_what_is_asked_and_by_whom(query, two_askers, client, bob):
    rows = inbox(client, bob, **query).context["rows"]
    assert [row.request for row in rows] == [two_askers]


def test_a_filter_that_nothing_fits_says_so_and_can_be_taken_off(two_askers, client, bob):
    text = inbox(client, bob, tab="decide", q="refund", by="alice").text
    assert "No requests match." in text
    assert 'href="?tab=decide">Show all</a>' in text


def test_a_filter_shows_nobody_what_they_may_not_see(two_askers, client, mallory):
    for tab in ("decide", "mine", "done", "everything"):
        assert not inbox(client, mallory, tab=tab, q="refund", by="dave").context["rows"]


def test_who_asked_is_no_question_among_ones_own_requests(two_askers, client, alice):
    response = inbox(client, alice, tab="mine", by="dave")
    assert (len(response.context["rows"]), "Name or email" in response.text) == (1, False)


def test_a_filter_that_makes_no_sense_finds_nothing_and_says_why(two_askers, client, bob):
    response = inbox(client, bob, q="x" * 201)
    assert not response.context["rows"]
    assert "at most 200 characters" in response.text


def test_the_next_page_keeps_the_tab_and_the_filter(ask, client, bob):
    for _ in range(26):
        ask()
    text = inbox(client, bob, tab="decide", q="credit & more", by="").text
    assert "No requests match." in text
    text = inbox(client, bob, tab="decide", q="credit", by="alice").text
    assert 'href="?tab=decide&amp;q=credit&amp;by=alice&amp;page=2"' in text


def test_the_inbox_is_sorted_by_the_amounts_that_requests_are_about(ask, client, bob):
    for amount in ("150.00", "9.50", None):
        shown = {"amount": {"amount": amount, "currency": "USD"}} if amount else {}
        ask(title=f"Credit {amount}", shown={"facts": [["Note", "x"]], "changes": [], **shown})

    def sorted_by(order):
        rows = inbox(client, bob, tab="decide", sort=order).context["rows"]
        return [row.request.title.removeprefix("Credit ") for row in rows]

    assert sorted_by("amount") == ["9.50", "150.00", "None"]
    assert sorted_by("-amount") == ["150.00", "9.50", "None"]
    assert sorted_by("") == ["150.00", "9.50", "None"]  # the oldest waits longest
    text = inbox(client, bob, tab="decide", sort="amount").text
    assert 'aria-sort="ascending"' in text
    assert '<td class="bo-number">9.50 USD</td>' in text


# --- What the page says --------------------------------------------------------------------------


def test_the_page_says_who_asks_for_what_and_why(client, alice, bob, approvers):
    asked = actions.open_request(
        title="Issue credit",
        shown={
            "facts": [["Customer", "Ada <b>Lovelace</b>"]],
            "changes": [["Balance", "20.00 USD", "170.00 USD"]],
        },
        seal="a" * 64,
        requested_by=alice,
        door=Door.ADMIN,
        stages=[StageSpec("Credits above 100", 1, [approvers], condition="amount > 100")],
        reason="She waited for nine days",
    )
    text = at(client, bob).get(page(asked)).text
    for words in (
        "Issue credit · requested by Alice Example",
        "She waited for nine days",
        "Ada &lt;b&gt;Lovelace&lt;/b&gt;",
        "20.00 USD",
        "170.00 USD",
        "Rule: Credits above 100",
        "1 approval required. “Credits above 100” applies. Reviewers: Approvers",
        "Bob Example",
        "Takes effect as soon as one reviewer approves. A rejection closes it.",
    ):
        assert words in text


def test_a_stage_that_no_rule_asks_for_is_not_called_a_rule(ask, client, bob, approvers):
    text = at(client, bob).get(page(ask(stages=[StageSpec("Start again", 1, [approvers])]))).text
    assert "1 approval required. Reviewers: Approvers" in text
    assert "Start again" in text
    assert "Rule: " not in text
    assert "Every run" not in text


def test_more_than_ten_who_may_decide_are_counted(ask, client, alice, approvers):
    for number in range(12):
        join(person(f"P{number}"), approvers)
    text = at(client, alice).get(page(ask())).text
    assert "and 4 more" in text  # with Bob and Carol there are fourteen


def test_what_comes_after_the_first_stage_is_said(ask, client, bob, carol, approvers):
    stages = [StageSpec("Managers", 1, [approvers]), StageSpec("Finance", 1, [], [carol])]
    text = at(client, bob).get(page(ask(stages=stages))).text
    assert "When one reviewer approves, “Finance” is next." in text


def test_how_many_more_must_agree_is_said(ask, decide, client, carol, bob):
    asked = ask(needed=2)
    assert "Takes effect as soon as 2 reviewers approve" in at(client, carol).get(page(asked)).text
    decide(asked, bob)
    assert "as soon as one more reviewer approves" in client.get(page(asked)).text


def test_who_decided_when_through_which_door_and_why(ask, decide, client, alice, bob):
    asked = ask()
    decide(asked, bob, "reject", reason="Not ours to pay")
    text = at(client, alice).get(page(asked)).text
    assert "Bob Example rejected via the" in text
    assert "Bob Example rejected this:" in text
    assert "Not ours to pay" in text
    assert "It will not be done." in text


def test_when_nobody_is_left_who_may_decide_the_page_says_so(ask, client, alice, bob, carol):
    asked = ask()
    for who in (bob, carol):
        who.is_active = False
        who.save()
    assert "Nobody: all reviewers have already decided" in at(client, alice).get(page(asked)).text


def test_the_history_of_a_request_is_open_to_who_may_see_it(ask, client, alice):
    assert at(client, alice).get(page(ask(), "history")).status_code == 200


# --- The buttons ---------------------------------------------------------------------------------


def test_approving(ask, client, bob):
    asked = ask()
    response = send(client, bob, asked)
    assert response.url == page(asked)
    decision = Decision.objects.get(request=asked)
    assert (decision.decided_by, decision.door, decision.verdict) == (bob, "admin", "approve")
    assert state(asked) == Status.APPROVED


def test_after_a_decision_the_next_request_that_waits_is_offered(ask, client, bob, carol):
    asked, oldest, _ = ask(), ask(title="The oldest"), ask(title="A newer one")
    assert at(client, bob).get(page(asked)).context["next_request"] is None
    answer = at(client, bob).get(send(client, bob, asked).url)
    assert answer.context["next_request"] == oldest
    assert f'href="{page(oldest)}">The oldest</a>' in answer.text
    assert at(client, carol).get(page(asked)).context["next_request"] is None


def test_rejecting_with_a_reason(ask, client, bob):
    asked = ask()
    send(client, bob, asked, "reject", reason="Not ours to pay")
    assert Decision.objects.get(request=asked).reason == "Not ours to pay"
    assert state(asked) == Status.REJECTED


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_rejecting_without_a_reason_says_what_is_missing_beside_the_field(reason, ask, client, bob):
    asked = ask()
    response = send(client, bob, asked, "reject", reason=reason)
    assert response.status_code == 400
    assert re.search(r'role="alert">Enter a reason for rejecting it', response.text)
    assert 'aria-invalid="true"' in response.text
    assert state(asked) == Status.PENDING


def test_the_page_sends_the_seal_of_what_it_shows(ask, client, bob):
    asked = ask()
    assert f'name="seal" value="{asked.seal}"' in at(client, bob).get(page(asked)).text


@pytest.mark.parametrize("seal", ["", "0" * 64])
def test_another_seal_decides_nothing_and_keeps_what_was_typed(seal, ask, client, bob):
    asked = ask()
    response = send(client, bob, asked, "reject", seal=seal, reason="Typed with care")
    assert response.status_code == 403
    assert "The request has changed since you opened it." in response.text
    assert "Typed with care</textarea>" in response.text
    assert state(asked) == Status.PENDING


def test_nobody_decides_their_own_request(ask, client, bob):
    asked = ask(by=bob)
    text = at(client, bob).get(page(asked)).text
    assert "You requested this, so somebody else has to decide it." in text
    assert "Approve</button>" not in text
    assert send(client, bob, asked).status_code == 403
    assert state(asked) == Status.PENDING
    assert Event.objects.filter(verb=Event.Verb.REFUSED, actor=bob).exists()


def test_a_superuser_decides_neither_their_own_request_nor_somebody_elses(ask, client, root):
    for asked, words in (
        (ask(by=root), "You requested this, so somebody else"),
        (ask(), "You are not an eligible reviewer of this request."),
    ):
        response = send(client, root, asked)
        assert (response.status_code, words in response.text) == (403, True)
        assert state(asked) == Status.PENDING


def test_who_has_decided_gets_no_second_vote(ask, client, bob):
    asked = ask(needed=2)
    send(client, bob, asked)
    response = send(client, bob, asked)
    assert "You have already decided this request." in response.text
    assert asked.decisions.count() == 1


def test_what_somebody_else_decided_a_moment_ago_is_said(ask, decide, client, bob, carol):
    asked = ask()
    decide(asked, carol)
    response = send(client, bob, asked, reason="Fine with me")
    assert response.status_code == 403
    assert "This request is already closed. Its status is “Approved”." in response.text


def test_the_requester_withdraws(ask, client, alice):
    asked = ask()
    assert "Withdraw request</button>" in at(client, alice).get(page(asked)).text
    assert client.post(page(asked, "withdraw")).url == page(asked)
    assert state(asked) == Status.WITHDRAWN
    assert "Withdraw request</button>" not in client.get(page(asked)).text


def test_nobody_else_withdraws_it(ask, client, bob):
    asked = ask()
    assert "Withdraw request</button>" not in at(client, bob).get(page(asked)).text
    assert client.post(page(asked, "withdraw")).status_code == 403
    assert state(asked) == Status.PENDING


@pytest.mark.parametrize("name", ["decide", "withdraw"])
def test_a_get_decides_nothing(name, ask, client, alice, bob):
    asked = ask()
    for who in (alice, bob):
        response = at(client, who).get(page(asked, name), {"verdict": "approve"})
        assert response.status_code == 405
    assert state(asked) == Status.PENDING


@pytest.mark.parametrize("name", ["decide", "withdraw"])
def test_a_foreign_page_decides_nothing(name, ask, alice, bob):
    asked = ask()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(bob if name == "decide" else alice)
    data = {"verdict": "approve", "seal": asked.seal}
    assert strict.post(page(asked, name), data).status_code == 403
    assert state(asked) == Status.PENDING


@pytest.mark.parametrize("verdict", ["", "approved", "maybe"])
def test_an_unknown_verdict_decides_nothing(verdict, ask, client, bob):
    asked = ask()
    assert send(client, bob, asked, verdict).status_code == 400
    assert state(asked) == Status.PENDING


def test_who_left_the_group_is_refused(ask, client, bob, approvers):
    asked = ask()
    actions.remove_member(user=bob, group=approvers, by=None, door=Door.COMMAND, reason="moved on")
    assert send(client, bob, asked).status_code == 403
    assert state(asked) == Status.PENDING
