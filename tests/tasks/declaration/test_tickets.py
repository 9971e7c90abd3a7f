"""A rule may ask for the number of a ticket: it is checked, sealed, and never changes."""

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.urls import reverse

from audit.context import Door
from audit.transitions import transition
from tasks.access.rights import Right
from tasks.actions import InvalidValues, request_run
from tasks.actions.changes.grants import set_right
from tasks.actions.changes.rules import put_in_force
from tasks.checks import check_ticket_url
from tasks.declaration.tickets import example_of, help_for_ticket, problem_of_ticket, ticket_url
from tasks.models import Run
from tasks.rules.evaluation import RuleSpec
from tasks.runs.seals import seal_of_run
from tests.rules import save_rule
from tests.tasks.admin.reading import signed_in, words

PATTERN = r"^SUP-\d+$"
ADDRESS = "https://support.example.com/tickets/{ticket}"


@pytest.fixture
def with_ticket(task, approvers) -> None:
    with transition(by=None, door=Door.COMMAND):
        spec = RuleSpec("With a ticket", "amount > 50", [approvers], ticket_pattern=PATTERN)
        put_in_force(task, spec)


@pytest.fixture
def ask_with(task, alice, with_ticket):
    def ask_for(ticket: str, amount="150.00", **more) -> Run:
        return request_run(
            task.pk,
            requested_by=alice,
            door=Door.ADMIN,
            values={"amount": amount, "amount_currency": "USD"},
            reason="The parcel was late",
            ticket=ticket,
            **more,
        )

    return ask_for


@pytest.fixture
def send(task, alice, with_ticket):
    def send_form(**fields: str):
        sent = {"amount_0": "150.00", "amount_1": "USD", "amount": "150.00"}
        sent |= {"amount_currency": "USD", "run-reason": "The parcel was late"}
        address = reverse("admin:tasks_task_request", args=[task.slug])
        return signed_in(alice).post(address, sent | fields)

    return send_form


def rule_of(pattern: str) -> RuleSpec:
    return RuleSpec("Any", "true", ticket_pattern=pattern)


@pytest.mark.parametrize(
    "ticket",
    ["", "SUP-", "sup-1", "SUP-1 ", "SUP-1\n", "xSUP-1", "SUP-1x", "SUP-٣", "SUP-" + "1" * 40],
)
def test_only_the_whole_number_of_a_ticket_fits(ticket):
    assert problem_of_ticket(ticket, [rule_of(r"SUP-\d+")])
    assert problem_of_ticket(ticket, [rule_of(PATTERN)])


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        (PATTERN, "SUP-4711"),
        (r"SUP-\d+", "SUP-4711"),
        (r"^[A-Z]+-[0-9]{6}$", "ABC-471147"),
        (r"[A-Z]{2}\d{1,3}", "AB471"),
        (r"\d{6,}", "471147"),
        (r"#?\d*\.[a-z]", "#4711.a"),
        (r"T\-\d{12}", "T-471147114711"),
        ("CASE [0-9]", "CASE 4"),
        (r"(SUP|INC)-\d+", ""),
        (r"SUP-\d+|T", ""),
        (r"\w+", ""),
        (r"(a+)+$", ""),
        (r"\d{60}", ""),
        ("", ""),
    ],
)
def test_a_simple_pattern_has_an_example(pattern, example):
    assert example_of(pattern) == example


def test_a_pattern_without_an_example_is_not_shown_either():
    rules = [rule_of("(SUP|INC)-.")]
    form = "in the ticket format of this rule."
    assert problem_of_ticket("", rules) == f"A ticket number is required, {form}"
    problem = problem_of_ticket("4711", rules)
    assert problem == f"“4711” is not a valid ticket number. Enter it {form}"
    assert help_for_ticket(rules) == f"A ticket number {form} Reviewers see it too."


def test_a_ticket_must_fit_each_rule_that_applies():
    rules = [rule_of(PATTERN), rule_of(""), rule_of(r"\w+-1\d")]
    assert problem_of_ticket("SUP-12", rules) == ""
    assert problem_of_ticket("SUP-22", rules)


