"""Whatever a task raises, returns or says: how its run ended is written down, and no longer than people read."""

import datetime
import uuid
from dataclasses import dataclass
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group

from tasks.declaration.errors import Busy, Cancelled, OutcomeUnknown, Refused
from tasks.models import Run
from tasks.outputs.serialization import parts
from tasks.secrets.bounds import bounded
from tasks.secrets.masking import MASK, Redactor
from tasks.worker.writes import IT_STAYS
from tests.tasks.actions.test_lost_runs import due
from tests.tasks.worker.test_execution import raising

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


# --- What it raises -------------------------------------------------------------------------------


def speechless(kind: type[BaseException]) -> type[BaseException]:
    def no_text(error: BaseException) -> str:
        raise KeyError("no text")

    return type("Speechless", (kind,), {"__str__": no_text})


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        (ValueError, Status.FAILED),
        (Refused, Status.FAILED),
        (Busy, Status.FAILED),
        (Cancelled, Status.CANCELLED),
        (OutcomeUnknown, Status.UNCERTAIN),
    ],
)
def test_an_error_without_a_text_ends_the_run_as_any_other(ask, work, credit, kind, ends):
    credit.behave = raising(speechless(kind)("x"))
    run = work(ask("50.00"))
    assert run.status == ends
    assert "(The text of this Speechless cannot be read: KeyError.)" in run.error


@pytest.mark.parametrize("kind", [Refused, Busy, OutcomeUnknown])
def test_a_step_without_a_text_is_closed_as_any_other(ask, work, credit, kind):
    error = speechless(kind)("x")
    credit.behave = lambda run: run.each(
        "item", "ab", lambda item, key: raising(error)(run), key=str
    )
    run = work(ask("50.00"))
    assert run.is_over
    assert all("cannot be read" in each.error for each in run.effects.all())


def test_a_long_error_is_kept_in_part_and_says_how_long_it_was(ask, work, credit):
    credit.behave = raising(ValueError("x" * 50_000_000))
    run = work(ask("50.00"))
    assert len(run.error) < 11_000
    assert run.error.endswith("of 50,000,031 characters.)")
    assert len(run.traceback) < 101_000


@pytest.mark.parametrize("where", range(9_900, 10_100, 7))
def test_no_part_of_a_secret_is_left_where_a_text_is_cut(where):
    secret = "canary-4711-canary"
    text = f"{secret} {'x' * where}{secret}{'y' * 200}"
    kept = bounded(text, Redactor([secret]))
    assert kept.startswith(MASK)
    assert not any(secret[:n] in kept for n in range(4, len(secret)))


# --- What it says ---------------------------------------------------------------------------------


def test_a_log_line_may_be_anything_and_of_any_length(ask, work, credit):
    said = [42, None, Decimal("1.50"), speechless(ValueError)("x"), "y" * 100_000_000, "end"]
    credit.behave = lambda run: [run.log(each) for each in said] and None
    run = work(ask("50.00"))
    lines = list(run.log_lines.values_list("text", flat=True))[1:]
    assert lines[:3] == ["42", "None", "1.50"]
    assert "cannot be read" in lines[3]
    assert lines[4].endswith("of 100,000,000 characters.)")
    assert (len(lines[4]) < 11_000, lines[5]) == (True, "end")


def test_a_log_has_an_end_in_characters_too(ask, work, credit, monkeypatch):
    monkeypatch.setattr("tasks.worker.log_buffer.MOST_CHARACTERS", 100)
    credit.behave = lambda run: [run.log("y" * 30) for _ in range(10)] and None
    lines = list(work(ask("50.00")).log_lines.values_list("text", flat=True))
    assert lines[-1].startswith("The log ends here")
    assert len(lines) < 6


@pytest.mark.parametrize("numbers", [(-1, 5), (10**12, 5), (Decimal(1), 2.5)])
def test_a_progress_that_makes_no_sense_costs_nothing(ask, work, credit, numbers):
    credit.behave = lambda run: run.progress(*numbers)
    assert work(ask("50.00")).status == Status.SUCCEEDED


@pytest.mark.parametrize("step", ["", "x" * 161, 7, "a\0b"])
def test_a_step_has_a_name_that_can_be_kept(ask, work, credit, step):
    sent = []
    credit.behave = lambda run: run.once(step, sent.append)
    run = work(ask("50.00"))
    assert (run.status, sent) == (Status.FAILED, [])
    assert "A step is named by a text of 1 to 160 characters." in run.error


# --- One name, one step ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "twice",
    [
        lambda run, do: [run.once("send", lambda key: do()) for _ in range(2)],
        lambda run, do: [run.write_once("send", do) for _ in range(2)],
        lambda run, do: [run.once("send", lambda key: do()), run.write_once("send", do)],
        lambda run, do: [run.each("send", "a", lambda *_: do(), key=str) for _ in range(2)],
        lambda run, do: [run.write_each("send", "a", lambda _: do(), key=str) for _ in range(2)],
        lambda run, do: [
            run.each("send", "a", lambda *_: do(), key=str),
            run.once("send:a", lambda key: do()),
        ],
    ],
)
def test_a_name_that_is_used_twice_in_one_attempt_does_nothing_the_second_time(
    ask, work, credit, twice
):
    done = []
    credit.behave = lambda run: twice(run, lambda: done.append(1))
    run = work(ask("50.00"))
    assert (run.status, done) == (Status.FAILED, [1])
    assert "was begun before in this attempt" in run.error


