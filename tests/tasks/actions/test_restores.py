"""A database that was restored from a backup: it is found, starts nothing, and people reconcile it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from approvals.actions import decide
from approvals.models import ApprovalRequest, Stage
from audit.context import Door
from tasks.access.restores import is_held, is_restored, open_restore, to_reconcile
from tasks.access.rights import Right
from tasks.actions import recover_lost_runs
from tasks.actions.changes.grants import set_right
from tasks.actions.restores import (
    NotReconciled,
    check_database,
    look_up_unfinished,
    reconcile_run,
)
from tasks.actions.stops import NotStarted, propose_start
from tasks.declaration.errors import Busy
from tasks.models import DatabaseIdentity, Effect, Reconciliation, Run, Stop, WorkerLook
from tasks.worker.execution import pump, sweep
from tests.owner import without_guards

pytestmark = pytest.mark.django_db(transaction=True)
Found = DatabaseIdentity.Found
Status = Run.Status
REWRITTEN = "UPDATE tasks_databaseidentity SET found = found"


def check() -> bool:
    return check_database(door=Door.WORKER)


def tell(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def write_behind_the_guards(*statements: str) -> None:
    with without_guards("tasks_databaseidentity"), transaction.atomic():
        for statement in statements:
            tell(statement)


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def known(transactional_db):
    assert check() is False


@pytest.fixture
def restored(known):
    """The database as a restore in place leaves it; the worker has found that."""

    def restore() -> DatabaseIdentity | None:
        write_behind_the_guards(REWRITTEN)
        assert check() is True
        return open_restore()

    return restore


@pytest.fixture
def reconcile(root):
    def reconcile_it(run, decision, *, by=root, reason="Looked at the provider's page"):
        reconcile_run(run.pk, decision=decision, by=by, door=Door.ADMIN, reason=reason)
        run.refresh_from_db()
        return run

    return reconcile_it


@pytest.fixture
def look_up(root):
    return lambda run: look_up_unfinished(run.pk, by=root, door=Door.ADMIN)


@pytest.fixture
def restart(root, dave, task):
    """Two people start everything again."""
    set_right(task, Right.APPROVE, to=dave)

    def start() -> None:
        stop = Stop.objects.get(ended_at=None)
        asked = propose_start(stop.pk, by=root, door=Door.ADMIN, reason="All is reconciled")
        decide(asked.pk, decided_by=dave, verdict="approve", seal=asked.seal, door=Door.ADMIN)

    return start


def kept_in(folder: Path) -> dict[str, object]:
    [file] = folder.glob("seen/*.json")
    return json.loads(file.read_text())


# --- It is found -----------------------------------------------------------------------------------


def test_the_first_look_writes_down_which_database_it_is(known, data_folder):
    check()
    [identity] = DatabaseIdentity.objects.all()
    assert (identity.found, identity.stop, is_held()) == (Found.FIRST, None, False)
    assert identity.system_identifier.isdecimal()
    assert identity.database_oid > 0
    row = WorkerLook.objects.get()
    assert kept_in(data_folder) == {"folder": str(row.folder), "number": row.number}
    assert row.number == 2


@pytest.mark.parametrize(
    "written",
    [
        REWRITTEN,  # by a restore into the same database
        "UPDATE tasks_databaseidentity SET database_oid = 1",
        "UPDATE tasks_databaseidentity SET system_identifier = '1'",
    ],
)
def test_a_restored_database_starts_nothing(written, known, ask, work, credit):
    run = ask("50.00")
    write_behind_the_guards(written)
    assert (is_restored(), is_held()) == (True, True)
    # Also before anybody has found it: by the database itself.
    with pytest.raises(IntegrityError, match="restored from a backup"):
        work(run)
    assert check() is True
    assert check() is True
    assert work(run).status == Status.QUEUED
    assert credit.calls == []
    assert (is_restored(), is_held()) == (False, True)
    assert [each.found for each in DatabaseIdentity.objects.order_by("pk")] == ["first", "restored"]
    assert Stop.objects.get().scope == Stop.Scope.EVERYTHING


def test_a_worker_that_was_there_before_sends_no_step(known, ask, work, credit):
    sent = []

    def restored_meanwhile(run):
        write_behind_the_guards(REWRITTEN)
        run.once("pay", lambda key: sent.append(key))

    credit.behave = restored_meanwhile
    work(ask("50.00"))
    assert sent == []


def test_nothing_is_sent_to_people(restored):
    restored()
    assert pump() == "restored"
    assert sweep() == "restored: 0 lost"


def test_the_row_is_not_written_without_a_stop_or_in_a_savepoint(known):
    refused = pytest.raises(IntegrityError, match="outside of savepoints")
    with refused, transaction.atomic(), transaction.atomic():
        DatabaseIdentity.objects.create(found=Found.MOVED)
    write_behind_the_guards(REWRITTEN)
    with pytest.raises(IntegrityError, match="everything is stopped first"):
        DatabaseIdentity.objects.create(found=Found.MOVED)


def test_a_copy_of_the_files_is_found_by_the_count_of_a_worker(known, data_folder):
    check()
    WorkerLook.objects.update(number=1)
    assert check() is True
    assert open_restore().found == Found.OLDER


def test_a_count_that_was_not_written_to_the_folder_is_no_loss(known, data_folder):
    WorkerLook.objects.update(number=9)
    assert check() is False


def of_another_timeline():
    write_behind_the_guards(
        "DELETE FROM tasks_databaseidentity",
        "INSERT INTO tasks_databaseidentity"
        " (found, system_identifier, database_oid, timeline, written_in, recorded_at)"
        " SELECT 'first', system_identifier, database_oid, timeline - 1,"
        " pg_current_xact_id()::text::bigint, now() FROM tasks_present_database()",
    )


def test_a_server_that_was_promoted_is_held_where_no_worker_knows_it(known):
    of_another_timeline()
    assert check() is True
    assert open_restore().found == Found.PROMOTED


def test_a_server_that_was_promoted_with_all_that_a_worker_has_seen_goes_on(known, data_folder):
    """A replica that took over has lost nothing: it has the count that the worker's folder has."""
    of_another_timeline()
    identity = DatabaseIdentity.objects.get()
    [file] = data_folder.glob("seen/*.json")
    name = f"{identity.system_identifier}-{identity.database_oid}-{identity.written_in}.json"
    file.rename(file.with_name(name))
    assert check() is False
    assert DatabaseIdentity.objects.latest("pk").found == Found.MOVED


