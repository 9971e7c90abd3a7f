"""The probes, the metrics and the status page: true numbers, no names, nothing that hangs."""

import socket
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, connections
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_q.models import OrmQ

from audit.context import Door
from backoffice.monitoring import health
from tasks.access.rights import Right
from tasks.actions import adopt_task, request_run, start_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import Approval, RegisteredTask, registry
from tasks.models import ApprovalRule, Run, Sign, Task
from tasks.outputs import Change
from tasks.queue.messages import queue_status
from tasks.sync import after_migrate

PROBES = ("/healthz", "/readyz")
TOKEN = "a-token-of-some-length"
PRIVATE = "Wanda Private"


def greet(name: str) -> str:
    """Greet somebody."""
    return name


def greeting(slug, *approval):
    return RegisteredTask(
        slug=slug,
        name=f"Greet {PRIVATE}",
        category="Tests",
        owner="Testers",
        description="Greet somebody.",
        function=greet,
        preview=lambda name: [Change("Greeted", "no", "yes")],
        approval=approval,
        source_hash="1" * 64,
    )


@pytest.fixture
def task(alice, bob):
    """Alice may run one task at once, and another when somebody agrees."""
    both = (greeting("greet"), greeting("greet-approved", Approval("true", groups=["Approvers"])))
    with registry.temporarily(*both):
        for each in both:
            adopt_task(each)
            set_right(Task.objects.get(slug=each.slug), Right.EXECUTE, to=alice)
        yield Task.objects.get(slug="greet")


@pytest.fixture
def ask(task, alice, worker):
    def ask_for(slug="greet"):
        return request_run(
            Task.objects.get(slug=slug).pk,
            requested_by=alice,
            door=Door.ADMIN,
            values={"name": PRIVATE},
            reason=f"{PRIVATE} asked",
        )

    return ask_for


def change(run, **ago):
    """Put times of a run so many seconds into the past."""
    times = {name: Now() - timedelta(seconds=seconds) for name, seconds in ago.items()}
    Run.objects.filter(pk=run.pk).update(**times)


def claimed(run):
    started = start_run(run.pk, worker="gone:1", door=Door.WORKER)
    assert started
    return started


def uncertain(run):
    Run.objects.filter(pk=claimed(run).pk).update(status=Run.Status.UNCERTAIN, finished_at=Now())


def seen(*, ago: timedelta, lane: str = Sign.Name.RUNS) -> None:
    """As if a cluster of this lane had given a sign then, and none since."""
    Sign.objects.update_or_create(name=lane, defaults={"at": Now() - ago})


@pytest.fixture
def worker(db):
    seen(ago=timedelta(seconds=5))
    seen(ago=timedelta(seconds=5), lane=Sign.Name.MESSAGES)


@pytest.fixture
def away(db):
    """A database at an address where nobody listens."""
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        there = connections["default"]
        connections["default"] = there.copy()
        address = {"host": "127.0.0.1", "port": nobody.getsockname()[1]}
        connections["default"].settings_dict |= {"HOST": "", "PORT": "", "OPTIONS": address}
        yield str(address["port"])
        connections["default"] = there


def ready(client):
    response = client.get("/readyz")
    return response.status_code, response.json()


# --- /healthz ------------------------------------------------------------------------------------


def test_the_process_answers_without_a_database(client):
    """pytest-django lets no test without the fixture near the database."""
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"alive": True})


def test_a_cookie_of_somebody_who_is_signed_in_does_not_make_it_ask_the_database(
    client, alice, django_assert_num_queries
):
    client.force_login(alice)
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


# --- /readyz -------------------------------------------------------------------------------------


def test_with_nothing_to_do_it_is_ready(client, worker):
    status, answer = ready(client)
    assert status == 200
    assert 4 < answer.pop("worker_silent_seconds") < 30
    assert answer == {
        "ready": True,
        "reason": None,
        "database": True,
        "queued_runs": 0,
        "oldest_queued_seconds": None,
        "running_runs": 0,
        "running_runs_with_expired_lease": 0,
        "queue_messages_waiting": 0,
        "queue_messages_taken": 0,
        "worker_alive": True,
        "sender_alive": True,
    }


