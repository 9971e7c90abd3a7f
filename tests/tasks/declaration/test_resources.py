"""Systems that tasks reach: who can read their secrets, and that nobody else sees them."""

import logging

import pytest
from django.urls import reverse

from tasks.actions import adopt_task
from tasks.checks import check_resources
from tasks.declaration import resources
from tasks.declaration.calling import call_task
from tasks.declaration.errors import Refused
from tasks.declaration.registry import Registry, registry
from tasks.declaration.resources import Env, NotNamed, Resource, using
from tasks.models import Run
from tasks.secrets.masking import MASK, MaskingFormatter
from tests.people import person
from tests.tasks.admin.reading import signed_in, words

SAID = {"name": "Credit", "category": "CRM", "owner": "CRM"}
CANARY = "canary of the crm 4711"


@pytest.fixture(autouse=True)
def none_declared(monkeypatch):
    monkeypatch.setattr(resources, "_declared", {})
    monkeypatch.setattr(resources, "_problems", [])


@pytest.fixture
def crm(monkeypatch):
    monkeypatch.setenv("CRM_ENTRANCE", CANARY)  # a name that says nothing of a secret
    return Resource("crm", base="https://crm.example/v2/", entrance=Env("CRM_ENTRANCE"))


def test_a_task_reads_the_secrets_that_it_names_and_no_others(crm):
    def credit():
        """Credits."""
        return crm.value("entrance")

    found = Registry()
    found.task(resources=[crm], **SAID)(credit)
    found.task(slug="other", **SAID)(credit)
    assert call_task(found.get("credit"), {}, None) == CANARY
    with pytest.raises(NotNamed, match="“crm”"):
        call_task(found.get("other"), {}, None)


def test_a_file_can_hold_the_secret(crm, monkeypatch, tmp_path):
    path = tmp_path / "token"
    path.write_text("from a file\n")
    monkeypatch.setenv("CRM_ENTRANCE_FILE", str(path))
    assert crm.value("entrance") == "from a file"


def test_what_is_not_set_is_named_and_nothing_is_sent(monkeypatch):
    monkeypatch.delenv("BANK_TOKEN", raising=False)
    bank = Resource("bank", base=Env("BANK_URL"), token=Env("BANK_TOKEN"))
    assert bank.missing() == ["BANK_TOKEN", "BANK_URL"]
    with using([bank]), pytest.raises(Refused, match=r"BANK_TOKEN is not set.*Nothing was sent"):
        bank.value("token")


def test_its_secret_is_masked_wherever_a_run_or_the_log_shows_it(crm, ask, credit, work):
    def fails(run):
        run.log(f"with {CANARY}")
        raise RuntimeError(f"the address https://crm.example/?key={CANARY}")

    credit.behave = fails
    run = work(ask("50.00"))
    assert run.status == Run.Status.FAILED
    lines = [line.text for line in run.log_lines.all()]
    shown = f"{run.error} {run.traceback} {lines}"
    assert MASK in shown
    assert CANARY not in shown
    record = logging.LogRecord("x", logging.INFO, "x", 1, "said %s", (CANARY,), None)
    assert CANARY not in MaskingFormatter().format(record)


def test_where_it_leads_is_in_the_fingerprint_and_its_secret_is_not(monkeypatch):
    def credit():
        """Credits."""

    def hash_of(base, secret):
        monkeypatch.setattr(resources, "_declared", {})
        monkeypatch.setenv("CRM_ENTRANCE", secret)
        found = Registry()
        found.task(resources=[Resource("crm", base=base, entrance=Env("CRM_ENTRANCE"))], **SAID)(
            credit
        )
        return found.get("credit").source_hash

    first = hash_of("https://crm.example/", "one")
    assert first == hash_of("https://crm.example/", "two")
    assert first != hash_of("https://elsewhere.example/", "one")


def test_two_of_one_name_and_a_secret_in_the_code_are_errors(crm):
    Resource("crm", base="https://other.example/")
    Resource("bank", token="in the repository")
    messages = [message.msg for message in check_resources()]
    assert [m.id for m in check_resources()] == ["tasks.E023"] * 2
    assert "Two resources have the name 'crm'" in messages[0]
    assert "in the repository" not in str(messages)


def test_what_is_no_resource_is_a_problem():
    found = Registry()
    found.task(resources=["crm"], **SAID)(lambda: None)
    assert any("resources of the task" in problem.message for problem in found.problems)


def test_administrators_see_who_uses_it_and_never_its_value(crm, db, alice):
    def crm_credit():
        """Credits."""

    found = Registry()
    found.task(resources=[crm], **SAID)(crm_credit)
    root = person("Root", is_superuser=True)
    with registry.temporarily(found.get("crm-credit")):
        adopt_task(found.get("crm-credit"))
        page = reverse("admin:tasks_resources")
        text = words(signed_in(root).get(page))
        assert signed_in(alice).get(page).status_code == 403
    for shown in ("crm", "https://crm.example/v2/", "CRM_ENTRANCE", "Credit"):
        assert shown in text
    assert CANARY not in text
