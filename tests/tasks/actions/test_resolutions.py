"""An uncertain run, and the person who looks. Promise 1."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from audit.context import Door
from tasks.access.rights import NotGranted, Right
from tasks.actions import Finding, NotResolved, resolve_run
from tasks.actions.changes.grants import set_right
from tasks.actions.runs.effects import KEY_LIVES
from tasks.actions.runs.look_ups import look_for, look_up_of, sent_by
from tasks.declaration.errors import OutcomeUnknown
from tasks.declaration.look_up import Found
from tasks.models import Effect, Resolution, Run
from tasks.secrets import storage
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


@pytest.mark.parametrize(
    ("finding", "status"),
    [(Finding.HAPPENED, Status.SUCCEEDED), (Finding.DID_NOT, Status.FAILED)],
)
def test_what_was_found_ends_the_run(uncertain, resolve, administrator, finding, status):
    run = resolve(uncertain, finding)
    row = run.history.first()
    assert (run.status, row.status, row.history_user) == (status, status, administrator)
    assert row.history_change_reason == "Looked at the provider's page"


def test_it_is_sent_again_under_the_same_key(uncertain, resolve, work, credit, idempotent):
    keys = []
    credit.behave = lambda run: run.once("pay", lambda key: keys.append(key) or {})
    run = resolve(uncertain, Finding.SEND_AGAIN)
    assert work(run).status == Status.SUCCEEDED
    assert keys == [Effect.objects.get().key]


def test_a_task_that_may_not_be_sent_again_is_not(uncertain, resolve):
    with pytest.raises(NotResolved, match="You cannot choose"):
        resolve(uncertain, Finding.SEND_AGAIN)


def test_a_key_that_may_be_forgotten_is_not_sent(uncertain, resolve, idempotent):
    Effect.objects.update(sent_at=Now() - KEY_LIVES)
    with pytest.raises(NotResolved, match="23 hours"):
        resolve(uncertain, Finding.SEND_AGAIN)


def test_who_asked_does_not_resolve(uncertain, resolve, task, alice):
    set_right(task, Right.CHANGE, to=alice)
    with pytest.raises(NotResolved, match="somebody else"):
        resolve(uncertain, Finding.HAPPENED, by=alice)


def test_who_does_not_administer_the_task_does_not_resolve(uncertain, resolve, bob):
    with pytest.raises(NotGranted):
        resolve(uncertain, Finding.HAPPENED, by=bob)


@pytest.mark.parametrize("blank", ["", " \n"])
def test_it_takes_a_reason(uncertain, resolve, blank):
    with pytest.raises(NotResolved, match="Say what"):
        resolve(uncertain, Finding.HAPPENED, reason=blank)


def test_it_is_resolved_once(uncertain, resolve):
    resolve(uncertain, Finding.HAPPENED)
    with pytest.raises(NotResolved, match="outcome of this run is already known"):
        resolve(uncertain, Finding.DID_NOT)


def test_a_run_that_is_not_uncertain_is_not_resolved(ask, work, resolve):
    with pytest.raises(NotResolved):
        resolve(work(ask("50.00")), Finding.DID_NOT)


# --- What was sent --------------------------------------------------------------------------------


def answers(run):
    return list(run.effects.values_list("refused", "answer", "error"))


def test_what_happened_is_recorded_as_the_answer_of_the_step(uncertain, resolve):
    run = resolve(uncertain, Finding.HAPPENED)
    ((refused, answer, _),) = answers(run)
    assert (refused, "Looked at the provider" in answer["resolved"]) == (False, True)


def test_what_did_not_happen_is_recorded_as_refused_with_who_said_so(uncertain, resolve):
    run = resolve(uncertain, Finding.DID_NOT)
    ((refused, answer, error),) = answers(run)
    assert (refused, answer) == (True, None)
    assert error.startswith("Investigated: it did not happen. Carol Example")
    assert "Looked at the provider's page" in run.error


def test_nobody_denies_what_the_look_up_shows(uncertain, resolve, look, shows):
    shows(happened=True)
    with pytest.raises(NotResolved, match="shows that “pay” happened"):
        resolve(uncertain, Finding.DID_NOT, look=look(uncertain).id)


@pytest.mark.parametrize("finding", [Finding.DID_NOT, Finding.SEND_AGAIN])
def test_nor_by_leaving_the_look_up_out(uncertain, resolve, look, shows, idempotent, finding):
    shows(happened=True)
    look(uncertain)
    with pytest.raises(NotResolved, match="shows that “pay” happened"):
        resolve(uncertain, finding)


def test_nobody_says_that_what_the_look_up_does_not_show_happened(uncertain, resolve, look, shows):
    shows(happened=False)
    look(uncertain)
    with pytest.raises(NotResolved, match="shows that “pay” did not happen"):
        resolve(uncertain, Finding.HAPPENED)


@pytest.mark.parametrize("finding", [Finding.HAPPENED, Finding.DID_NOT])
def test_where_it_can_be_looked_up_it_is(uncertain, resolve, shows, finding):
    shows(happened=None)
    with pytest.raises(NotResolved, match="Look it up first"):
        resolve(uncertain, finding)


@pytest.mark.parametrize(
    ("finding", "status"),
    [(Finding.HAPPENED, Status.SUCCEEDED), (Finding.DID_NOT, Status.FAILED)],
)
def test_where_the_look_up_cannot_tell_a_person_does(
    uncertain, resolve, look, shows, finding, status
):
    shows(happened=None, what="The provider does not answer.")
    look(uncertain)
    assert resolve(uncertain, finding).status == status
    assert "pay: The provider does not answer." in Resolution.objects.get().looked_up


def test_the_look_up_of_an_earlier_doubt_says_nothing(
    uncertain, resolve, look, shows, idempotent, work, used_up
):
    shows(happened=False)
    look(uncertain)
    assert work(resolve(uncertain, Finding.SEND_AGAIN)).status == Status.UNCERTAIN
    with pytest.raises(NotResolved, match="Look it up first"):
        resolve(uncertain, Finding.DID_NOT)


def test_of_several_steps_each_is_recorded_as_the_look_up_shows_it(
    ask, work, credit, deploy, resolve, look
):
    """Else one of the two could only be recorded as it was not."""

    def no_answer(item, key):
        raise OutcomeUnknown("No answer came.")

    credit.behave = lambda run: run.each("pay", ["a", "b"], no_answer, key=str)
    run = work(ask("50.00"))
    deploy(
        recorded=False,
        look_up=lambda sent, amount: Found("Asked.", sent.step == "pay:a", {}, {"id": "re_1"}),
    )
    look(run)
    for finding in (Finding.HAPPENED, Finding.GO_ON, Finding.NEW_KEY):
        with pytest.raises(NotResolved):
            resolve(run, finding)
    resolve(run, Finding.DID_NOT)
    assert run.status == Status.FAILED
    assert run.error.startswith("1 of 2 items were done and stay done. The rest did not happen")
    rows = run.effects.order_by("step").values_list("refused", "answer")
    assert list(rows) == [(False, {"id": "re_1"}), (True, None)]


# --- The same key ---------------------------------------------------------------------------------


def test_a_key_under_which_an_error_is_saved_is_not_offered(
    uncertain, resolve, idempotent, work, used_up
):
    """The other side would repeat its error for ever. See `OutcomeUnknown.same_key`."""
    run = work(resolve(uncertain, Finding.SEND_AGAIN))
    with pytest.raises(NotResolved, match="has saved an error under this key"):
        resolve(run, Finding.SEND_AGAIN)


# --- It happened, and there is more to do ----------------------------------------------------------


def test_it_goes_on_with_the_answer_that_was_found(
    uncertain, resolve, look, shows, idempotent, work, credit
):
    shows(happened=True, answer={"id": "re_1"})
    run = resolve(uncertain, Finding.GO_ON, look=look(uncertain).id)
    sent = []
    credit.behave = lambda run: run.once("pay", sent.append)
    assert work(run).status == Status.SUCCEEDED
    assert (sent, run.output["pairs"]) == ([], [["id", "re_1"]])


@pytest.mark.parametrize("happened", [False, None])
def test_it_does_not_go_on_with_what_was_not_found(
    uncertain, resolve, look, shows, idempotent, happened
):
    shows(happened=happened)
    with pytest.raises(NotResolved, match="does not show that “pay” happened"):
        resolve(uncertain, Finding.GO_ON, look=look(uncertain).id)


def test_it_does_not_go_on_with_an_answer_that_is_masked(
    uncertain, resolve, look, shows, idempotent, settings
):
    """What a look-up showed is kept without secrets, and the task would take that for the answer."""
    settings.STRIPE_API_KEY = "canary-4711-stripe"
    shows(happened=True, answer={"token": settings.STRIPE_API_KEY})
    shown = look(uncertain).id
    with pytest.raises(NotResolved, match="The answer of “pay” holds a secret"):
        resolve(uncertain, Finding.GO_ON, look=shown)
    assert resolve(uncertain, Finding.HAPPENED, look=shown).status == Status.SUCCEEDED


# --- A new key ------------------------------------------------------------------------------------


def test_a_new_key_is_sent_and_the_old_one_is_closed(
    uncertain, resolve, look, shows, idempotent, over, work, credit
):
    shows(happened=False)
    run = resolve(uncertain, Finding.NEW_KEY, look=look(uncertain).id)
    keys = []
    credit.behave = lambda run: run.once("pay", lambda key: keys.append(key) or {"paid": "yes"})
    assert work(run).status == Status.SUCCEEDED
    old, new = run.effects.order_by("generation")
    assert (old.refused, new.generation, new.answer) == (True, 2, {"paid": "yes"})
    assert keys == [new.key]
    assert new.key != old.key


def test_a_new_key_is_sent_for_a_key_that_may_be_forgotten(
    uncertain, resolve, look, shows, idempotent, over, work, credit
):
    Effect.objects.update(sent_at=Now() - KEY_LIVES)
    shows(happened=False)
    run = resolve(uncertain, Finding.NEW_KEY, look=look(uncertain).id)
    credit.behave = lambda run: run.once("pay", lambda key: {})
    assert work(run).status == Status.SUCCEEDED


def test_the_second_generation_of_one_step_is_not_the_first_of_another(
    uncertain, resolve, look, shows, idempotent, over, work, credit
):
    shows(happened=False)
    run = resolve(uncertain, Finding.NEW_KEY, look=look(uncertain).id)

    def both(run):
        for step in ("pay", "pay-2", "2-pay"):
            run.once(step, lambda key: {})

    credit.behave = both
    assert work(run).status == Status.SUCCEEDED
    assert run.effects.count() == 4


@pytest.mark.parametrize("happened", [True, None])
def test_no_new_key_unless_the_look_up_found_nothing(
    uncertain, resolve, look, shows, idempotent, over, happened
):
    shows(happened=happened)
    with pytest.raises(NotResolved, match="The look-up"):
        resolve(uncertain, Finding.NEW_KEY, look=look(uncertain).id)


def test_no_new_key_without_a_look_up(uncertain, resolve, idempotent, over):
    with pytest.raises(NotResolved, match="Look it up first"):
        resolve(uncertain, Finding.NEW_KEY)


def test_no_new_key_after_a_look_up_that_somebody_else_has_overtaken(
    uncertain, resolve, look, shows, idempotent, over
):
    shows(happened=False)
    older = look(uncertain).id
    shows(happened=True)
    look(uncertain)
    with pytest.raises(NotResolved, match="looked it up again"):
        resolve(uncertain, Finding.NEW_KEY, look=older)


def test_no_new_key_after_a_look_up_of_an_hour_ago(
    uncertain, resolve, look, shows, idempotent, over, monkeypatch
):
    shows(happened=False)
    monkeypatch.setattr("tasks.actions.runs.findings.FRESH", timedelta(0))
    with pytest.raises(NotResolved, match="older than 10 minutes"):
        resolve(uncertain, Finding.NEW_KEY, look=look(uncertain).id)


def test_no_new_key_while_the_last_call_may_still_be_under_way(
    uncertain, resolve, look, shows, idempotent
):
    shows(happened=False)
    with pytest.raises(NotResolved, match="may still have been running until"):
        resolve(uncertain, Finding.NEW_KEY, look=look(uncertain).id)


def test_no_new_key_for_a_task_that_may_not_be_run_again(uncertain, resolve, look, shows, over):
    shows(happened=False)
    with pytest.raises(NotResolved, match="cannot be retried safely"):
        resolve(uncertain, Finding.NEW_KEY, look=look(uncertain).id)


def test_what_was_seen_is_kept_with_the_resolution(uncertain, resolve, look, shows):
    shows(happened=None, what="The provider does not answer.")
    resolve(uncertain, Finding.HAPPENED, look=look(uncertain).id)
    first, second = Resolution.objects.get().looked_up
    assert first.startswith("Carol Example (carol) looked this up on")
    assert second == "pay: The provider does not answer."


# --- The database ---------------------------------------------------------------------------------


def refuses(sql):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("status", ["succeeded", "failed", "queued"])
def test_the_database_lets_no_run_out_of_doubt_without_a_resolution(uncertain, status):
    refuses(f"UPDATE tasks_run SET status = '{status}'")  # noqa: S608


def test_an_older_resolution_does_not_serve_a_second_time(
    uncertain, resolve, idempotent, work, used_up
):
    assert work(resolve(uncertain, Finding.SEND_AGAIN)).status == Status.UNCERTAIN
    refuses("UPDATE tasks_run SET status = 'failed'")


def test_the_database_lets_nobody_resolve_their_own_run(uncertain):
    refuses(f"""
        INSERT INTO tasks_resolution (run_id, finding, reason, resolved_by_id, looked_up, applied_at)
        VALUES ('{uncertain.pk}', 'happened', 'x', {uncertain.requested_by_id}, '[]', now())
    """)  # noqa: S608


def test_two_who_resolve_at_once_resolve_once(uncertain, administrator, bob, task):
    set_right(task, Right.CHANGE, to=bob)

    def resolving(who, finding):
        return lambda: resolve_run(
            uncertain.pk, finding=finding, by=who, door=Door.ADMIN, reason="Looked"
        )

    results = at_once(resolving(administrator, Finding.HAPPENED), resolving(bob, Finding.DID_NOT))
    assert sorted(type(result) for result in results if isinstance(result, NotResolved)) == [
        NotResolved
    ]
    assert Resolution.objects.get().applied_at


def test_a_secret_that_is_part_of_our_own_words_spoils_no_look_up(uncertain, shows, administrator):
    """The requester chooses the secret: it may be as short as a part of “what” or of a step's name."""
    shows(happened=True, what="It was paid with at-4711")
    uncertain.values["key"] = {"secret": storage.store_secret("a")}
    found = look_for(
        look_up_of(uncertain), uncertain, sent_by(uncertain), by=administrator, door=Door.ADMIN
    )
    (step,) = found.steps
    assert step.step == "pay"
    assert "a" not in step.what
