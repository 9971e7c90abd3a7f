"""Check before it runs: who requests what moves money sees the preview and what is like it."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.actions import adopt_task
from tasks.declaration.registry import registry
from tasks.models import Run
from tasks.outputs import Change
from tasks.runs import alike
from tests.tasks.admin.reading import form_of, page_of, signed_in, words

pytestmark = pytest.mark.django_db(transaction=True)
CREDIT = {"amount": "50.00", "amount_currency": "USD", "run-reason": "The parcel was late"}


def seal(answer) -> str:
    return re.findall(r'name="run-seen" value="(\w{64})"', answer.content.decode())[0]


def test_what_moves_money_is_shown_before_it_runs_and_runs_as_it_was_shown(task, alice):
    client = signed_in(alice)
    first = client.post(form_of(task), CREDIT)
    shown = words(first)
    assert "Check before it runs" in shown
    assert "Balance Before: 10.00 USD After: 60.00 USD" in shown
    assert "Runs immediately: no approval needed." in shown
    assert not Run.objects.exists()
    second = client.post(form_of(task), CREDIT | {"run-seen": seal(first)})
    run = Run.objects.get()
    assert (second.url, run.preview) == (page_of(run), [["Balance", "10.00 USD", "60.00 USD"]])


@pytest.mark.parametrize("seen", ["", "0" * 64, "nonsense"])
def test_another_seal_runs_nothing(task, alice, seen):
    answer = signed_in(alice).post(form_of(task), CREDIT | {"run-seen": seen})
    assert "Check before it runs" in words(answer)
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "other", [{"amount": "60.00"}, {"run-reason": "Another"}], ids=["value", "reason"]
)
def test_the_seal_of_other_values_runs_nothing(task, alice, other):
    client = signed_in(alice)
    seen = {"run-seen": seal(client.post(form_of(task), CREDIT))}
    assert "Something has changed" in words(client.post(form_of(task), CREDIT | other | seen))
    assert not Run.objects.exists()


def test_what_changed_meanwhile_is_shown_once_more(task, alice, deploy):
    client = signed_in(alice)
    seen = {"run-seen": seal(client.post(form_of(task), CREDIT))}
    deploy(preview=lambda amount: [Change("Balance", "35.00 USD", "85.00 USD")])
    shown = words(client.post(form_of(task), CREDIT | seen))
    assert "Something has changed since this page was shown. Check it again." in shown
    assert "Before: 35.00 USD" in shown
    assert not Run.objects.exists()


def test_what_is_information_or_within_its_limit_may_move_meanwhile(task, alice, deploy):
    def preview(now):
        return lambda amount: [
            Change("Balance", now, now + 50, must_hold=False),
            Change("Given", now, now + 50, at_most=200),
        ]

    client = signed_in(alice)
    deploy(preview=preview(10))
    seen = {"run-seen": seal(client.post(form_of(task), CREDIT))}
    deploy(preview=preview(35))
    assert client.post(form_of(task), CREDIT | seen).url == page_of(Run.objects.get())


def test_a_like_run_that_ended_a_moment_ago_is_named_and_an_older_one_is_not(
    task, ask, work, alice, monkeypatch
):
    done = work(ask("50.00"))
    client = signed_in(alice)
    assert "There is another run about the same" in words(client.post(form_of(task), CREDIT))
    assert page_of(done) in client.post(form_of(task), CREDIT).content.decode()
    other = words(client.post(form_of(task), CREDIT | {"amount": "51.00"}))
    assert "about the same" not in other
    monkeypatch.setattr(alike, "MOMENT", timedelta(0))
    assert "about the same" not in words(client.post(form_of(task), CREDIT))


def test_what_others_approve_is_confirmed_only_where_a_like_run_is_open(task, alice):
    client, more = signed_in(alice), CREDIT | {"amount": "150.00"}
    assert client.post(form_of(task), more).url == page_of(Run.objects.get())
    answer = client.post(form_of(task), more)
    assert "There is another run about the same" in words(answer)
    assert "Needs approval: Approvers" in words(answer)
    assert Run.objects.count() == 1


def test_edit_leads_back_to_the_form_with_all_that_was_typed(task, alice):
    answer = signed_in(alice).post(form_of(task), CREDIT | {"run-edit": "1"})
    assert 'value="50.00"' in answer.content.decode()
    assert "The parcel was late" in words(answer)
    assert "Check before it runs" not in words(answer)


def test_a_task_that_moves_no_money_starts_at_once(task, alice, deploy):
    deploy(moves_money=False)
    assert signed_in(alice).post(form_of(task), CREDIT).url == page_of(Run.objects.get())


def test_a_secret_is_entered_again_and_stands_nowhere(key_task, alice, dave):
    money = replace(registry.get(key_task.slug), moves_money=True)
    registry._tasks[key_task.slug] = money
    adopt_task(money)
    client, sent = signed_in(alice), {"key": "canary-4711", "service": "mail", "who": dave.pk}
    first = client.post(form_of(key_task), sent)
    assert "canary-4711" not in first.content.decode()
    assert 'name="key"' in first.content.decode()
    client.post(form_of(key_task), sent | {"run-seen": seal(first)})
    assert Run.objects.get().task == key_task
