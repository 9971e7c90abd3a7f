"""“Tell me when …”: of which runs, to whom, how often, and what a wrong condition cannot do."""

from decimal import Decimal
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from approvals.models import Notification
from approvals.models.deliveries import Delivery
from audit.context import Door
from tasks.access.rights import NotGranted
from tasks.actions.changes.grants import set_right
from tasks.actions.subscriptions import MOST, NotSubscribed, end_subscription, subscribe
from tasks.checks import check_tasks
from tasks.declaration.errors import Refused
from tasks.models import Run, Subscription
from tasks.outputs import KeyValue, Table
from tasks.parameters import Money
from tasks.runs.output_values import values_of
from tasks.runs.subscriptions import check_subscription
from tests.approvals.channels.memory import Memory
from tests.races import at_once
from tests.tasks.admin.reading import form_of, signed_in, words

pytestmark = pytest.mark.django_db

PAGE = "admin:tasks_subscription_changelist"
OUTPUTS = {"flagged": int, "worst": Money, "verdict": str, "clean": bool}
FOUND = {"Flagged": 2, "Worst": Money(Decimal("12.50"), "USD"), "Verdict": "fraud", "Clean": False}


@pytest.fixture
def finds(credit, deploy):
    """The task says what it returns, and returns it."""
    deploy(outputs=OUTPUTS)
    credit.behave = lambda run: FOUND


@pytest.fixture
def notify_me(task, dave):
    def subscribe_to(condition="", *, by=dave, states=("succeeded",)):
        return subscribe(task.pk, by=by, door=Door.ADMIN, states=states, condition=condition)

    return subscribe_to


def told(person):
    return [n.text for n in Notification.objects.filter(person=person, event="run_subscribed")]


# --- Whether it holds ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    ["", "amount > 49", 'requester == "alice"', "flagged > 1", "worst == 12.50",
     'worst_currency == "USD" and verdict == "fraud"', "not clean", "rows_returned == 0",
     'amount == 50 and verdict in ["fraud", "theft"]'],
)  # fmt: skip
def test_what_holds_is_told(notify_me, finds, ask, work, dave, condition):
    subscription = notify_me(condition)
    assert work(ask("50.00")).status == Run.Status.SUCCEEDED
    assert len(told(dave)) == 1
    subscription.refresh_from_db()
    assert not subscription.problem


@pytest.mark.parametrize(
    "condition", ["amount > 50", "flagged > 2", "clean", 'verdict == "theft"', "rows_returned > 0"]
)
def test_what_does_not_hold_is_not(notify_me, finds, ask, work, dave, condition):
    subscription = notify_me(condition)
    work(ask("50.00"))
    assert told(dave) == []
    subscription.refresh_from_db()
    assert not subscription.problem


def test_the_rows_of_a_table_can_be_counted(notify_me, credit, ask, work, dave):
    credit.behave = lambda run: [Table(["Who"], [["a"], ["b"]]), {"Checked": "yes"}]
    notify_me("rows_returned == 2")
    work(ask("50.00"))
    assert len(told(dave)) == 1


def test_the_text_says_what_and_why(notify_me, finds, ask, work, dave):
    notify_me("flagged > 0")
    work(ask("50.00"))
    assert told(dave) == ["Succeeded: “Test credit: 50.00 USD”. Your subscription: “flagged > 0”."]


def test_only_of_the_ends_that_were_ticked(notify_me, credit, ask, work, dave, alice):
    def refuse(run):
        raise Refused("The card is closed.")

    credit.behave = refuse
    notify_me(states=["succeeded"])
    notify_me(by=alice, states=["failed", "uncertain"])
    work(ask("50.00"))
    assert told(dave) == []
    assert told(alice) == ["Failed: “Test credit: 50.00 USD”."]


def test_what_failed_returned_nothing_and_meets_no_condition_on_it(
    notify_me, finds, credit, ask, work, dave
):
    def refuse(run):
        raise Refused("The card is closed.")

    credit.behave = refuse
    subscription = notify_me("flagged >= 0", states=["failed"])
    work(ask("50.00"))
    subscription.refresh_from_db()
    assert (told(dave), subscription.problem) == ([], "")


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_rejected_or_resolved_is_told_once(
    notify_me, ask, approve, uncertain, resolve, dave, administrator
):
    notify_me(states=["uncertain", "succeeded", "failed", "rejected"])
    resolve(uncertain, "did_not")
    assert len(told(dave)) == 1
    approve(ask("150.00"), verdict="reject", reason="No")
    assert len(told(dave)) == 2