def test_it_counts_what_is_queued_and_running(client, ask):
    claimed(ask())
    left_alone = claimed(ask())
    change(left_alone, lease_until=1)
    change(ask(), queued_at=70)
    ask()
    _, answer = ready(client)
    assert answer["queued_runs"] == 2
    assert 70 <= answer["oldest_queued_seconds"] < 100
    assert answer["running_runs"] == 2
    assert answer["running_runs_with_expired_lease"] == 1


def test_it_tells_messages_that_wait_from_those_that_a_worker_has(client, ask):
    for _ in range(3):
        ask()
    newest = OrmQ.objects.latest("pk")
    OrmQ.objects.filter(pk=newest.pk).update(lock=Now() + timedelta(minutes=7))
    _, answer = ready(client)
    assert (answer["queue_messages_waiting"], answer["queue_messages_taken"]) == (2, 1)


def test_the_message_of_a_run_that_is_to_be_tried_later_is_not_one_that_a_worker_has(client, ask):
    run = ask()
    change(run, queued_at=0, due_at=-60)
    OrmQ.objects.update(lock=Now() + timedelta(minutes=1))
    _, answer = ready(client)
    assert (answer["queue_messages_waiting"], answer["queue_messages_taken"]) == (0, 0)


def test_a_run_that_waits_for_too_long_makes_it_unready(client, ask, settings):
    change(ask(), queued_at=121)
    status, answer = ready(client)
    assert (status, answer["ready"]) == (503, False)
    assert "has been queued for 2 min" in answer["reason"]
    settings.READY_QUEUE_SECONDS = 300
    assert ready(client)[0] == 200


def test_a_run_that_is_to_be_tried_later_does_not_wait(client, ask):
    change(ask(), queued_at=600, due_at=-60)
    status, answer = ready(client)
    assert (status, answer["queued_runs"], answer["oldest_queued_seconds"]) == (200, 1, None)


def test_a_run_that_was_tried_before_waits_since_it_is_due_again(client, ask):
    change(ask(), queued_at=600, due_at=20)
    status, answer = ready(client)
    assert status == 200
    assert 20 <= answer["oldest_queued_seconds"] < 50


def test_a_run_that_waits_for_another_does_not_wait_for_a_worker(client, ask):
    registry._tasks["greet"] = replace(registry.get("greet"), one_running_per=("name",))
    claimed(ask())
    change(ask(), queued_at=600)
    status, answer = ready(client)
    assert (status, answer["queued_runs"], answer["oldest_queued_seconds"]) == (200, 1, None)


def test_a_run_that_waits_for_people_may_take_its_time(client, ask, settings):
    settings.READY_QUEUE_SECONDS = 0
    ask("greet-approved")
    assert ready(client)[0] == 200


def test_without_a_worker_it_is_not_ready_before_anything_waits(client, db):
    seen(ago=timedelta(minutes=5))
    status, answer = ready(client)
    assert (status, answer["worker_alive"]) == (503, False)
    assert "No worker is running" in answer["reason"]
    assert 300 <= answer["worker_silent_seconds"] < 330


