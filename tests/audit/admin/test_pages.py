import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
import unfold
from django.contrib.admin import site
from django.http import Http404
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

import audit
import backoffice
from audit.actions import record
from audit.admin.base import CappedPaginator, ReadOnlyAdmin, SafeHistoryMixin
from audit.admin.events import EventAdmin
from audit.history.versions import audited_models
from audit.models import Event
from backoffice.models import User
from tests.people import person

pytestmark = pytest.mark.django_db

USERS = ["backoffice.user"]


def page(name, *args):
    return reverse(f"admin:audit:{name}", args=args)


def read(client, reader, url, **query):
    client.force_login(reader)
    return client.get(url, query)


@pytest.mark.parametrize("model", audited_models(), ids=lambda model: model._meta.label_lower)
def test_each_kind_has_a_page(model, client, auditor):
    kind = model._meta.label_lower
    assert page("history", kind) in read(client, auditor, page("kinds")).text
    assert client.get(page("history", kind)).status_code == 200


@pytest.mark.parametrize("url", [("kinds",), ("history", *USERS)])
def test_to_people_without_the_right_the_pages_do_not_exist(url, client, staff):
    assert read(client, staff, page(*url)).status_code == 404


@pytest.mark.parametrize("url", [("kinds",), ("history", *USERS)])
def test_somebody_not_signed_in_is_asked_to(url, client):
    response = client.get(page(*url))
    assert (response.status_code, response.url.split("?")[0]) == (302, reverse("admin:login"))


@pytest.mark.parametrize("kind", ["auth.group", "nothing", "backoffice.User/../x"])
def test_a_kind_without_a_history_is_not_found(kind, client, auditor):
    assert read(client, auditor, page("kinds") + kind + "/").status_code == 404


def test_the_page_says_who_changed_what_from_what_to_what_and_why(client, auditor, rename):
    rename("Alicia", reason="as she signs", door="slack")
    text = read(client, auditor, page("history", *USERS)).text
    for words in ("Bob Example (bob)", "via Slack", "Alicia Example", "as she signs"):
        assert words in text
    assert "First name:</span> Alice → Alicia" in text


def test_what_people_wrote_is_text_and_no_html(client, auditor, rename):
    rename("<b x-data=1>", reason="<script>")
    text = read(client, auditor, page("history", *USERS)).text
    assert "&lt;b x-data=1&gt;" in text
    assert "<b x-data" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("name", ["bob", "BOB@example.com"])
def test_only_one_persons_changes(name, client, auditor, rename):
    rename("Alicia")
    changes = read(client, auditor, page("history", *USERS), person=name).context["page"].changes
    assert [change.who for change in changes] == ["Bob Example (bob)"]


def test_a_person_who_is_not_there_is_said_so(client, auditor, rename):
    response = read(client, auditor, page("history", *USERS), person="nobody")
    assert "No person has the username or email address “nobody”" in response.text
    assert response.context["page"].changes == []


def test_both_days_of_a_range_are_included(client, auditor, alice):
    today = timezone.localdate()
    url = page("history", *USERS)

    def found(since, until):
        days = {"since": since.isoformat(), "until": until.isoformat()}
        return bool(read(client, auditor, url, **days).context["page"].changes)

    day = timedelta(days=1)
    assert found(today, today)
    assert not found(today - day, today - day)
    assert not found(today + day, today + day)


def test_a_range_that_ends_before_it_begins_is_explained(client, auditor):
    url = page("history", *USERS)
    response = read(client, auditor, url, since="2026-11-23", until="2026-11-22")
    assert "“From” is later than “To”" in response.text


def test_a_page_holds_fifty_changes_and_leads_to_the_older_ones(client, auditor, rename):
    for number in range(60):
        rename(f"name {number}")
    first = read(client, auditor, page("history", *USERS), person="bob")
    assert len(first.context["page"].changes) == 50
    older = re.search(r'href="(\?person=bob&amp;before=\d+)"', first.text)
    assert older
    second = client.get(page("history", *USERS) + older[1].replace("&amp;", "&"))
    assert len(second.context["page"].changes) == 10
    assert "Older" not in second.text


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 40, "²"])
def test_an_address_that_somebody_edited_is_no_error(before, client, auditor):
    assert read(client, auditor, page("history", *USERS), before=before).status_code == 200