def test_without_its_ticket_nothing_is_asked(ask_with):
    with pytest.raises(InvalidValues, match="A ticket number is required, such as SUP-4711"):
        ask_with("  ")
    with pytest.raises(InvalidValues, match="“T-1” is not a valid ticket number"):
        ask_with("T-1")
    assert not Run.objects.exists()


def test_where_the_rule_does_not_apply_no_ticket_is_needed(ask_with):
    assert ask_with("", "10.00").ticket == ""


def test_the_ticket_is_kept_shown_and_sealed(ask_with):
    run = ask_with(" SUP-7 ")
    assert run.ticket == "SUP-7"
    assert run.approval.shown["ticket"]["number"] == "SUP-7"
    run.ticket = "SUP-8"
    assert seal_of_run(run) != run.seal


def test_the_database_keeps_the_ticket_of_a_run(ask_with):
    run = ask_with("SUP-7")
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(ticket="SUP-8")


def test_another_ticket_is_one_of_the_differences_of_a_revision(ask_with, approve):
    first = ask_with("SUP-7")
    approve(first, verdict="change", reason="That is another ticket")
    second = ask_with("SUP-8", revises=first)
    assert ["Ticket", "SUP-7", "SUP-8"] in second.approval.shown["revision"]["changes"]


def test_the_message_stands_beside_the_field_and_nothing_is_lost(send):
    answer = send(**{"run-ticket": "T-1"})
    assert "ticket" in answer.context["why"].errors
    assert 'value="T-1"' in answer.content.decode()
    assert "The parcel was late" in answer.content.decode()
    assert not Run.objects.exists()


def test_the_form_sends_the_ticket(send):
    assert send(**{"run-ticket": "SUP-7"}).status_code == 302
    assert Run.objects.get().ticket == "SUP-7"


def test_the_field_stands_only_where_a_rule_asks_for_a_ticket(task, alice):
    page = signed_in(alice).get(reverse("admin:tasks_task_request", args=[task.slug]))
    assert "run-ticket" not in page.content.decode()


def test_both_pages_lead_to_the_ticket(ask_with, alice, bob, settings):
    settings.TICKET_URL = ADDRESS
    run = ask_with("SUP-7")
    link = 'href="https://support.example.com/tickets/SUP-7"'
    asked = reverse("admin:approvals_approvalrequest_change", args=[run.approval_id])
    assert link in signed_in(bob).get(asked).content.decode()
    own = reverse("admin:tasks_run_change", args=[run.pk])
    assert link in signed_in(alice).get(own).content.decode()


def test_without_an_address_the_number_is_no_link(ask_with, bob):
    run = ask_with("SUP-7")
    page = signed_in(bob).get(
        reverse("admin:approvals_approvalrequest_change", args=[run.approval_id])
    )
    assert "Ticket SUP-7" in words(page)
    assert "tickets/SUP-7" not in page.content.decode()


def test_the_number_cannot_leave_its_place_in_the_address():
    assert ticket_url("../a?b#c", ADDRESS).endswith("/tickets/..%2Fa%3Fb%23c")


@pytest.mark.parametrize("address", ["javascript:{ticket}", "https://example.com/", "/{ticket}"])
def test_an_address_that_leads_nowhere_is_found_by_the_check(settings, address):
    settings.TICKET_URL = address
    assert [found.id for found in check_ticket_url()] == ["tasks.E011"]
    settings.TICKET_URL = ADDRESS
    assert check_ticket_url() == []


def test_a_pattern_that_cannot_be_read_is_refused_when_the_rule_is_saved(task, mallory, approvers):
    set_right(task, Right.CHANGE, to=mallory)
    spec = RuleSpec("Any", "true", [approvers], ticket_pattern="SUP-(")
    with pytest.raises(ValidationError, match="Not a valid pattern"):
        save_rule(task.pk, spec=spec, by=mallory, door=Door.ADMIN)
