from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from approvals.models import ApprovalRequest
from audit.context import acting
from audit.history.formatting import MASK, flat, for_file, for_page
from audit.history.timeline import changes_of, recent_changes, recent_changes_of
from audit.history.versions import history_model_of
from backoffice.models import Membership, User
from tasks.models import Run, TaskUserPermission

pytestmark = pytest.mark.django_db

HISTORY = history_model_of(User)


def row_of(model, **values):
    """A row of a history table without the object, whose own rules are not at stake here."""
    return history_model_of(model)._base_manager.create(
        history_date=timezone.now(), history_type="+", history_door="admin", **values
    )


def lines(change):
    return {field.label: (field.old, field.new) for field in change.fields}


def test_an_objects_changes_come_oldest_first(alice, rename):
    rename("Alicia", reason="as she signs", door="slack")
    created, changed = changes_of(alice)
    assert (created.kind, changed.kind) == ("created", "changed")
    assert (changed.who, changed.door) == ("Bob Example (bob)", "Slack")
    assert changed.reason == "as she signs"
    assert lines(changed) == {"First name": ("Alice", "Alicia")}


def test_the_first_version_lists_all_that_is_not_empty(alice):
    (created,) = changes_of(alice)
    assert lines(created)["Username"] == ("", "alice")
    assert lines(created)["Active"] == ("", "Yes")
    assert "Password" not in lines(created)


def test_an_object_carries_the_name_it_had(alice, rename):
    rename("Alicia")
    assert [change.subject for change in changes_of(alice)] == ["Alice Example", "Alicia Example"]


def test_a_save_without_a_difference_is_a_change_without_fields(alice):
    alice.save()
    assert changes_of(alice)[1].fields == []


def test_other_objects_show_as_their_names(alice):
    front_desk = Group.objects.create(name="Front desk")
    sales = Group.objects.create(name="Sales")
    membership = Membership.objects.create(user=alice, group=front_desk)
    membership.group = sales
    membership.save()
    assert lines(changes_of(membership)[1]) == {"Group": ("Front desk", "Sales")}
    assert changes_of(membership)[1].subject == "Alice Example in Sales"


def test_what_a_version_points_to_may_be_gone(alice):
    membership = Membership.objects.create(
        user=alice, group=Group.objects.create(name="Front desk")
    )
    pk, group = membership.pk, membership.group
    membership.delete()
    group_pk = group.pk
    group.delete()
    created = recent_changes(history_model_of(Membership)).changes[1]
    assert lines(created)["Group"] == ("", f"{group_pk} (no longer exists)")
    assert created.subject == f"Group membership {pk}"


def test_a_removal_is_the_last_change(alice, bob):
    membership = Membership.objects.create(
        user=alice, group=Group.objects.create(name="Front desk")
    )
    with acting(user=bob, door="admin", reason="she left"):
        membership.delete()
    last = recent_changes(history_model_of(Membership)).changes[0]
    assert (last.kind, last.fields, last.reason) == ("deleted", [], "she left")


def test_choices_show_as_their_labels(alice):
    row_of(
        ApprovalRequest,
        id=uuid4(),
        title="Refund",
        requested_by=alice,
        status="stale",
        opened_at=timezone.now(),
        expires_at=timezone.now(),
    )
    (change,) = recent_changes(history_model_of(ApprovalRequest)).changes
    assert lines(change)["Status"] == ("", "Outdated")
    assert change.subject == "Refund"


def test_json_shows_as_readable_text(alice):
    values = {"amount": "150.00", "notify": True, "to": None}
    row_of(
        Run,
        id=uuid4(),
        headline="Refund",
        values=values,
        needs_approval=False,
        requested_at=timezone.now(),
    )
    (change,) = recent_changes(history_model_of(Run)).changes
    assert lines(change)["Parameters"] == ("", "amount: 150.00, notify: Yes")


def test_a_masked_field_shows_that_it_changed_and_not_to_what(alice, monkeypatch):
    monkeypatch.setattr(User, "audit_masked", {"email"}, raising=False)
    alice.email = "secret@example.com"
    alice.save()
    assert lines(changes_of(alice)[1]) == {"Email address": (MASK, MASK)}


