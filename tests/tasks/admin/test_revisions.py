"""Changing what one asked for, from the pages of the run and of the request."""

import pytest
from django.urls import reverse

from tasks.access.rights import Right
from tasks.actions.changes.grants import set_right
from tasks.models import Run
from tests.tasks.admin.reading import page_of, signed_in, words


@pytest.fixture
def returned(ask, approve) -> Run:
    run = ask("150.00")
    approve(run, verdict="change", reason="120 is enough")
    return run


def form_of(run):
    address = reverse("admin:tasks_task_request", args=[run.task.slug])
    return f"{address}?revise={run.pk}"


def test_the_page_of_a_request_offers_to_ask_for_changes(ask, bob, alice):
    run = ask("150.00")
    client = signed_in(bob)
    page = client.get(reverse("admin:approvals_approvalrequest_change", args=[run.approval_id]))
    assert "Request changes" in words(page)
    answer = client.post(
        reverse("admin:approvals_approvalrequest_decide", args=[run.approval_id]),
        {"verdict": "change", "seal": run.seal, "reason": "Less, please"},
        follow=True,
    )
    assert "You requested changes" in words(answer)
    run.refresh_from_db()
    assert run.status == Run.Status.RETURNED
    page = client.get(reverse("admin:approvals_approvalrequest_change", args=[run.approval_id]))
    assert "Bob Example requested changes: Less, please" in words(page)


def test_without_a_reason_the_message_stands_beside_it(ask, bob):
    run = ask("150.00")
    answer = signed_in(bob).post(
        reverse("admin:approvals_approvalrequest_decide", args=[run.approval_id]),
        {"verdict": "change", "seal": run.seal, "reason": ""},
    )
    assert answer.status_code == 400
    assert "Enter what has to change" in words(answer)


def test_the_requester_finds_the_way_to_change_it(returned, shown, alice, bob):
    assert "Edit and resubmit" in shown(returned)
    assert "Edit and resubmit" not in shown(returned, to=bob)


def test_the_form_holds_the_old_values_and_the_words(returned, alice):
    page = signed_in(alice).get(form_of(returned))
    assert "Bob Example requested changes: 120 is enough" in words(page)
    text = page.content.decode()
    assert 'value="150.00"' in text
    assert "The parcel was late" in text


def test_sending_it_asks_anew_and_shows_what_was_changed(returned, alice, bob):
    client = signed_in(alice)
    answer = client.post(
        form_of(returned),
        {
            "amount": "120.00",
            "amount_currency": "USD",
            "run-reason": "As Bob said",
            "run-revise": str(returned.pk),
        },
    )
    anew = Run.objects.get(revises=returned)
    assert answer["Location"] == page_of(anew)
    assert "Revisions" in words(client.get(page_of(anew)))
    assert "Revisions" in words(client.get(page_of(returned)))
    request = signed_in(bob).get(
        reverse("admin:approvals_approvalrequest_change", args=[anew.approval_id])
    )
    assert "Revision 2: what changed" in words(request)


def test_somebody_elses_run_is_not_found(returned, task, mallory):
    set_right(task, Right.EXECUTE, to=mallory)
    client = signed_in(mallory)
    assert client.get(form_of(returned)).status_code == 404
    sent = {"amount": "120.00", "amount_currency": "USD", "run-revise": str(returned.pk)}
    assert client.post(form_of(returned), sent).status_code == 404
    assert not Run.objects.filter(revises=returned).exists()


def test_what_waits_can_be_changed_too(ask, alice, shown):
    run = ask("150.00")
    assert "Edit and resubmit" in shown(run)
    page = signed_in(alice).get(form_of(run))
    assert "Submitting this form withdraws it" in words(page)
