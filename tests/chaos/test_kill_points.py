"""A process dies by kill -9 at each named point of a refund's way: the promises hold afterwards."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from approvals.actions import decide
from audit.context import Door
from fixtures.ledger.models import Entry
from tasks.access.rights import Right
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import registry
from tasks.models import Run, Task
from tasks.parameters import Money
from tasks.queue import kill_points, messages
from tasks.sync import sync_tasks
from tests.acceptance.conftest import ROOT, eventually, url_of_the_database
from tests.acceptance.supervised import Service, miss_the_dead
from tests.chaos.operations import MEMO
from tests.checker.evidence import gather, ledger_at
from tests.checker.report import check

Status = Run.Status
PACKAGES: Final = ("approvals", "audit", "backoffice", "fixtures", "tasks")
MODULE: Final = "tests.chaos.operations"
SWEPT_EVERY: Final = 0.3  # seconds
POINT: Final = re.compile(r'\bkillpoint\("([\w-]+)"\)')


class Case(NamedTuple):
    """How many attempts the run needs in the end, and where somebody has to die before."""

    attempts: int = 2
    after: str = ""
    by_decision: bool = False


CASES: Final = {
    "decision-written": Case(1, by_decision=True),
    "message-written": Case(1, by_decision=True),
    "claim-written": Case(1),
    "claimed": Case(),
    "step-begun": Case(),
    "step-sent": Case(),
    "step-answered": Case(),
    "lines-written": Case(),
    "function-ended": Case(),
    "end-written": Case(),
    "run-ended": Case(1),
    "lost-run-taken": Case(after="claimed"),
}


# Around the commit of a step that writes to our own database.
IN_OUR_DATABASE: Final = ("write-made", "write-committed")
# Around a run that pauses between two items, and goes on: how many attempts it has had by its pause.
AT_A_PAUSE: Final = {"pause-written": 2, "write-made": 2, "end-written": 2, "run-ended": 1}
ONLY_AT_A_PAUSE: Final = ("pause-written", "resume-written")


def test_each_point_in_the_source_has_its_case():
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    # Those of a step are passed on two ways: what is sent, and what is written to another database.
    found = {name for path in sources for name in POINT.findall(path.read_text(encoding="utf-8"))}
    assert found == {*CASES, *IN_OUR_DATABASE, *ONLY_AT_A_PAUSE}


@pytest.fixture
def deadly(tmp_path) -> Path:
    """The folder that says where processes die."""
    folder = tmp_path / "deadly"
    folder.mkdir()
    return folder


@pytest.fixture
def surroundings(deadly, at_stripe) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": url_of_the_database(),
        "STRIPE_API_BASE": at_stripe.url,
        "STRIPE_API_KEY": "sk_test_double",
        "RUN_RING_AGAIN_SECONDS": "1",
        "WORKERS": "2",
        "TASK_MODULES": ",".join([*settings.TASK_MODULES, MODULE]),
        kill_points.VARIABLE: str(deadly),
    }


@pytest.fixture
def service(surroundings, tmp_path):
    service = Service("worker", surroundings, tmp_path)
    yield service
    service.clear()


@pytest.fixture
def decided_by_a_process(surroundings):
    """Mona agrees in a process of her own; how that one ended."""

    def decide_it(run: Run) -> int:
        command = [sys.executable, "-m", "tests.chaos.deciding", str(run.pk), "mona"]
        return subprocess.run(command, cwd=ROOT, env=surroundings, check=False).returncode

    return decide_it


@pytest.fixture
def decided_by_a_process_that_dies(decided_by_a_process):
    """Mona agrees in a process that dies of it, which undoes it, and in another one."""

    def decide_it(run: Run) -> None:
        first = decided_by_a_process(run)
        run.refresh_from_db()
        assert (first, run.status) == (-signal.SIGKILL, Status.AWAITING_APPROVAL)
        assert decided_by_a_process(run) == 0

    return decide_it


@pytest.fixture
def agree(people):
    def agree_to(run: Run) -> None:
        assert run.approval_id
        request = {"decided_by": people["mona"], "seal": run.seal, "door": Door.ADMIN}
        decide(run.approval_id, verdict="approve", **request)

    return agree_to


@pytest.fixture
def refund(ask, payment):
    def ask_it() -> Run:
        amount = Money(Decimal("210.00"), "USD")
        return ask("sam", "refund-payment", payment=payment.pk, amount=amount, reason="duplicate")

    return ask_it


def swept_until_over(run: Run) -> None:
    """Until nothing more happens to it."""
    swept_until(run, lambda: run.is_over)


def swept_until(run: Run, holds: Callable[[], bool]) -> None:
    """With a sweep every now and then, as the queue's schedule asks for one."""

    asked_at = 0.0

    def is_so() -> bool:
        nonlocal asked_at
        run.refresh_from_db()
        miss_the_dead(run)
        if time.monotonic() > asked_at + SWEPT_EVERY:
            asked_at = time.monotonic()
            messages.enqueue_sweep()
        return holds()

    eventually(is_so)


