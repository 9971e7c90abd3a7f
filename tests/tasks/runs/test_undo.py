"""A task that undoes another: filled in from the run, approved by itself, once."""

from dataclasses import replace

import pytest

from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import adopt_task, cancel_run, request_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import Refused
from tasks.declaration.registry import Approval, RegisteredTask, Undo, registry
from tasks.models import Run, Task
from tasks.parameters import Money
from tasks.runs.timeline import timeline_of
from tasks.runs.undo import NotUndoable, task_to_undo
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status
ROUNDS = 20


def take_back(amount: Money, step: str, note: str = "") -> str:
    """Takes a credit back."""
    return "Taken back"


FILL = {
    "amount": lambda run: run.values["amount"],
    "step": lambda run: run.answers.get("credit", {}).get("id", "none"),
}


@pytest.fixture
def undo_task(credit, task, alice, bob):
    """Alice may ask for the undo of what she may run; one of the approvers has to agree."""
    registered = RegisteredTask(
        slug="take-back",
        name="Take back",
        category="Tests",
        owner="Testers",
        description="Takes a credit back.",
        function=take_back,
        source_hash="4" * 64,
        approval=(Approval("true", groups=["Approvers"]),),
    )
    registry.register(registered)
    registry._tasks["test-credit"] = replace(credit.registered, undo=Undo("take-back", FILL))
    adopt_task(registered)
    row = Task.objects.get(slug="take-back")
    set_right(row, Right.REQUEST, to=alice)
    return row


@pytest.fixture
def done(undo_task, ask, work, credit):
    """A credit that was given, with the answer of one step."""

    def behave(run):
        run.once("credit", lambda key: {"id": "cr_7"})

    credit.behave = behave
    return work(ask("50.00"))


@pytest.fixture
def undo(undo_task, alice):
    def ask_for(run: Run, **values: object) -> Run:
        return request_run(
            undo_task.pk,
            requested_by=alice,
            door=Door.ADMIN,
            values=values,
            reason="The wrong customer",
            undoes=run,
        )

    return ask_for


def test_the_undo_is_filled_in_from_the_run_and_waits_for_its_own_approval(done, undo):
    run = undo(done, note="Sorry")
    assert run.undoes == done
    assert run.status == Status.AWAITING_APPROVAL
    assert run.values == {
        "amount": {"amount": "50.00", "currency": "USD"},
        "step": "cr_7",
        "note": "Sorry",
    }
    assert run.approval.shown["facts"][0] == ["Undoes", done.headline]


def test_what_follows_from_the_run_cannot_be_changed(done, undo):
    run = undo(done, amount="5000.00", amount_currency="EUR", step="cr_8")
    assert run.values["amount"] == {"amount": "50.00", "currency": "USD"}
    assert run.values["step"] == "cr_7"


def test_the_seal_covers_what_is_undone(done, undo, work, ask):
    from tasks.runs.seals import seal_of_run

    run = undo(done)
    assert seal_of_run(run) == run.seal
    run.undoes = work(ask("50.00"))
    assert seal_of_run(run) != run.seal


@pytest.mark.parametrize("approved", [False, True], ids=["open", "done"])
def test_a_run_is_undone_once(done, undo, approve, work, approved):
    first = undo(done)
    if approved:
        approve(first)
        assert work(first).status == Status.SUCCEEDED
    said = (
        "has already been undone" if approved else "already been requested. Its status is “Awaiting"
    )
    with pytest.raises(NotUndoable, match=said):
        undo(done)


def test_after_a_rejection_it_can_be_asked_for_again(done, undo, approve):
    approve(undo(done), verdict="reject", reason="No")
    assert undo(done).status == Status.AWAITING_APPROVAL


def test_of_two_who_undo_at_the_same_instant_one_is_refused(done, undo, alice):
    for _ in range(ROUNDS):
        asked = at_once(lambda: undo(done), lambda: undo(done))
        assert sorted(type(a).__name__ for a in asked) == ["NotUndoable", "Run"]
        (run,) = done.undone_by.filter(status=Status.AWAITING_APPROVAL)
        cancel_run(run.pk, by=alice, door=Door.ADMIN)


def test_a_run_that_did_not_succeed_has_nothing_to_undo(undo_task, ask, undo, alice):
    run = ask("50.00")
    assert task_to_undo(run, alice) is None
    with pytest.raises(NotUndoable, match="cannot undo this run"):
        undo(run)


def test_a_task_that_was_not_declared_undoes_nothing(done, task, alice):
    with pytest.raises(NotUndoable, match="cannot undo"):
        request_run(task.pk, requested_by=alice, door=Door.ADMIN, values={}, undoes=done)


def test_an_undo_is_not_undone(done, undo, approve, work, alice):
    run = undo(done)
    approve(run)
    assert task_to_undo(work(run), alice) is None


def test_a_run_that_one_may_not_see_cannot_be_undone(done, undo_task, mallory):
    set_right(undo_task, Right.REQUEST, to=mallory)
    with pytest.raises(NotUndoable, match="don't have access"):
        request_run(undo_task.pk, requested_by=mallory, door=Door.ADMIN, values={}, undoes=done)


def test_where_nothing_is_left_to_undo_it_says_so(done, undo, credit):
    def nothing(run):
        raise Refused("The credit has run out.")

    gone = Undo("take-back", {**FILL, "step": nothing})
    registry._tasks["test-credit"] = replace(credit.registered, undo=gone)
    with pytest.raises(NotUndoable, match="has run out"):
        undo(done)


def test_the_timeline_says_who_asked_for_the_undo_and_that_it_was_done(done, undo, approve, work):
    run = undo(done)
    approve(run)
    work(run)
    told = [(e.what, e.who, e.why) for e in timeline_of(done)][-2:]
    assert told == [
        ("Undo requested", "Alice Example", "The wrong customer"),
        ("Undone", "Alice Example", ""),
    ]