def test_an_empty_page_says_what_to_do(client, auditor):
    response = read(client, auditor, page("history", *USERS), since="2099-01-01")
    assert "Change the filter, or show all." in response.text


def test_a_page_costs_the_same_queries_for_thirty_rows_as_for_three(
    client, auditor, rename, django_assert_max_num_queries
):
    costs = []
    for more in (3, 27):
        for number in range(more):
            rename(f"name {number}")
        client.force_login(auditor)
        with django_assert_max_num_queries(20) as queries:
            client.get(page("history", *USERS), {"person": "bob"})
        costs.append(len(queries))
    assert costs[0] == costs[1]


def export(client, reader, **data):
    client.force_login(reader)
    return client.post(page("export", *USERS), data)


def test_the_download_holds_the_changes(client, auditor, rename):
    rename("=1+1")
    text = export(client, auditor, person="bob").getvalue().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["field"], row["old"], row["new"]) for row in rows] == [
        ("First name", "Alice", "'=1+1")
    ]


def test_a_program_gets_the_values_as_they_are(client, auditor, rename):
    rename("=1+1")
    assert b'"=1+1"' in export(client, auditor, **{"for": "machine"}).getvalue()


def test_a_download_is_an_event(client, auditor, bob):
    export(client, auditor, person="bob", since="2026-11-23")
    event = Event.objects.filter(verb="exported").get()
    assert (event.actor, event.door, event.ip) == (auditor, "admin", "127.0.0.1")
    assert event.request_id
    assert event.data == {
        "export": "change history of people",
        "format": "spreadsheet",
        "person": "Bob Example",
        "since": "2026-11-23",
    }


def test_a_download_by_get_is_refused(client, auditor):
    assert read(client, auditor, page("export", *USERS)).status_code == 405
    assert not Event.objects.filter(verb="exported").exists()


def test_a_download_that_another_site_asks_for_is_refused(auditor):
    client = Client(enforce_csrf_checks=True)
    assert export(client, auditor).status_code == 403
    assert not Event.objects.filter(verb="exported").exists()


def test_a_download_without_the_right_does_not_exist_and_is_no_event(client, staff):
    assert export(client, staff).status_code == 404
    assert not Event.objects.filter(verb="exported").exists()


def test_a_download_of_a_wrong_range_is_explained(client, auditor):
    response = export(client, auditor, person="nobody")
    assert response.status_code == 400
    assert "No person has the username" in response.text


EVENTS = "admin:audit_event_changelist"


@pytest.fixture
def event(alice):
    return record(
        Event.Verb.REFUSED,
        by=alice,
        door="slack",
        subject=alice,
        reason="own request",
        data={"n": 1},
    )


def test_events_are_listed_for_people_with_the_right(client, auditor, event):
    text = read(client, auditor, reverse(EVENTS)).text
    assert "Alice Example (alice)" in text
    assert "denied" in text


def test_an_event_shows_all_of_itself(client, auditor, event):
    url = reverse("admin:audit_event_change", args=[event.pk])
    text = read(client, auditor, url).text
    text = re.sub(r"\s*([<>])\s*", r"\1", text)
    for words in ("Alice Example (alice)", "own request", "n: 1", "Slack", ">person<"):
        assert words in text


def test_events_are_hidden_from_everybody_else(client, staff, event):
    assert read(client, staff, reverse(EVENTS)).status_code == 403


@pytest.mark.parametrize(
    ("term", "found"),
    [("alice", True), ("Alice Ex", True), ("xample", False), ("bob", False)],
)
def test_a_search_finds_the_beginning_of_a_name(term, found, client, auditor, event):
    text = read(client, auditor, reverse(EVENTS), q=term).text
    assert ("Alice Example (alice)" in text) is found


