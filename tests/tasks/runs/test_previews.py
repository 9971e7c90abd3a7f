"""Previews: they change nothing, and what was approved is looked at again at the claim. S15."""

import io
import logging
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Annotated

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from approvals.models import ApprovalRequest, Notification
from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import (
    InvalidValues,
    Outcome,
    adopt_task,
    finish_run,
    request_run,
    start_run,
)
from tasks.actions.changes.grants import set_right
from tasks.contrib import stripe_payments
from tasks.declaration.errors import Refused
from tasks.declaration.registry import Approval, registry
from tasks.models import Run, StoredFile, StoredSecret, Task
from tasks.outputs import Change
from tasks.parameters import File, Money, Param, Secret
from tasks.queue.messages import TimedOut
from tasks.runs import previews
from tasks.runs.previews import PreviewFailed, difference, rows_of
from tasks.secrets.masking import MASK, MaskingFormatter
from tasks.worker.execution import execute
from tests.fixtures.at_double import stripe_at_double

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status
BALANCE = Change("Balance", "10.00 USD", "160.00 USD")


@pytest.fixture
def shows(deploy):
    """Have the task's preview show these changes from now on, or raise this, or do this."""

    def show(*changes, does=lambda: None, raises=None):
        def preview(amount):
            does()
            if raises:
                raise raises
            return list(changes)

        deploy(preview=preview)

    return show


@pytest.fixture
def approved(ask, approve):
    """Ask for a run of 150.00 and approve it."""

    def asked_and_approved() -> Run:
        run = ask("150.00")
        approve(run)
        return run

    return asked_and_approved


# --- At the form: nothing is left of it ---------------------------------------------------------


def write():
    StoredFile.objects.create(sha256="a" * 64, content=b"a")


def test_what_a_preview_writes_is_gone_and_what_it_told_stays(ask, shows):
    counted = []

    def count():
        write()
        counted.append(StoredFile.objects.count())

    shows(BALANCE, does=count)
    run = ask("150.00")
    assert counted == [1]
    assert not StoredFile.objects.exists()
    assert run.preview == [["Balance", "10.00 USD", "160.00 USD"]]


def test_history_that_a_preview_writes_is_gone(ask, shows, task):
    def rename():
        row = Task.objects.get(pk=task.pk)
        row.name = "Renamed"
        row.save()
        assert row.history.filter(name="Renamed").exists()

    shows(BALANCE, does=rename)
    ask("150.00")
    task.refresh_from_db()
    assert task.name == "Test credit"
    assert not task.history.filter(name="Renamed").exists()


def test_what_a_preview_wants_done_after_the_commit_is_not_done(ask, shows):
    done = []
    shows(BALANCE, does=lambda: transaction.on_commit(lambda: done.append("sent")))
    ask("150.00")
    assert done == []


def test_a_preview_that_breaks_a_statement_leaves_the_request_as_it_was(ask, shows):
    def broken():
        with suppress(Exception), connection.cursor() as cursor:
            cursor.execute("SELECT nonsense")

    shows(BALANCE, does=broken)
    assert ask("150.00").status == Status.AWAITING_APPROVAL


@pytest.mark.parametrize(
    "error", [Refused("The card is closed."), ValidationError("The card is closed.")]
)
def test_a_preview_turns_a_request_down_with_its_words(ask, shows, error):
    shows(raises=error, does=write)
    with pytest.raises(InvalidValues) as refused:
        ask("150.00")
    assert refused.value.form.non_field_errors() == ["The card is closed."]
    assert not StoredFile.objects.exists()


def test_a_fault_of_a_preview_is_said_to_the_person_and_its_traceback_is_in_the_log(
    ask, shows, caplog
):
    shows(raises=KeyError("boom"), does=write)
    with pytest.raises(InvalidValues) as refused:
        ask("150.00")
    assert refused.value.form.non_field_errors() == [
        "The preview failed: its code has a fault. Contact Testers."
    ]
    assert "KeyError: 'boom'" in caplog.text
    assert not StoredFile.objects.exists()
    assert not Run.objects.exists()
    assert not ApprovalRequest.objects.exists()


def test_the_traceback_in_the_log_holds_no_secret(credit):
    def preview(key):
        raise KeyError(key.reveal())

    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(MaskingFormatter())
    previews.logger.addHandler(handler)
    try:
        with pytest.raises(PreviewFailed):
            rows_of(replace(credit.registered, preview=preview), {"key": Secret("canary-key")})
    finally:
        previews.logger.removeHandler(handler)
    assert f"KeyError: '{MASK}'" in log.getvalue()
    assert "canary-key" not in log.getvalue()


def test_a_preview_shows_no_secret(credit, settings):
    """And a number is not hidden by making it the secret."""
    settings.SOME_TOKEN = "canary-token"
    for key, shown in (("5000.00 USD", "5000.00 USD"), ("canary-key", "with canary-key")):
        code = replace(credit.registered, preview=lambda key, s=shown: [Change("Key", "", s)])
        with pytest.raises(PreviewFailed, match="shows the secret that was entered"):
            rows_of(code, {"key": Secret(key)})
    code = replace(credit.registered, preview=lambda key: [Change("Key", "12", "canary-token")])
    assert rows_of(code, {"key": Secret("12")}) == [["Key", "12", MASK]]