def test_without_who_sends_notifications_it_says_so_and_is_ready(client, worker):
    seen(ago=timedelta(minutes=5), lane=Sign.Name.MESSAGES)
    status, answer = ready(client)
    assert (status, answer["worker_alive"], answer["sender_alive"]) == (200, True, False)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_changes_makes_it_unready(client, worker):
    """As one whose disk is full, or that has become a standby: reading goes on."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        status, answer = ready(client)
    finally:
        connection.close()
    assert (status, answer["reason"]) == (503, health.UNWRITABLE)
    assert ready(client)[0] == 200


def test_a_database_that_is_away_makes_it_unready(client, away, caplog):
    status, answer = ready(client)
    assert status == 503
    assert answer == {"ready": False, "reason": health.AWAY, "database": False}
    assert away in caplog.text  # the address is for the log alone


def test_it_asks_again_when_the_database_is_back(client, away):
    here = connections["default"]
    assert ready(client)[0] == 503
    here.settings_dict |= {"OPTIONS": connections["owner"].settings_dict["OPTIONS"]}
    here.settings_dict |= {key: connections["owner"].settings_dict[key] for key in ("HOST", "PORT")}
    assert ready(client)[1]["database"] is True
    here.close()


@pytest.mark.django_db(transaction=True)
def test_it_does_not_hang_where_a_table_is_locked(client, worker, monkeypatch):
    monkeypatch.setattr(health, "PATIENCE_MS", 50)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SET LOCAL idle_in_transaction_session_timeout = '5s'")  # so that this ends
        other.execute("LOCK TABLE tasks_run")
        status, answer = ready(client)
    assert (status, answer["reason"]) == (503, health.AWAY)
    assert ready(client)[0] == 200


@pytest.mark.django_db(transaction=True)
def test_its_impatience_ends_with_its_answer(client):
    ready(client)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_it_costs_the_same_for_many_runs(client, ask):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            ready(client)
        return len(queries)

    before = cost()
    for _ in range(5):
        ask()
    assert cost() == before < 13


# --- Who gives a sign of life --------------------------------------------------------------------


def test_before_the_first_worker_there_is_no_sign_of_one(client, db):
    after_migrate()
    assert queue_status().silence is None
    assert ready(client)[1]["worker_alive"] is False
    assert ready(client)[1]["worker_silent_seconds"] is None


def test_a_deploy_is_no_sign_of_life(db):
    seen(ago=timedelta(hours=1))
    after_migrate()
    silence = queue_status().silence
    assert silence
    assert silence >= timedelta(hours=1)


# --- All of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("url", PROBES)
def test_nobody_keeps_an_answer(client, db, url):
    assert client.get(url)["Cache-Control"] == "no-store"


@pytest.mark.parametrize("url", [*PROBES, "/metrics"])
def test_they_take_no_orders(db, settings, url):
    settings.METRICS_TOKEN = TOKEN
    assert Client(enforce_csrf_checks=True).post(url, {"ready": "1"}).status_code in (403, 405)
    assert Client(headers={"authorization": f"Bearer {TOKEN}"}).post(url).status_code == 405


@pytest.mark.parametrize("url", [*PROBES, "/metrics"])
def test_they_name_nobody(client, ask, alice, settings, url):
    settings.METRICS_TOKEN = TOKEN
    run = claimed(ask())
    change(ask(), queued_at=999)
    uncertain(ask())
    text = client.get(url, headers={"authorization": f"Bearer {TOKEN}"}).text
    names = (PRIVATE, "greet", alice.username, alice.email, str(run.pk), run.worker)
    names += (connection.settings_dict["NAME"], connection.settings_dict["USER"])
    assert [name for name in names if name and name.lower() in text.lower()] == []


# --- /metrics ------------------------------------------------------------------------------------


def scraped(settings) -> dict[str, float]:
    settings.METRICS_TOKEN = TOKEN
    response = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    assert response["Cache-Control"] == "no-store"
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(number) for name, number in (line.split() for line in lines)}


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", TOKEN, f"Basic {TOKEN}", "Bearer é"]
)
def test_without_the_token_there_are_no_metrics(client, db, settings, sent):
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics", headers={"authorization": sent}).status_code == 404


@pytest.mark.parametrize("sent", [None, "", "Bearer", "Bearer "])
def test_without_the_setting_there_are_none_for_anybody(db, settings, sent):
    assert settings.METRICS_TOKEN == ""
    headers = {} if sent is None else {"authorization": sent}
    assert Client(headers=headers).get("/metrics").status_code == 404


def test_an_administrator_needs_the_token_as_well(client, root, settings):
    settings.METRICS_TOKEN = TOKEN
    client.force_login(root)
    assert client.get("/metrics").status_code == 404


def test_the_metrics_say_what_readyz_says(ask, worker, settings):
    change(claimed(ask()), lease_until=1)
    uncertain(ask())
    ask("greet-approved")
    change(ask(), queued_at=30)
    found = scraped(settings)
    assert 30 <= found.pop("backoffice_oldest_queued_run_seconds") < 60
    assert found == {
        "backoffice_database_up": 1,
        'backoffice_runs{status="queued"}': 1,
        'backoffice_runs{status="running"}': 1,
        'backoffice_runs{status="awaiting"}': 1,
        'backoffice_runs{status="uncertain"}': 1,
        'backoffice_runs{status="paused"}': 0,
        "backoffice_expired_leases": 1,
        "backoffice_queue_messages_waiting": 3,
        "backoffice_queue_messages_taken": 0,
        "backoffice_worker_alive": 1,
        "backoffice_sender_alive": 1,
        "backoffice_database_restored": 0,
    }


def test_two_scrapes_do_not_add_up(ask, settings):
    ask()
    scraped(settings)
    assert scraped(settings)['backoffice_runs{status="queued"}'] == 1


def test_the_metrics_of_a_database_that_is_away_say_that(away, settings):
    assert scraped(settings) == {"backoffice_database_up": 0}


# --- The status page -----------------------------------------------------------------------------


def page(client, who):
    client.force_login(who)
    return client.get(reverse("admin:status"))


def in_sidebar(client, who):
    client.force_login(who)
    groups = client.get(reverse("admin:tasks_task_changelist")).context["sidebar_navigation"]
    return [(group["title"], i["title"]) for group in groups for i in group["items"]][-1]


def test_a_superuser_sees_the_status(client, root, worker):
    assert in_sidebar(client, root) == ("Settings", "Status")
    text = page(client, root).text
    assert "Everything is running" in text
    assert "No runs in progress" in text
    assert "The queue is empty." in text


def test_a_superuser_sees_it_where_there_are_no_tasks_yet(client, root):
    with connection.cursor() as cursor:  # rules are never removed otherwise
        for table in ("", "_groups", "_people", "_escalate_to"):
            cursor.execute(f"ALTER TABLE tasks_approvalrule{table} DISABLE TRIGGER USER")
    ApprovalRule.objects.all().delete()
    Task.objects.all().delete()
    assert in_sidebar(client, root) == ("Settings", "Status")
    assert page(client, root).status_code == 200


def test_who_administers_a_task_sees_it(client, task, dave):
    set_right(task, Right.CHANGE, to=dave)
    assert in_sidebar(client, dave) == ("Settings", "Status")
    assert page(client, dave).status_code == 200


def test_for_others_it_does_not_exist(client, task, alice):
    set_right(task, Right.EXECUTE, to=alice)
    assert in_sidebar(client, alice) == ("", "Runs")
    assert page(client, alice).status_code == 404


def test_strangers_are_sent_to_sign_in(client, db):
    response = client.get(reverse("admin:status"))
    assert response.url.startswith(reverse("admin:login"))


def test_it_is_marked_in_the_sidebar(client, root):
    groups = page(client, root).context["sidebar_navigation"]
    assert [i["title"] for g in groups for i in g["items"] if i["active"]] == ["Status"]


def test_it_says_what_needs_somebody(client, root, ask):
    seen(ago=timedelta(minutes=12, seconds=5))
    change(claimed(ask()), lease_until=1)
    for _ in range(2):
        uncertain(ask())
    change(ask(), queued_at=180)
    response = page(client, root)
    workers, waits, left, unclear = response.context["troubles"]
    assert "The last contact was 12 min" in workers
    assert "queued for 3 min" in waits
    assert left.startswith("1 run is running without")
    assert unclear.startswith("The outcome of 2 runs is unknown.")
    assert "Not running" in response.text
    assert "Everything is running" not in response.text


def test_it_says_that_no_worker_was_ever_started(client, root):
    response = page(client, root)
    assert "No worker has started yet" in response.context["troubles"][0]
    assert "No contact yet." in response.text


def test_it_names_the_version_of_the_database(client, root):
    major = connection.get_database_version()[0]
    assert f"PostgreSQL {major}." in page(client, root).text


def test_its_numbers_lead_to_the_runs(client, root, ask):
    ask("greet-approved")
    claimed(ask())
    uncertain(ask())
    ask()
    runs = reverse("admin:tasks_run_changelist")
    text = page(client, root).text
    for status in ("awaiting", "queued", "running", "uncertain"):
        assert f'href="{runs}?status={status}"' in text
        assert client.get(runs, {"status": status}).context["filter"].is_valid()


def test_a_number_without_runs_leads_nowhere(client, root, ask):
    ask()
    text = page(client, root).text
    assert "?status=queued" in text
    assert "?status=running" not in text


def test_it_only_shows(client, root):
    client.force_login(root)
    assert client.post(reverse("admin:status")).status_code == 405


def test_the_page_costs_the_same_for_many_runs(client, root, ask):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert page(client, root).status_code == 200
        return len(queries)

    ask()
    cost()
    before = cost()
    for _ in range(5):
        ask()
        ask("greet-approved")
        uncertain(ask())
    assert cost() == before