def test_a_list_of_events_costs_the_same_queries_for_thirty_as_for_three(
    client, auditor, alice, django_assert_max_num_queries
):
    costs = []
    for size in (3, 27):
        for _ in range(size):
            record(Event.Verb.REFUSED, by=alice, door="slack", subject=alice)
        client.force_login(auditor)
        with django_assert_max_num_queries(20) as queries:
            client.get(reverse(EVENTS))
        costs.append(len(queries))
    assert costs[0] == costs[1]


@pytest.mark.parametrize("who", ["auditor", "root"])
@pytest.mark.parametrize("name", ["changelist", "add", "change", "delete", "history"])
def test_nobody_can_post_to_the_pages_of_events(who, name, client, event, request):
    args = [event.pk] if name in ("change", "delete", "history") else []
    forged = {
        "reason": "nothing happened",
        "_save": "1",
        "action": "delete_selected",
        "_selected_action": event.pk,
        "form-0-reason": "nothing happened",
    }
    client.force_login(request.getfixturevalue(who))
    response = client.post(reverse(f"admin:audit_event_{name}", args=args), forged)
    assert response.status_code in (403, 405)
    event.refresh_from_db()
    assert event.reason == "own request"


def test_nobody_may_change_what_a_read_only_admin_shows(root):
    request = RequestFactory().get("/")
    request.user = root
    read_only = [a for a in site._registry.values() if isinstance(a, ReadOnlyAdmin)]
    assert any(isinstance(found, EventAdmin) for found in read_only)
    for found in read_only:
        assert not found.has_add_permission(request)
        assert not found.has_change_permission(request)
        assert not found.has_delete_permission(request)
        assert found.get_actions(request) == {}
        assert not found.list_editable


class PeopleAdmin(SafeHistoryMixin, ReadOnlyAdmin):
    """Shows everybody but Bob, to whoever may read everything."""

    def get_queryset(self, request):
        return super().get_queryset(request).exclude(username="bob")

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("audit.view_everything")


def history_of(instance, reader, method="GET"):
    request = RequestFactory().generic(method, "/")
    request.user = reader
    response = PeopleAdmin(User, site).history_view(request, str(instance.pk))
    return response.render() if isinstance(response, TemplateResponse) else response


def test_an_objects_history_page_lists_its_changes(auditor, alice, rename):
    rename("Alicia", reason="as she signs")
    text = history_of(alice, auditor).text
    assert "First name:</span> Alice → Alicia" in text
    assert "as she signs" in text


def test_an_object_that_the_admin_hides_has_no_history_page(auditor, bob):
    with pytest.raises(Http404):
        history_of(bob, auditor)


def test_who_may_not_see_an_object_may_not_see_its_history(staff, alice):
    with pytest.raises(Http404):
        history_of(alice, staff)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_history_page_takes_no_orders(method, root, alice):
    assert history_of(alice, root, method).status_code == 405


def test_no_admin_brings_the_version_page_that_saves_a_form():
    names = [name for admin in site._registry.values() for name in _names(admin.urls)]
    assert not [name for name in names if "simple_history" in name]


def _names(urls):
    return [pattern.name or "" for pattern in urls if hasattr(pattern, "name")]


def test_a_paginator_counts_no_further_than_it_must(django_assert_num_queries):
    for number in range(3):
        person(f"P{number}")
    people = User.objects.order_by("pk")
    with django_assert_num_queries(1) as queries:
        assert CappedPaginator(people, 2).num_pages == 2
    assert "LIMIT 10001" in queries[0]["sql"]


def test_a_paginator_of_a_list_counts_it():
    assert CappedPaginator(range(20_000), 100).count == 10_001


TEMPLATES = sorted((Path(audit.__file__).parent / "templates/audit").glob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_each_class_in_a_template_is_in_a_style_sheet(template):
    css = (Path(unfold.__file__).parent / "static/unfold/css/styles.css").read_text()
    own = Path(backoffice.__file__).parent / "static/backoffice/backoffice.css"
    css += own.read_text()
    known = {re.sub(r"\\(.)", r"\1", name) for name in re.findall(r"\.((?:\\.|[\w-])+)", css)}
    html = re.sub(r"{%.*?%}", " ", template.read_text())
    used = {name for value in re.findall(r'class="([^"]*)"', html) for name in value.split()}
    assert used - known == set()