def test_what_was_returned_is_read_back_by_its_type():
    pairs = [["Flagged", "2"], ["Worst", "12.50 USD"], ["Verdict", ""], ["Clean", "Yes"]]
    assert values_of(OUTPUTS, {"kind": "pairs", "pairs": pairs}) == {
        "rows_returned": 0,
        "flagged": Decimal(2),
        "worst": Decimal("12.50"),
        "worst_currency": "USD",
        "verdict": "",
        "clean": True,
    }
    masked = [["Flagged", "••••"], ["Worst", "••••"], ["Clean", "maybe"]]
    assert values_of(OUTPUTS, {"kind": "pairs", "pairs": masked}) == {"rows_returned": 0}


# --- To whom -------------------------------------------------------------------------------------


def test_nobody_subscribes_to_what_they_may_not_see(notify_me, mallory):
    with pytest.raises(NotGranted):
        notify_me(by=mallory)
    assert not Subscription.objects.exists()


def test_who_may_not_see_it_any_more_is_not_told(notify_me, task, ask, work, dave):
    notify_me()
    set_right(task, None, to=dave)
    work(ask("50.00"))
    assert told(dave) == []


def test_a_condition_tells_nothing_to_who_may_not_see_the_run(
    notify_me, finds, credit, task, ask, work, dave
):
    """Not even that it could not be answered."""
    subscription = notify_me("flagged > 0")
    set_right(task, None, to=dave)
    credit.behave = lambda run: {"Something": "else"}
    work(ask("50.00"))
    subscription.refresh_from_db()
    assert not subscription.problem


def test_a_closed_account_is_not_told(notify_me, ask, work, dave):
    notify_me()
    dave.is_active = False
    dave.save()
    work(ask("50.00"))
    assert told(dave) == []


def test_it_goes_out_by_the_ways_that_the_person_chose(notify_me, ask, work, dave, memory):
    notify_me()
    run = work(ask("50.00"))
    delivery = Delivery.objects.get(event="run_subscribed")
    assert (delivery.person, delivery.subject_id) == (dave, str(run.pk))


@pytest.fixture
def memory():
    from approvals import channels

    with channels.temporarily(Memory()):
        yield


# --- A condition that is wrong -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "says"),
    [("amont > 1", "Did you mean “amount”?"),
     ("flaged > 1", "flagged (number)"),
     ('flagged > "two"', "The names you can use"),
     ("flagged", "is not true or false"),
     ("amount >", "is not complete"),
     ("2 ** 9999 > 1", "“**” cannot be used here"),
     ("1 << 99999999 > 1", "“<<” cannot be used here"),
     ('verdict =~ "(a+)+$"', "“~” cannot be used here"),
     ("$range(999999999).length > 1", "“$” cannot be used here"),
     ("[x for x in requester_groups].length > 1", "“for” cannot be used here"),
     ("sum(amount) by requester over 1 day > 5", "is not complete"),
     ("(" * 250 + "clean" + ")" * 40, ""),
     ("amount > 1 or " * 30 + "clean", "below 300 characters")],
)  # fmt: skip
def test_it_is_refused_in_words(notify_me, finds, condition, says):
    with pytest.raises(NotSubscribed) as refusal:
        notify_me(condition)
    assert says in str(refusal.value)
    assert not Subscription.objects.exists()


def test_what_looks_slow_in_a_text_is_a_text(task, finds):
    check_subscription(task, 'verdict == "~ for $5 ** & more"')
    with pytest.raises(ValidationError):
        check_subscription(task, "verdict == 'it' ~ 'was'")


def test_one_that_cannot_be_answered_harms_nothing_and_says_so(
    notify_me, finds, credit, ask, work, dave
):
    subscription = notify_me("flagged > 0")
    credit.behave = lambda run: {"Something": "else"}
    run = work(ask("50.00"))
    assert run.status == Run.Status.SUCCEEDED
    subscription.refresh_from_db()
    assert "there was no “flagged”" in subscription.problem
    page = words(signed_in(dave).get(reverse(PAGE)))
    assert "there was no “flagged”" in page
    credit.behave = lambda run: FOUND
    work(ask("60.00"))
    subscription.refresh_from_db()
    assert (subscription.problem, len(told(dave))) == ("", 1)


@pytest.mark.parametrize("condition", ["1 / (flagged - 2) > 0", "amount % (flagged - 2) > 0"])
def test_neither_does_one_that_divides_by_nothing(notify_me, finds, ask, work, condition):
    subscription = notify_me(condition)
    assert work(ask("50.00")).status == Run.Status.SUCCEEDED
    subscription.refresh_from_db()
    assert subscription.problem


def test_one_that_no_longer_fits_the_code_says_so(notify_me, finds, ask, work, deploy):
    subscription = notify_me("flagged > 0")
    deploy(outputs={})
    assert work(ask("50.00")).status == Run.Status.SUCCEEDED
    subscription.refresh_from_db()
    assert "flagged" in subscription.problem


