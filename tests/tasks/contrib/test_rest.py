"""Calls of services as tasks: what is sent, what each answer and each break means, what is kept."""

import gzip
import json
import socket
import threading
from contextlib import contextmanager, suppress
from decimal import Decimal

import pytest

from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import adopt_task, look_up, request_run
from tasks.actions.changes.grants import set_right
from tasks.authoring import Env, Refused, Resource
from tasks.contrib.rest import Service, rest_task
from tasks.contrib.rest.calling import prepared
from tasks.declaration.registry import registry
from tasks.models import Effect, Run, Task
from tasks.worker.execution import execute
from tests.doubles.crm import TOKEN, CrmDouble

pytestmark = pytest.mark.django_db(transaction=True)
SAID = {"name": "Credit", "category": "Accounts", "owner": "CRM"}
Status = Run.Status


def credit(account: str, points: int):
    """Credits points."""


@pytest.fixture
def called(alice, monkeypatch):
    """Declare a task of a call, and run it."""
    monkeypatch.setenv("A_CRM_TOKEN", TOKEN)

    def make(endpoint, **said):
        if endpoint.method != "GET":
            said.setdefault("body", {"points": "points", "note": "run.reason"})
        said.setdefault("returns", {"id": str, "balance": int})
        rest_task(endpoint, **{**SAID, "problem": "error.message", **said})(credit)
        task = registry.get("credit")
        adopt_task(task)
        row = Task.objects.get(slug=task.slug)
        set_right(row, Right.EXECUTE, to=alice)

        def run(account="A-1", points=50):
            asked = request_run(
                row.pk,
                requested_by=alice,
                door=Door.ADMIN,
                values={"account": account, "points": points},
                reason="They waited",
            )
            execute(str(asked.pk))
            asked.refresh_from_db()
            return asked

        return run

    with registry.temporarily():
        yield make


@pytest.fixture
def crm():
    double = CrmDouble()
    yield double
    double.close()


def service_at(url, *, private=True, **more):
    return Service(Resource("CRM", base=url, private=private, token=Env("A_CRM_TOKEN")), **more)


