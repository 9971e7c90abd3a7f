"""The admin site: who comes in, what the sidebar offers, and that its pages only show."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.core import serializers
from django.test import Client, RequestFactory
from django.test.client import MULTIPART_CONTENT
from django.urls import reverse
from django.utils.http import urlencode
from django.views import defaults

from approvals import actions
from approvals.actions import prove_by_password
from approvals.requests.policy import StageSpec
from approvals.requests.proofs import NotProved
from audit.context import Door
from audit.models import Event
from backoffice.bad_requests import bad_request
from backoffice.error_pages import page_not_found, permission_denied

PASSWORD = "a-long-one-4711"
OURS = ("backoffice", "tasks", "approvals", "audit", "fixtures")


def sidebar(client, who) -> list[str]:
    client.force_login(who)
    groups = client.get(reverse("admin:approvals_approvalrequest_changelist")).context
    return [item["title"] for group in groups["sidebar_navigation"] for item in group["items"]]


def badge(client, who):
    client.force_login(who)
    context = client.get(reverse("admin:approvals_approvalrequest_changelist")).context
    items = [item for group in context["sidebar_navigation"] for item in group["items"]]
    return next(item for item in items if item["title"] == "Inbox").get("badge")


def open_one(by, group):
    return actions.open_request(
        title="Issue credit",
        shown={"facts": [], "changes": []},
        seal="a" * 64,
        requested_by=by,
        door=Door.ADMIN,
        stages=[StageSpec("Managers", 1, [group])],
    )


# --- Coming in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alice", "Alice@Example.com"])
def test_every_active_person_signs_in_by_name_or_email(name, client, alice):
    alice.set_password(PASSWORD)
    alice.save()
    response = client.post(reverse("admin:login"), {"username": name, "password": PASSWORD})
    assert response.url == reverse("admin:index")
    assert "Needs your review" in client.get(reverse("admin:index")).text


def test_who_has_nothing_to_do_here_still_finds_a_page(client, mallory):
    client.force_login(mallory)
    assert client.get(reverse("admin:index"), follow=True).status_code == 200


def test_a_closed_account_does_not_come_in(client, alice):
    alice.set_password(PASSWORD)
    alice.is_active = False
    alice.save()
    response = client.post(reverse("admin:login"), {"username": "alice", "password": PASSWORD})
    assert "Incorrect username or password." in response.text


def test_closing_an_account_ends_its_sessions(client, alice):
    client.force_login(alice)
    alice.is_active = False
    alice.save()
    url = reverse("admin:approvals_approvalrequest_changelist")
    assert client.get(url).url.startswith(reverse("admin:login"))


def test_a_wrong_password_is_said_in_words(client, alice):
    response = client.post(reverse("admin:login"), {"username": "alice", "password": "wrong"})
    assert "Incorrect username or password." in response.text
    assert "Username or email" in response.text


def test_after_signing_in_people_land_where_they_wanted_to_go(client, alice):
    alice.set_password(PASSWORD)
    alice.save()
    inbox = reverse("admin:approvals_approvalrequest_changelist")
    login = client.get(inbox).url
    assert client.post(login, {"username": "alice", "password": PASSWORD}).url == inbox


@pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_signing_in_leads_nowhere_else(goal, client, alice):
    alice.set_password(PASSWORD)
    alice.save()
    data = {"username": "alice", "password": PASSWORD, "next": goal}
    assert client.post(reverse("admin:login"), data).url.startswith("/")
    assert client.get(reverse("admin:index")).status_code == 200


def test_the_demo_shows_its_logins_and_nothing_else_does(client, db, monkeypatch):
    monkeypatch.delenv("BACKOFFICE_DEMO", raising=False)
    assert "demo" not in client.get(reverse("admin:login")).text.lower()
    monkeypatch.setenv("BACKOFFICE_DEMO", "1")
    text = client.get(reverse("admin:login")).text
    for name in ("sam", "mona", "max", "erin", "carl"):
        assert f'value="{name}"' in text


def test_an_address_that_is_not_there_is_said_in_words(client, alice):
    client.force_login(alice)
    response = client.get("/nothing/here/")
    assert response.status_code == 404
    assert "Page not found" in response.text


def test_where_django_people_look_for_the_admin(client):
    assert client.get("/admin/").url == reverse("admin:index")


def test_people_change_their_own_password(client, alice):
    alice.set_password(PASSWORD)
    alice.save()
    client.force_login(alice)
    assert client.get(reverse("admin:password_change")).status_code == 200
    new = {"new_password1": "another-long-one-12", "new_password2": "another-long-one-12"}
    wrong = client.post(reverse("admin:password_change"), {"old_password": "no", **new})
    assert wrong.status_code == 200
    client.post(reverse("admin:password_change"), {"old_password": PASSWORD, **new})
    alice.refresh_from_db()
    assert alice.check_password("another-long-one-12")


def test_a_stolen_session_is_no_place_to_guess_the_password_at(client, alice):
    """As many tries as for a proof, counted together with those, and on record."""
    alice.set_password(PASSWORD)
    alice.save()
    client.force_login(alice)
    new = {"new_password1": "another-long-one-12", "new_password2": "another-long-one-12"}

    def change(old):
        return client.post(reverse("admin:password_change"), {"old_password": old, **new})

    for guess in range(5):
        assert "This is not your current password." in change(f"guess-{guess}").text
    assert "Too many wrong passwords. Wait 15 minutes." in change(PASSWORD).text
    with pytest.raises(NotProved, match="Too many"):
        prove_by_password(alice, PASSWORD, session="a session", door=Door.ADMIN)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    tried = Event.objects.filter(
        verb=Event.Verb.SIGN_IN_REFUSED, actor=alice, data__has_key="proof"
    )
    assert tried.count() == 5


# --- The sidebar ---------------------------------------------------------------------------------


def test_everybody_has_the_catalogue_the_inbox_and_the_runs(client, mallory):
    assert sidebar(client, mallory) == ["Home", "Catalogue", "Inbox", "Runs"]


def test_who_may_read_everything_has_the_audit_section(client, dave):
    dave.user_permissions.add(Permission.objects.get(codename="view_everything"))
    assert sidebar(client, dave) == [
        "Home",
        "Catalogue",
        "Inbox",
        "Runs",
        "Change history",
        "Access log",
        "Permissions",
    ]


def test_who_may_change_people_has_people_and_groups(client, dave):
    dave.user_permissions.add(
        Permission.objects.get(codename="change_user", content_type__app_label="backoffice")
    )
    assert sidebar(client, dave) == ["Home", "Catalogue", "Inbox", "Runs", "People", "Groups"]


def test_an_administrator_has_all_of_it(client, root):
    assert {"Change history", "People", "Groups"} <= set(sidebar(client, root))


def test_the_inbox_shows_how_many_wait(client, alice, bob, approvers):
    assert badge(client, bob) is None
    open_one(alice, approvers)
    open_one(alice, approvers)
    assert badge(client, bob) == "2"
    assert badge(client, alice) is None


def test_the_sidebar_marks_the_page_one_is_on(client, root):
    client.force_login(root)
    for url, title in (
        (reverse("admin:approvals_approvalrequest_changelist"), "Inbox"),
        (reverse("admin:backoffice_user_change", args=[root.pk]), "People"),
        (reverse("admin:audit:kinds"), "Change history"),
        (reverse("admin:tasks_task_settings_list"), "Task settings"),
    ):
        groups = client.get(url).context["sidebar_navigation"]
        active = [i["title"] for group in groups for i in group["items"] if i["active"]]
        assert active == [title]


@pytest.mark.parametrize(
    ("section", "page"),
    [("approvals", "approvals_approvalrequest_changelist"), ("tasks", "index")],
)
def test_a_section_begins_with_its_first_page(section, page, client, root):
    client.force_login(root)
    url = reverse("admin:app_list", args=[section])
    assert client.get(url).url == reverse(f"admin:{page}")


# --- Pages only show: attack 10 ------------------------------------------------------------------


@pytest.fixture
def rows(alice, bob, approvers) -> None:
    open_one(alice, approvers)


def registered():
    return sorted(site._registry.items(), key=lambda pair: pair[0]._meta.label)


def ids(pair):
    return pair[0]._meta.label


@pytest.mark.parametrize("pair", registered(), ids=ids)
def test_no_page_of_another_packages_making_is_here(pair):
    _, page = pair
    assert type(page).__module__.partition(".")[0] in OURS


def test_the_queue_and_guardian_have_no_pages(client, root):
    client.force_login(root)
    shown = {model._meta.app_label for model in site._registry}
    assert shown.isdisjoint({"django_q", "guardian", "admin", "contenttypes", "sessions"})
    for url in ("/django_q/schedule/add/", "/django_q/success/", "/django_q/ormq/"):
        assert client.get(url).status_code == 404


@pytest.mark.parametrize("pair", registered(), ids=ids)
def test_not_even_a_superuser_may_add_change_or_delete(pair, root):
    _, page = pair
    request = RequestFactory().get("/")
    request.user = root
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
    assert not page.actions
    assert not page.list_editable
    assert not page.get_inline_instances(request)


FORGED = {
    "status": "approved",
    "requested_by": "1",
    "decided_by": "1",
    "is_superuser": "on",
    "is_active": "on",
    "username": "forged",
    "name": "forged",
    "title": "forged",
    "verdict": "approve",
    "_save": "1",
    "_saveasnew": "1",
    "action": "delete_selected",
    "post": "yes",
    "form-TOTAL_FORMS": "1",
    "form-INITIAL_FORMS": "1",
    "form-0-status": "approved",
}


def everything() -> str:
    """All rows of all tables but the sessions and the events that refusals leave behind."""
    skipped = {"sessions.session", Event._meta.label_lower}
    models = [model for model in apps.get_models() if model._meta.label_lower not in skipped]
    return "\n".join(serializers.serialize("json", model._base_manager.all()) for model in models)


def stock_urls(model):
    """The addresses that Django gives each admin, with a real row where there is one."""
    row = model._base_manager.first()
    pk = row.pk if row else 1
    prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    yield reverse(f"{prefix}_changelist")
    yield reverse(f"{prefix}_add")
    for name in ("change", "delete", "history"):
        yield reverse(f"{prefix}_{name}", args=[pk])
    # simple_history's page of one version saves a form.
    yield reverse(f"{prefix}_history", args=[pk]) + "1/"


@pytest.mark.parametrize("pair", registered(), ids=ids)
def test_forged_fields_sent_to_djangos_own_pages_change_nothing(pair, rows, client, root):
    model, _ = pair
    client.force_login(root)
    before = everything()
    for url in stock_urls(model):
        chosen = {"_selected_action": [str(row.pk) for row in model._base_manager.all()[:3]]}
        response = client.post(url, {**FORGED, **chosen})
        # Django sends addresses that it does not know on to the object's page; 400 is a form of ours.
        assert response.status_code in (302, 400, 403, 404, 405), url
    assert everything() == before


# --- Django's own texts --------------------------------------------------------------------------


def test_who_signs_out_reads_our_words(client, alice):
    client.force_login(alice)
    text = client.post(reverse("admin:logout")).text
    assert "You are signed out." in text
    assert f'href="{reverse("admin:login")}"' in text
    assert "quality time" not in text
    assert "Log in" not in text


def test_the_account_menu_says_sign_out(client, alice):
    client.force_login(alice)
    text = client.get(reverse("admin:approvals_approvalrequest_changelist")).text
    assert "Sign out" in text
    assert "Log out" not in text


def test_changing_a_password_is_explained_in_our_words(client, alice):
    alice.set_password(PASSWORD)
    alice.save()
    client.force_login(alice)
    form = client.get(reverse("admin:password_change")).text
    for words in ("Current password", "New password again", "At least eight characters"):
        assert words in form
    for stock in (
        "Please enter your old",
        "Old password",
        "Password confirmation",
        "too similar to",
    ):
        assert stock not in form
    wrong = {"old_password": "no", "new_password1": "one-4711-long", "new_password2": "another"}
    text = client.post(reverse("admin:password_change"), wrong).text
    assert "This is not your current password." in text
    assert "This is not the same as the new password above." in text
    assert "Your old password was entered incorrectly" not in text
    new = {"new_password1": "another-long-one-12", "new_password2": "another-long-one-12"}
    right = {"old_password": PASSWORD, **new}
    done = client.post(reverse("admin:password_change"), right, follow=True).text
    assert "Password changed." in done
    assert "Your password was changed." not in done


def refused_form() -> Any:
    client = Client(enforce_csrf_checks=True)
    return client.post(reverse("admin:login"), {"username": "alice", "password": "x"})


def test_a_form_that_was_open_for_too_long_is_explained(db):
    response = refused_form()
    assert response.status_code == 403
    assert "This page has expired." in response.text
    assert "CSRF" not in response.text


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (bad_request, "This request could not be read."),
        (permission_denied, "You don't have permission to do this."),
        (page_not_found, "The address may be wrong"),
    ],
)
def test_each_error_page_is_ours_with_a_link_back(view, words):
    text = view(RequestFactory().get("/"), Exception()).content.decode()
    assert words in text
    assert "Go to the home page" in text
    assert "backoffice/frame.js" in text


@pytest.mark.parametrize("content_type", [MULTIPART_CONTENT, "application/x-www-form-urlencoded"])
def test_a_form_with_too_much_text_is_told_so(client, alice, content_type):
    client.force_login(alice)
    sent: Any = {"old_password": "x" * 3_000_000}
    if content_type != MULTIPART_CONTENT:
        sent = urlencode(sent)
    answer = client.post(reverse("admin:password_change"), sent, content_type)
    assert answer.status_code == 400
    assert "This form holds too much text." in answer.text


def test_what_went_wrong_here_is_our_page_too():
    text = defaults.server_error(RequestFactory().get("/")).content.decode()
    assert "Something went wrong." in text
    assert "Server Error" not in text
