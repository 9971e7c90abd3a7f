"""A form that comes after the session has ended is not sent, and what was typed into it is not lost."""

import time

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import ApprovalRequest, Decision
from audit.admin.unsent import KEPT_AS, KEPT_FOR
from tasks.models import Run
from tests.attacks.test_every_address import NAMED, READ_BY_LOOKING, address
from tests.backoffice.test_site import everything, open_one

pytestmark = pytest.mark.django_db
PASSWORD = "a long pass phrase"
HTML = {"headers": {"accept": "text/html,application/xhtml+xml"}}
TYPED = "The card was closed on 3 March"


def sign_in(client, person, page):
    """With the password, at the sign-in page that this page leads to; where that leads on to."""
    person.set_password(PASSWORD)
    person.save()
    data = {"username": person.username, "password": PASSWORD}
    return client.post(page, data, follow=True, **HTML)


@pytest.fixture
def asked(alice, bob, approvers):
    open_one(alice, approvers)
    return ApprovalRequest.objects.get()


@pytest.fixture
def decide(asked):
    return reverse("admin:approvals_approvalrequest_decide", args=[asked.pk])


def test_a_decision_after_the_session_has_ended_is_offered_again(client, asked, decide, bob):
    form = {"verdict": "reject", "reason": TYPED, "seal": asked.seal, "password": PASSWORD}
    page = sign_in(client, bob, client.post(decide, form).url)
    assert page.request["PATH_INFO"].startswith(f"/approvals/approvalrequest/{asked.pk}/")
    assert "Nothing was sent or recorded." in page.text
    assert f">{TYPED}</textarea>" in page.text
    assert Decision.objects.count() == 0
    assert PASSWORD not in page.text
    # Once: the next visit finds an empty form, and what was typed is kept no longer.
    assert KEPT_AS not in client.session
    again = client.get(reverse("admin:approvals_approvalrequest_change", args=[asked.pk]))
    assert TYPED not in again.text


def test_what_was_typed_is_kept_for_minutes_only(client, asked, decide, bob):
    login = client.post(decide, {"verdict": "reject", "reason": TYPED}).url
    session = client.session
    session[KEPT_AS] |= {"at": time.time() - KEPT_FOR - 1}
    session.save()
    assert TYPED not in sign_in(client, bob, login).text


@pytest.mark.parametrize("fields", [{"password": PASSWORD}, {"reason": "x" * 20_001}, {}])
def test_nothing_else_is_kept_of_somebody_without_a_session(fields, client, decide):
    client.post(decide, fields)
    assert KEPT_AS not in client.session


def test_a_form_of_another_site_leaves_nothing_behind(asked, decide, bob):
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    evil = {"headers": {"origin": "https://evil.example"}}
    assert client.post(decide, {"reason": TYPED}, **evil).status_code == 403
    assert KEPT_AS not in client.session


def test_a_page_with_an_old_token_is_shown_again_with_what_was_typed(asked, decide, bob):
    """Signing in in another tab makes the tokens of all open pages old."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    ours = {"headers": {"origin": "http://testserver", "accept": "text/html"}}
    page = client.post(decide, {"verdict": "reject", "reason": TYPED}, follow=True, **ours)
    assert f">{TYPED}</textarea>" in page.text
    assert Decision.objects.count() == 0


def test_the_form_of_a_task_comes_back_filled_in(client, alice):
    from tasks.access.rights import Right
    from tasks.actions.changes.grants import set_right
    from tasks.models import Task
    from tasks.sync import sync_tasks

    sync_tasks()
    task = Task.objects.get(slug="issue-credit")
    set_right(task, Right.EXECUTE, to=alice)
    form = reverse("admin:tasks_task_request", args=[task.slug])
    typed = {"amount": "12.34", "amount_currency": "USD", "run-reason": TYPED, "no_field": "x"}
    login = client.post(form, typed).url
    assert "no_field" not in client.session[KEPT_AS]["fields"]
    page = sign_in(client, alice, login)
    assert "Nothing was sent or recorded." in page.text
    assert 'value="12.34"' in page.text
    assert TYPED in page.text
    assert Run.objects.count() == 0


def test_no_address_leaves_a_person_on_an_empty_error_page(asked, client, root):
    """Where only a form is taken, the page leads to the one that the form stands on."""
    client.force_login(root)
    before = everything()
    for name in sorted(NAMED.keys() - READ_BY_LOOKING - {"admin:logout"}):
        found = client.get(address(name, asked), follow=True, **HTML)
        assert found.status_code != 405, name
    assert everything() == before


def test_programs_still_hear_that_an_address_takes_forms_only(client, decide, bob):
    client.force_login(bob)
    assert client.get(decide).status_code == 405
