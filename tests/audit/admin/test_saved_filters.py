"""Filters that people keep of lists: their own, private, and nothing else than a filter."""

import pytest
from django.urls import reverse

from audit.models import Event, SavedFilter
from audit.saved_filters import MOST
from tests.people import person
from tests.tasks.admin.reading import signed_in

RUNS = reverse("admin:tasks_run_changelist")
INBOX = reverse("admin:approvals_approvalrequest_changelist")


@pytest.fixture
def ada(db):
    return person("Ada")


def save(who, name="Large ones", query="q=a%26b&status=failed&task=&page=3", address=RUNS):
    sent = {"name": name, "address": address, "query": query}
    return signed_in(who).post(reverse("admin:audit:save_filter"), sent)


def test_a_filter_is_saved_shown_and_deleted(ada):
    client = signed_in(ada)
    form = client.get(RUNS, {"q": "a&b", "status": "failed", "page": "3"}).text
    assert 'name="query" value="q=a%26b&amp;status=failed"' in form
    answer = save(ada)
    assert answer.url == f"{RUNS}?q=a%26b&status=failed"
    page = client.get(answer.url).text
    chip = (
        f'<a class="bo-chip" href="{RUNS}?q=a%26b&amp;status=failed" aria-current="true">Large ones'
    )
    assert chip in page
    assert "Save this filter" not in page
    assert "Large ones" not in client.get(INBOX).text
    client.post(reverse("admin:audit:delete_filter", args=[SavedFilter.objects.get().pk]))
    assert "bo-chip" not in client.get(RUNS).text


def test_it_is_private(ada):
    save(ada)
    bea = signed_in(person("Bea"))
    assert "Large ones" not in bea.get(RUNS).text
    address = reverse("admin:audit:delete_filter", args=[SavedFilter.objects.get().pk])
    assert bea.post(address).status_code == 404
    assert SavedFilter.objects.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, "Enter a name of at most 60 characters."),
        ({"name": "x" * 61}, "Enter a name of at most 60 characters."),
        ({"query": "page=2&q="}, "Filter the list first, and then save it."),
        ({"query": "q=" + "x" * 1000}, "Filter the list first, and then save it."),
        ({"name": "Taken"}, "You already have a filter “Taken”."),
    ],
)
def test_what_is_no_filter_is_refused_in_words(ada, changes, said):
    save(ada, name="Taken")
    save(ada, **changes)
    assert Event.objects.get(verb=Event.Verb.REFUSED).reason.startswith(said)
    assert SavedFilter.objects.count() == 1


def test_nobody_fills_the_page_with_filters(ada):
    for number in range(MOST + 1):
        save(ada, name=f"Filter {number}")
    assert SavedFilter.objects.count() == MOST


@pytest.mark.parametrize(
    "address",
    ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "", "/\\evil.example"],
)
def test_a_filter_leads_to_a_list_of_this_site_only(ada, address):
    assert save(ada, address=address).status_code == 404
    assert not SavedFilter.objects.exists()


def test_a_list_that_is_not_filtered_offers_nothing_to_save(ada):
    for address in (RUNS, f"{RUNS}?q=&status=", f"{INBOX}?tab=mine"):
        assert "Save this filter" not in signed_in(ada).get(address).text
    assert "Save this filter" in signed_in(ada).get(f"{INBOX}?tab=mine&q=x").text


def test_following_a_link_saves_and_deletes_nothing(ada):
    save(ada)
    saved = SavedFilter.objects.get()
    for name, arguments in (("save_filter", []), ("delete_filter", [saved.pk])):
        assert signed_in(ada).get(reverse(f"admin:audit:{name}", args=arguments)).status_code == 405


def test_histories_have_them_too(ada):
    root = person("Root", is_superuser=True)
    address = reverse("admin:audit:history", args=["backoffice.user"])
    page = signed_in(root).get(address, {"since": "2026-01-01"}).text
    assert "Save this filter" in page
