"""The form of a task: who sees it, and what sending it does. S2."""

import re
from dataclasses import replace
from hashlib import sha256
from typing import Annotated
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audit.models import Event
from tasks.access.rights import Right
from tasks.actions import adopt_task, retire_task
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import Refused
from tasks.declaration.registry import RegisteredTask, registry
from tasks.models import Run, Task
from tasks.parameters import File, Param
from tests.races import at_once
from tests.tasks.admin.reading import catalogue, form_of, page_of, send, signed_in, words

CREDIT = {"amount": "50.00", "amount_currency": "USD"}
MORE = CREDIT | {"amount": "150.00"}
WHY = {"run-reason": "The parcel was late"}


# --- Who sees a form


@pytest.mark.parametrize(
    ("right", "page", "picker", "tuning"),
    [
        (None, 404, 404, 404),
        (Right.VIEW, 200, 404, 404),
        (Right.REQUEST, 200, 200, 404),
        (Right.EXECUTE, 200, 200, 404),
        (Right.APPROVE, 200, 200, 404),
        (Right.CHANGE, 200, 200, 200),
    ],
)
def test_each_right_opens_its_pages_and_no_others(key_task, mallory, right, page, picker, tuning):
    set_right(key_task, right, to=mallory)
    client = signed_in(mallory)
    slug = key_task.slug
    assert client.get(form_of(key_task)).status_code == page
    assert client.get(_options(slug, "who")).status_code == picker
    for name in ("tasks_task_settings", "tasks_task_rule_new"):
        assert client.get(reverse(f"admin:{name}", args=[slug])).status_code == tuning
    grants = reverse("admin:tasks_task_grants", args=[slug])
    assert client.post(grants).status_code == tuning


def test_somebody_who_is_not_signed_in_is_asked_to(task, client):
    for url in (catalogue(), form_of(task)):
        assert client.get(url).status_code == 302


def test_who_may_only_look_sees_no_form_and_whom_to_ask(task, dave):
    response = signed_in(dave).get(form_of(task))
    assert "View only. To request this task, contact" in words(response)
    assert b'name="amount"' not in response.content


def test_the_button_says_what_it_does(task, alice, mallory):
    set_right(task, Right.REQUEST, to=mallory)
    assert ">Submit</button>" in signed_in(alice).get(form_of(task)).content.decode()
    assert ">Request approval</button>" in signed_in(mallory).get(form_of(task)).content.decode()


def test_the_rules_are_said_in_words_before_anything_is_sent(task, alice, mallory):
    set_right(task, Right.REQUEST, to=mallory)
    rule = "Needs approval from Approvers if the amount is above 100.00 USD."
    assert f"{rule} Otherwise runs immediately." in words(signed_in(alice).get(form_of(task)))
    shown = words(signed_in(mallory).get(form_of(task)))
    assert f"{rule} Otherwise needs approval from somebody who can run it." in shown


def test_only_ones_own_runs_are_listed_beside_the_form(task, ask, alice, mallory):
    set_right(task, Right.EXECUTE, to=mallory)
    ask("11.00")
    assert "11.00 USD" in words(signed_in(alice).get(form_of(task)))
    assert "11.00 USD" not in words(signed_in(mallory).get(form_of(task)))


def test_links_of_the_admin_to_a_task_lead_to_its_form(task, alice, mallory):
    url = reverse("admin:tasks_task_change", args=[task.pk])
    assert signed_in(alice).get(url).url == form_of(task)
    assert signed_in(mallory).get(url).status_code == 404


@pytest.mark.parametrize(("right", "optional"), [(Right.REQUEST, False), (Right.EXECUTE, True)])
def test_the_reason_is_called_optional_only_where_it_may_be(task, mallory, right, optional):
    set_right(task, right, to=mallory)
    assert ("Reason (optional)" in words(signed_in(mallory).get(form_of(task)))) is optional


def test_a_rule_that_always_holds_leaves_no_otherwise(task, rule, alice):
    rule.pk, rule.condition, rule.name = None, "true", "All"
    rule.save()
    rule.groups.set(task.rules.earliest("pk").groups.all())
    shown = words(signed_in(alice).get(form_of(task)))
    assert "Every run needs approval from Approvers." in shown
    assert "Otherwise" not in shown
    assert "Reason (optional)" not in shown


