"""A canary: the secret of a run is in no table and no log, whatever the task does with it."""

import logging
from base64 import b64encode
from collections.abc import Iterator

import pytest
from django.db import connection
from psycopg.sql import SQL, Identifier

from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import adopt_task, request_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import Busy, OutcomeUnknown, Refused
from tasks.declaration.registry import RegisteredTask, registry
from tasks.models import Run, StoredFile, Task
from tasks.outputs import JSON, Chart, File, KeyValue, Markdown, Table
from tasks.parameters import Secret
from tasks.secrets.masking import MASK
from tasks.secrets.redaction import redactor_for
from tasks.worker.execution import execute
from tasks.worker.task_run import TaskRun

CANARY = "canary-4711-äöü"

RETURNS = {
    "text": lambda s: f"The key is {s}",
    "pairs": lambda s: KeyValue({s: s}, title=s),
    "table": lambda s: Table([s], [[s], [f"{s}!"]], title=s),
    "markdown": lambda s: Markdown(f"**{s}**"),
    "markdown that is cut": lambda s: Markdown("x" * 99_988 + s),
    "json": lambda s: JSON({s: [s, {"x": s}]}, title=s),
    "file": lambda s: File.of(f"{s}.txt", f"key={s}"),
    "chart": lambda s: Chart("bar", [s], {s: [1]}, title=s, x=s, y=s),
    "several": lambda s: [s, {s: s}],
}
RAISES = {
    "a fault": lambda s: ValueError(f"No such key: {s}"),
    "a chain": lambda s: chained(s),
    "a refusal": lambda s: Refused(f"{s} was refused."),
    "no answer": lambda s: OutcomeUnknown(f"Nobody answered {s}."),
    "the type of what it returned": lambda s: type(s, (Exception,), {})(),
    "an end of the process": lambda s: SystemExit(s),
}


def chained(secret: str) -> Exception:
    error = RuntimeError("could not sign in")
    error.__cause__ = KeyError(secret)
    return error


@pytest.fixture
def rotate(db, alice):
    """Run a task with the canary as its secret, which then does this with it."""

    def run_it(behave, *, with_run=False, attempts=1, secret=CANARY) -> Run:
        def rotate_key(run: TaskRun, key: Secret) -> object:
            run.log(f"The key is {key.reveal()}")
            return behave(run, key.reveal()) if with_run else behave(key.reveal())

        registered = RegisteredTask(
            slug="rotate-key",
            name="Rotate a key",
            category="Tests",
            owner="Testers",
            description="Puts a new key in place.",
            function=rotate_key,
            source_hash="2" * 64,
            idempotent=attempts > 1,
        )
        with registry.temporarily(registered):
            adopt_task(registered)
            task = Task.objects.get(slug="rotate-key")
            set_right(task, Right.EXECUTE, to=alice)
            run = request_run(task.pk, requested_by=alice, door=Door.ADMIN, values={"key": secret})
            for _ in range(attempts):
                Run.objects.update(due_at=None)
                execute(str(run.pk))
        run.refresh_from_db()
        return run

    return run_it


