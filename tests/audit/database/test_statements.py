"""A statement finds what its queryset finds, whatever it is asked with, and asks anew each time."""

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import BooleanField, Exists, OuterRef, Value
from django.db.models.functions import Now
from django.db.models.lookups import Exact

from audit.actions import record
from audit.context import Door
from audit.database.statements import Given, Statement
from audit.models import Event
from backoffice.models import Membership, User

pytestmark = pytest.mark.django_db


def members(group):
    return (
        Membership.objects.filter(group=group)
        .select_related("user", "group")
        .order_by("user__username")
    )


def test_it_finds_what_the_queryset_finds(bob, carol, approvers):
    first = Statement(lambda: members(Given("group")))
    found = first.first(group=approvers.pk)
    expected = members(approvers).first()
    assert found == expected
    assert {**found.__dict__, "_state": None} == {**expected.__dict__, "_state": None}
    assert not found._state.adding


def test_what_is_joined_comes_with_it(bob, approvers, django_assert_num_queries):
    found = Statement(lambda: members(Given("group"))).first(group=approvers.pk)
    with django_assert_num_queries(0):
        assert (found.user, found.group) == (bob, approvers)
        assert found.user.email == bob.email


def test_what_is_not_there_is_none(approvers):
    statement = Statement(lambda: members(Given("group")))
    assert statement.first(group=approvers.pk) is None
    with pytest.raises(ObjectDoesNotExist, match=rf"'group': {approvers.pk}"):
        statement.get(group=approvers.pk)


def test_it_brings_what_was_annotated(alice, bob):
    older = User.objects.filter(pk__lt=OuterRef("pk"))
    statement = Statement(
        lambda: User.objects.filter(pk=Given("who")).annotate(at=Now(), later=Exists(older))
    )
    assert [statement.first(who=each.pk).later for each in (alice, bob)] == [False, True]
    assert statement.first(who=bob.pk).at.tzinfo


def test_json_becomes_the_fields_value(alice):
    event = record(Event.Verb.EXPORTED, by=alice, door=Door.ADMIN, data={"rows": [1, None]})
    found = Statement(lambda: Event.objects.filter(pk=Given("event"))).first(event=event.pk)
    assert found.data == {"rows": [1, None]}


def test_it_gives_rows_where_the_queryset_does(bob, carol, approvers):
    names = Statement(lambda: members(Given("group")).values_list("user__username", "group__name"))
    rows = [tuple(row) for row in names.rows(group=approvers.pk)]
    assert rows == [("bob", "Approvers"), ("carol", "Approvers")]


def test_it_is_asked_with_something_else_each_time(alice, bob):
    statement = Statement(lambda: User.objects.filter(username=Given("name")))
    assert [statement.first(name=name) for name in ("alice", "bob")] == [alice, bob]


def test_what_it_is_asked_with_is_never_sql(alice):
    statement = Statement(lambda: User.objects.filter(username=Given("name")))
    assert not statement.any(name="x' OR 'a' = 'a")
    assert not statement.any(name="100 %s")


def test_it_sees_what_has_changed_since(alice):
    active = Statement(lambda: User.objects.filter(pk=Given("who"), is_active=True))
    assert active.any(who=alice.pk)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert not active.any(who=alice.pk)


def test_a_place_may_stand_for_a_truth(alice):
    everybody = Exact(Given("open", BooleanField()), Value(True))
    statement = Statement(lambda: User.objects.filter(everybody))
    assert [statement.any(open=whether) for whether in (True, False)] == [True, False]


def test_its_text_is_made_once(alice):
    made = []
    statement = Statement(lambda: made.append(1) or User.objects.filter(pk=Given("who")))
    for _ in range(3):
        statement.first(who=alice.pk)
    assert len(made) == 1


def test_a_value_that_is_missing_is_said(alice):
    with pytest.raises(KeyError, match="who"):
        Statement(lambda: User.objects.filter(pk=Given("who"))).any(whom=1)


def test_it_locks(alice, django_assert_num_queries):
    statement = Statement(lambda: User.objects.filter(pk=Given("who")).select_for_update())
    with django_assert_num_queries(1) as seen:
        statement.first(who=alice.pk)
    assert seen.captured_queries[0]["sql"].endswith("FOR UPDATE")
