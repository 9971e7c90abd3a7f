"""On every form what is wrong is in view: said on top, linked to its field, and tied to it for a screen reader."""

import re
from html.parser import HTMLParser

import pytest
from django.urls import reverse

from tests.people import person
from tests.tasks.admin.reading import form_of, rule_form, settings_of, signed_in, words

CONTROLS = ("input", "select", "textarea", "fieldset")


class Page(HTMLParser):
    """The attributes of each element, as far as they matter here."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.controls: list[dict[str, str | None]] = []
        self.summaries: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        if tag in CONTROLS and found.get("type") != "hidden":
            self.controls.append(found)
        if "bo-errors" in (found.get("class") or ""):
            self.summaries.append(found)
        if tag == "a" and (found.get("href") or "").startswith("#id_"):
            self.links.append(found["href"][1:])


@pytest.fixture
def root(db):
    return person("Rita", is_superuser=True)


NAMES = {
    "rule": lambda task: (rule_form(task), {"condition": "amount >", "reason": ""}),
    "permissions": lambda task: (settings_of(task) + "grants/", {"person_level": "9"}),
    "task": lambda task: (
        form_of(task),
        {"amount": "1,000", "run-reason": "x" * 2001, "run-nonce": "1"},
    ),
    "stop": lambda task: (reverse("admin:tasks_stop_changelist"), {"what": "nothing"}),
    "absence": lambda task: (reverse("admin:approvals_absence_changelist"), {"first": "soon"}),
    "subscription": lambda task: (
        reverse("admin:tasks_subscription_changelist"),
        {"task": task.pk, "condition": "amount >"},
    ),
    "webhook": lambda task: (reverse("admin:approvals_webhookendpoint_changelist"), {"url": "x"}),
    "new group": lambda task: (reverse("admin:auth_group_new"), {"name": ""}),
    "new person": lambda task: (reverse("admin:backoffice_user_new"), {"email": "x"}),
    "own password": lambda task: (reverse("admin:password_change"), {"old_password": "x"}),
}


@pytest.mark.parametrize("where", NAMES.values(), ids=NAMES)
def test_what_is_wrong_is_on_top_and_tied_to_its_field(task, alice, root, where):
    address, sent = where(task)
    answer = signed_in(alice if address == form_of(task) else root).post(address, sent)
    page = Page(answer.content.decode())
    (summary,) = page.summaries
    assert (summary["role"], summary["tabindex"]) == ("alert", "-1")
    assert "autofocus" in summary  # without any script
    assert page.links
    assert set(page.links) <= set(page.ids)

    wrong = [c for c in page.controls if c.get("aria-invalid") == "true"]
    said = " ".join(c.get("aria-describedby") or "" for c in page.controls).split()
    assert wrong
    errors = re.findall(r'id="([^"]+_error)"', answer.content.decode())
    assert errors
    assert set(errors) <= set(said)
    assert {each for each in said if each.endswith("_error")} <= set(page.ids)


def test_signing_in_says_it_on_top(client, db):
    answer = client.post(reverse("admin:login"), {"username": "nobody", "password": "x"})
    assert "There is a problem: Incorrect username or password." in words(answer)
    assert len(Page(answer.content.decode()).summaries) == 1


def test_of_many_faults_of_a_field_the_first_is_said_and_the_others_counted(rf):
    from django import forms
    from django.template import Context, Template

    class Rows(forms.Form):
        file = forms.CharField(label="Credits", required=False)

    form = Rows({})
    form.add_error("file", ["Row 2: no.", "Row 3: no.", "Row 4: no."])
    form.add_error(None, "<b>Never</b>")
    shown = Template("{% load error_summary %}{% error_summary form None %}").render(
        Context({"form": form})
    )
    assert "There are 2 problems" in shown
    assert "&lt;b&gt;Never" in shown
    assert '<a href="#id_file">Credits</a>: Row 2: no. And 2 more below.' in shown


def test_a_form_without_a_mistake_says_nothing(task, alice):
    assert not Page(signed_in(alice).get(form_of(task)).content.decode()).summaries


def test_a_refusal_of_the_whole_page_takes_the_focus(task, root):
    rule = task.rules.get()
    address = reverse("admin:tasks_task_rule_end", args=[task.slug, rule.pk])
    shown = signed_in(root).post(address, {"reason": ""}, follow=True).content.decode()
    assert re.search(r'<li[^>]*role="alert" tabindex="-1" autofocus>', shown)