def broken_promises(double) -> dict[str, list[str]]:
    database = str(connection.settings_dict["NAME"])
    address = make_conninfo(os.environ["DATABASE_URL"], dbname=database)
    with psycopg.connect(address) as reader:
        return check(gather(reader, lambda: ledger_at(double.url)))


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", CASES)
def test_the_money_moves_once(
    point, deadly, service, agree, decided_by_a_process_that_dies, refund, payment, at_stripe
):
    run, case = refund(), CASES[point]
    for name in filter(None, (point, case.after)):
        (deadly / name).touch()

    (decided_by_a_process_that_dies if case.by_decision else agree)(run)
    swept_until_over(run)

    eventually(lambda: not any(deadly.iterdir()))
    assert (run.status, run.attempt) == (Status.SUCCEEDED, case.attempts), run.error
    assert len(at_stripe.effects("refund")) == 1
    payment.refresh_from_db()
    assert payment.refunded == Decimal("210.00")
    assert Entry.objects.filter(reference=f"run:{run.pk}").count() == 1
    assert broken_promises(at_stripe) == {}


@pytest.fixture
def credit_in_danger(people, account):
    registry.load([MODULE])
    sync_tasks()
    row = Task.objects.get(slug="credit-in-danger")
    set_right(row, Right.EXECUTE, to=people["sam"])
    return row


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", IN_OUR_DATABASE)
def test_a_step_in_our_own_database_happens_once(
    point, deadly, credit_in_danger, service, ask, account, at_stripe
):
    (deadly / point).touch()
    run = ask("sam", credit_in_danger.slug, number=account.number, amount="5.00")
    swept_until_over(run)

    assert not any(deadly.iterdir())
    assert (run.status, run.attempt) == (Status.SUCCEEDED, 2), run.error
    (entry,) = Entry.objects.filter(memo=MEMO)
    assert run.output["pairs"] == [["Entry", str(entry.pk)]]
    assert broken_promises(at_stripe) == {}


@pytest.fixture
def credits_in_danger(people, account):
    registry.load([MODULE])
    sync_tasks()
    row = Task.objects.get(slug="credits-in-danger")
    set_right(row, Right.REQUEST, to=people["sam"])
    return row


@pytest.fixture
def paused(credits_in_danger, agree, ask, account):
    """A run of which two items have been done, whatever died."""

    def pause_it() -> Run:
        run: Run = ask("sam", credits_in_danger.slug, number=account.number)
        agree(run)
        swept_until(run, lambda: run.status == Status.PAUSED)
        assert Entry.objects.filter(memo=MEMO).count() == 2
        return run

    return pause_it


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", AT_A_PAUSE)
def test_a_run_pauses_at_the_same_place_and_goes_on_there(
    point, deadly, paused, service, decided_by_a_process, at_stripe
):
    (deadly / point).touch()
    run = paused()
    eventually(lambda: not any(deadly.iterdir()))
    assert run.attempt == AT_A_PAUSE[point]
    assert broken_promises(at_stripe) == {}

    (deadly / "write-made").touch()
    decided_by_a_process(run)
    swept_until_over(run)

    assert run.status == Status.SUCCEEDED, run.error
    assert Entry.objects.filter(memo=MEMO).count() == 5
    assert broken_promises(at_stripe) == {}


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
def test_a_look_whose_process_dies_has_not_happened(
    deadly, paused, service, decided_by_a_process, at_stripe
):
    run = paused()
    (deadly / "resume-written").touch()
    assert decided_by_a_process(run) == -signal.SIGKILL
    run.refresh_from_db()
    assert run.status == Status.PAUSED
    assert decided_by_a_process(run) == 0
    swept_until_over(run)
    assert Entry.objects.filter(memo=MEMO).count() == 5
    assert broken_promises(at_stripe) == {}


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["claimed", "step-sent"])
def test_what_may_not_be_repeated_is_left_to_a_person(
    point, deadly, service, agree, refund, at_stripe
):
    Task.objects.filter(slug="refund-payment").update(idempotent=False)
    run = refund()
    (deadly / point).touch()

    agree(run)
    swept_until_over(run)

    assert (run.status, run.attempt) == (Status.UNCERTAIN, 1)
    assert len(at_stripe.effects("refund")) == (point == "step-sent")
    assert broken_promises(at_stripe) == {}
