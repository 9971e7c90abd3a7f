"""The page of a restored database, and where else people read of it."""

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from audit.context import Door
from tasks.actions.restores import check_database
from tasks.models import Reconciliation, Run, Sign
from tests.tasks.actions.test_restores import REWRITTEN, write_behind_the_guards

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "admin:tasks_reconciliation_changelist"


@pytest.fixture
def known(settings, tmp_path, transactional_db):
    settings.DATA_DIR = tmp_path
    check_database(door=Door.WORKER)


@pytest.fixture
def restored(known, ask):
    run = ask("50.00")
    write_behind_the_guards(REWRITTEN)
    return run


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_everybody_reads_that_the_database_was_restored(known, ask, client, root):
    Sign.objects.update_or_create(name=Sign.Name.RUNS, defaults={"at": Now()})
    assert "restored from a backup" not in client.get(reverse("admin:login")).text
    assert client.get("/readyz").status_code == 200
    ask("50.00")
    write_behind_the_guards(REWRITTEN)
    assert "restored from a backup" in client.get(reverse("admin:login")).text
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert "restored from a backup" in ready.json()["reason"]
    assert "restored from a backup" in signed_in(root).get(reverse("admin:status")).text
    assert "Start a worker" in signed_in(root).get(reverse(PAGE)).text


def test_an_administrator_decides_about_each_run_there(restored, root):
    check_database(door=Door.WORKER)
    client = signed_in(root)
    page = client.get(reverse(PAGE)).text
    assert restored.headline in page
    assert f"bo-{restored.pk}" in page  # the task has no look-up: where a person searches
    address = reverse("admin:tasks_reconciliation_decide", args=[restored.pk])
    assert "Choose what to do" in client.post(address, {"reason": "x"}, follow=True).text
    empty = client.post(address, {"decision": "cancel", "reason": ""}, follow=True).text
    assert "Say what you checked" in empty
    done = client.post(address, {"decision": "cancel", "reason": "It was paid"}, follow=True).text
    assert "Every unfinished run is reconciled" in done
    assert Run.objects.get().status == Run.Status.CANCELLED
    assert Reconciliation.objects.get().reason == "It was paid"


def test_for_others_the_page_does_not_exist_and_a_forged_decision_is_refused(restored, alice):
    check_database(door=Door.WORKER)
    client = signed_in(alice)
    assert client.get(reverse(PAGE)).status_code == 404
    address = reverse("admin:tasks_reconciliation_decide", args=[restored.pk])
    answer = client.post(address, {"decision": "keep", "reason": "Trust me"}, follow=True)
    assert answer.status_code == 404
    assert Reconciliation.objects.count() == 0


def test_without_a_restore_there_is_nothing_to_reconcile(known, root):
    assert "Nothing to reconcile." in signed_in(root).get(reverse(PAGE)).text
