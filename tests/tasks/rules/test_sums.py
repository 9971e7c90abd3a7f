"""Sums over history: splitting an amount does not get it past a rule. S26, attack 12."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals import actions as approvals
from audit.context import Door
from tasks import parameters
from tasks.access.rights import Right
from tasks.actions import InvalidValues, adopt_task, cancel_run, request_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import Refused
from tasks.declaration.registry import Approval, RegisteredTask, registry
from tasks.models import Run, SumKey, Task
from tasks.parameters import Money, Param
from tasks.rules.conditions import check_condition
from tasks.rules.sums import Sum, take_out_sums
from tasks.worker.task_run import TaskRun
from tests.owner import without_guards
from tests.races import at_once

Status = Run.Status
LIMIT = Decimal(500)
RULE = "sum(amount) by beneficiary over 24 hours + amount > 500"

Beneficiary = Annotated[str, Param(sums_by={"bank": lambda text: text[:2]})]
Amount = Annotated[Money, Param(currencies=("USD", "EUR", "JPY"))]


class Payout:
    """What it does can be changed by a test."""

    def __init__(self) -> None:
        self.behave: Callable[[TaskRun], object] = lambda run: None

    def pay(
        self, run: TaskRun, beneficiary: Beneficiary, amount: Amount, number: int | None = None
    ) -> None:
        self.behave(run)


@pytest.fixture
def payout() -> Payout:
    return Payout()


@pytest.fixture
def code(payout):
    return RegisteredTask(
        slug="pay-out",
        name="Pay out",
        category="Tests",
        owner="Testers",
        description="Pays somebody.",
        function=payout.pay,
        approval=(Approval(RULE, groups=["Approvers"], name="Much"),),
        source_hash="3" * 64,
    )


@pytest.fixture
def under(task, code, alice, bob, carol):
    """Put the task under other rules than its own. After `task`, so that it ends before it."""
    stack = []

    def put(*conditions: str) -> Task:
        rules = tuple(Approval(when, groups=["Approvers"]) for when in conditions)
        changed = replace(code, approval=rules, slug=f"pay-out-{len(stack)}")
        stack.append(registry.temporarily(changed))
        stack[-1].__enter__()
        return adopted(changed, alice, bob)

    yield put
    for each in reversed(stack):
        each.__exit__(None, None, None)


def adopted(code: RegisteredTask, *people) -> Task:
    adopt_task(code)
    task = Task.objects.get(slug=code.slug)
    for each in people:
        set_right(task, Right.EXECUTE, to=each)
    return task


@pytest.fixture
def task(code, alice, bob, carol):
    with registry.temporarily(code):
        yield adopted(code, alice, bob)


@pytest.fixture
def pay(task, alice):
    def pay_out(amount="300", beneficiary="DE89 3704", *, of=task, by=alice, **values) -> Run:
        return request_run(
            of.pk,
            requested_by=by,
            door=values.pop("door", Door.ADMIN),
            values={"amount": str(amount), "amount_currency": "USD", "beneficiary": beneficiary}
            | values,
            reason="Promised",
        )

    return pay_out


def waits(run: Run) -> bool:
    return run.status == Status.AWAITING_APPROVAL


def age(by: timedelta) -> None:
    """Let time pass: all that was asked for is so much older."""
    with without_guards("tasks_run"):
        Run.objects.update(requested_at=F("requested_at") - by)


# --- How it is written ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "of", "by", "over"),
    [
        ("sum(amount) by beneficiary over 24 hours", "amount", ("beneficiary",), timedelta(days=1)),
        ("count() by requester over 1 hour", "", ("requester",), timedelta(hours=1)),
        ("sum( amount )  by task\n over 90 minutes", "amount", ("task",), timedelta(minutes=90)),
        (
            "count() by beneficiary and requester over 7 days",
            "",
            ("beneficiary", "requester"),
            timedelta(days=7),
        ),
    ],
)
def test_a_sum_is_read_as_it_is_written(text, of, by, over):
    expression, found = take_out_sums(f"{text} + amount > 500")
    assert expression == "__sum_0 + amount > 500"
    assert found == {"__sum_0": Sum(of, by, over, " ".join(text.split()))}


def test_two_sums_get_a_name_each():
    expression, found = take_out_sums(
        "sum(amount) by task over 1 day > 5 and not count() by task over 1 day < 2"
    )
    assert expression == "__sum_0 > 5 and not __sum_1 < 2"
    assert [each.of for each in found.values()] == ["amount", ""]


@pytest.mark.parametrize(
    "condition", ['note == "sum(amount) by x"', "count > 3 and sum < 2", "$sum([1, 2]) > 2"]
)
def test_what_only_looks_like_a_sum_is_left_alone(condition):
    assert take_out_sums(condition) == (condition, {})


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("sum(amount) > 5", "Write a sum like this"),
        ("sum(amount) by beneficiary > 5", "Write a sum like this"),
        ("sum(amount) over 24 hours > 5", "Write a sum like this"),
        ("sum() by beneficiary over 24 hours > 5", "Write a sum like this"),
        ("sum(amount) by beneficiary over 0 hours > 5", "Write a sum like this"),
        ("sum(amount) by beneficiary over 2 weeks > 5", "Write a sum like this"),
        ("sum(amount + 1) by beneficiary over 2 days > 5", "Write a sum like this"),
        ("count(amount) by beneficiary over 2 days > 5", "Write a sum like this"),
        ("sum(amount) by beneficiary over 367 days > 5", "further back than 366 days"),
        ("sum(amuont) by beneficiary over 1 day > 5", "“amuont” cannot be added up"),
        ("sum(beneficiary) by beneficiary over 1 day > 5", "What can be: amount, number"),
        ("sum(amount) by customer over 1 day > 5", "cannot go by “customer”"),
        ("sum(amount) by amount over 1 day > 5", "requester, task, beneficiary, bank"),
        ("sum(amount) by beneficiary over 1 day", "is not true or false"),
        ('sum(amount) by beneficiary over 1 day > "5"', "Data type mismatch"),
    ],
)
def test_anything_else_is_refused_with_what_to_do(payout, condition, says):
    with pytest.raises(ValidationError, match=says):
        check_condition(condition, parameters.read(payout.pay))


# --- What it comes to ----------------------------------------------------------------------------


def test_splitting_an_amount_does_not_get_it_past_the_rule(pay):
    assert [waits(pay("200")) for _ in range(4)] == [False, False, True, True]


@pytest.mark.parametrize(("second", "expected"), [("200.00", False), ("200.01", True)])
def test_the_limit_is_exact(pay, second, expected):
    pay("300.00")
    assert waits(pay(second)) is expected


@pytest.mark.parametrize(
    "other",
    ["de893704", "DE89 3704 ", "D e89  3704", "\uff24\uff25\uff18\uff193704", "DE89\u200b3704"],
)
def test_a_beneficiary_written_in_another_way_is_the_same(pay, other):
    pay("300")
    assert waits(pay("300", other))


def test_somebody_else_begins_at_nothing(pay):
    pay("300")
    assert not waits(pay("300", "FR76 3000"))


def test_another_currency_is_counted_apart(pay):
    pay("300")
    assert not waits(pay("300", amount_currency="EUR"))
    assert waits(pay("201", amount_currency="EUR"))
    assert not waits(pay("200"))


def test_what_is_older_than_the_window_does_not_count(pay):
    pay("300")
    age(timedelta(hours=23, minutes=59))
    assert waits(pay("300"))
    age(timedelta(minutes=2))
    assert not waits(pay("200"))


def test_another_task_does_not_count(pay, under):
    pay("300", of=under("amount > 1000"))
    assert not waits(pay("300"))


@pytest.mark.parametrize("typed", ["NaN", "Infinity", "1,000.5.0", "--5", "0x10", "5 hundred"])
def test_what_is_no_number_is_refused(pay, typed):
    with pytest.raises(InvalidValues, match="amount"):
        pay(typed)


@pytest.mark.parametrize("typed", ["1e3", "\uff11\uff10\uff10", "1,000", "2.00"])
def test_an_odd_way_to_write_a_number_is_refused_or_counts_for_what_it_is(pay, typed):
    pay("499")
    with suppress(InvalidValues):
        assert waits(pay(typed))


def test_an_amount_below_zero_makes_no_room(pay):
    pay("-5000")
    pay("300")
    pay("-5000")
    assert waits(pay("300"))


def test_nothing_is_an_amount_too(pay):
    assert not waits(pay("0"))
    pay("500")
    assert not waits(pay("0"))


def test_what_waits_counts_as_well(pay):
    assert waits(pay("501"))
    assert waits(pay("1"))


@pytest.mark.parametrize("door", [Door.ADMIN, Door.API, Door.COMMAND])
def test_all_doors_count_together(pay, door):
    pay("300", door=Door.SCHEDULE)
    assert waits(pay("300", door=door))


def test_what_was_taken_back_or_rejected_does_not_count(pay, alice, bob):
    cancel_run(pay("300").pk, by=alice, door=Door.ADMIN)
    waiting = pay("501")
    approvals.decide(
        waiting.approval_id,
        decided_by=bob,
        verdict="reject",
        seal=waiting.seal,
        door=Door.ADMIN,
        reason="No",
    )
    assert not waits(pay("500"))


def test_a_run_that_did_nothing_does_not_count(pay, payout, work):
    def refuse(run: TaskRun) -> None:
        raise Refused("No such account.")

    payout.behave = refuse
    assert work(pay("300")).status == Status.FAILED
    assert not waits(pay("300"))


@pytest.mark.django_db(transaction=True)
def test_a_run_that_failed_after_it_had_paid_counts(pay, payout, work):
    def pay_and_fall(run: TaskRun) -> None:
        run.once("pay", lambda key: "paid")
        raise ZeroDivisionError

    payout.behave = pay_and_fall
    assert work(pay("300")).status == Status.FAILED
    assert waits(pay("300"))


def test_runs_are_counted(pay, under):
    often = under("count() by requester over 1 hour >= 3")
    assert [waits(pay("1", of=often)) for _ in range(4)] == [False, False, False, True]


def test_each_requester_is_counted_apart(pay, under, alice, bob):
    often = under("count() by requester over 1 hour >= 1")
    pay("1", of=often, by=alice)
    assert not waits(pay("1", of=often, by=bob))
    assert waits(pay("1", of=often, by=alice))


def test_all_together_is_the_sum_of_the_task(pay, under, bob):
    much = under("sum(amount) by task over 1 day + amount > 500")
    pay("300", "one", of=much)
    assert waits(pay("300", "two", of=much, by=bob))


def test_a_sum_goes_by_two_names_together(pay, under, bob):
    both = under("count() by beneficiary and requester over 1 day >= 1")
    pay("1", "one", of=both)
    assert not waits(pay("1", "one", of=both, by=bob))
    assert not waits(pay("1", "two", of=both))
    assert waits(pay("1", "one", of=both))


def test_a_sum_goes_by_what_the_author_says_of_a_value(pay, under):
    banks = under("count() by bank over 1 day >= 1")
    pay("1", "DE89", of=banks)
    assert not waits(pay("1", "FR76", of=banks))
    assert waits(pay("1", "de11", of=banks))


def test_what_was_left_empty_counts_together(pay, under):
    numbers = under("count() by number over 1 day >= 1")
    pay("1", of=numbers)
    assert not waits(pay("1", of=numbers, number="7"))
    assert waits(pay("1", of=numbers))


def test_whole_numbers_are_added_up(pay, under):
    numbers = under("sum(number) by task over 1 day >= 10")
    pay("1", of=numbers, number="4")
    assert not waits(pay("1", of=numbers, number="6"))
    assert waits(pay("1", of=numbers))


def test_a_stored_value_that_is_no_number_asks_for_approval(pay):
    run = pay("1")
    with without_guards("tasks_run"):
        Run.objects.filter(pk=run.pk).update(
            values={**run.values, "amount": {**run.values["amount"], "amount": "ten"}}
        )
    assert waits(pay("1"))


def test_no_value_is_kept_in_a_second_place(pay):
    pay("1", "DE89 3704")
    kept = SumKey.objects.values_list("value", flat=True)
    assert len(kept) == 4
    assert not any("3704" in value or "3704" in str(value).casefold()[:4] for value in kept)


def test_what_a_run_counts_towards_is_never_changed(pay, transactional_db):
    pay("1")
    for change in ("UPDATE tasks_sumkey SET value = ''", "DELETE FROM tasks_sumkey"):
        with pytest.raises(Exception, match="never changed"), connection.cursor() as cursor:
            cursor.execute(change)


# --- At the same instant, and in the long run ----------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_the_edge_do_not_pass_together(pay, alice, bob):
    for number in range(30):
        runs = at_once(
            lambda n=number: pay("300", f"account {n}", by=alice),
            lambda n=number: pay("300", f"ACCOUNT {n}", by=bob),
        )
        assert sorted(run.status for run in runs) == ["awaiting", "queued"]


@pytest.mark.django_db(transaction=True)
def test_requests_under_several_sums_do_not_wait_in_a_circle(under, pay, alice, bob):
    both = under(
        "count() by beneficiary over 1 day > 100",
        "count() by number over 1 day > 100",
        "count() by requester over 1 day > 100",
    )
    for _ in range(10):
        runs = at_once(
            lambda: pay("1", "one", of=both, number="2"),
            lambda: pay("1", "two", of=both, number="1"),
            lambda: pay("1", "one", of=both, number="1", by=bob),
            lambda: pay("1", "two", of=both, number="2", by=bob),
        )
        assert [type(run) for run in runs] == [Run] * 4


steps = st.tuples(
    st.integers(0, 14 * 60),  # minutes since the step before
    st.decimals("0.01", "600", places=2),
    st.sampled_from(["leave", "leave", "leave", "take back"]),
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(plan=st.lists(steps, min_size=2, max_size=8))
def test_what_ran_without_approval_stays_below_the_limit_in_every_window(pay, alice, plan):
    beneficiary = f"account {Run.objects.count()}"
    clock, passed = 0, []
    for minutes, amount, afterwards in plan:
        clock += minutes
        age(timedelta(minutes=minutes))
        run = pay(amount, beneficiary)
        if afterwards == "take back":
            cancel_run(run.pk, by=alice, door=Door.ADMIN)
        elif not waits(run):
            passed.append((clock, amount))
    for end, _ in passed:
        window = [amount for at, amount in passed if end - 24 * 60 < at <= end]
        assert sum(window) <= LIMIT
