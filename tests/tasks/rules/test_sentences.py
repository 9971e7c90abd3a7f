"""Rules as sentences: in general, with the numbers of the case, and never as code."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Annotated, Any, Literal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from approvals import actions as approvals
from approvals.models import Stage
from audit.context import Door
from backoffice.models import User
from tasks import parameters
from tasks.access.rights import Right
from tasks.actions import adopt_task, request_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import Approval, RegisteredTask, registry
from tasks.models import Run, Task
from tasks.parameters import File, Money, Param, Rows
from tasks.rules.conditions import Condition, Facts
from tasks.rules.sentences import clause_of, condition_in_words, why_it_applies
from tests.tasks.admin.reading import form_of, page_of, signed_in, words

CODE = set("()<>=_")
TO_ACCOUNT = "sum(amount) by account over 24 hours + amount > 100"
REQUESTS = "count() by requester over 1 hour >= 5"


@dataclass
class Line:
    number: str
    amount: Decimal


def everything(
    amount: Annotated[Money, Param(currencies=("USD", "EUR"))],
    account: Annotated[str, Param(sums_by={"bank": lambda text: text[:2]})],
    kind: Annotated[Literal["fraud", "charge_back"], Param(labels={"charge_back": "Chargeback"})],
    tags: list[Literal["vip", "new"]],
    points: int,
    rate: Annotated[Decimal, Param(label="Rate", places=3)],
    urgent: bool,
    due: date,
    owner: User,
    lines: Annotated[Rows[Line], Param(key="number")],
    proof: Annotated[File, Param(accept=(".pdf",))],
    fee: Decimal | None = None,
) -> None: ...


DECLARED = parameters.read(everything)


def one_currency(
    payout: Annotated[Money, Param(label="IBAN payout", currencies=("JPY",))],
) -> None: ...


# --- In general -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "clause"),
    [
        ("true", ""),
        ("amount > 100", "the amount is above 100.00"),
        ("100.05 <= amount", "the amount is 100.05 or more"),
        ("not (amount >= 100)", "the amount is below 100.00"),
        ("amount <= 100", "the amount is 100.00 or less"),
        ("amount == 100", "the amount is 100.00"),
        ("points != 3", "the points is not 3"),
        ("rate > 1.5", "the rate is above 1.500"),
        ("(fee ?? 0) > 3", "the fee is above 3"),
        ("(fee ?? 0) < 3", "the fee is below 3 or empty"),
        ("fee == null", "the fee is empty"),
        ("fee != null", "the fee is not empty"),
        ('amount_currency != "USD"', "the currency is not USD"),
        ('kind == "charge_back"', "the kind is “Chargeback”"),
        ('kind in ["fraud", "charge_back"]', "the kind is “Fraud” or “Chargeback”"),
        ('kind not in ["fraud"]', "the kind is not “Fraud”"),
        ('account == "DE 12"', "the account is “DE 12”"),
        ('"urgent" in account', "the account includes “urgent”"),
        ('"vip" not in tags', "the tags does not include “Vip”"),
        ("urgent", "“Urgent” is yes"),
        ("not urgent", "“Urgent” is no"),
        ("urgent != true", "“Urgent” is no"),
        ('due > d"2026-12-31"', "the due is after 31 Dec 2026"),
        ("lines_rows > 50", "the number of rows in lines is above 50"),
        ("proof_size >= 1000", "the size in bytes of proof is 1000 or more"),
        ('requester == "sam"', "the requester is sam"),
        ('requester not in ["sam", "mona"]', "the requester is not sam or mona"),
        ('"Trainees" in requester_groups', "the requester is in the group Trainees"),
        ('not ("Ops" in requester_groups)', "the requester is not in the group Ops"),
        ('door == "slack"', "it is requested via Slack"),
        ('door in ["api", "email"]', "it is requested via the API or an email"),
        (
            'amount > 100 and amount_currency == "USD"',
            "the amount is above 100.00 and the currency is USD",
        ),
        (
            "urgent and (points > 1 or amount > 5)",
            "“Urgent” is yes, and either the points is above 1 or the amount is above 5.00",
        ),
        ("not (urgent or points > 1)", "“Urgent” is no and the points is 1 or less"),
        (TO_ACCOUNT, "the total amount to the same account within 24 hours exceeds 100.00"),
        (
            "amount + sum(amount) by bank and requester over 1 day >= 100",
            "the total amount to the same bank requested by the same person within 1 day is 100.00 "
            "or more",
        ),
        (
            "sum(points) by kind over 90 minutes > 10",
            "the total points of earlier requests for the same kind within 90 minutes exceeds 10",
        ),
        (
            "sum(amount) by task over 7 days + amount > 10",
            "the total amount of all requests within 7 days exceeds 10.00",
        ),
        (REQUESTS, "the same person makes more than 5 requests within 1 hour"),
        (
            "count() by requester over 1 hour > 5",
            "the same person makes more than 6 requests within 1 hour",
        ),
        (
            "count() by account over 24 hours + 1 >= 2",
            "there are more than 1 request for the same account within 24 hours",
        ),
    ],
)
def test_a_condition_has_a_sentence(condition, clause):
    assert clause_of(condition, DECLARED) == clause


def test_the_only_currency_stands_beside_the_amount():
    clause = clause_of("payout > 100", parameters.read(one_currency))
    assert clause == "the IBAN payout is above 100 JPY"


UNKNOWN = [
    "false",
    "amount * 2 > 100",
    "amount > 100 ? urgent : urgent",
    'account =~ "DE.*"',
    "account.length > 5",
    "amount > points",
    'owner == "17"',
    'account == "a_b"',
    'requester == "sam_rivera"',
    'account > "a"',
    "sum(amount) by account over 1 day + points > 5",
    "sum(amount) by account over 1 day + amount + amount > 5",
    "count() by requester over 1 hour != 5",
    "count() by requester over 1 hour > 2.5",
    'amount > 100 and account =~ "DE.*"',
    "amount > 100 and true",
    "not here at all",
    "gone > 5",
]


@pytest.mark.parametrize("condition", UNKNOWN)
def test_what_has_no_words_is_called_by_the_name_of_the_rule(condition):
    assert clause_of(condition, DECLARED) is None
    said = condition_in_words("Large credits", condition, DECLARED)
    assert said == "Needs approval if “Large credits” applies"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Pay out: fee > 5", "a rule of this task applies"),
        ("sum(fee)", "a rule of this task applies"),
        ("Refunds (large)", "“Refunds (large)” applies"),
    ],
)
def test_a_name_that_is_code_is_not_said_either(name, said):
    assert condition_in_words(name, "gone > 5", []) == f"Needs approval if {said}"


TEXTS = st.one_of(
    st.sampled_from(["fraud", "slack", "USD", "sam_rivera", "<b>", "a = b", "f(x)"]),
    st.text(st.sampled_from("ab ()<>=_"), max_size=4),
).map(json.dumps)
NUMBERS = st.sampled_from(["5", "100.50", "-3", "1000000", "0", "1"])
LISTS = st.lists(TEXTS, min_size=1, max_size=3).map(lambda texts: f"[{', '.join(texts)}]")
OPERATORS = st.sampled_from([">", ">=", "<", "<=", "==", "!="])
SUMS = st.sampled_from(
    [
        "amount", "points", "lines_rows", "(fee ?? 0)", "amount * 2",
        "sum(amount) by account over 2 days", "sum(amount) by account over 2 days + amount",
        "sum(points) by requester and kind over 1 hour", "count() by task over 5 minutes",
        "count() by requester over 1 hour + 1",
    ]
)  # fmt: skip
NAMES = st.sampled_from(["account", "kind", "requester", "door", "amount_currency", "owner"])
SAME = st.sampled_from(["==", "!=", "=~"])
SINGLE = st.one_of(
    st.sampled_from(["true", "urgent", "fee == null", 'due > d"2026-01-31"']),
    st.tuples(SUMS, OPERATORS, NUMBERS).map(" ".join),
    st.tuples(NUMBERS, OPERATORS, SUMS).map(" ".join),
    st.tuples(NAMES, SAME, TEXTS).map(" ".join),
    st.tuples(NAMES, st.sampled_from(["in", "not in"]), LISTS).map(" ".join),
    st.tuples(TEXTS, st.just("in"), st.sampled_from(["tags", "requester_groups", "account"])).map(
        " ".join
    ),
)
CONDITIONS = st.recursive(
    SINGLE,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        inner.map("not ({})".format),
    ),
    max_leaves=3,
)
FROZEN = {
    "amount": {"amount": "150.00", "currency": "USD"}, "account": "DE 12", "kind": "fraud",
    "tags": ["vip"], "points": 3, "rate": "1.500", "urgent": True, "due": "2026-12-31", "fee": None,
    "owner": {"pk": "17", "label": "Ann"}, "lines": {"rows": 62},
    "proof": {"name": "a.pdf", "size": 9},
}  # fmt: skip


@given(CONDITIONS)
def test_no_sentence_ever_holds_code(condition):
    facts = facts_of(FROZEN)
    try:
        read = Condition.of(condition, DECLARED)
    except Exception:  # whatever is no condition
        read = None
    for said in (
        condition_in_words("Large credits", condition, DECLARED),
        why_it_applies("Large credits", read, facts, lambda each, facts: Decimal(205)),
    ):
        assert said
        assert not CODE & set(said)


# --- With the numbers of the case -----------------------------------------------------------------


def facts_of(frozen: dict[str, Any], declared: Sequence[parameters.Parameter] = DECLARED) -> Facts:
    person = User(username="sam", first_name="Sam", last_name="Rivera")
    return Facts(Task(), person, ("Trainees",), Door.SLACK, declared, frozen, {})


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("true", "Every run needs approval"),
        ("amount > 100", "150.00 USD, above the limit of 100.00"),
        ("amount >= 150", "150.00 USD, at or above the limit of 150.00"),
        ("amount < 200.5", "150.00 USD, below 200.50"),
        ("amount != 100", "150.00 USD, not 100.00"),
        ("points > 2", "Points: 3, above the limit of 2"),
        ("rate > 1", "Rate: 1.500, above the limit of 1.000"),
        ("lines_rows > 50", "Number of rows in lines: 62, above the limit of 50"),
        ('due > d"2026-06-30"', "Due: 31 Dec 2026, after 30 Jun 2026"),
        ('kind == "fraud"', "The kind is “Fraud”"),
        ("urgent", "“Urgent” is yes"),
        ('door == "slack"', "It is requested via Slack"),
        ("(fee ?? 0) < 3", "The fee is below 3 or empty"),
        ("amount > 100 and urgent", "150.00 USD, above the limit of 100.00; “Urgent” is yes"),
        ("amount > 500 or points > 2", "Points: 3, above the limit of 2"),
        (TO_ACCOUNT, "355.00 USD to this account in 24 hours, above the limit of 100.00"),
        (
            "sum(amount) by account and requester over 7 days > 200",
            "205.00 USD in earlier requests to this account requested by Sam Rivera in 7 days, above "
            "the limit of 200.00",
        ),
        (
            "sum(points) by kind over 1 hour + points > 200",
            "Points: 208 for this kind in 1 hour, above the limit of 200",
        ),
        (REQUESTS, "206th request by Sam Rivera within 1 hour"),
        # Not so in this case: then nothing is claimed of it.
        ("amount > 500", "“Large credits” applies"),
        ("fee == 5", "“Large credits” applies"),
    ],
)
def test_the_numbers_of_the_case_stand_in_it(condition, said):
    read = Condition.of(condition, DECLARED)
    found = why_it_applies("Large credits", read, facts_of(FROZEN), lambda *_: Decimal(205))
    assert found == said


def test_the_decimals_are_those_of_the_currency():
    declared = parameters.read(one_currency)
    facts = facts_of({"payout": {"amount": "150", "currency": "JPY"}}, declared)
    found = why_it_applies(
        "x", Condition.of("payout > 100", declared), facts, lambda *_: Decimal(0)
    )
    assert found == "150 JPY, above the limit of 100"


def test_a_sum_without_an_answer_is_called_by_the_name_of_the_rule():
    def no_answer(*_):
        raise ValueError("no number")

    read = Condition.of(TO_ACCOUNT, DECLARED)
    assert why_it_applies("Large", read, facts_of(FROZEN), no_answer) == "“Large” applies"


# --- From the database to every page --------------------------------------------------------------

SAID = "355.00 USD to this account in 24 hours, above the limit of 100.00"


def pay(account: str, amount: Annotated[Money, Param(currencies=("USD", "EUR"))]) -> None: ...


def registered(*rules: Approval) -> RegisteredTask:
    return RegisteredTask(
        slug="pay-out",
        name="Pay out",
        category="Tests",
        owner="Testers",
        description="Pays somebody.",
        function=pay,
        approval=rules,
        source_hash="3" * 64,
    )


@pytest.fixture
def under(alice, bob, carol, dave):
    """Adopt the task with these rules. Alice and Dave may run it."""
    with ExitStack() as stack:

        def adopt(*rules: Approval) -> Task:
            code = registered(*rules)
            stack.enter_context(registry.temporarily(code))
            adopt_task(code)
            task = Task.objects.get(slug=code.slug)
            for person in (alice, dave):
                set_right(task, Right.EXECUTE, to=person)
            return task

        yield adopt


@pytest.fixture
def task(under):
    return under(
        Approval(TO_ACCOUNT, groups=["Approvers"], name="Large ones", ticket_pattern=r"^SUP-\d+$")
    )


@pytest.fixture
def ask(alice):
    def ask_for(amount: str, account: str = "A-1", *, by=alice, currency="USD") -> Run:
        return request_run(
            Task.objects.get(slug="pay-out").pk,
            requested_by=by,
            door=Door.ADMIN,
            values={"amount": amount, "amount_currency": currency, "account": account},
            reason="The parcel was late",
            ticket="SUP-1",
        )

    return ask_for


@pytest.fixture
def fourth(task, ask, dave) -> Run:
    """5, 100 and 150 to the same account before it; and others that are no part of the sum."""
    ask("5.00")
    ask("999.00", "A-2")
    ask("99.00", currency="EUR")
    ask("100.00", by=dave)
    ask("150.00")
    return ask("100.00")


def because(run: Run) -> list[str]:
    assert run.approval
    return list(run.approval.stages.values_list("because", flat=True))


def test_what_was_reached_is_kept_with_this_run_in_it(task, ask, dave):
    assert ask("5.00").approval is None
    second = ask("100.00", by=dave)
    third = ask("150.00")
    expected = "{} USD to this account in 24 hours, above the limit of 100.00"
    assert because(second) == [expected.format("105.00")]
    assert because(third) == [expected.format("255.00")]
    approvals.decide(
        second.approval_id,
        decided_by=User.objects.get(username="bob"),
        verdict="reject",
        seal=second.seal,
        door=Door.ADMIN,
        reason="No",
    )
    assert because(ask("100.00")) == [expected.format("255.00")]  # what was rejected counts no more
    assert because(third) == [expected.format("255.00")]


def test_the_requests_of_a_person_are_counted_with_this_one(under, ask, dave):
    under(Approval("count() by requester over 1 hour >= 2", groups=["Approvers"], name="Many"))
    for by in ("alice", "dave", "alice"):
        assert ask("1", by=User.objects.get(username=by)).approval is None
    assert because(ask("1")) == ["3rd request by Alice Example within 1 hour"]


def test_each_sum_is_asked_once_for_rule_and_sentence(under, ask):
    rules = [Approval(TO_ACCOUNT, groups=["Approvers"], name=name) for name in ("One", "Two")]
    under(*rules)
    with CaptureQueriesContext(connection) as queries:
        ask("150.00")
    assert sum("SUM(" in each["sql"] for each in queries) == 1


def test_who_may_only_ask_reads_why_a_request_waits(under, ask, mallory):
    set_right(under(), Right.REQUEST, to=mallory)
    set_right(Task.objects.get(slug="pay-out"), Right.EXECUTE, to=User.objects.get(username="bob"))
    run = ask("1", by=mallory)
    assert because(run) == ["Mallory Example can request this task, but not run it"]


def test_the_sentence_never_changes(fourth):
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Stage.objects.filter(request=fourth.approval).update(because="1.00 USD")


def test_a_rule_without_a_name_gets_one_in_words(under):
    rules = under(
        Approval(TO_ACCOUNT, groups=["Approvers"]),
        Approval("true", groups=["Approvers"]),
        Approval('account =~ "A.*"', groups=["Approvers"]),
    ).rules
    assert list(rules.values_list("name", flat=True)) == [
        "Pay out: the total amount to the same account within 24 hours exceeds 100.00",
        "Pay out: every run",
        "Pay out: rule 3",
    ]


PAGES = {
    "form": (
        "alice",
        lambda run: form_of(run.task),
        "Needs approval from Approvers if the total amount to the same account within 24 hours "
        "exceeds 100.00. Otherwise runs immediately.",
    ),
    "run": ("alice", page_of, SAID),
    "live part of a run": (
        "alice",
        lambda run: reverse("admin:tasks_run_live", args=[run.pk]),
        SAID,
    ),
    "request": (
        "bob",
        lambda run: reverse("admin:approvals_approvalrequest_change", args=[run.approval_id]),
        f"1 approval required. {SAID}. Reviewers: Approvers",
    ),
    "inbox": (
        "bob",
        lambda run: reverse("admin:approvals_approvalrequest_changelist"),
        "100.00 USD",
    ),
    "catalogue": ("alice", lambda run: reverse("admin:tasks_task_changelist"), "Pay out"),
    "runs": ("alice", lambda run: reverse("admin:tasks_run_changelist"), "100.00 USD"),
}


@pytest.mark.parametrize(("reader", "address", "says"), PAGES.values(), ids=PAGES)
def test_pages_say_it_in_words_and_never_in_code(fourth, reader, address, says):
    page = signed_in(User.objects.get(username=reader)).get(address(fourth))
    assert says in words(page)
    text = unescape(page.content.decode())
    for code in ("sum(amount)", "over 24 hours +", "amount > 100", "SUP-\\d", "^SUP"):
        assert code not in text


def test_the_form_says_what_a_ticket_looks_like(fourth, alice):
    client = signed_in(alice)
    assert "A ticket number such as SUP-4711." in words(client.get(form_of(fourth.task)))
    sent = {"account": "A-1", "amount": "1", "amount_currency": "USD", "run-reason": "Why not"}
    page = client.post(form_of(fourth.task), sent | {"run-ticket": "4711"})
    assert "“4711” is not a valid ticket number. Enter one like SUP-4711." in words(page)
    assert "^SUP" not in page.content.decode()


def test_settings_show_the_code_with_the_sentence_beside_it(fourth, mallory):
    set_right(fourth.task, Right.CHANGE, to=mallory)
    client, rule = signed_in(mallory), fourth.task.rules.get()
    clause = "if the total amount to the same account within 24 hours exceeds 100.00"
    for address in (
        reverse("admin:tasks_task_settings", args=["pay-out"]),
        reverse("admin:tasks_task_rule", args=["pay-out", rule.pk]),
    ):
        page = client.get(address)
        assert clause in words(page)
        assert TO_ACCOUNT in unescape(page.content.decode())


def test_trying_a_rule_says_the_sentence_of_the_case(fourth, mallory, approvers):
    set_right(fourth.task, Right.CHANGE, to=mallory)
    sent = {
        "name": "Other ones", "condition": "amount > 20 or account == \"B\"", "groups": [approvers.pk],
        "needed": "1", "position": "2", "who-requester": fourth.requested_by_id, "who-door": "admin",
        "try-account": "A-1", "try-amount": "30", "try-amount_currency": "USD", "try": "values",
    }  # fmt: skip
    shown = words(
        signed_in(mallory).post(reverse("admin:tasks_task_rule_new", args=["pay-out"]), sent)
    )
    assert "applies. 30.00 USD, above the limit of 20.00." in shown
    assert "applies. 385.00 USD to this account in 24 hours, above the limit of 100.00." in shown
    assert "Needs approval if the amount is above 20.00 or the account is “B”." in shown
