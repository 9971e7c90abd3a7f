"""One search: each finds what they may see, and nothing else."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from tests.tasks.admin.reading import signed_in, words
from tests.tasks.conftest import *  # noqa: F403 - a task of our own and its people

pytestmark = pytest.mark.django_db


def found(person, query):
    return words(signed_in(person).get(reverse("admin:search"), {"q": query}))


def test_tasks_and_runs_are_found_in_one_place(ask, alice):
    ask("50.00", reason="Charged twice")
    page = found(alice, "credit test")
    assert "Tasks Test credit Give a customer a credit." in page
    assert "Runs Test credit: 50.00 USD Queued · Alice Example" in page
    assert "50.00 USD" in found(alice, "twice")


def test_what_one_may_not_see_is_not_found(ask, mallory, alice):
    ask("50.00", reason="Charged twice")
    for query in ("credit", "twice", "alice", "approvers"):
        assert "Nothing matches" in found(mallory, query)


def test_people_and_groups_are_found_by_who_looks_after_them(approvers, bob, alice):
    bob.user_permissions.add(Permission.objects.get(codename="change_user"))
    assert "People Alice Example alice" in found(bob, "exam ali")
    assert "Groups Approvers" in found(bob, "appro")
    assert "Nothing matches" in found(alice, "appro")


def test_more_runs_than_are_shown_lead_to_the_list(ask, alice, monkeypatch):
    monkeypatch.setattr("backoffice.admin.search.MOST", 1)
    ask("50.00", reason="Twice")
    assert "All runs that match" not in found(alice, "twice")
    ask("60.00", reason="Twice")
    assert "All runs that match" in found(alice, "twice")


def test_an_empty_search_says_what_can_be_searched(alice):
    assert "a customer, an account" in found(alice, "")