# --- Beginning and ending ------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_same_twice_is_refused_also_at_the_same_instant(notify_me):
    outcomes = at_once(*[partial(notify_me, "amount > 1")] * 4)
    assert sum(isinstance(each, Subscription) for each in outcomes) == 1
    assert Subscription.objects.count() == 1


def test_nobody_has_them_without_end(notify_me):
    for number in range(MOST):
        notify_me(f"amount > {number}")
    with pytest.raises(NotSubscribed, match="Remove one first"):
        notify_me()


@pytest.mark.parametrize("states", [[], ["running"], ["succeeded", "no such"]])
def test_it_is_to_ends_of_a_run_only(notify_me, states):
    with pytest.raises(NotSubscribed, match="Succeeded"):
        notify_me(states=states)


def test_only_its_owner_ends_it_and_once(notify_me, ask, work, alice, dave):
    subscription = notify_me()
    with pytest.raises(NotSubscribed):
        end_subscription(subscription.pk, by=alice, door=Door.ADMIN)
    end_subscription(subscription.pk, by=dave, door=Door.ADMIN)
    with pytest.raises(NotSubscribed):
        end_subscription(subscription.pk, by=dave, door=Door.ADMIN)
    work(ask("50.00"))
    assert told(dave) == []
    assert [row.history_user for row in Subscription.history.order_by("history_id")] == [dave] * 2


def refuses(sql, *values):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_the_database_lets_it_end_and_nothing_else(notify_me, alice, dave):
    subscription = notify_me()
    refuses("UPDATE tasks_subscription SET person_id = %s", alice.pk)
    refuses("UPDATE tasks_subscription SET condition = 'true'")
    refuses("""UPDATE tasks_subscription SET states = '["failed"]'""")
    refuses("DELETE FROM tasks_subscription")
    end_subscription(subscription.pk, by=dave, door=Door.ADMIN)
    refuses("UPDATE tasks_subscription SET ended_at = NULL")


# --- The page ------------------------------------------------------------------------------------


def test_a_person_subscribes_from_the_page_of_the_task_and_ends_it(task, finds, dave):
    client = signed_in(dave)
    page = reverse(PAGE)
    assert f"{page}?task={task.slug}" in client.get(form_of(task)).text
    assert "flagged number" in words(client.get(page, {"task": task.slug}))
    said = {"task": task.slug, "states": ["succeeded"], "condition": "flagged > 0"}
    assert "Subscribed." in words(client.post(page, said, follow=True))
    subscription = Subscription.objects.get(person=dave)
    assert subscription.condition == "flagged > 0"
    end = reverse("admin:tasks_subscription_end", args=[subscription.pk])
    assert "Unsubscribed." in words(client.post(end, follow=True))
    assert "No subscriptions yet." in words(client.get(page))


def test_a_wrong_condition_is_refused_beside_its_field(task, dave):
    said = {"task": task.slug, "states": ["succeeded"], "condition": "amont > 0"}
    answer = signed_in(dave).post(reverse(PAGE), said)
    assert answer.status_code == 400
    assert "Did you mean “amount”?" in answer.context["form"].errors["condition"][0]
    assert "amount (number)" in words(answer)


def test_it_offers_only_tasks_that_the_person_may_see(task, mallory):
    client = signed_in(mallory)
    assert task.name not in words(client.get(reverse(PAGE), {"task": task.slug}))
    said = {"task": task.slug, "states": ["succeeded"]}
    assert client.post(reverse(PAGE), said).status_code == 400
    assert not Subscription.objects.exists()


def test_nobody_sees_or_ends_that_of_another(notify_me, alice):
    subscription = notify_me("amount > 17")
    client = signed_in(alice)
    assert "amount > 17" not in words(client.get(reverse(PAGE)))
    end = reverse("admin:tasks_subscription_end", args=[subscription.pk])
    assert client.post(end).status_code == 404
    past = reverse("admin:tasks_subscription_history", args=[subscription.pk])
    assert client.get(past).status_code in (302, 404)
    assert Subscription.objects.get().ended_at is None


def test_the_notification_settings_lead_to_it(dave):
    assert (
        reverse(PAGE) in signed_in(dave).get(reverse("admin:approvals_notification_settings")).text
    )


# --- What a task declares ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outputs", [{"amount": int}, {"amount_currency": str}, {"door": str}, {"rows_returned": int},
                {"no name": str}, {"found": dict}]
)  # fmt: skip
def test_a_name_that_means_something_else_is_found_by_a_check(deploy, task, outputs):
    deploy(recorded=False, outputs=outputs)
    assert [problem.id for problem in check_tasks()] == ["tasks.E012"]


def test_what_is_declared_well_is_no_problem(finds):
    assert check_tasks() == []
    assert KeyValue(FOUND)
