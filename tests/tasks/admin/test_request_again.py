"""The same again: a new run with its own approval, filled in from an earlier one."""

import re

import pytest
from django.urls import reverse

from tasks.access.rights import Right
from tasks.actions.changes.grants import set_right
from tasks.models import Run
from tests.tasks.admin import reading

pytestmark = pytest.mark.django_db(transaction=True)


def form_of(client, person, task, again) -> str:
    client.force_login(person)
    url = reverse("admin:tasks_task_request", args=[task.slug])
    return client.get(url, {"again": again}).content.decode()


def send(client, task, form: str) -> None:
    """Send a form that came filled in for 150.00, as it came."""
    hidden = dict(re.findall(r'name="(run-nonce|run-again)" value="([^"]+)"', form))
    assert len(hidden) == 2
    sent = {"amount": "150.00", "amount_currency": "USD", "run-reason": "Once more", **hidden}
    reading.send(client, reverse("admin:tasks_task_request", args=[task.slug]), sent)


def test_the_form_is_filled_in(ask, work, client, alice, task):
    run = work(ask("50.00"))
    text = form_of(client, alice, task, run.pk)
    assert re.search(r'name="amount" value="50.00"', text)


@pytest.mark.parametrize("wanted", ["", "nonsense", "6f3a9b1e-0000-4000-8000-000000000000"])
def test_what_is_no_earlier_run_leaves_it_empty(client, alice, task, wanted):
    assert 'name="amount" value=' not in form_of(client, alice, task, wanted)


def test_a_run_that_one_may_not_see_is_not_shown(ask, client, mallory, task):
    run = ask("150.00")
    other = type(task).objects.exclude(pk=task.pk).first()
    set_right(other, Right.REQUEST, to=mallory)
    assert "150.00" not in form_of(client, mallory, other, run.pk)


def test_the_new_run_names_the_earlier_one_and_waits_for_its_own_approval(
    ask, approve, work, client, alice, task
):
    run = ask("150.00")
    approve(run)
    work(run)
    send(client, task, form_of(client, alice, task, run.pk))
    again = Run.objects.exclude(pk=run.pk).get()
    assert (again.again_of, again.status) == (run, Run.Status.AWAITING_APPROVAL)
    assert again.approval != run.approval
