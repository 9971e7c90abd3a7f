"""The way from a run to its undo and back."""

import re

import pytest

from tasks.models import Run
from tests.tasks.admin.reading import form_of, page_of, signed_in, words
from tests.tasks.runs.test_undo import done, undo, undo_task  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db(transaction=True)


def address(task, run):
    return f"{form_of(task)}?undo={run.pk}"


def test_a_run_that_has_succeeded_offers_its_undo(done, undo_task, alice, dave):  # noqa: F811
    link = address(undo_task, done)
    assert link in signed_in(alice).get(page_of(done)).content.decode()
    assert link not in signed_in(dave).get(page_of(done)).content.decode()


def test_the_form_of_the_undo_names_the_run_and_locks_what_follows_from_it(
    done,  # noqa: F811
    undo_task,  # noqa: F811
    alice,
):
    answer = signed_in(alice).get(address(undo_task, done))
    assert f"This undoes {done} of today" in words(answer)
    fields = re.findall(r'<input[^>]*name="(?:step|amount)"[^>]*>', answer.content.decode())
    assert len(fields) == 2
    assert all("disabled" in field for field in fields)
    assert 'value="cr_7"' in answer.content.decode()


def test_sending_it_makes_a_run_that_names_the_first_and_both_pages_link(
    done,  # noqa: F811
    undo_task,  # noqa: F811
    alice,
):
    sent = {"run-undo": done.pk, "run-reason": "The wrong customer", "step": "cr_8"}
    signed_in(alice).post(form_of(undo_task), sent)
    run = Run.objects.get(undoes=done)
    assert run.values["step"] == "cr_7"
    there, back = (signed_in(alice).get(page_of(each)) for each in (run, done))
    assert f"You requested this just now , to undo {done}" in words(there)
    assert page_of(done) in there.content.decode()
    assert "Alice Example has requested to undo this (awaiting approval): " in words(back)
    assert page_of(run) in back.content.decode()


def test_a_second_undo_leads_back_to_the_run(done, undo, undo_task, alice):  # noqa: F811
    undo(done)
    answer = signed_in(alice).get(address(undo_task, done), follow=True)
    assert answer.redirect_chain[0][0] == page_of(done)
    assert "An undo has already been requested. Its status is “Awaiting approval”." in words(answer)


@pytest.mark.parametrize("wanted", ["nonsense", "6f3a9b1e-0000-4000-8000-000000000000"])
def test_what_is_no_run_to_undo_is_not_found(undo_task, alice, wanted):  # noqa: F811
    assert signed_in(alice).get(f"{form_of(undo_task)}?undo={wanted}").status_code == 404
