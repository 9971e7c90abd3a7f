"""What tests of pages share: somebody signed in, and a page as its reader sees it."""

import csv
import html
import io
import re
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.models import User
from tasks.models import Run, Task


def signed_in(person: User) -> Any:  # a Client, whose answers the stubs know too little about
    client = Client()
    client.force_login(person, backend="backoffice.sign_in.NameOrEmailBackend")
    return client


def send(client: Any, address: str, sent: dict[str, Any]) -> Any:
    """Send a form and, where the page asks to check it first, send what it has shown."""
    answer = client.post(address, sent)
    seen = re.search(rb'name="run-seen" value="([0-9a-f]{64})"', answer.content)
    if not seen:
        return answer
    for file in (value for value in sent.values() if hasattr(value, "seek")):
        file.seek(0)
    return client.post(address, sent | {"run-seen": seen[1].decode()})


def words(response: Any) -> str:
    """The text of a page without its head and its tags, white space as one space each."""
    page = b"".join(response) if response.streaming else response.content
    body = re.sub(r"(?s)<(head|script|style)\b.*?</\1>", " ", page.decode())
    return " ".join(html.unescape(re.sub(r"(?s)<[^>]*>", " ", body)).split())


def count_queries(client: Client, url: str) -> int:
    """What a page costs when nothing has to be read for the first time."""
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def catalogue() -> str:
    return reverse("admin:tasks_task_changelist")


def form_of(task: Task) -> str:
    return reverse("admin:tasks_task_request", args=[task.slug])


def runs() -> str:
    return reverse("admin:tasks_run_changelist")


def page_of(run: Run) -> str:
    return reverse("admin:tasks_run_change", args=[run.pk])


def live(run: Run) -> str:
    return reverse("admin:tasks_run_live", args=[run.pk])


def settings_of(task: Task) -> str:
    return reverse("admin:tasks_task_settings", args=[task.slug])


def url(name: str, *args: object) -> str:
    return reverse(f"admin:{name}", args=args)


def rule_form(task, rule=None) -> str:
    if rule is None:
        return reverse("admin:tasks_task_rule_new", args=[task.slug])
    return reverse("admin:tasks_task_rule", args=[task.slug, rule.pk])


def ending(task, rule) -> str:
    return reverse("admin:tasks_task_rule_end", args=[task.slug, rule.pk])


def in_force(task) -> list[str]:
    return [rule.name for rule in task.rules.filter(ended_at=None)]


def csv_of(response) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode().removeprefix("\ufeff")
    return list(csv.reader(io.StringIO(text)))
