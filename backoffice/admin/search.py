"""One search over what a person may see: tasks, runs, requests that wait, people and groups."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse
from django.utils.http import urlencode

from approvals.models import ApprovalRequest
from approvals.requests.inbox import with_words
from approvals.requests.policy import visible_to
from audit.admin.pages import page, person_of
from backoffice.admin.people import people_found
from backoffice.models import User
from tasks.access.rights import runs_for
from tasks.admin.cards import cards_for
from tasks.models import Run
from tasks.runs.search import found_by
from tasks.runs.texts import moment

MOST: Final = 10  # of each kind
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found."""

    title: str
    link: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What was found of one kind; `more` leads to the rest."""

    title: str
    hits: list[Hit]
    more: str = ""


def search(request: HttpRequest) -> HttpResponse:
    """The page of what was found, each kind by itself."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    words = request.GET.get("q", "").strip()[:LONGEST]
    found = _sections(person_of(request), words) if words else ()
    sections = [section for section in found if section.hits]
    return page(request, "backoffice/search.html", title="Search", words=words, sections=sections)


def _sections(person: User, words: str) -> Iterator[Section]:
    yield Section("Tasks", list(_tasks(person, words)))
    yield _runs(person, words)
    yield Section("Requests", list(_requests(person, words)))
    if person.has_perm("backoffice.change_user"):
        yield Section("People", list(_people(words)))
        yield Section("Groups", list(_groups(words)))


def _tasks(person: User, words: str) -> Iterator[Hit]:
    for card in cards_for(person, words)[:MOST]:
        link = reverse("admin:tasks_task_request", args=[card.task.slug])
        yield Hit(card.task.name, link, card.sentence)


def _runs(person: User, words: str) -> Section:
    found = found_by(runs_for(person), words).select_related("task", "requested_by")
    runs = list(found.order_by("-requested_at", "-id")[: MOST + 1])
    every = f"{reverse('admin:tasks_run_changelist')}?{urlencode({'q': words})}"
    return Section("Runs", [_run(run) for run in runs[:MOST]], every if len(runs) > MOST else "")


def _run(run: Run) -> Hit:
    said = f"{run.get_status_display()} · {run.requested_by} · {moment(run.requested_at)}"
    return Hit(run.headline, reverse("admin:tasks_run_change", args=[run.pk]), said)


def _requests(person: User, words: str) -> Iterator[Hit]:
    """Those that wait for somebody and are about no run: a run is found as such."""
    waiting = visible_to(person).filter(status=ApprovalRequest.Status.PENDING, run=None)
    found = with_words(waiting, words)
    for each in found.select_related("requested_by").order_by("-pk")[:MOST]:
        link = reverse("admin:approvals_approvalrequest_change", args=[each.pk])
        yield Hit(each.title, link, f"Requested by {each.requested_by}")


def _people(words: str) -> Iterator[Hit]:
    for person in people_found(words)[:MOST]:
        link = reverse("admin:backoffice_user_change", args=[person.pk])
        yield Hit(person.get_full_name() or person.username, link, person.username)


def _groups(words: str) -> Iterator[Hit]:
    groups = Group.objects.order_by("name")
    for word in words.split():
        groups = groups.filter(name__icontains=word)
    for group in groups[:MOST]:
        yield Hit(group.name, reverse("admin:auth_group_change", args=[group.pk]))