def test_line_breaks_of_the_code_do_not_break_the_description(task, alice):
    task.description = "Gives a\ncredit.\n\n- once\n- twice"
    task.save()
    page = signed_in(alice).get(form_of(task)).content.decode()
    assert ">Gives a credit.</p>" in page
    assert ">- once\n- twice</p>" in page


# --- Sending it


def test_a_form_that_is_sent_makes_a_run_and_leads_to_its_page(task, alice):
    response = send(signed_in(alice), form_of(task), CREDIT | WHY)
    run = Run.objects.get()
    assert response.url == page_of(run)
    assert (run.requested_by, run.door, run.reason) == (alice, "admin", "The parcel was late")
    assert run.values == {"amount": {"amount": "50.00", "currency": "USD"}}


def test_what_was_typed_stays_beside_the_message(task, alice):
    response = signed_in(alice).post(form_of(task), CREDIT | WHY | {"amount": "5001"})
    assert response.status_code == 200
    assert 'value="5001"' in response.content.decode()
    assert "The largest allowed is 5000" in words(response)
    assert "The parcel was late" in words(response)
    assert not Run.objects.exists()


def test_a_missing_reason_is_asked_for_beside_its_field(task, alice):
    response = signed_in(alice).post(form_of(task), MORE)
    page = response.content.decode()
    beside = page[page.index('id="id_run-reason_error"') :]
    assert "This needs approval. Enter a reason for the reviewers." in beside[:300]
    assert page.count("Enter a reason for the reviewers.") == 2  # on top, too
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "error", [Refused("The account is closed."), ValidationError("The account is closed.")]
)
def test_what_the_preview_objects_to_is_said_above_the_form(task, alice, credit, error):
    def refuse(amount):
        raise error

    registry._tasks["test-credit"] = replace(credit.registered, preview=refuse)
    response = signed_in(alice).post(form_of(task), CREDIT)
    assert response.status_code == 200
    assert "The account is closed." in words(response)
    assert 'value="50.00"' in response.content.decode()


def test_a_refusal_is_said_and_recorded_and_nothing_typed_is_lost(task, alice, bob, carol):
    for member in (bob, carol):
        member.is_active = False
        member.save()
    response = signed_in(alice).post(form_of(task), MORE | WHY)
    assert response.status_code == 403
    assert "needs 1 approval, but only 0 other people can approve" in words(response)
    assert 'value="150.00"' in response.content.decode()
    assert "The parcel was late" in words(response)
    assert Event.objects.get(verb=Event.Verb.REFUSED).actor == alice


@pytest.mark.parametrize("who", ["dave", "root"])
def test_who_may_only_look_is_refused_when_sending_all_the_same(task, request, who):
    response = signed_in(request.getfixturevalue(who)).post(form_of(task), CREDIT)
    assert response.status_code == 403
    assert "You don't have the permission “Can request”" in words(response)
    assert not Run.objects.exists()


def test_a_retired_task_refuses(task, alice):
    retire_task(task)
    client = signed_in(alice)
    assert "This task is retired." in words(client.get(form_of(task)))
    assert client.post(form_of(task), CREDIT).status_code == 403
    assert not Run.objects.exists()


def test_a_form_that_is_sent_twice_makes_one_run(task, alice):
    client = signed_in(alice)
    sent = CREDIT | WHY | _nonce(client, task)
    first, second = (send(client, form_of(task), sent) for _ in range(2))
    assert first.url == second.url == page_of(Run.objects.get())
    assert "It was run once: this is the run." in words(client.get(second.url))


def test_the_same_values_in_another_form_make_another_run(task, alice):
    client = signed_in(alice)
    for _ in range(2):
        send(client, form_of(task), CREDIT | WHY | _nonce(client, task))
    assert Run.objects.count() == 2