# --- It is reconciled ------------------------------------------------------------------------------


def test_nothing_restarts_before_each_run_is_reconciled(
    known, ask, restored, reconcile, restart, root, work, credit
):
    queued, awaiting = ask("50.00"), ask("150.00")
    restore = restored()
    assert list(to_reconcile(restore)) == [queued, awaiting]
    with pytest.raises(NotStarted, match="2 unfinished runs must be reconciled"):
        restart()
    with without_guards("tasks_stop"):
        tell("ALTER TABLE tasks_stop ENABLE ALWAYS TRIGGER tasks_guard_reconciled")
        with pytest.raises(IntegrityError, match="reconciled first"):
            Stop.objects.update(ended_at=Now())
    reconcile(queued, "keep")
    reconcile(awaiting, "cancel", reason="It was paid, says the provider's page")
    restart()
    assert is_held() is False
    assert work(queued).status == Status.SUCCEEDED
    assert awaiting.status == Status.CANCELLED
    assert ApprovalRequest.objects.get(pk=awaiting.approval_id).status == "withdrawn"
    said = Reconciliation.objects.order_by("pk").values_list("decision", "decided_by", "door")
    assert list(said) == [("keep", root.pk, "admin"), ("cancel", root.pk, "admin")]


def test_what_waited_can_be_approved_and_is_held(known, ask, approve, restored, work, credit):
    run = ask("150.00")
    restored()
    approve(run)
    assert work(run).status == Status.QUEUED
    assert credit.calls == []
    assert run in to_reconcile(open_restore())