def test_a_call_to_stripe_is_refused_also_on_an_open_connection(ask, shows):
    with stripe_at_double() as stripe:
        number = stripe.seed_payment(amount=1000)
        stripe_payments.find_payment(number)  # leaves a connection open
        before = len(stripe.requests)
        shows(BALANCE, does=lambda: stripe_payments.find_payment(number))
        with pytest.raises(InvalidValues, match="tried to reach another system"):
            ask("150.00")
        assert len(stripe.requests) == before


def test_a_preview_that_keeps_the_database_busy_is_stopped(ask, shows, monkeypatch):
    def sleep():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    monkeypatch.setattr(previews, "STATEMENT_SECONDS", 1)
    shows(BALANCE, does=sleep)
    with pytest.raises(InvalidValues, match="no answer within 1 seconds"):
        ask("150.00")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


# --- At the claim: what was approved must hold ----------------------------------------------------


def stale(run: Run, credit, error: str) -> None:
    assert (run.status, credit.calls) == (Status.STALE, [])
    assert run.error == f"{error} Nothing was done. You can request it again."
    assert run.approval
    run.approval.refresh_from_db()
    assert run.approval.status == ApprovalRequest.Status.STALE


def test_what_still_holds_is_done(approved, work, shows, credit):
    shows(BALANCE)
    assert work(approved()).status == Status.SUCCEEDED
    assert len(credit.calls) == 1


def test_what_does_not_hold_any_more_is_not_done_and_the_row_is_named(
    approved, work, shows, credit
):
    shows(Change("Limit", 1, 2), BALANCE)
    run = approved()
    shows(Change("Limit", 1, 2), Change("Balance", "35.00 USD", "185.00 USD"))
    stale(
        work(run),
        credit,
        "Balance was 10.00 USD → 160.00 USD when it was approved; "
        "it is now 35.00 USD → 185.00 USD.",
    )


def test_who_asked_and_who_approved_are_told(approved, work, shows, alice, bob, carol):
    shows(BALANCE)
    run = approved()
    shows(Change("Balance", "35.00 USD", "185.00 USD"))
    work(run)
    told = Notification.objects.filter(event="run_outdated")
    assert {notification.person for notification in told} == {alice, bob}
    assert "it is now 35.00 USD" in told[0].text


def test_what_is_only_information_may_differ(approved, work, shows):
    shows(Change("Balance", 10, 160, must_hold=False))
    run = approved()
    assert run.preview == [["Balance", "10", "160", "for information"]]
    shows(Change("Balance", 35, 185, must_hold=False))
    assert work(run).status == Status.SUCCEEDED


def test_a_row_with_a_limit_may_move_as_long_as_it_keeps_it(approved, work, shows, credit):
    shows(Change("Given", 10, 160, at_most=200))
    run, other = approved(), approved()
    assert run.preview == [["Given", "10", "160", "must be at most 200"]]
    shows(Change("Given", 50, 200, at_most=200))
    assert work(run).status == Status.SUCCEEDED
    credit.calls.clear()
    shows(Change("Given", 51, 201, at_most=200))
    stale(
        work(other),
        credit,
        "It can no longer be done: Given would be 201. It must be at most 200.",
    )


def test_another_limit_is_not_the_one_that_was_approved(approved, work, shows, credit):
    shows(Change("Given", 10, 160, at_most=200))
    run = approved()
    shows(Change("Given", 10, 160, at_most=1000))
    stale(
        work(run),
        credit,
        "Given was “must be at most 200” when it was approved; it is now “must be at most 1000”.",
    )


@pytest.mark.parametrize(
    "change",
    [
        Change("Given", None, Money(Decimal(1), "USD"), at_most=Money(Decimal(2), "EUR")),
        Change("Given", None, "1", at_most=2),
        Change("Given", None, 1.0, at_least=0),
    ],
)
def test_a_limit_that_cannot_be_compared_is_a_fault_of_the_preview(ask, shows, change):
    shows(change)
    with pytest.raises(InvalidValues, match="its code has a fault"):
        ask("150.00")


def test_a_run_that_nobody_had_to_approve_is_not_compared(ask, work, shows):
    shows(BALANCE)
    run = ask("50.00")
    shows(Change("Balance", "35.00 USD", "85.00 USD"))
    assert work(run).status == Status.SUCCEEDED


def test_a_second_attempt_is_not_compared_with_what_the_first_has_changed(
    approved, work, shows, credit
):
    shows(BALANCE)
    run = approved()
    Run.objects.filter(pk=run.pk).update(attempt=1)
    shows(Change("Balance", "160.00 USD", "310.00 USD"))
    assert work(run).status == Status.SUCCEEDED


