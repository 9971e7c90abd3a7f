"""The page of a run: who sees it, and what it says. S33."""

import pytest

from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import adopt_task, request_run, retire_task
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import OutcomeUnknown, Refused
from tasks.declaration.registry import RegisteredTask, registry
from tasks.models import Run, Task
from tasks.outputs import Change
from tasks.parameters import Secret
from tasks.runs.texts import state_of
from tests.tasks.admin.reading import form_of, live, page_of, runs, signed_in, url, words

Status = Run.Status


# --- Who sees the page of a run


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("alice", 200),
        ("dave", 200),
        ("bob", 200),
        ("root", 200),
        ("auditor", 200),
        ("mallory", 404),
    ],
)
def test_a_run_is_for_who_may_see_its_task_asked_for_it_or_decides(
    ask, request, auditor, who, status
):
    run = ask()
    client = signed_in(request.getfixturevalue(who))
    for page in (page_of(run), live(run), url("tasks_run_history", run.pk)):
        assert client.get(page).status_code == status


def test_a_run_that_does_not_exist_is_not_found(alice):
    client = signed_in(alice)
    for key in ("x", "0" * 8, "00000000-0000-0000-0000-000000000000"):
        assert client.get(url("tasks_run_change", key)).status_code == 404


def test_the_page_cannot_be_posted_to(ask, alice):
    assert signed_in(alice).post(page_of(ask())).status_code == 405


def test_traces_of_code_are_for_who_administers_the_task(
    ask, work, credit, task, alice, bob, carol
):
    def fail(run):
        raise RuntimeError("The moon is in the wrong house")

    credit.behave = fail
    run = work(ask("50.00"))
    set_right(task, Right.CHANGE, to=carol)
    assert "The moon is in the wrong house" in words(signed_in(alice).get(page_of(run)))
    assert "Traceback" not in words(signed_in(alice).get(page_of(run)))
    assert "Traceback" in words(signed_in(carol).get(page_of(run)))


def test_only_an_auditor_is_led_to_every_field(ask, alice, auditor):
    run = ask()
    history = url("tasks_run_history", run.pk)
    assert history not in signed_in(alice).get(page_of(run)).content.decode()
    assert history in signed_in(auditor).get(page_of(run)).content.decode()


# --- What it says


def test_it_begins_with_who_asked_and_why(ask, shown, alice, dave):
    run = ask()
    assert "You requested this just now . Reason: The parcel was late" in shown(run)
    assert "Alice Example requested this just now" in shown(run, dave)


def test_it_says_what_and_what_it_changes(ask, shown):
    text = shown(ask())
    assert "Amount 150.00 USD" in text
    assert "Balance Before: 10.00 USD After: 160.00 USD" in text


def test_it_says_what_is_only_information(ask, shown, deploy, bob):
    deploy(preview=lambda amount: [Change("Balance", 10, 160, must_hold=False)])
    run = ask()
    assert "Balance (for information) Before: 10 After: 160" in shown(run)
    request = url("approvals_approvalrequest_change", run.approval_id)
    assert "Balance (for information) Before: 10 After: 160" in words(signed_in(bob).get(request))


def test_it_says_who_decides(ask, approve, shown):
    run = ask()
    because = "150.00 USD, above the limit of 100.00."
    assert f"Credits above 100 {because} Waiting for Approvers. 0 of 1 approval." in shown(run)
    approve(run)
    assert f"Credits above 100 {because} Reviewers: Approvers. 1 of 1 approval." in shown(run)


def test_it_says_when_nobody_is_left_to_decide(task, alice, bob, dave):
    run = request_run(
        task.pk,
        requested_by=alice,
        door=Door.ADMIN,
        values={"amount": "150.00", "amount_currency": "USD"},
        reason="The parcel was late",
        reviewers=[bob],
    )
    assert "Waiting for Bob Example. 0 of 1 approval." in words(signed_in(dave).get(page_of(run)))
    type(bob).objects.filter(pk=bob.pk).update(is_active=False)
    text = words(signed_in(dave).get(page_of(run)))
    assert "No reviewer is left for “Credits above 100”: nobody can decide it any more." in text
    assert "Nobody: all reviewers have already decided or are no longer eligible." in text
    assert "Edit and resubmit it with other reviewers" not in text
    own = words(signed_in(alice).get(page_of(run)))
    assert "Edit and resubmit it with other reviewers, or withdraw it." in own


def test_only_who_may_open_the_request_is_led_to_it(ask, dave, bob):
    run = ask()
    request = url("approvals_approvalrequest_change", run.approval_id)
    assert request in signed_in(bob).get(page_of(run)).content.decode()
    assert request not in signed_in(dave).get(page_of(run)).content.decode()


def test_it_shows_what_the_run_wrote(ask, work, shown):
    assert "Crediting 50.00 USD" in shown(work(ask("50.00")))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            Refused("The account is closed."),
            "The account is closed. It is not retried automatically.",
        ),
        (
            OutcomeUnknown("Look for credit 12 at the bank."),
            "Look for credit 12 at the bank. Do not request it again yet",
        ),
    ],
)
def test_what_went_wrong_comes_with_what_to_do(ask, work, credit, shown, error, said):
    def fail(run):
        raise error

    credit.behave = fail
    text = shown(work(ask("50.00")))
    assert said in text
    assert "Testers" in text


def test_a_run_that_became_out_of_date_can_be_asked_for_again(ask, approve, work, deploy, shown):
    run = ask()
    approve(run)
    deploy(source_hash="2" * 64)
    text = shown(work(run))
    assert "The task's code has changed since this was requested." in text
    assert "Request again" in text


def test_the_page_stays_readable_when_the_code_is_gone(ask, task, shown, alice):
    run = ask()
    retire_task(task)
    with registry.temporarily():
        registry._tasks.clear()
        text = shown(run)
    assert "Amount 150.00 USD" in text
    assert "Request again" not in text


def test_no_page_shows_a_secret(db, alice, auditor, work):
    def rotate_key(key: Secret) -> str:
        return "done"

    registered = RegisteredTask(
        slug="rotate-key",
        name="Rotate a key",
        category="Tests",
        owner="Testers",
        description="Puts a new key in place.",
        function=rotate_key,
        source_hash="2" * 64,
    )
    with registry.temporarily(registered):
        adopt_task(registered)
        task = Task.objects.get(slug="rotate-key")
        set_right(task, Right.EXECUTE, to=alice)
        sent = signed_in(alice).post(form_of(task), {"key": "canary-4711"})
        run = Run.objects.get()
        assert sent.url == page_of(run)
        work(run)
        client = signed_in(auditor)
        pages = [page_of(run), live(run), runs(), form_of(task), url("tasks_run_history", run.pk)]
        for page in pages:
            assert "canary-4711" not in client.get(page).content.decode()
        for download in (url("tasks_run_csv"), url("tasks_run_timeline", run.pk)):
            assert b"canary-4711" not in b"".join(client.post(download).streaming_content)
        assert "Key ••••••" in words(client.get(page_of(run)))


def test_a_run_that_was_stopped_while_it_ran_does_not_say_that_nothing_was_done():
    run = Run(status=Run.Status.CANCELLED, attempt=1)
    assert "stays done" in state_of(run)
    assert "Nothing was done" in state_of(Run(status=Run.Status.CANCELLED, attempt=0))