def test_a_form_that_was_refused_can_be_corrected_and_sent_again(task, alice):
    client = signed_in(alice)
    nonce = _nonce(client, task)
    client.post(form_of(task), CREDIT | nonce | {"amount": "0"})
    send(client, form_of(task), CREDIT | nonce)
    assert Run.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_instant_make_one_run(task, alice):
    client = signed_in(alice)
    sent = CREDIT | WHY | _nonce(client, task)
    other = type(client)()
    other.cookies = client.cookies.copy()
    at_once(lambda: send(client, form_of(task), sent), lambda: send(other, form_of(task), sent))
    assert Run.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_form_that_is_sent_twice_makes_one_run_though_another_is_sent_at_that_instant(
    task, alice
):
    """Both requests write the session, each as it read it."""
    client, other = signed_in(alice), Client()
    other.cookies = client.cookies.copy()
    for trial in range(1, 21):
        first, second = (CREDIT | {"run-nonce": uuid4().hex} for _ in range(2))
        at_once(
            lambda sent=first: send(client, form_of(task), sent),
            lambda sent=second: send(other, form_of(task), sent),
        )
        for sent in (first, second):
            send(client, form_of(task), sent)
        assert Run.objects.count() == 2 * trial


def test_another_file_of_the_same_name_and_size_is_another_request(db, alice):
    def read(file: Annotated[File, Param(accept=(".txt",))]) -> None:
        """Reads a file."""

    registered = RegisteredTask(
        slug="read",
        name="Read",
        category="Tests",
        owner="Testers",
        description="Reads a file.",
        function=read,
        source_hash="3" * 64,
    )
    nonce = {"run-nonce": uuid4().hex}
    with registry.temporarily(registered):
        adopt_task(registered)
        task = Task.objects.get(slug="read")
        set_right(task, Right.EXECUTE, to=alice)
        for content in (b"10.00", b"20.00", b"20.00"):
            file = SimpleUploadedFile("amounts.txt", content)
            signed_in(alice).post(form_of(task), nonce | {"file": file})
    kept = [run.values["file"]["sha256"] for run in Run.objects.order_by("requested_at")]
    assert kept == [sha256(content).hexdigest() for content in (b"10.00", b"20.00")]


def test_going_back_and_changing_a_value_is_another_request(task, alice):
    client = signed_in(alice)
    nonce = _nonce(client, task)
    for amount in ("50.00", "60.00"):
        send(client, form_of(task), CREDIT | nonce | {"amount": amount})
    assert Run.objects.count() == 2


def test_somebody_elses_form_sent_by_oneself_is_a_request_of_ones_own(task, alice, carol):
    set_right(task, Right.EXECUTE, to=carol)
    sent = CREDIT | _nonce(signed_in(alice), task)
    for person in (alice, carol):
        send(signed_in(person), form_of(task), sent)
    assert {run.requested_by for run in Run.objects.all()} == {alice, carol}


def _nonce(client, task) -> dict[str, str]:
    page = client.get(form_of(task)).content.decode()
    (nonce,) = re.findall(r'name="run-nonce" value="(\w{32})"', page)
    return {"run-nonce": nonce}


def test_a_secret_that_was_typed_is_not_sent_back(key_task, alice):
    response = signed_in(alice).post(form_of(key_task), {"key": "canary-4711", "service": ""})
    assert response.status_code == 200
    assert "canary-4711" not in response.content.decode()


# --- The picker


def test_the_picker_offers_what_this_person_may_choose(key_task, alice, dave):
    found = signed_in(alice).get(_options("rotate-key", "who"), {"term": "dav"}).json()
    assert found == {
        "results": [{"id": str(dave.pk), "text": f"{dave} · dave"}],
        "pagination": {"more": False},
    }
    assert (
        signed_in(alice).get(_options("rotate-key", "who"), {"term": "alice"}).json()["results"]
        == []
    )


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 20, "²"])
def test_the_picker_takes_a_page_that_is_none_for_the_first(key_task, alice, page):
    assert signed_in(alice).get(_options("rotate-key", "who"), {"page": page}).status_code == 200


@pytest.mark.parametrize("parameter", ["key", "service", "nonsense", "__class__"])
def test_other_parameters_have_no_picker(key_task, alice, parameter):
    assert signed_in(alice).get(_options("rotate-key", parameter)).status_code == 404


def _options(slug: str, parameter: str) -> str:
    return reverse("admin:tasks_task_options", args=[slug, parameter])