def test_the_newest_change_comes_first_in_lists(alice, rename):
    rename("Alicia")
    assert [change.kind for change in recent_changes_of(alice).changes] == ["changed", "created"]


def test_a_list_goes_on_where_its_last_page_ended(alice, rename):
    names = [f"name {number}" for number in range(5)]
    for name in names:
        rename(name)
    seen, before = [], None
    while True:
        page = recent_changes_of(alice, before=before, limit=2)
        seen += [change.subject.removesuffix(" Example") for change in page.changes]
        if page.before is None:
            break
        before = page.before
    assert seen == [*reversed(names), "Alice"]


def test_the_oldest_change_of_a_page_is_compared_with_the_one_before_the_page(alice, rename):
    for name in ("one", "two", "three"):
        rename(name)
    page = recent_changes_of(alice, limit=1)
    assert lines(page.changes[0]) == {"First name": ("two", "three")}


def test_only_one_persons_changes(alice, bob, rename):
    rename("Alicia")
    changes = recent_changes(HISTORY, person=bob).changes
    assert [change.who for change in changes] == ["Bob Example (bob)"]


def test_a_range_of_dates_includes_its_beginning_and_not_its_end(alice, rename):
    row = rename("Alicia")
    moment = row.history_date
    second = timedelta(seconds=1)
    found = {
        "from": recent_changes(HISTORY, since=moment, until=moment + second),
        "until": recent_changes(HISTORY, since=moment - second / 1000, until=moment),
    }
    assert [row.history_id in {c.history_id for c in found[end].changes} for end in found] == [
        True,
        False,
    ]


@pytest.mark.parametrize("model", [User, Membership])
def test_a_list_costs_the_same_queries_for_thirty_rows_as_for_three(
    model, db, django_assert_num_queries
):
    group = Group.objects.create(name="Front desk")
    people = [User.objects.create_user(f"p{n}", f"p{n}@example.com") for n in range(30)]
    members = [Membership.objects.create(user=user, group=group) for user in people]
    for changed in people if model is User else members:
        changed.save()
    costs = {User: 2, Membership: 4}  # two for the rows, one for each kind that they point to
    for size in (3, 30):
        with django_assert_num_queries(costs[model]):
            page = recent_changes(history_model_of(model), limit=size)
        assert len(page.changes) == size


def test_names_that_contain_other_names_cost_no_query_each(alice, django_assert_num_queries):
    permissions = Permission.objects.all()[:10]  # the name of each contains that of its model
    for number, permission in enumerate(permissions):
        row_of(TaskUserPermission, id=number, user_id=alice.pk, permission_id=permission.pk)
    for size in (3, 10):
        with django_assert_num_queries(3):
            recent_changes(history_model_of(TaskUserPermission), limit=size)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "Yes"),
        (False, "No"),
        (Decimal("1500.00"), "1500.00"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 11, 23), "23 Nov 2026"),
        (b"12345", "5 bytes"),
        (
            {"customer": {"name": "Ada", "tags": ["a", "b"]}},
            "customer.name: Ada, customer.tags: a, b",
        ),
        ([], ""),
    ],
)
def test_a_value_on_a_page(value, text):
    assert for_page(value) == text


def test_a_time_on_a_page_is_local():
    with timezone.override("Europe/Berlin"):
        assert for_page(datetime(2026, 11, 23, 15, 9, 8, tzinfo=UTC)) == "23 Nov 2026, 16:09:08 CET"


def test_a_time_in_a_file_is_utc():
    moment = datetime(2026, 11, 23, 16, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    assert for_file(moment) == "2026-11-23T15:09:00.000000Z"


def test_numbers_in_a_file_stay_numbers():
    assert [for_file(value) for value in (-5, Decimal("-5.00"), True)] == [
        -5,
        Decimal("-5.00"),
        "Yes",
    ]


def test_nested_lists_are_flat_too():
    assert flat([{"a": 1}, {"a": 2, "b": None}]) == "a: 1, a: 2"
