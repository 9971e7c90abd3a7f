"""A statement finds what its queryset finds, whatever it is asked with, and asks anew each time.

Django answers the first time, and what it sent is sent from then on: each is asked twice or more.
"""

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import BooleanField, Exists, Model, OuterRef, Value
from django.db.models.functions import Now
from django.db.models.lookups import Exact

from audit.actions import record
from audit.context import Door
from audit.database.statements import Given, ObjectStatement, Statement
from audit.models import Event
from backoffice.models import Membership, User

pytestmark = pytest.mark.django_db


def members(group):
    return Membership.objects.filter(group=group).order_by("user__username")


def member():
    return ObjectStatement(lambda: members(Given("group")), joined=["user", "group"])


def person(lookup="pk", **options):
    return ObjectStatement(lambda: User.objects.filter(**{lookup: Given("who")}), **options)


def twice(ask, **given):
    """The answer, which is the same by Django and from what was kept."""
    first, second = ask(**given), ask(**given)
    if isinstance(first, Model):
        assert fields_of(first) == fields_of(second)
    assert first == second
    return second


def fields_of(found):
    return {**found.__dict__, "_state": {**found._state.fields_cache}}


def test_it_finds_what_the_queryset_finds(bob, carol, approvers):
    found = twice(member().first, group=approvers.pk)
    expected = members(approvers).select_related("user", "group").first()
    assert found == expected
    assert fields_of(found) == fields_of(expected)
    assert fields_of(found.user) == fields_of(expected.user)
    assert (found._state.adding, found._state.db) == (False, "default")


def test_what_is_joined_comes_with_it(bob, approvers, django_assert_num_queries):
    found = twice(member().first, group=approvers.pk)
    with django_assert_num_queries(0):
        assert (found.user, found.group) == (bob, approvers)
        assert found.user.email == bob.email


def test_where_nothing_is_joined_there_is_none(alice, django_assert_num_queries):
    event = record(Event.Verb.EXPORTED, by=None, door=Door.ADMIN)
    statement = ObjectStatement(lambda: Event.objects.filter(pk=Given("event")), joined=["actor"])
    found = twice(statement.first, event=event.pk)
    with django_assert_num_queries(0):
        assert found.actor is None


def test_what_is_not_there_is_none(approvers):
    statement = member()
    assert twice(statement.first, group=approvers.pk) is None
    with pytest.raises(ObjectDoesNotExist, match=rf"'group': {approvers.pk}"):
        statement.get(group=approvers.pk)


def test_it_brings_what_was_annotated(alice, bob):
    older = User.objects.filter(pk__lt=OuterRef("pk"))
    statement = ObjectStatement(
        lambda: User.objects.filter(pk=Given("who")).annotate(at=Now(), later=Exists(older)),
        annotated=["at", "later"],
    )
    assert [statement.first(who=each.pk).later for each in (alice, bob, alice)] == [
        False,
        True,
        False,
    ]
    assert statement.first(who=bob.pk).at.tzinfo


def test_json_becomes_the_fields_value(alice):
    event = record(Event.Verb.EXPORTED, by=alice, door=Door.ADMIN, data={"rows": [1, None]})
    found = ObjectStatement(lambda: Event.objects.filter(pk=Given("event")))
    assert twice(found.first, event=event.pk).data == {"rows": [1, None]}
    rows = Statement(lambda: Event.objects.filter(pk=Given("event")), "verb", "data")
    assert [tuple(rows.rows(event=event.pk)[0]) for _ in range(2)] == [
        (Event.Verb.EXPORTED, {"rows": [1, None]})
    ] * 2


def test_it_gives_rows_where_columns_are_named(bob, carol, approvers):
    names = Statement(lambda: members(Given("group")), "user__username", "group__name")
    for _ in range(2):
        rows = [tuple(row) for row in names.rows(group=approvers.pk)]
        assert rows == [("bob", "Approvers"), ("carol", "Approvers")]


def test_it_is_asked_with_something_else_each_time(alice, bob):
    statement = person("username")
    names = ("alice", "bob", "alice")
    assert [statement.first(who=name) for name in names] == [alice, bob, alice]


def test_what_it_is_asked_with_is_never_sql(alice):
    statement = person("username")
    for name in ("x' OR 'a' = 'a", "x' OR 'a' = 'a", "100 %s", "100 %s"):
        assert not statement.any(who=name)


def test_it_sees_what_has_changed_since(alice):
    active = Statement(lambda: User.objects.filter(pk=Given("who"), is_active=True), "pk")
    assert twice(active.any, who=alice.pk)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert not active.any(who=alice.pk)


def test_a_place_may_stand_for_a_truth(alice):
    everybody = Exact(Given("open", BooleanField()), Value(True))
    statement = Statement(lambda: User.objects.filter(everybody), "pk")
    assert [statement.any(open=whether) for whether in (True, False, True)] == [True, False, True]


def test_its_text_is_made_once(alice):
    made = []
    statement = ObjectStatement(lambda: made.append(1) or User.objects.filter(pk=Given("who")))
    for _ in range(3):
        statement.first(who=alice.pk)
    assert len(made) == 1


def test_each_time_it_is_one_query(alice, django_assert_num_queries):
    statement = person()
    for _ in range(2):
        with django_assert_num_queries(1):
            statement.first(who=alice.pk)


def test_what_finds_nothing_whatever_is_asked_finds_nothing(alice, django_assert_num_queries):
    statement = Statement(lambda: User.objects.filter(pk=Given("who"), pk__in=[]), "pk")
    with django_assert_num_queries(0):
        assert not twice(statement.any, who=alice.pk)


def test_a_value_that_is_missing_is_said(alice):
    statement = person()
    for _ in range(2):
        with pytest.raises(KeyError, match="who"):
            statement.any(whom=1)


def test_it_locks_the_objects_alone(bob, approvers, django_assert_num_queries):
    of_group = Membership.objects.filter
    joined = ["user", "group"]
    statement = ObjectStatement(lambda: of_group(group=Given("group")), joined=joined, lock=True)
    expected = of_group(group=approvers).select_for_update(of=("self",)).select_related(*joined)
    with django_assert_num_queries(3) as seen:
        twice(statement.first, group=approvers.pk)
        list(expected)
    by_django, kept, wanted = (query["sql"].split(" FROM ")[1] for query in seen.captured_queries)
    assert wanted.endswith('FOR UPDATE OF "backoffice_membership"')
    assert by_django == wanted.replace(f" = {approvers.pk} ", f" = ({approvers.pk}) ")
    assert kept == wanted.replace(f" = {approvers.pk} ", " = ($1) ")
