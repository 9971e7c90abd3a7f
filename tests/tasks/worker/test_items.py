"""`run.each` and `run.write_each`: each item once, reported one by one, gone on with. S15."""

import pytest
from django.contrib.auth.models import Group
from django.db.models.functions import Now

from audit.context import Door
from tasks.actions import cancel_run, recover_lost_runs
from tasks.actions.runs.effects import refuse_effect
from tasks.declaration.errors import Busy, OutcomeUnknown, Refused
from tasks.models import Effect, Run
from tasks.runs.timeline import timeline_of
from tasks.secrets.masking import Redactor
from tasks.worker.items import Items
from tests.owner import without_guards
from tests.tasks.actions.test_lost_runs import due

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status
LETTERS = ["a", "b", "c", "d", "e"]


@pytest.fixture(autouse=True)
def may_be_sent_again(idempotent):
    """Each task of this module may be sent again under its keys."""


def queue_again(run: Run) -> None:
    """As a person's finding would."""
    with without_guards("tasks_run"):
        Run.objects.filter(pk=run.pk).update(status=Status.QUEUED)


class Provider:
    """Takes letters, and remembers under which key. `behave` may say something else for one."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.behave: dict[str, BaseException] = {}

    def take(self, letter: str, key: str) -> dict[str, str]:
        self.taken.append((letter, key))
        if letter in self.behave:
            raise self.behave[letter]
        return {"id": f"made-{letter}"}

    @property
    def letters(self) -> list[str]:
        return [letter for letter, _ in self.taken]


@pytest.fixture
def provider(credit) -> Provider:
    provider = Provider()
    credit.behave = lambda run: run.each("letter", LETTERS, provider.take, key=str)
    return provider


def states(run: Run) -> dict[str, str]:
    """What became of each item."""
    found = {}
    for effect in run.effects.order_by("position"):
        said = "refused" if effect.refused else "done"
        asked = said if effect.answered_at else "open"
        found[effect.label] = asked if effect.sent_at else "not begun"
    return found


def test_each_item_is_done_once_under_a_key_of_its_own(ask, work, provider):
    run = work(ask("50.00"))
    assert run.status == Status.SUCCEEDED
    assert provider.taken == [(each, f"bo-{run.pk}-letter:{each}") for each in LETTERS]
    assert run.output == {"kind": "pairs", "pairs": [["Done", "5"]]}
    assert (run.steps_done, run.steps_total) == (5, 5)


def test_a_refused_item_does_not_stop_the_others_and_fails_the_run(ask, work, provider):
    provider.behave["b"] = Refused("The card is closed.")
    run = work(ask("50.00"))
    assert (run.status, provider.letters) == (Status.FAILED, LETTERS)
    assert run.error == "1 item failed. What is done stays done: see the items."
    assert states(run) == dict.fromkeys(LETTERS, "done") | {"b": "refused"}
    assert run.effects.get(label="b").error == "The card is closed."


def test_a_report_gives_the_answers(ask, work, credit, provider):
    def behave(run):
        report = run.each("letter", LETTERS, provider.take, key=str)
        return {"third": report.answers["c"]["id"], "refused": report.refused}

    credit.behave = behave
    provider.behave["b"] = Refused("The card is closed.")
    run = work(ask("50.00"))
    assert run.status == Status.SUCCEEDED  # its code has said what the refusal means
    assert run.output["pairs"] == [["third", "made-c"], ["refused", "1"]]


def test_an_item_without_an_answer_is_sent_again_under_its_key_and_no_other_is(ask, work, provider):
    provider.behave["b"] = OutcomeUnknown("No answer came.")
    run = work(ask("50.00"))
    assert (run.status, run.attempt) == (Status.QUEUED, 1)
    assert states(run)["b"] == "open"
    first = dict(provider.taken)
    provider.taken.clear()
    provider.behave.clear()
    due(run)
    assert work(run).status == Status.SUCCEEDED
    assert provider.taken == [("b", first["b"])]


def test_a_refused_item_is_not_sent_again_with_one_that_had_no_answer(ask, work, provider):
    provider.behave = {"b": OutcomeUnknown("No answer came."), "d": Refused("Closed.")}
    run = work(ask("50.00"))
    provider.taken.clear()
    provider.behave.clear()
    due(run)
    assert work(run).status == Status.FAILED
    assert provider.letters == ["b"]


def test_it_is_uncertain_in_the_end_and_says_how_many(ask, work, provider, task):
    type(task).objects.filter(pk=task.pk).update(idempotent=False)
    provider.behave["b"] = OutcomeUnknown("No answer came.")
    run = work(ask("50.00"))
    assert run.status == Status.UNCERTAIN
    assert run.error == "1 of 5 items had no clear answer. The first: No answer came."
    assert states(run) == dict.fromkeys(LETTERS, "done") | {"b": "open"}


def test_a_busy_item_is_not_begun_and_tried_again_later(ask, work, provider):
    provider.behave["b"] = Busy("Too many at once.")
    run = work(ask("50.00"))
    assert (run.status, states(run)["b"]) == (Status.QUEUED, "not begun")
    provider.behave.clear()
    due(run)
    assert work(run).status == Status.SUCCEEDED
    assert provider.letters == [*LETTERS, "b"]


def test_three_in_a_row_without_an_answer_leave_the_rest_for_later(ask, work, provider):
    provider.behave = {each: OutcomeUnknown("No answer came.") for each in "bcd"}
    run = work(ask("50.00"))
    assert provider.letters == ["a", "b", "c", "d"]
    assert states(run)["e"] == "not begun"
    assert run.steps_done < run.steps_total


def test_three_whose_key_is_spent_hold_up_no_other(ask, work, provider):
    spent = OutcomeUnknown("Stripe has kept an error under this key.", same_key=False)
    provider.behave = dict.fromkeys("bcd", spent)
    run = work(ask("50.00"))
    assert (run.status, provider.letters) == (Status.UNCERTAIN, LETTERS)
    assert states(run)["e"] == "done"


def test_a_worker_that_lost_its_run_in_the_middle_leaves_the_rest_to_the_next(
    ask, work, credit, provider
):
    def take(letter, key):
        answer = provider.take(letter, key)
        if letter == "c" and provider.letters.count("c") == 1:
            Run.objects.update(lease_until=Now())
            recover_lost_runs(door=Door.SCHEDULE)
        return answer

    credit.behave = lambda run: run.each("letter", LETTERS, take, key=str)
    run = work(ask("50.00"))
    assert (run.status, provider.letters) == (Status.QUEUED, ["a", "b", "c"])
    assert work(run).status == Status.SUCCEEDED
    assert provider.letters == LETTERS


def test_other_items_on_a_later_attempt_do_nothing_more(ask, work, credit, provider):
    lists = iter([LETTERS, ["a", "x"]])
    credit.behave = lambda run: run.each("letter", next(lists), provider.take, key=str)
    provider.behave["b"] = OutcomeUnknown("No answer came.")
    run = work(ask("50.00"))
    provider.taken.clear()
    due(run)
    work(run)
    assert provider.taken == []
    assert "not those with which this run began" in run.error


def test_two_items_with_one_key_are_a_fault_before_anything_is_sent(ask, work, credit, provider):
    credit.behave = lambda run: run.each("letter", ["a", "b", "a"], provider.take, key=str)
    run = work(ask("50.00"))
    assert (run.status, provider.taken) == (Status.FAILED, [])
    assert "have the key 'a'" in run.error


def test_a_key_that_is_too_long_still_names_one_item(ask, work, credit, provider):
    long = ["x" * 300 + each for each in "ab"]
    credit.behave = lambda run: run.each("letter", long, provider.take, key=str)
    run = work(ask("50.00"))
    assert run.status == Status.SUCCEEDED
    assert len({key for _, key in provider.taken}) == 2
    assert all(len(key) <= 255 for _, key in provider.taken)


def test_it_stops_between_two_items_when_somebody_asks(ask, work, credit, provider, alice):
    def take(letter, key):
        if letter == "b":
            cancel_run(run.pk, by=alice, door=Door.ADMIN, reason="Wrong list")
        return provider.take(letter, key)

    credit.behave = lambda run: run.each("letter", LETTERS, take, key=str)
    run = ask("50.00")
    assert work(run).status == Status.CANCELLED
    assert provider.letters == ["a", "b"]
    assert states(run)["c"] == "not begun"
    assert [(entry.what, entry.who, entry.why) for entry in timeline_of(run)][-2:] == [
        ("Cancellation requested", "Alice Example (alice)", "Wrong list"),
        ("Cancelled while running", "", run.error),
    ]


def test_items_in_our_own_database_are_there_with_their_step_or_not_at_all(ask, work, credit):
    def write(letter):
        Group.objects.create(name=f"group {letter}")
        if letter == "c":
            raise Refused("There is no place for c.")
        return letter.upper()

    credit.behave = lambda run: run.write_each("letter", LETTERS, write, key=str)
    run = work(ask("50.00"))
    assert run.status == Status.FAILED
    assert states(run) == dict.fromkeys(LETTERS, "done") | {"c": "refused"}
    assert set(Group.objects.filter(name__startswith="group ").values_list("name", flat=True)) == {
        "group a", "group b", "group d", "group e",
    }  # fmt: skip
    assert run.effects.get(label="b").answer == "B"


def test_thousands_of_items_are_planned_in_a_few_statements(
    ask, work, credit, django_assert_max_num_queries
):
    def behave(run):
        items = Items("letter", range(3000), key=str, label=str, redact=Redactor([]))
        with django_assert_max_num_queries(8):
            items.plan(Run.objects.get(pk=run.id))

    credit.behave = behave
    run = work(ask("50.00"))
    assert (run.status, run.error) == (Status.SUCCEEDED, "")
    assert run.effects.count() == 3000


def test_an_item_gets_a_new_key_from_a_person_and_is_then_done(ask, work, provider):
    """The old key stays on record, and the item is one item."""
    provider.behave["b"] = OutcomeUnknown("No answer came.", same_key=False)
    run = work(ask("50.00"))
    assert run.status == Status.UNCERTAIN
    old = run.effects.get(label="b")
    refuse_effect(old, "A person found that it did not happen.")
    Effect.objects.create(
        run=run, step=old.step, generation=2, key="new-key", position=old.position, label="b"
    )
    assert run.effects.sum_key() == {"done": 4, "not_begun": 1}
    provider.behave.clear()
    provider.taken.clear()
    queue_again(run)
    assert work(run).status == Status.SUCCEEDED
    assert provider.taken == [("b", "new-key")]
    assert run.effects.sum_key() == {"done": 5}
