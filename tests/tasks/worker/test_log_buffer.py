"""Log lines and progress: kept together for a moment, in order, none lost. Promise 2's small sister."""

import threading

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tasks.declaration.errors import Refused
from tasks.models import LogLine, Run
from tasks.secrets.masking import Redactor
from tasks.worker.log_buffer import MOST_LINES, LogBuffer
from tests.acceptance.conftest import eventually
from tests.tasks.actions.test_lost_runs import claimed

pytestmark = pytest.mark.django_db(transaction=True)


def texts(run: Run) -> list[str]:
    return list(run.log_lines.order_by("id").values_list("text", flat=True))


def test_ten_thousand_lines_are_there_in_their_order(ask, work, credit):
    credit.behave = lambda run: [run.log(f"line {n}") for n in range(10_000)] and None
    run = work(ask("50.00"))
    assert texts(run)[1:] == [f"line {n}" for n in range(10_000)]


def test_people_read_a_line_while_the_function_goes_on(ask, work, credit):
    seen = threading.Event()

    def behave(run):
        run.log("half way")
        eventually(lambda: LogLine.objects.filter(text="half way").exists())
        seen.set()

    credit.behave = behave
    work(ask("50.00"))
    assert seen.is_set()


def test_lines_that_came_before_a_step_are_there_before_it_is_sent(ask, work, credit):
    found = []

    def send(key):
        found.extend(LogLine.objects.values_list("text", flat=True))
        return "sent"

    def behave(run):
        run.log("about to send")
        run.once("pay", send)

    credit.behave = behave
    work(ask("50.00"))
    assert found[-1] == "about to send"


def test_a_failed_run_keeps_what_it_wrote(ask, work, credit):
    def behave(run):
        run.log("so far so good")
        raise Refused("No.")

    credit.behave = behave
    assert texts(work(ask("50.00")))[-1] == "so far so good"


def test_what_is_logged_in_a_transaction_that_is_undone_is_logged_all_the_same(ask, work, credit):
    def behave(run):
        with transaction.atomic():
            for n in range(150):  # more than are written together
                run.log(f"line {n}")
            eventually(lambda: LogLine.objects.filter(text="line 0").exists())
            transaction.set_rollback(True)

    credit.behave = behave
    assert len(texts(work(ask("50.00")))) == 151


def test_a_line_keeps_the_moment_at_which_it_was_written(ask, credit, task):
    log_buffer = LogBuffer(claimed(ask("50.00")), Redactor([]))
    log_buffer.write("first")
    threading.Event().wait(0.05)
    log_buffer.write("second")
    log_buffer.flush()
    first, second = LogLine.objects.order_by("id")
    assert 0.05 <= (second.at - first.at).total_seconds() < 5


def test_many_lines_are_one_statement(ask, credit, task):
    log_buffer = LogBuffer(claimed(ask("50.00")), Redactor([]))
    for n in range(1000):
        log_buffer.write(f"line {n}")
    with CaptureQueriesContext(connection) as queries:
        log_buffer.flush()
    assert len(queries) == 1


def test_lines_wait_for_a_database_that_is_away(ask, credit, task):
    run = claimed(ask("50.00"))
    log_buffer = LogBuffer(run, Redactor([]))
    log_buffer.write("kept")
    with connection.execute_wrapper(away), pytest.raises(DatabaseError):
        log_buffer.flush()
    log_buffer.flush()
    assert texts(run) == ["kept"]


def away(execute, sql, params, many, context):
    raise DatabaseError("away")


def test_characters_that_the_database_cannot_hold_do_no_harm(ask, work, credit):
    def behave(run):
        run.log("a\0b \ud800 c")
        raise ValueError("x\0y \ud800")

    credit.behave = behave
    run = work(ask("50.00"))
    assert texts(run)[-1] == "a�b � c"
    assert (run.status, run.error) == ("failed", "ValueError in the task's code: x�y �")


def test_a_loop_gone_wild_fills_no_disk(ask, credit, task):
    run = claimed(ask("50.00"))
    log_buffer = LogBuffer(run, Redactor([]))
    for n in range(MOST_LINES + 10):
        log_buffer.write(str(n))
    log_buffer.flush()
    assert run.log_lines.count() == MOST_LINES
    assert texts(run)[-1] == "The log ends here, after 100,000 lines. The run continues."


def test_only_the_newest_progress_is_written(ask, work, credit):
    def behave(run):
        with CaptureQueriesContext(connection) as queries:
            for n in range(1000):
                run.progress(n + 1, 1000)
        assert len(queries) == 0

    credit.behave = behave
    run = work(ask("50.00"))
    assert (run.status, run.steps_done, run.steps_total) == ("succeeded", 1000, 1000)