# --- What a step answers --------------------------------------------------------------------------


ANSWER = {
    "amount": Decimal("1.50"),
    "day": datetime.date(2026, 1, 31),
    "at": datetime.datetime(2026, 1, 31, 14, 30, tzinfo=datetime.UTC),
    "id": uuid.UUID(int=7),
    "several": [datetime.time(8, 15), None, True, 1.5, "x"],
}


@pytest.mark.parametrize("way", ["once", "write_once"])
def test_an_answer_comes_back_as_it_was_in_this_attempt_and_the_next(
    ask, work, credit, idempotent, way
):
    seen, given = [], ANSWER | {"pair": (1, 2), 3: "three"}

    def behave(run):
        seen.append(getattr(run, way)("send", lambda *_: given))
        if len(seen) == 1:
            raise Busy("Once more.")

    credit.behave = behave
    run = work(ask("50.00"))
    due(run)
    assert work(run).status == Status.SUCCEEDED
    assert seen == [ANSWER | {"pair": [1, 2], "3": "three"}] * 2


@dataclass
class Receipt:
    number: int


CANNOT_BE_KEPT = [Receipt(7), {1, 2}, float("nan"), b"x", {(1, 2): 3}, 10**5000]


@pytest.mark.parametrize("answer", CANNOT_BE_KEPT, ids=lambda each: type(each).__name__)
def test_an_answer_that_cannot_be_kept_is_kept_as_text_and_the_run_says_so(
    ask, work, credit, answer
):
    credit.behave = lambda run: run.once("send", lambda key: answer)
    run = work(ask("50.00"))
    effect = run.effects.get()
    assert run.status == Status.SUCCEEDED
    assert effect.answered_at
    assert isinstance(effect.answer, str)
    assert "The answer of “send” could not be kept as it is" in run.log_lines.last().text


@pytest.mark.parametrize("answer", CANNOT_BE_KEPT, ids=lambda each: type(each).__name__)
def test_nothing_is_written_whose_answer_cannot_be_kept(ask, work, credit, answer):
    def write():
        Group.objects.create(name="made")
        return answer

    credit.behave = lambda run: run.write_once("make", write)
    run = work(ask("50.00"))
    assert run.status == Status.FAILED
    assert "The answer of “make” cannot be kept" in run.error
    assert not Group.objects.filter(name="made").exists()


# --- What it returns ------------------------------------------------------------------------------


class Unreadable(dict[str, int]):
    def items(self):
        raise KeyError("no items")


@pytest.mark.parametrize(
    ("returned", "texts"),
    [
        (lambda: 3, ["3"]),
        (lambda: True, ["Yes"]),
        (lambda: Decimal("1.50"), ["1.50"]),
        (lambda: datetime.date(2026, 1, 31), ["2026-01-31"]),
        (lambda: {7}, ["{7}", "The task returned a value of the type set"]),
        (lambda: Receipt(7), ["Receipt(number=7)", "of the type Receipt"]),
        (lambda: [[1]], ["[[1]]", "of the type list"]),
        (lambda: ["x", 1], ["x", "1"]),
        (lambda: speechless(ValueError)("x"), ["Speechless", "of the type Speechless"]),
        (lambda: Group.objects.values("name"), ["<QuerySet [{'name': ", "of the type QuerySet"]),
        (lambda: Group.objects.extra(where=["nonsense"]), ["cannot be read", "QuerySet"]),
        (lambda: Unreadable(a=1), ["The result cannot be shown: reading it raised KeyError."]),
        (lambda: {"n": 10**5000}, ["n"]),
    ],
)
def test_a_run_succeeds_whatever_it_returns(ask, work, credit, returned, texts):
    credit.behave = lambda run: returned()
    run = work(ask("50.00"))
    assert (run.status, run.error) == (Status.SUCCEEDED, "")
    shown = [part.get("text") or part["pairs"][0][0] for part in parts(run.output)]
    assert len(shown) == len(texts)
    assert all(text in found for text, found in zip(texts, shown, strict=True)), shown


# --- What it wrote beside its steps ---------------------------------------------------------------


def plainly(run) -> None:
    Group.objects.create(name="made")


def in_a_step(run) -> None:
    run.write_once("make", lambda: plainly(run))


def while_it_sends(run) -> None:
    run.once("send", lambda key: plainly(run))


@pytest.mark.parametrize(
    ("writes", "error", "said"),
    [
        (plainly, ValueError("a fault"), True),
        (plainly, Refused("No."), True),
        (while_it_sends, ValueError("a fault"), True),
        (in_a_step, ValueError("a fault"), False),
        (lambda run: Group.objects.count(), ValueError("a fault"), False),
    ],
)
def test_a_failure_says_that_what_was_written_before_stays(ask, work, credit, writes, error, said):
    def behave(run):
        writes(run)
        raise error

    credit.behave = behave
    run = work(ask("50.00"))
    assert run.status == Status.FAILED
    assert (IT_STAYS in run.error) is said