@contextmanager
def answering(reply):
    """A server that answers each call with these bytes, or hands its socket to a function."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    while b"\r\n\r\n" not in connection.recv(65_536):
                        pass
                    with suppress(OSError):
                        reply(connection) if callable(reply) else connection.sendall(reply)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v2/"
        server.shutdown(socket.SHUT_RDWR)


def http(status, body=b"", *headers, kind="application/json"):
    head = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *headers, "", ""]).encode() + body


GOOD = b'{"id": "cr_1", "balance": 50, "card": "4242424242424242"}'


# --- What is sent, and what is kept ---------------------------------------------------------------


def test_it_is_sent_once_with_its_key_and_only_what_is_declared_is_kept(called, crm):
    service = service_at(crm.url)
    run = called(service.post("accounts/{account}/credits"), key="Idempotency-Key")()
    assert run.status == Status.SUCCEEDED, run.error
    (made,) = crm.books.credits
    assert (made["account"], made["points"], made["note"]) == ("A-1", 50, "They waited")
    assert list(crm.books.by_key) == [Effect.objects.get(run=run).key]
    assert run.output["pairs"] == [["id", "cr_1"], ["balance", "50"]]
    assert "not for you" not in json.dumps([run.output, Effect.objects.get(run=run).answer])


def test_values_stay_in_their_place_of_the_address(monkeypatch):
    monkeypatch.setenv("A_CRM_TOKEN", "x")
    service = service_at("https://crm.example/v2/")
    endpoint = service.get("accounts/{account}/x", query={"q": "account"})
    hostile = "../../admin?x=1#y/é \\ %2e%2e \r\nHost: a"
    url = prepared(endpoint, {"account": hostile}, None).url
    assert url.startswith("https://crm.example/v2/accounts/..%2F..%2Fadmin%3Fx%3D1%23y%2F%C3%A9")
    path, _, query = url.partition("?")
    assert (path.count("/"), "\n" in url, "#" in url, "&" in query) == (6, False, False, False)
    for wrong in ("", ".", "..", "..."):
        with pytest.raises(Refused):
            prepared(endpoint, {"account": wrong}, None)


def test_numbers_are_exact_and_a_token_shows_nowhere(called, crm):
    with answering(http(200, b'{"id": "crm-token-of-the-double", "balance": 0.10}')) as url:
        endpoint = service_at(url).get("accounts/{account}")
        run = called(endpoint, returns={"id": str, "balance": Decimal})()
    assert run.output["pairs"] == [["id", "••••••"], ["balance", "0.10"]]


# --- What each answer and each break means --------------------------------------------------------


def drips(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(600):
        connection.sendall(b" ")
        threading.Event().wait(0.05)


def bomb(connection):
    packed = gzip.compress(b'{"id": "' + b"x" * 5_000_000)
    connection.sendall(http(200, packed, "Content-Encoding: gzip"))


TABLE = {
    # what the server does: (what becomes of a call with a key, its same_key, of a GET, the sentence)
    "refuses": (http(422, b'{"error": {"message": "No such account."}}'), "refused", "refused", "No such account"),
    "no token": (http(401, b"{}"), "refused", "refused", "HTTP 401"),
    "not found": (http(404, b"<h1>no</h1>", kind="text/html"), "refused", "refused", "HTTP 404"),
    "too many": (http(429), "busy", "busy", "is busy"),
    "comes back later": (http(503, b"", "Retry-After: 5"), "busy", "busy", "is busy"),
    "is away": (http(503), "again", "busy", "HTTP 503"),
    "the key is at work": (http(409), "again", "busy", "HTTP 409"),
    "a fault": (http(500), "again", "busy", "HTTP 500"),
    "HTML": (http(200, b"<h1>Welcome</h1>", kind="text/html"), "unknown", "refused", "text/html instead of JSON"),
    "no JSON": (http(200, b"{"), "unknown", "refused", "no valid JSON"),
    "repeated names": (http(200, b'{"id": "a", "id": "b", "balance": 1}'), "unknown", "refused", "twice"),
    "no number": (http(200, b'{"id": "a", "balance": NaN}'), "unknown", "refused", "NaN"),
    "another type": (http(200, b'{"id": 7, "balance": 1}'), "unknown", "refused", "is not a text"),
    "a field too few": (http(200, b'{"id": "a"}'), "unknown", "refused", "has no “balance”"),
    "a redirect": (http(302, b"", "Location: http://127.0.0.1:1/"), "unknown", "refused", "a redirect"),
    "half an answer": (http(200, GOOD)[:-5], "again", "busy", "broke before it answered"),
    "nothing": (b"", "again", "busy", "broke before it answered"),
    "drips": (drips, "again", "busy", "did not answer within 1 seconds"),
    "a gzip bomb": (bomb, "unknown", "refused", "more than 1,000,000 bytes"),
}  # fmt: skip


def became(run):
    if run.status == Status.QUEUED:
        return "again" if "It may have happened" in run.error else "busy"
    return {Status.UNCERTAIN: "unknown", Status.FAILED: "refused"}[run.status]


@pytest.mark.parametrize("case", TABLE)
def test_the_table_of_answers_and_breaks_of_what_changes_something(called, case):
    reply, becomes, _, sentence = TABLE[case]
    with answering(reply) as url:
        endpoint = service_at(url, seconds=1 if case == "drips" else 20).post(
            "accounts/{account}/credits"
        )
        run = called(endpoint, key="Idempotency-Key")()
    assert sentence in run.error
    assert "4242" not in run.error
    assert became(run) == becomes


@pytest.mark.parametrize("case", TABLE)
def test_the_table_of_answers_and_breaks_of_what_only_reads(called, case):
    reply, _, becomes, sentence = TABLE[case]
    with answering(reply) as url:
        run = called(
            service_at(url, seconds=1 if case == "drips" else 20).get("accounts/{account}")
        )()
    assert sentence in run.error
    assert became(run) == becomes


def test_a_post_without_a_key_is_never_sent_again(called):
    with answering(http(500)) as url:
        run = called(service_at(url).post("accounts/{account}/credits"))()
    assert run.status == Status.UNCERTAIN


NOT_SENT = {
    "http://127.0.0.1:{port}/": (True, "could not be reached"),
    "https://127.0.0.1:{port}/": (False, "private network"),
    "http://169.254.169.254/": (True, "private network"),
    "http://no-such-host.invalid/": (True, "cannot be found"),
    "NO_SUCH_URL": (False, "Ask an engineer to set NO_SUCH_URL."),
}


@pytest.mark.parametrize("base", NOT_SENT)
def test_where_nothing_was_sent_nothing_happened(called, base):
    private, sentence = NOT_SENT[base]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    if "://" in base:
        service = service_at(base.format(port=port), private=private)
    else:
        service = service_at(Env(base))
    run = called(service.post("x"))()
    assert (run.status, sentence in run.error) == (Status.FAILED, True), run.error


# --- After the effect -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "fault_after"])
def test_closed_before_or_after_the_effect_it_happens_once(called, crm, settings, fault):
    settings.RUN_FIRST_PAUSE_SECONDS = 0
    crm.faults.append(fault)
    run = called(service_at(crm.url).post("accounts/{account}/credits"), key="Idempotency-Key")()
    assert run.status == Status.QUEUED
    execute(str(run.pk))
    run.refresh_from_db()
    assert (run.status, len(crm.books.credits)) == (Status.SUCCEEDED, 1)


@pytest.mark.parametrize(("fault", "happened"), [("reset_before", False), ("reset_after", True)])
def test_a_second_call_shows_what_became_of_it(called, crm, alice, fault, happened):
    crm.faults.append(fault)
    service = service_at(crm.url)
    run = called(
        service.post("accounts/{account}/credits"),
        key="Idempotency-Key",
        idempotent=False,
        found_by=service.get("credits/by-key/{run.key}"),
    )()
    assert run.status == Status.UNCERTAIN
    set_right(run.task, Right.CHANGE, to=alice)
    (step,) = look_up(run.pk, by=alice, door=Door.ADMIN).steps
    assert step.happened is happened
    assert step.answer == ({"id": "cr_1", "balance": 50} if happened else None)


# --- What was declared ----------------------------------------------------------------------------


def problems_of(endpoint, **said):
    with registry.temporarily():
        rest_task(endpoint, **SAID | said)(credit)
        return " ".join(f"{each.message} {each.hint}" for each in registry.problems)


def test_wrong_declarations_say_what_to_write():
    crm = service_at("https://crm.example/v2/")
    assert problems_of(crm.post("x/{account}", query={"p": "points"})) == ""
    for path in ("/x", "../x", "https://evil.example/", "x?y=1", "x#y", "a//b", ""):
        assert "is not one below the base" in problems_of(crm.get(path)), path
    assert "no parameter 'amount'" in problems_of(crm.post("x"), body={"a": {"b": "amount"}})
    assert "Of the run there is" in problems_of(crm.get("x/{run.secret}"))
    assert "no name of a value" in problems_of(crm.get("x/{account.__class__}"))
    assert "has no body" in problems_of(crm.get("x"), body={"a": "account"})
    assert "a type that JSON has not" in problems_of(crm.get("x"), returns={"a": float})
    assert "Write service.get" in problems_of(crm.post("x"), found_by=crm.post("y/{run.key}"))
    for base in ("http://crm.example/", "https://crm.example/v2", "https://a:b@crm.example/"):
        assert "The base of" in problems_of(service_at(base, private=False).get("x")), base


def hash_of(endpoint, **said):
    with registry.temporarily():
        rest_task(endpoint, **SAID | said)(credit)
        return registry.get("credit").source_hash


def test_all_that_is_sent_and_kept_is_in_the_fingerprint_and_the_look_up_is_not():
    crm = service_at("https://crm.example/v2/")
    plain = hash_of(crm.post("x"))
    assert plain == hash_of(crm.post("x"), owner="Sales", found_by=crm.get("y/{run.key}"))
    others = [
        hash_of(crm.put("x")),
        hash_of(crm.post("y")),
        hash_of(crm.post("x"), body={"a": "points"}),
        hash_of(crm.post("x"), key="Idempotency-Key"),
        hash_of(crm.post("x"), returns={"id": str}),
        hash_of(service_at("https://other.example/").post("x")),
    ]
    assert len({plain, *others}) == 7