def test_it_is_looked_at_when_the_run_before_it_is_over_and_not_sooner(approved, work, deploy):
    shown = []

    def preview(amount):
        shown.append(amount)
        return [BALANCE]

    deploy(preview=preview, one_running_per=("amount",))
    first, second = approved(), approved()
    shown.clear()
    assert start_run(first.pk, worker="test", door=Door.WORKER)
    assert work(second).status == Status.QUEUED
    assert len(shown) == 1
    finish_run(first.pk, attempt=1, outcome=Outcome(Status.SUCCEEDED), door=Door.WORKER)
    assert work(second).status == Status.SUCCEEDED
    assert len(shown) == 2


@pytest.mark.parametrize(
    "error", [Refused("The card is closed."), ValidationError("The card is closed.")]
)
def test_what_a_preview_refuses_at_the_claim_is_not_done(approved, work, shows, credit, error):
    shows(BALANCE)
    run = approved()
    shows(raises=error)
    stale(work(run), credit, "It can no longer be done: The card is closed.")


def post(letter: Annotated[File, Param(accept=(".txt",))], key: Secret) -> None:
    """Posts a letter."""


@pytest.mark.parametrize("lost", ["the file", "the secret", "its key"])
def test_what_cannot_be_read_any_more_ends_the_run(credit, alice, approve, work, approvers, lost):
    code = replace(
        credit.registered, slug="post", function=post, preview=lambda letter, key: [BALANCE]
    )
    code = replace(code, approval=(Approval("true", groups=["Approvers"]),))
    registry._tasks["post"] = code
    adopt_task(code)
    task = Task.objects.get(slug="post")
    set_right(task, Right.REQUEST, to=alice)
    values = {"letter": File.of("letter.txt", "Dear Bob"), "key": "canary-key"}
    run = request_run(task.pk, requested_by=alice, door=Door.ADMIN, values=values, reason="Late")
    approve(run)
    if lost == "the file":
        StoredFile.objects.all().delete()
    elif lost == "the secret":
        StoredSecret.objects.all().delete()
    else:
        StoredSecret.objects.update(ciphertext=b"of another key")
    stale(
        work(run),
        credit,
        "It can no longer be done: a file or secret that it was given cannot be read.",
    )


def test_a_preview_with_a_fault_at_the_claim_lets_nothing_be_done(approved, work, shows, credit):
    shows(BALANCE)
    run = approved()
    shows(raises=KeyError("boom"))
    stale(
        work(run),
        credit,
        "The preview failed: its code has a fault. Contact Testers.",
    )


def test_what_a_preview_writes_at_the_claim_is_gone(approved, work, shows):
    shows(BALANCE, does=write)
    assert work(approved()).status == Status.SUCCEEDED
    assert not StoredFile.objects.exists()


def test_a_preview_that_takes_all_the_time_of_the_run_ends_it(approved, work, shows, credit):
    shows(BALANCE)
    run = approved()
    shows(raises=TimedOut("slow"))
    stale(work(run), credit, "The preview could not be repeated within 60 seconds.")


def test_an_outage_during_a_preview_leaves_the_run_in_the_line(approved, shows):
    shows(BALANCE)
    run = approved()

    def killed():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    shows(BALANCE, does=killed)
    with suppress(Exception):
        start_run(run.pk, worker="test", door=Door.WORKER)
    connection.close()
    run.refresh_from_db()
    assert run.status == Status.QUEUED


def test_a_preview_costs_four_statements_at_the_claim(approved, shows, deploy):
    def statements_for(run: Run) -> int:
        with CaptureQueriesContext(connection) as statements:
            execute(str(run.pk))
        return len(statements)

    deploy(preview=None)
    without = statements_for(approved())
    shows(BALANCE)
    assert statements_for(approved()) == without + 4


# --- The row that differs -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("approved_rows", "now", "words"),
    [
        ([["A", "1", "2"]], [["A", "1", "2"]], ""),
        ([["A", "1", "2"], ["B", "3", ""]], [["B", "3", ""], ["A", "1", "2"]], ""),
        (
            [["A", "1", "2"]],
            [["A", "1", "3"]],
            "A was 1 → 2 when it was approved; it is now 1 → 3.",
        ),
        (
            [["A", "", "2"]],
            [],
            "A (nothing → 2) was approved, but would no longer change that way.",
        ),
        ([], [["A", "1", ""]], "A (1 → nothing) would now change too, which nobody approved."),
        (
            [["A", "1", "2"]],
            [["A", "1", "2"], ["A", "1", "2"]],
            "A (1 → 2) would now change too, which nobody approved.",
        ),
        ([["A", "1", "2", "for information"]], [["A", "3", "4", "for information"]], ""),
        (
            [["A", "1", "2"]],
            [["A", "1", "2", "for information"]],
            "A (1 → 2) was approved, but would no longer change that way.",
        ),
    ],
)
def test_the_first_row_that_differs_is_named(approved_rows, now, words):
    assert difference(approved_rows, now) == words
