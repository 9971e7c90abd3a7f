"""What a reviewer is shown of the run that a request is about: all rows, the people behind it, sums."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.context import Door
from audit.models import Event
from backoffice.models import User
from tasks.access.rights import Right
from tasks.actions import adopt_task, request_run
from tasks.actions.changes.grants import set_right
from tasks.actions.runs.drafts import InvalidValues
from tasks.declaration.registry import Approval, RegisteredTask, registry
from tasks.models import Run, Task
from tasks.parameters import Money, Param, Rows
from tasks.rules.evaluation import RuleSpec
from tests.rules import save_rule
from tests.tasks.admin.reading import count_queries, csv_of, signed_in, words

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 130


@dataclass(frozen=True)
class Payout:
    account: str
    amount: Annotated[Money, Param(currencies=("USD", "EUR"))]


def manager_of(person):
    return f"The manager of {person}"


Payee = Annotated[
    User, Param(label="Payee", about={"Manager": manager_of, "Email": attrgetter("email")})
]


def pay_many(payee: Payee, payouts: Annotated[Rows[Payout], Param(key="account")]) -> str:
    return "paid"


@pytest.fixture
def payouts(db, alice, bob, approvers):
    registered = RegisteredTask(
        slug="pay-many",
        name="Pay many",
        category="Tests",
        owner="Testers",
        description="Pays each account of a file.",
        function=pay_many,
        approval=(Approval("true", groups=["Approvers"], name="Every file"),),
        source_hash="3" * 64,
    )
    with registry.temporarily(registered):
        adopt_task(registered)
        task = Task.objects.get(slug="pay-many")
        set_right(task, Right.EXECUTE, to=alice)
        yield task


@pytest.fixture
def pay(payouts, alice, dave):
    def pay_these(count=ROWS) -> Run:
        lines = [f"A-{n},{n}.50,{'EUR' if n % 2 else 'USD'}" for n in range(count)]
        content = "\n".join(["account,amount,currency", *lines]).encode()
        return request_run(
            payouts.pk,
            requested_by=alice,
            door=Door.ADMIN,
            values={"payee": dave.pk},
            files={"payouts": SimpleUploadedFile("june.csv", content, "text/csv")},
            reason="June",
        )

    return pay_these


def request_page(run: Run) -> str:
    return reverse("admin:approvals_approvalrequest_change", args=[run.approval_id])


def all_rows(run: Run, query: str = "") -> str:
    return reverse("admin:tasks_run_rows", args=[run.pk, "payouts"]) + query


def test_the_reviewer_sees_how_many_rows_there_are_what_they_come_to_and_the_first(pay, bob):
    run = pay()
    text = words(signed_in(bob).get(request_page(run)))
    odd, even = (sum(n + 0.5 for n in range(start, ROWS, 2)) for start in (1, 0))
    assert f"Payouts: {ROWS} rows Total: {odd:.2f} EUR · {even:.2f} USD" in text
    assert "A-0 0.50 USD A-1 1.50 EUR" in text
    assert f"Rows 1 to 20 of {ROWS}." in text
    assert "A-20 " not in text


def test_the_reviewer_can_page_and_search_through_all_of_them(pay, bob):
    run = pay()
    client = signed_in(bob)
    assert f'href="{all_rows(run)}"' in client.get(request_page(run)).text
    assert f"A-{ROWS - 1} {ROWS - 1}.50 EUR" in words(client.get(all_rows(run, "?page=2")))
    found = words(client.get(all_rows(run, "?q=a-129+eur")))
    assert f"1 of {ROWS} rows · Total: 129.50 EUR" in found
    assert "A-128" not in found
    assert "No rows match." in words(client.get(all_rows(run, "?q=a-129+usd")))
    assert f'href="{request_page(run)}">Back to the request' in client.get(all_rows(run)).text


def test_the_next_page_of_a_search_is_of_that_search(pay, bob):
    text = signed_in(bob).get(all_rows(pay(300), "?q=a-")).text
    assert 'href="?q=a-&amp;page=2">Next page' in text


def test_the_download_has_exactly_the_rows_of_the_file_and_is_recorded(pay, bob):
    run = pay()
    answer = signed_in(bob).post(reverse("admin:tasks_run_rows_csv", args=[run.pk, "payouts"]))
    header, *rows = csv_of(answer)
    assert header == ["account", "amount", "currency"]
    assert rows == [[f"A-{n}", f"{n}.50", "EUR" if n % 2 else "USD"] for n in range(ROWS)]
    assert Event.objects.get(verb=Event.Verb.EXPORTED).actor == bob


def test_to_others_the_rows_do_not_exist(pay, mallory):
    run = pay()
    assert signed_in(mallory).get(all_rows(run)).status_code == 404


def test_what_is_behind_an_object_is_said_and_stays_as_it_was_requested(pay, bob, dave):
    run = pay()
    User.objects.filter(pk=dave.pk).update(email="other@example.com")
    text = words(signed_in(bob).get(request_page(run)))
    assert f"Payee {dave} Manager The manager of {dave} Email dave@example.com" in text
    assert run.headline.startswith(f"Pay many: {dave} · The manager of {dave}, june.csv")


def test_where_it_cannot_be_found_nothing_is_requested_and_the_form_says_so(pay, monkeypatch):
    monkeypatch.setattr(manager_of, "__code__", (lambda person: 1 / 0).__code__)
    with pytest.raises(InvalidValues) as refused:
        pay()
    assert "What stands beside Payee could not be found" in str(refused.value)


def test_many_rows_cost_as_many_queries_as_few(pay, bob):
    few, many = (request_page(pay(count)) for count in (2, ROWS))
    client = signed_in(bob)
    client.get(few)
    assert count_queries(client, few) == count_queries(client, many)


@pytest.fixture
def set_rule(task, approvers, root):
    def set_it(condition):
        spec = RuleSpec("Large", condition, groups=[approvers])
        save_rule(task.pk, spec=spec, replaces=task.rules.get(), by=root, door=Door.ADMIN)

    return set_it


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            "sum(amount) by requester over 24 hours + amount > 100",
            "150.00 of 100.00 USD requested by Alice Example in 24 hours, 210.00 with this request",
        ),
        (
            "amount > 5 and sum(amount) by requester over 2 days > 20.50",
            "150.00 of 20.50 USD requested by Alice Example in 2 days, 210.00 with this request",
        ),
        (
            "count() by task over 1 hour >= 1",
            "1 of 1 requests for this task in 1 hour, 2 with this one",
        ),
    ],
)
def test_the_reviewer_reads_how_far_each_sum_is_now(condition, said, ask, set_rule, bob):
    set_rule(condition)
    ask("150.00")
    run = ask("60.00")
    assert said in words(signed_in(bob).get(request_page(run)))


def test_a_rule_without_a_sum_says_nothing_of_one(ask, bob):
    assert "Total so far" not in words(signed_in(bob).get(request_page(ask())))
