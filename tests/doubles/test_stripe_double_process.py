"""The double on its own, as the demo runs it: side door, state file, clean end."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
import stripe

from tests.doubles.stripe import StripeDouble
from tests.doubles.stripe.client import connected

ROOT = Path(__file__).parents[2]
SEEDS = {
    "customers": [
        {"id": "cus_1", "name": "A", "email": "a@example.com", "balance": 0, "currency": "usd"}
    ],
    "payments": [
        {
            "id": "pi_1",
            "amount": 5000,
            "currency": "usd",
            "customer": "cus_1",
            "created": 1_700_000_000,
            "card": {"brand": "visa", "last4": "4242"},
        }
    ],
    "accounts": [{"id": "acct_1", "active": True, "name": "Supplier"}],
    "available": {"usd": 100_000},
}
KEY = {"idempotency_key": "key-1"}


def ask(url, method, name, given=None):
    body = None if given is None else json.dumps(given).encode()
    request = urllib.request.Request(f"{url}/_ctl/{name}", body, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


@pytest.fixture
def double():
    with StripeDouble() as running:
        yield running


@pytest.fixture
def url(double):
    ask(double.url, "POST", "seed", SEEDS)
    return double.url


@pytest.fixture
def client(url):
    with connected(url) as connection:
        yield connection


def refund(client, amount=1000):
    return client.v1.refunds.create({"payment_intent": "pi_1", "amount": amount}, KEY)


# The side door


def test_seeding_says_what_was_new_and_can_be_repeated(double):
    new = {"accounts": 1, "customers": 1, "payments": 1, "available": 1}

    assert ask(double.url, "POST", "seed", SEEDS) == (200, new)
    assert ask(double.url, "POST", "seed", SEEDS) == (200, dict.fromkeys(new, 0))


def test_what_was_seeded_is_served(url, client):
    found = client.v1.payment_intents.retrieve("pi_1", {"expand": ["latest_charge"]})

    assert (found.amount, found.customer, found.created) == (5000, "cus_1", 1_700_000_000)
    assert client.v1.accounts.retrieve("acct_1").capabilities.transfers == "active"
    assert client.v1.balance.retrieve().available[0].amount == 100_000


def test_effects_and_requests_can_be_read(url, client):
    made = refund(client)

    effects = ask(url, "GET", "effects")[1]["effects"]
    requests = ask(url, "GET", "requests")[1]["requests"]

    assert [effect["id"] for effect in effects] == [made.id]
    assert [(row["path"], row["status"]) for row in requests] == [("/v1/refunds", 200)]


def test_faults_are_set_listed_and_cleared(url, client):
    given = [{"kind": "error_before", "status": 429}, {"kind": "slow", "path": "/v1/x"}]
    assert ask(url, "POST", "faults", given)[0] == 200

    with pytest.raises(stripe.RateLimitError):
        refund(client)

    listed = ask(url, "GET", "faults")[1]["faults"]
    assert [(fault["kind"], fault["hits"]) for fault in listed] == [
        ("error_before", 1),
        ("slow", 0),
    ]
    assert ask(url, "DELETE", "faults") == (200, {"faults": []})
    assert ask(url, "GET", "faults") == (200, {"faults": []})


def test_keys_are_pruned(url, client, double):
    refund(client)

    assert ask(url, "POST", "prune_keys") == (200, {"pruned": 1})
    refund(client)
    assert len(double.effects()) == 2


def test_later_events_are_made_to_happen(url, client):
    made = refund(client)
    sent = client.v1.transfers.create({"amount": 9, "currency": "usd", "destination": "acct_1"})

    assert ask(url, "POST", "fail_refund", {"refund": made.id})[1]["status"] == "failed"
    assert ask(url, "POST", "reverse_transfer", {"transfer": sent.id})[1]["reversed"] is True
    assert ask(url, "POST", "dispute", {"payment": "pi_1"})[1]["disputed"] is True


@pytest.mark.parametrize(
    ("method", "name", "given", "status"),
    [
        ("GET", "nothing", None, 404),
        ("POST", "seed", {"payments": [{"id": "pi_2"}]}, 400),
        ("POST", "faults", {"kind": "explode"}, 400),
        ("POST", "faults", [{"kind": "slow"}, {"colour": "red"}], 400),
        ("POST", "fail_refund", {"refund": "re_no"}, 400),
        ("POST", "fail_refund", {"colour": "red"}, 400),
    ],
)
def test_a_wrong_request_is_explained_and_changes_nothing(url, method, name, given, status):
    code, answer = ask(url, method, name, given)

    assert code == status
    assert answer["error"]
    assert ask(url, "GET", "faults")[1]["faults"] == []


# The state file


def test_a_restarted_double_knows_money_and_keys(tmp_path):
    state = tmp_path / "state.json"
    with StripeDouble(state=state) as double, connected(double.url) as client:
        double.seed(SEEDS)
        made = refund(client)

    with StripeDouble(state=state) as double, connected(double.url) as client:
        assert refund(client).id == made.id
        assert len(double.effects()) == 1
        assert double.find("charges", "ch_1")["amount_refunded"] == 1000
        assert client.v1.customers.retrieve("cus_1").name == "A"


def test_money_keeps_moving_in_a_restarted_double(tmp_path):
    state = tmp_path / "state.json"
    with StripeDouble(state=state) as double:
        double.seed(SEEDS)

    with StripeDouble(state=state) as double, connected(double.url) as client:
        refund(client)
        assert len(double.effects()) == 1


def test_a_state_file_may_begin_as_seeds(tmp_path):
    state = tmp_path / "state.json"
    state.write_text(json.dumps(SEEDS))

    with StripeDouble(state=state) as double, connected(double.url) as client:
        refund(client)

    with StripeDouble(state=state) as double:
        assert len(double.effects()) == 1


@pytest.mark.parametrize("text", ["{", '{"format": 99}', "[]", '{"format": 1}'])
def test_a_state_file_that_cannot_be_read_is_left_alone(tmp_path, text):
    state = tmp_path / "state.json"
    state.write_text(text)

    with pytest.raises(ValueError, match=r"state\.json"):
        StripeDouble(state=state)

    assert state.read_text() == text


def test_a_failed_write_leaves_the_old_state_and_no_rubbish(tmp_path, monkeypatch):
    state = tmp_path / "state.json"
    with StripeDouble(state=state) as double:
        double.seed(SEEDS)
        before = state.read_text()
        monkeypatch.setattr("os.fsync", full_disk)
        with pytest.raises(OSError, match="full"):
            double.prune_keys()
        monkeypatch.undo()

    assert state.read_text() == before
    assert list(tmp_path.iterdir()) == [state]


def full_disk(_):
    raise OSError("full")


# The process


@contextmanager
def process(*options):
    command = [sys.executable, "-m", "tests.doubles.stripe", *options]
    running = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def address(running):
    return running.stdout.readline().split()[-1]


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_on_a_signal_even_while_a_request_hangs(name, tmp_path):
    with process("--state", str(tmp_path / "state.json")) as running:
        url = address(running)
        ask(url, "POST", "seed", SEEDS)
        ask(url, "POST", "faults", {"kind": "hang_after", "seconds": 600})
        with connected(url, read_timeout=0.25) as client, pytest.raises(stripe.APIConnectionError):
            refund(client)
        running.send_signal(name)

        assert running.wait(5) == 0
        assert running.stderr.read() == ""


def test_a_killed_process_comes_back_with_its_payments(tmp_path):
    state = str(tmp_path / "state.json")
    with process("--state", state) as running, connected(url := address(running)) as client:
        ask(url, "POST", "seed", SEEDS)
        made = refund(client)
        running.kill()
        running.wait(30)

    with process("--state", state) as running, connected(address(running)) as client:
        assert refund(client).id == made.id


def test_a_taken_port_is_said_in_one_line(double):
    with process("--port", double.url.rsplit(":", 1)[1]) as running:
        assert running.wait(30) == 1
        assert "cannot be used" in running.stderr.read()