def paying(credit, sent):
    """The function has a step at the provider and one in our own books."""

    def behave(run):
        answer = run.once("pay", lambda key: sent.append(key) or {"id": "p_1"})
        run.write_once("books", lambda: 1)
        return {"Paid": answer["id"]}

    credit.behave = behave


def test_what_the_look_up_shows_is_recorded_and_not_sent_again(
    known, ask, work, credit, shows, restored, reconcile, look_up, restart
):
    sent = []
    paying(credit, sent)
    work(ask("40.00"))  # so that the steps of the task are known
    run = ask("50.00")
    shows(happened=True, answer={"id": "p_lost"})
    restored()
    with pytest.raises(NotReconciled, match="Look it up first"):
        reconcile(run, "keep")
    look = look_up(run)
    assert [step.step for step in look.steps] == ["pay"]
    reconcile(run, "keep")
    restart()
    assert work(run).status == Status.SUCCEEDED
    assert run.output["pairs"] == [["Paid", "p_lost"]]
    assert len(sent) == 1
    assert sorted(run.effects.values_list("step", flat=True)) == ["books", "pay"]
    assert Reconciliation.objects.get().looked_up


def test_a_masked_answer_is_not_recorded_for_a_run_that_goes_on(
    known, ask, work, credit, shows, restored, reconcile, look_up, settings
):
    """Its resolution looks it up: then it is over, and nothing takes the mask for the answer."""
    settings.STRIPE_API_KEY = "canary-4711-stripe"
    paying(credit, [])
    work(ask("40.00"))
    run = ask("50.00")
    shows(happened=True, answer={"id": settings.STRIPE_API_KEY})
    restored()
    look_up(run)
    with pytest.raises(NotReconciled, match="The answer of “pay” holds a secret"):
        reconcile(run, "keep")
    assert reconcile(run, "unknown").status == Status.UNCERTAIN
    assert list(run.effects.values_list("step", "answered_at")) == [("pay", None)]


def test_a_masked_answer_of_a_run_in_doubt_is_left_to_its_resolution(
    known, ask, work, credit, uncertain, shows, restored, reconcile, look_up, settings
):
    settings.STRIPE_API_KEY = "canary-4711-stripe"
    credit.behave = lambda run: run.once("ship", lambda key: 1)
    work(ask("40.00"))
    shows(happened=True, answer=settings.STRIPE_API_KEY)
    restored()
    look_up(uncertain)
    assert reconcile(uncertain, "keep").status == Status.UNCERTAIN
    steps = uncertain.effects.filter(answered_at=None, sent_at__isnull=False)
    assert set(steps.values_list("step", flat=True)) == {"pay", "ship"}


def test_a_masked_answer_of_an_item_does_not_leave_its_run_without_a_way_on(
    known, ask, work, credit, shows, restored, reconcile, look_up, settings, idempotent
):
    settings.STRIPE_API_KEY = "canary-4711-stripe"

    def busy(item, key):
        raise Busy("Too many at once.")

    credit.behave = lambda run: run.each("pay", [1], busy, key=str)
    run = work(ask("50.00"))
    shows(happened=True, answer=settings.STRIPE_API_KEY)
    restored()
    look_up(run)
    with pytest.raises(NotReconciled, match="The answer of “pay:1” holds a secret"):
        reconcile(run, "keep")
    assert reconcile(run, "unknown").status == Status.UNCERTAIN


def test_what_the_look_up_does_not_show_is_sent(
    known, ask, work, credit, shows, restored, reconcile, look_up, restart
):
    sent = []
    paying(credit, sent)
    work(ask("40.00"))
    run = ask("50.00")
    shows(happened=False)
    restored()
    look_up(run)
    reconcile(run, "keep")
    restart()
    assert work(run).status == Status.SUCCEEDED
    assert len(sent) == 2


