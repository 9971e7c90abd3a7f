from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from audit.context import AuditMiddleware, acting
from audit.history.records import save_with_history
from audit.history.versions import audited_models, history_model_of
from backoffice.models import Membership, User

pytestmark = pytest.mark.django_db


def test_a_row_says_who_through_which_door_and_why(alice, bob):
    with acting(user=bob, door="slack", reason="she married"):
        alice.last_name = "Adams"
        alice.save()
    row = alice.history.first()
    assert row.history_user == bob
    assert row.history_actor_label == "Bob Example (bob)"
    assert (row.history_door, row.history_change_reason) == ("slack", "she married")
    assert (row.history_type, row.last_name) == ("~", "Adams")


def test_a_row_made_by_nobody_is_the_systems(alice):
    row = alice.history.get()
    assert (row.history_user_id, row.history_actor_label) == (None, "System")
    assert (row.history_door, row.history_change_reason) == ("command", None)


def test_a_web_request_leaves_its_number_and_address(alice, bob):
    def view(request):
        alice.save()
        return HttpResponse()

    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    request.user = bob
    response = AuditMiddleware(view)(request)
    row = alice.history.first()
    assert row.history_user_id == bob.pk
    assert (row.history_request_id, row.history_ip) == (
        response.headers["X-Request-ID"],
        "192.0.2.7",
    )


def test_a_renamed_person_keeps_the_old_name_in_what_they_did(rename, bob):
    row = rename("Alicia")
    bob.first_name = "Robert"
    bob.save()
    row.refresh_from_db()
    assert row.history_actor_label == "Bob Example (bob)"


def test_the_objects_own_reason_wins(alice, bob):
    with acting(user=bob, door="admin", reason="the context's"):
        alice._change_reason = "its own"
        alice.save()
    assert alice.history.first().history_change_reason == "its own"


def test_the_objects_own_reason_is_not_repeated_by_its_next_save(alice):
    alice._change_reason = "once"
    alice.save()
    alice.save()
    assert alice.history.first().history_change_reason is None


def test_a_field_that_was_not_saved_is_not_in_the_history(alice):
    alice.first_name, alice.last_name = "not", "saved"
    alice.save(update_fields=["last_name"])
    row = alice.history.first()
    assert (row.first_name, row.last_name) == ("Alice", "saved")


def test_the_reason_survives_a_save_of_some_fields(alice):
    alice._change_reason = "why"
    alice.save(update_fields=["last_name"])
    assert alice.history.first().history_change_reason == "why"
    assert not hasattr(alice, "_change_reason")


def test_what_the_database_computed_is_what_history_holds(alice):
    alice.first_name = Concat(F("first_name"), Value("!"))
    alice.save()
    assert alice.history.first().first_name == "Alice!"


def test_a_save_of_fields_that_history_leaves_out_leaves_no_row(alice):
    alice.last_login = timezone.now()
    alice.save(update_fields=["last_login"])
    assert alice.history.count() == 1


def test_saved_with_its_history_it_leaves_what_a_save_leaves(alice, bob):
    rows = []
    for save in (User.save, save_with_history):
        with acting(user=bob, door="slack", reason="she married"):
            alice.last_name = f"Adams, by {save.__name__}"
            save(alice)
        stored = User.objects.get(pk=alice.pk)
        assert {**stored.__dict__, "_state": 0} == {**alice.__dict__, "_state": 0}
        rows.append(stored.history.values().first())
        assert rows[-1].pop("last_name") == alice.last_name
    assert rows[0].pop("history_id") < rows[1].pop("history_id")
    for time in ("history_date", "recorded_at"):
        assert rows[0].pop(time) < rows[1].pop(time)
    assert rows[0] == rows[1]
    assert alice.history.count() == 3


def test_saved_with_its_history_it_takes_one_statement(alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        save_with_history(alice)


def test_a_web_requests_address_comes_with_it(alice, bob):
    def view(request):
        save_with_history(alice)
        return HttpResponse()

    request = RequestFactory().get("/", REMOTE_ADDR="2001:db8::7")
    request.user = bob
    AuditMiddleware(view)(request)
    row = alice.history.first()
    assert (row.history_user, row.history_ip, row.history_door) == (bob, "2001:db8::7", "admin")


def test_what_is_not_there_is_not_saved_with_a_history(alice):
    nobody = User(pk=alice.pk + 1, username="nobody")
    with pytest.raises(ObjectDoesNotExist, match="There is no person"):
        save_with_history(nobody)
    assert not User.history.filter(username="nobody").exists()


def test_passwords_are_not_in_the_history(alice):
    assert not hasattr(alice.history.get(), "password")


def test_a_removed_object_leaves_a_last_row(alice, bob):
    membership = Membership.objects.create(
        user=alice, group=Group.objects.create(name="Front desk")
    )
    pk = membership.pk
    with acting(user=bob, door="admin", reason="she left"):
        membership.delete()
    row = Membership.history.filter(id=pk).first()
    assert (row.history_type, row.history_user, row.user_id) == ("-", bob, alice.pk)


def test_rows_made_in_bulk_are_labelled_too(bob):
    with acting(user=bob, door="deploy", reason="an import"):
        people = [User(username=name, email=f"{name}@example.com") for name in ("eve", "finn")]
        bulk_create_with_history(people, User)
    rows = User.history.filter(username__in=["eve", "finn"])
    assert {
        (row.history_user_id, row.history_actor_label, row.history_door, row.history_change_reason)
        for row in rows
    } == {(bob.pk, "Bob Example (bob)", "deploy", "an import")}
    assert len(rows) == 2


def test_a_bulk_update_keeps_the_reason_it_was_given(alice, bob):
    with acting(user=bob, door="deploy", reason="the context's"):
        alice.first_name = "Al"
        bulk_update_with_history([alice], User, ["first_name"], default_change_reason="its own")
    row = alice.history.first()
    assert (row.history_user_id, row.history_change_reason) == (bob.pk, "its own")


def test_the_newest_row_comes_first_whatever_the_clock_says(alice):
    alice._history_date = timezone.now() - timedelta(days=1)
    alice.first_name = "later"
    alice.save()
    assert alice.history.first().first_name == "later"


def test_the_database_stamps_the_time_whatever_the_application_says(alice):
    row = alice.history.get()
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    row.history_id, row.history_date, row.recorded_at = None, long_ago, long_ago
    row.save(force_insert=True)
    row.refresh_from_db()
    assert row.history_date == long_ago
    assert abs(timezone.now() - row.recorded_at) < timedelta(minutes=1)


@pytest.mark.parametrize("model", audited_models())
def test_history_brings_no_rights_of_its_own(model):
    assert history_model_of(model)._meta.default_permissions == ()
