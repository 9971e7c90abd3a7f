"""Several like requests are approved together: each checked, sealed and recorded by itself."""

import re

import pytest
from django.urls import reverse

from approvals.models import ApprovalRequest, Decision
from approvals.requests.policy import StageSpec

PASSWORD = "a-password-of-bobs-own"
SEVERAL = reverse("admin:approvals_several")
Status = ApprovalRequest.Status


@pytest.fixture
def credit(ask):
    """A request for a run of one task, with a seal of its own."""

    def credit_this(amount, task="Issue credit", **more):
        seal = f"{int(amount):064x}"
        shown = {"task": task, "public": task, "facts": [["Amount", f"{amount}.00 USD"]]}
        return ask(title=f"{task}: {amount}.00 USD", shown=shown, seal=seal, **more)

    return credit_this


def choose(client, who, *requests):
    client.force_login(who)
    return client.get(SEVERAL, {"request": [str(each.pk) for each in requests]}, follow=True)


def approve(client, page, **fields):
    """Send the form of the page as it stands there."""
    shown = re.findall(r'name="shown" value="([^"]+)"', page.text)
    return client.post(SEVERAL, {"shown": shown, "verdict": "approve", **fields})


def states(*requests):
    return [ApprovalRequest.objects.get(pk=each.pk).status for each in requests]


def test_the_page_lists_what_each_would_do_and_decides_nothing(credit, client, bob):
    one, two, left = credit(101), credit(102), credit(103)
    page = choose(client, bob, one, two)
    assert ["101.00 USD" in page.text, "102.00 USD" in page.text] == [True, True]
    assert left.title not in page.text
    assert "Approve 2 requests</button>" in page.text
    assert not Decision.objects.exists()


def test_each_is_recorded_with_its_own_seal_and_the_reason(credit, client, bob):
    requests = credit(101), credit(102)
    answer = approve(client, choose(client, bob, *requests), reason="Storm of June")
    assert "2 of 2 requests approved" in answer.text
    assert states(*requests) == [Status.APPROVED] * 2
    found = Decision.objects.order_by("request__opened_at")
    assert [(d.seal, d.reason, d.decided_by) for d in found] == [
        (each.seal, "Storm of June", bob) for each in requests
    ]


def test_one_that_was_decided_meanwhile_does_not_stop_the_others(
    credit, client, bob, carol, decide
):
    first, gone, last = credit(101), credit(102), credit(103)
    page = choose(client, bob, first, gone, last)
    decide(gone, carol, "reject", reason="Twice")
    answer = approve(client, page)
    assert "2 of 3 requests approved" in answer.text
    assert "This request is already closed. Its status is “Rejected”." in answer.text
    assert states(first, gone, last) == [Status.APPROVED, Status.REJECTED, Status.APPROVED]


def test_a_fault_with_one_does_not_stop_the_others(credit, client, bob):
    from approvals.signals import request_decided

    broken, fine = credit(101), credit(102)

    def fails(request, **_):
        if request.pk == broken.pk:
            raise RuntimeError("The receiver fails")

    request_decided.connect(fails)
    try:
        answer = approve(client, choose(client, bob, broken, fine))
    finally:
        request_decided.disconnect(fails)
    assert "This could not be recorded." in answer.text
    assert states(broken, fine) == [Status.PENDING, Status.APPROVED]


def test_the_seals_of_two_requests_cannot_be_exchanged(credit, client, bob):
    one, two = credit(101), credit(102)
    client.force_login(bob)
    shown = [f"{one.pk}:{two.seal}", f"{two.pk}:{one.seal}"]
    client.post(SEVERAL, {"shown": shown, "verdict": "approve"})
    assert states(one, two) == [Status.PENDING] * 2


def test_requests_of_two_tasks_are_not_approved_together(credit, client, bob):
    one, other = credit(101), credit(102, task="Refund")
    assert "Select requests of one task." in choose(client, bob, one, other).text
    shown = [f"{each.pk}:{each.seal}" for each in (one, other)]
    assert client.post(SEVERAL, {"shown": shown, "verdict": "approve"}).status_code == 400
    assert states(one, other) == [Status.PENDING] * 2


def test_what_is_no_run_is_reviewed_by_itself(credit, ask, client, bob):
    change = ask(title="A proposed change")
    assert "Select requests of one task." in choose(client, bob, change).text
    inbox = client.get(reverse("admin:approvals_approvalrequest_changelist")).text
    assert f'value="{change.pk}"' not in inbox
    assert f'value="{credit(101).pk}"' in client.get(SEVERAL, follow=True).text


def test_where_a_rule_wants_a_password_it_is_asked_for_once(credit, client, bob, approvers):
    bob.set_password(PASSWORD)
    bob.save()
    stages = [StageSpec("Large", 1, [approvers], fresh_proof=True)]
    requests = credit(101, stages=stages), credit(102, stages=stages)
    page = choose(client, bob, *requests)
    wrong = approve(client, page, password="wrong", reason="June")
    assert (wrong.status_code, "June" in wrong.text) == (403, True)
    assert states(*requests) == [Status.PENDING] * 2
    approve(client, page, password=PASSWORD)
    assert states(*requests) == [Status.APPROVED] * 2
