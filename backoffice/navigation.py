"""The theme's settings, and the sidebar: one entry for each thing a person can do here.

Imported by the settings, so it imports models only inside its functions.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest
from django.urls import reverse

from backoffice.demo.mode import in_demo

if TYPE_CHECKING:
    from backoffice.models import User

type Item = dict[str, Any]


def environment(request: HttpRequest) -> tuple[str, str] | None:
    """What stands at the top of every page: that something is stopped, or that this is the demo."""
    if request.user.is_authenticated and stopped():
        return ("Stopped", "danger")
    return ("Demo", "warning") if in_demo() else None


def sidebar(request: HttpRequest) -> list[Item]:
    """The groups of the sidebar that hold something for this person."""
    from tasks.access.rights import Right, tasks_for

    person: User = request.user  # type: ignore[assignment]  # asked for signed-in people only
    administers = tasks_for(person, Right.CHANGE).exists()
    groups = (
        ("", list(_work(person, administers=administers))),
        ("Audit log", list(_audit(person))),
        ("Settings", list(_settings(person, administers=administers))),
    )
    _mark_active(request, [item for _, items in groups for item in items])
    return [
        {"title": title, "separator": bool(title), "items": items}
        for title, items in groups
        if items
    ]


def _work(person: "User", *, administers: bool) -> Iterator[Item]:
    from approvals.requests.inbox import waiting_count
    from tasks.access.rights import tasks_to_stop, to_resolve

    own = (
        "approvals_absence",
        "approvals_notification_settings",
        "approvals_slack",
        "tasks_subscription",
    )
    inbox = ("approvals_approvalrequest", "approvals_notification", *own)
    yield _item("Home", "home", "index", "index")
    yield _item("Catalogue", "apps", "tasks_task_changelist", "tasks_task")
    yield _item(
        "Inbox",
        "inbox",
        "approvals_approvalrequest_changelist",
        *inbox,
        count=waiting_count(person),
    )
    yield _item("Runs", "history", "tasks_run_changelist", "tasks_run")
    stops = stopped()
    if stops or tasks_to_stop(person).exists():
        yield _item(
            "Stopped tasks", "stop_circle", "tasks_stop_changelist", "tasks_stop", count=stops
        )
    if stops and person.is_superuser and (left := to_reconcile()):
        page = "tasks_reconciliation_changelist"
        yield _item("Restored database", "restore", page, "tasks_reconciliation", count=left)
    if in_demo():
        yield {
            "title": "Demo mailbox",
            "icon": "mail",
            "link": reverse("sent_messages"),
            "names": ("sent_messages",),
        }
    if administers:
        doubtful = to_resolve(person).count()
        names = ("tasks_run_uncertain", "tasks_run_resolve")
        yield _item("Unknown outcomes", "help", "tasks_run_uncertain", *names, count=doubtful)


def stopped() -> int:
    """How much is stopped now."""
    from tasks.models import Stop

    return Stop.objects.filter(ended_at=None).count()


def to_reconcile() -> int:
    """How many unfinished runs of a restored database nobody has reconciled yet."""
    from tasks.access.restores import open_restore, to_reconcile

    restore = open_restore()
    return to_reconcile(restore).count() if restore else 0


def _audit(person: "User") -> Iterator[Item]:
    if person.has_perm("audit.view_everything"):
        yield _item("Change history", "manage_history", "audit:kinds", "audit:")
        yield _item("Access log", "shield_person", "audit_event_changelist", "audit_event")


def _settings(person: "User", *, administers: bool) -> Iterator[Item]:
    if administers:
        names = ("tasks_task_settings", "tasks_task_grants", "tasks_task_rule")
        yield _item("Task settings", "tune", "tasks_task_settings_list", *names)
    if administers or person.has_perm("audit.view_everything"):
        holder = "tasks_holder_permissions"
        yield _item("Permissions", "key", "tasks_permissions", "tasks_permissions", holder)
    if person.has_perm("backoffice.change_user"):
        yield _item("People", "person", "backoffice_user_changelist", "backoffice_user")
        yield _item("Groups", "group", "auth_group_changelist", "auth_group")
    if person.has_perm("approvals.manage_channels"):
        yield _item("Deliveries", "outgoing_mail", "approvals_messages", "approvals_messages")
        page = "approvals_webhookendpoint_changelist"
        yield _item("Webhooks", "webhook", page, "approvals_webhookendpoint")
    if person.is_superuser:
        yield _item("Resources", "hub", "tasks_resources", "tasks_resources")
    if administers or person.is_superuser:
        yield _item("Status", "monitor_heart", "status", "status")


def _item(title: str, icon: str, page: str, *names: str, count: int = 0) -> Item:
    """An entry. It is the current one on pages whose names begin with one of `names`."""
    item: Item = {"title": title, "icon": icon, "link": reverse(f"admin:{page}"), "names": names}
    return item | {"badge": str(count), "badge_variant": "primary"} if count else item


def _mark_active(request: HttpRequest, items: list[Item]) -> None:
    match = request.resolver_match
    page = match.view_name.removeprefix("admin:") if match else ""
    fits = {
        id(item): max((len(name) for name in item["names"] if page.startswith(name)), default=0)
        for item in items
    }
    best = max(fits.values(), default=0)
    for item in items:
        item["active"] = bool(best) and fits[id(item)] == best


UNFOLD: Final = {
    "SITE_TITLE": "Backoffice",
    "SITE_HEADER": "Backoffice",
    "SITE_SYMBOL": "task_alt",
    "SITE_URL": None,
    "ENVIRONMENT": environment,
    "SIDEBAR": {"navigation": sidebar},
}
