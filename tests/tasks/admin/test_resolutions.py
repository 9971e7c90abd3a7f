"""The page that settles an uncertain run, and the list that leads there."""

import pytest

from audit.models import Event
from tasks.access.rights import Right
from tasks.actions.changes.grants import set_right
from tasks.models import Resolution, Run
from tests.tasks.admin.reading import count_queries, page_of, signed_in, url, words

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


def resolving(run):
    return url("tasks_run_resolve", run.pk)


def send(person, run, finding="happened", reason="Seen on the statement", **fields):
    data = {"finding": finding, "reason": reason} | fields
    return signed_in(person).post(resolving(run), data, follow=True)


def press(person, run):
    return signed_in(person).post(url("tasks_run_look_up", run.pk), follow=True)


def status_of(run):
    run.refresh_from_db()
    return run.status


# --- Who


PEOPLE = [("carol", 200), ("root", 200), ("alice", 403), ("dave", 403), ("mallory", 404)]


@pytest.mark.parametrize(("who", "status"), PEOPLE)
def test_the_page_is_for_who_administers_the_task_and_did_not_ask(
    uncertain, administrator, request, who, status
):
    person = request.getfixturevalue(who)
    assert signed_in(person).get(resolving(uncertain)).status_code == status


@pytest.mark.parametrize("who", ["alice", "dave", "mallory"])
def test_nobody_else_resolves_it_or_looks_it_up(uncertain, shows, administrator, request, who):
    shows(happened=False)
    person = request.getfixturevalue(who)
    send(person, uncertain)
    press(person, uncertain)
    assert status_of(uncertain) == Status.UNCERTAIN
    assert not Event.objects.filter(verb=Event.Verb.LOOKED_UP).exists()


def test_who_asked_does_not_resolve_it_with_the_right_either(uncertain, task, alice):
    set_right(task, Right.CHANGE, to=alice)
    answer = signed_in(alice).get(resolving(uncertain))
    assert answer.status_code == 403


def test_a_run_that_was_resolved_leads_back_to_its_page(uncertain, resolve, administrator):
    resolve(uncertain, "happened")
    answer = signed_in(administrator).get(resolving(uncertain), follow=True)
    assert answer.redirect_chain[-1][0] == page_of(uncertain)
    assert "The outcome of this run is already known. Its status is “Succeeded”." in words(answer)


# --- What it shows


def test_it_shows_what_was_sent_and_what_was_asked_for(uncertain, administrator):
    text = words(signed_in(administrator).get(resolving(uncertain)))
    for shown in (f"bo-{uncertain.pk}-pay", "No answer", "50.00 USD", "Crediting 50.00 USD"):
        assert shown in text


def test_a_choice_that_is_closed_says_why(uncertain, administrator):
    text = words(signed_in(administrator).get(resolving(uncertain)))
    assert "Not available: This task cannot be retried safely: its code does not allow it." in text


def test_looking_at_the_page_asks_the_other_side_nothing(uncertain, administrator, deploy):
    asked = []
    deploy(look_up=lambda sent, amount: asked.append(sent))
    signed_in(administrator).get(resolving(uncertain))
    assert asked == []
    assert signed_in(administrator).get(url("tasks_run_look_up", uncertain.pk)).status_code == 405


def test_a_look_is_shown_and_on_record(uncertain, administrator, shows):
    shows(happened=True, what="There it is.", Number="re_1")
    text = words(press(administrator, uncertain))
    assert "pay: There it is. Number re_1" in text
    event = Event.objects.get(verb=Event.Verb.LOOKED_UP)
    assert (event.actor, event.subject_id) == (administrator, str(uncertain.pk))


def test_a_look_that_fails_says_so_and_closes_no_other_choice(uncertain, administrator, deploy):
    def broken(sent, amount):
        raise ConnectionResetError("gone")

    deploy(look_up=broken)
    text = words(press(administrator, uncertain))
    assert "The look-up failed: ConnectionResetError: gone" in text
    send(administrator, uncertain, "did_not")
    assert status_of(uncertain) == Status.FAILED


def test_a_task_that_does_not_say_how_to_look_says_what_to_do(uncertain, administrator):
    text = words(signed_in(administrator).get(resolving(uncertain)))
    assert "This task has no look-up. Open the external system and search for the keys" in text
    assert "This task has no look-up." in words(press(administrator, uncertain))


# --- What it does


def test_the_page_resolves(uncertain, administrator, alice):
    assert "Resolved." in words(send(administrator, uncertain))
    assert status_of(uncertain) == Status.SUCCEEDED
    text = words(signed_in(alice).get(page_of(uncertain)))
    assert "Seen on the statement" in text
    assert "Carol Example" in text


def test_it_quotes_the_look_that_the_page_showed(uncertain, administrator, shows):
    shows(happened=True, what="There it is.")
    seen = press(administrator, uncertain).context["look"]
    send(administrator, uncertain, look=seen.id)
    assert "pay: There it is." in Resolution.objects.get().looked_up


def test_a_new_key_from_the_page(uncertain, administrator, shows, idempotent, over):
    shows(happened=False)
    seen = press(administrator, uncertain).context["look"]
    send(administrator, uncertain, "new_key", look=seen.id)
    assert status_of(uncertain) == Status.QUEUED
    assert uncertain.effects.filter(generation=2).exists()


def test_a_closed_choice_that_is_sent_all_the_same_is_refused(uncertain, administrator):
    answer = send(administrator, uncertain, "new_key")
    assert answer.status_code == 400
    assert status_of(uncertain) == Status.UNCERTAIN


@pytest.mark.parametrize("sent", [{}, {"finding": "whatever", "reason": "Typed with care"}])
def test_the_page_explains_what_is_missing_and_keeps_what_was_typed(uncertain, administrator, sent):
    answer = signed_in(administrator).post(resolving(uncertain), sent)
    assert "Choose what you found." in words(answer)
    assert sent.get("reason", "") in words(answer)


# --- The list, and the way there


def test_the_list_holds_what_this_person_has_to_look_at(uncertain, administrator, dave, root):
    listed = url("tasks_run_uncertain")
    assert uncertain.headline in words(signed_in(administrator).get(listed))
    assert "No unknown outcomes." in words(signed_in(dave).get(listed))
    assert count_queries(signed_in(root), listed) < 12


def test_the_sidebar_counts_them_for_who_may_resolve(uncertain, administrator, alice):
    def entry(person):
        text = words(signed_in(person).get(url("tasks_run_changelist")))
        return text.partition("Runs")[0], "Unknown outcomes 1" in text

    assert entry(administrator)[1]
    assert not entry(alice)[1]


def test_the_page_of_the_run_leads_there_for_those_who_may(uncertain, administrator, alice):
    for person, led in ((administrator, True), (alice, False)):
        text = signed_in(person).get(page_of(uncertain)).content.decode()
        assert (resolving(uncertain) in text) is led