@pytest.mark.parametrize("happened", [True, None])
def test_a_request_that_waits_is_not_kept_when_it_may_have_been_done(
    happened, known, ask, work, credit, shows, restored, reconcile, look_up
):
    paying(credit, [])
    work(ask("40.00"))
    run = ask("150.00")
    shows(happened=happened)
    restored()
    look_up(run)
    with pytest.raises(NotReconciled):
        reconcile(run, "keep")


def test_what_may_have_been_done_becomes_unknown_and_is_looked_up_like_any_other(
    known, ask, work, credit, shows, restored, reconcile, restart, look, resolve, idempotent
):
    sent = []
    paying(credit, sent)
    work(ask("40.00"))
    run = ask("50.00")
    shows(happened=True, answer={"id": "p_lost"})
    restored()
    reconcile(run, "unknown")
    assert run.status == Status.UNCERTAIN
    shown = look(run)
    resolve(run, "go_on", look=shown.id)
    restart()
    assert work(run).status == Status.SUCCEEDED
    assert len(sent) == 1


def test_a_look_up_asks_for_the_keys_of_the_time_that_is_lost(
    known, uncertain, deploy, restored, look_up
):
    asked = []
    deploy(recorded=False, look_up=lambda sent, amount: asked.append(sent))
    restored()
    look_up(uncertain)
    [sent] = asked
    assert f"bo-{uncertain.pk}-pay" in sent.keys
    assert f"bo-{uncertain.pk}.2-pay" in sent.keys


def test_a_run_that_was_running_is_unknown_also_where_it_may_be_repeated(
    known, ask, restored, idempotent
):
    run = ask("50.00")
    Run.objects.filter(pk=run.pk).update(
        status=Status.RUNNING,
        worker="gone:1",
        started_at=Now(),
        attempt=1,
        lease_until=Now() - timedelta(hours=1),
    )
    restored()
    recover_lost_runs(door=Door.SCHEDULE)
    run.refresh_from_db()
    assert run.status == Status.UNCERTAIN


def test_only_an_administrator_reconciles_and_says_why(known, ask, restored, reconcile, bob, root):
    run = ask("50.00")
    with pytest.raises(NotReconciled, match="no restored database"):
        reconcile(run, "keep")
    restored()
    with pytest.raises(NotReconciled, match="Only an administrator"):
        reconcile(run, "keep", by=bob)
    with pytest.raises(NotReconciled, match="Say what you checked"):
        reconcile(run, "keep", reason=" ")
    reconcile(run, "keep")
    with pytest.raises(NotReconciled, match="reconciled already"):
        reconcile(run, "cancel")
    assert Effect.objects.count() == 0


# --- The numbers of transactions --------------------------------------------------------------------


def test_the_number_of_a_transaction_of_then_opens_no_request_again(ask):
    """In another server the numbers begin anew: sooner or later one comes again."""
    request = ask("150.00").approval
    for _ in range(5):
        with without_guards("approvals_approvalrequest"):
            tell(
                "UPDATE approvals_approvalrequest"
                " SET opened_in = pg_current_xact_id()::text::bigint + 30"
            )
        request.refresh_from_db()
        if _when_the_number_comes(request):
            return
    pytest.fail("Somebody else's transaction has had the number each time.")


def _when_the_number_comes(request: ApprovalRequest) -> bool:
    """Whether it came to us; then nobody was let in."""
    now = 0
    while now < request.opened_in:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_current_xact_id()::text::bigint")
                (now,) = cursor.fetchone()
            if now == request.opened_in:
                refused = pytest.raises(IntegrityError, match="when it is opened, not later")
                with refused, transaction.atomic():
                    Stage.objects.create(request=request, position=2, name="Another", needed=1)
                return True
    return False
