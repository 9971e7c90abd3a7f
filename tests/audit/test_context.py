from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory

from audit.context import AuditMiddleware, acting, current
from backoffice.models import User

ALICE = User(pk=1, username="alice", first_name="Alice", last_name="Ames")
BOB = User(pk=2, username="bob")


def test_outside_of_everything_it_is_the_system_by_a_command():
    context = current()
    assert (context.user_id, context.label, context.door) == (None, "System", "command")


def test_acting_names_the_person_the_door_and_the_reason():
    with acting(user=ALICE, door="slack", reason="asked for it"):
        context = current()
    assert context.user_id == 1
    assert context.label == "Alice Ames (alice)"
    assert (context.door, context.reason) == ("slack", "asked for it")


def test_acting_without_a_person_is_the_system():
    with acting(user=ALICE, door="slack"), acting(user=None, door="worker"):
        assert (current().user_id, current().label) == (None, "System")


def test_what_was_before_comes_back_also_after_an_error():
    with acting(user=ALICE, door="api"):
        with pytest.raises(ZeroDivisionError), acting(user=BOB, door="worker"):
            1 / 0  # noqa: B018
        assert (current().user_id, current().door) == (1, "api")
    assert current().user_id is None


def test_an_unknown_door_is_refused():
    with pytest.raises(ValueError, match="window"), acting(user=ALICE, door="window"):
        pass


def test_threads_do_not_see_each_other():
    both_inside = Barrier(2, timeout=5)
    seen = {}

    def work(user):
        with acting(user=user, door="worker"):
            both_inside.wait()
            seen[user.username] = current().user_id
            both_inside.wait()

    threads = [Thread(target=work, args=[user]) for user in (ALICE, BOB)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"alice": 1, "bob": 2}


def serve(view, *, user=None, **headers):
    request = RequestFactory().get("/", **headers)
    request.user = user or AnonymousUser()
    return AuditMiddleware(view)(request)


def seen_by_a_view(**request):
    contexts = []

    def view(_):
        contexts.append(current())
        return HttpResponse()

    serve(view, **request)
    return contexts[0]


def test_a_web_request_comes_through_the_admin():
    context = seen_by_a_view(user=ALICE, REMOTE_ADDR="192.0.2.7")
    assert (context.user_id, context.door, context.ip) == (1, "admin", "192.0.2.7")


def test_a_request_of_nobody_says_so():
    context = seen_by_a_view()
    assert (context.user_id, context.label) == (None, "not signed in")


def test_somebody_who_signs_in_during_the_request_is_seen_from_then_on():
    def view(request):
        request.user = BOB
        return HttpResponse(current().label)

    def answer(request):
        return view(request)

    assert serve(answer).content == b"bob (bob)"


def test_the_answer_carries_the_number_of_the_request():
    response = serve(lambda _: HttpResponse(current().request_id))
    assert response.headers["X-Request-ID"] == response.text
    assert len(response.text) == 32


def test_acting_inside_a_request_keeps_its_number_and_address():
    def view(_):
        outer = current()
        with acting(user=ALICE, door="slack", reason="inner"), acting(user=BOB, door="worker"):
            inner = current()
        return HttpResponse(
            f"{inner.request_id == outer.request_id} {inner.ip} {inner.label} {inner.reason!r}"
        )

    assert serve(view, REMOTE_ADDR="192.0.2.7").text == "True 192.0.2.7 bob (bob) ''"


def test_a_request_leaves_nothing_behind():
    serve(lambda _: HttpResponse(), user=ALICE)
    assert current().user_id is None


def test_an_address_that_a_caller_invents_is_not_believed():
    invented = {"HTTP_X_FORWARDED_FOR": "203.0.113.9", "REMOTE_ADDR": "192.0.2.7"}
    assert seen_by_a_view(**invented).ip == "192.0.2.7"


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_wrote(settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    headers = {"HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.4", "REMOTE_ADDR": "10.0.0.1"}
    assert seen_by_a_view(**headers).ip == "198.51.100.4"


@pytest.mark.parametrize("address", ["", "not an address", "192.0.2.7:80"])
def test_what_is_no_address_is_left_out(address):
    assert seen_by_a_view(REMOTE_ADDR=address).ip is None