def everything_kept() -> Iterator[str]:
    """Each row of each table, as text; of files the content too."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(SQL("SELECT t::text FROM {} t").format(Identifier(table)))
            yield from (row for (row,) in cursor.fetchall())
    yield from (bytes(file.content).decode() for file in StoredFile.objects.all())


def holding_the_canary() -> list[str]:
    ascii_part = "canary-4711"
    return [row for row in everything_kept() if ascii_part in row]


def raising(error):
    def behave(secret: str) -> None:
        logging.getLogger("somebody.elses.library").error("with %s", secret)
        raise error(secret)

    return behave


def test_the_canary_would_be_found(rotate, alice):
    alice.first_name = CANARY
    alice.save()
    assert holding_the_canary()


@pytest.mark.parametrize("returns", RETURNS.values(), ids=RETURNS)
def test_no_result_holds_a_secret(rotate, returns):
    run = rotate(returns)
    assert run.status == Run.Status.SUCCEEDED, run.error
    assert holding_the_canary() == []


@pytest.mark.parametrize("error", RAISES.values(), ids=RAISES)
def test_no_error_holds_a_secret(rotate, error, caplog):
    run = rotate(raising(error))
    assert run.status != Run.Status.SUCCEEDED
    assert holding_the_canary() == []
    ours = [record for record in caplog.records if record.name.startswith("tasks.")]
    assert not any(CANARY in record.getMessage() for record in ours)


def test_what_is_left_of_an_error_still_helps(rotate):
    run = rotate(raising(RAISES["a fault"]))
    assert run.error == f"ValueError in the task's code: No such key: {MASK}"
    assert "raise error(secret)" in run.traceback


def test_no_secret_of_the_settings_is_kept_either(rotate, settings):
    settings.STRIPE_API_KEY = "canary-4711-stripe"
    rotate(lambda secret: {"key": settings.STRIPE_API_KEY})
    assert holding_the_canary() == []


def test_a_text_that_the_database_cannot_hold_does_not_keep_the_run_from_ending(rotate):
    assert rotate(lambda secret: {"a\x00": "\ud800"}).status == Run.Status.SUCCEEDED
    assert rotate(raising(lambda secret: ValueError("\x00"))).status == Run.Status.FAILED


STEPS = {
    "once": lambda run, s: run.once("make", lambda key: {"key": s, s: [s, 1]}),
    "write_once": lambda run, s: run.write_once("make", lambda: f"made {s}"),
    "each": lambda run, s: run.each(
        "make", [1], lambda _, key: {"key": s}, key=str, label=lambda _: s
    ),
    "write_each": lambda run, s: run.write_each(
        "make", [1], lambda _: s, key=str, label=lambda _: s
    ),
    "names": lambda run, s: run.once(f"make {s}", lambda key: 1),
    "keys": lambda run, s: run.each("make", [s], lambda item, key: item, key=str),
    "a name that is long": lambda run, s: run.once(f"{'x' * 144}{s}", lambda key: 1),
    "names of many": lambda run, s: run.each(f"make {s}", [1], lambda item, key: item, key=str),
    "long names of many": lambda run, s: run.each(f"{'x' * 140}{s}", [1], lambda _, k: 1, key=str),
    "a long key": lambda run, s: run.each("make", [s * 12], lambda _, key: key, key=str),
    "basic": lambda run, s: run.once("make", lambda key: b64encode(f"me:{s}".encode()).decode()),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("do", STEPS.values(), ids=STEPS)
def test_no_step_holds_a_secret(rotate, do):
    """Neither while its run goes on, nor afterwards, in its answer, label, name or key."""
    seen = []

    def behave(run, secret):
        do(run, secret)
        seen.extend(holding_the_canary())
        seen.extend(row for row in everything_kept() if b"canary".hex() in row)

    run = rotate(behave, with_run=True)
    assert run.status == Run.Status.SUCCEEDED, run.error
    assert run.effects.get().answered_at
    assert seen == holding_the_canary() == []
    assert b64encode(f"me:{CANARY}".encode()).decode()[8:-4] not in "".join(everything_kept())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("secret", ["make", "a"])
def test_an_item_has_one_step_whatever_the_secret(rotate, secret):
    """Also one that occurs in what stands for it: a short one does in hexadecimal digits."""

    def behave(run, s):
        items = [f"{s}{number}" for number in range(10)]
        return run.each("make", items, lambda item, key: 1, key=str)

    run = rotate(behave, with_run=True, secret=secret)
    assert run.output["pairs"] == [["Done", "10"]]
    assert run.effects.exclude(answered_at=None).exclude(position=None).count() == 10
    assert run.effects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_the_next_attempt_gets_the_answer_as_it_was(rotate):
    """And nobody else does: it is encrypted, until the run has ended."""
    answers = []

    def behave(run, secret):
        answers.append(run.once(f"make {secret}", lambda key: {"token": f"{secret}!"}))
        answers.append(run.write_once("write", lambda: [secret]))
        if len(answers) == 2:
            raise Busy("Once more.")
        answers.append(run.each("all", [1], lambda _, key: secret, key=int).answers)

    run = rotate(behave, with_run=True, attempts=2)
    once, write = {"token": f"{CANARY}!"}, [CANARY]
    assert answers == [once, write, once, write, {1: CANARY}], run.error
    assert set(run.effects.values_list("answer_ciphertext", flat=True)) == {None}
    assert run.effects.get(step="write").answer == [MASK]


def test_the_log_of_a_run_can_be_redacted_while_it_goes_on(rotate):
    said = []
    rotate(lambda secret: said.append(redactor_for(Run.objects.get())(f"with {secret}")))
    assert said == [f"with {MASK}"]


def test_secrets_that_are_gone_are_no_reason_to_fail(rotate):
    run = rotate(lambda secret: None)
    assert redactor_for(run)("as it is") == "as it is"
