"""Each address of the site is a door that is known, or changes nothing. Attack 10, and promise 8.

Whoever adds a view that changes something has to say here through which function: then it belongs
into the table of doors and attacks, too.
"""

from typing import Final
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.http import QueryDict
from django.urls import NoReverseMatch, get_resolver, reverse

from approvals.models import ApprovalRequest
from backoffice.models import User
from tests.backoffice.test_site import FORGED, everything, open_one

# The address, and the function that it calls.
DOORS: Final = {
    "admin:audit:save_filter": "audit.saved_filters.save_filter",
    "admin:audit:delete_filter": "audit.saved_filters.delete_filter",
    "admin:approvals_approvalrequest_decide": "approvals.actions.decide",
    "admin:approvals_several": "approvals.actions.decide",
    "admin:approvals_approvalrequest_withdraw": "approvals.actions.withdraw",
    "admin:approvals_by_mail_decide": "approvals.actions.decide_by_link",
    "admin:approvals_by_mail_switch": "signs out",
    "admin:approvals_notifications_read": "approvals.notifications.notify.mark_read",
    "admin:approvals_notification_settings": "approvals.actions.notification_settings",
    "admin:approvals_slack_link": "approvals.actions.offer_slack_link",
    "admin:approvals_slack_end": "approvals.actions.end_slack_link",
    "slack": "approvals.actions.decide_in_slack",
    "admin:approvals_messages_again": "approvals.actions.deliveries",
    "admin:approvals_messages_resume": "approvals.actions.deliveries",
    "admin:approvals_webhookendpoint_changelist": "approvals.actions.add_endpoint",
    "admin:approvals_webhookendpoint_rotate": "approvals.actions.rotate_secret",
    "admin:approvals_webhookendpoint_stop": "approvals.actions.stop_endpoint",
    "admin:approvals_webhookendpoint_resume": "approvals.actions.resume_endpoint",
    "admin:approvals_webhookendpoint_again": "approvals.actions.deliveries",
    "admin:auth_group_new": "backoffice.actions",
    "admin:auth_group_join": "approvals.actions.add_member",
    "admin:auth_group_slack": "approvals.actions.set_group_slack_channel",
    "admin:backoffice_user_new": "backoffice.actions",
    "admin:backoffice_user_edit": "backoffice.actions",
    "admin:backoffice_user_close": "backoffice.actions",
    "admin:backoffice_user_open": "backoffice.actions",
    "admin:backoffice_user_join": "approvals.actions.add_member",
    "admin:backoffice_user_leave": "approvals.actions.remove_member",
    "admin:login": "signs in",
    "admin:logout": "signs out",
    "admin:my_settings": "backoffice.actions",
    "admin:password_change": "changes one's own password",
    "admin:tasks_task_request": "tasks.actions.request_run",
    "admin:tasks_task_settings": "tries a rule, and changes nothing",
    "admin:tasks_holder_permissions": "tasks.actions.changes.grants",
    "admin:tasks_task_grants": "tasks.actions.changes.grants",
    "admin:tasks_task_rule_new": "tasks.actions.propose_rule",
    "admin:tasks_task_rule": "tasks.actions.propose_rule",
    "admin:tasks_task_rule_end": "tasks.actions.propose_end",
    "admin:tasks_run_cancel": "tasks.actions.cancel_run",
    "admin:tasks_run_pause": "tasks.actions.pause_run",
    "admin:tasks_run_resume": "tasks.actions.resume_run",
    "admin:tasks_run_resolve": "tasks.actions.resolve_run",
    "admin:tasks_run_look_up": "tasks.actions.look_up",
    "admin:tasks_run_break_glass": "tasks.actions.runs.emergencies.break_glass",
    "admin:tasks_reconciliation_look_up": "tasks.actions.restores.look_up_unfinished",
    "admin:tasks_reconciliation_decide": "tasks.actions.restores.reconcile_run",
    "admin:tasks_stop_changelist": "tasks.actions.stops.stop_tasks",
    "admin:tasks_stop_start": "tasks.actions.stops.propose_start",
    "admin:tasks_subscription_changelist": "tasks.actions.subscriptions.subscribe",
    "admin:tasks_subscription_end": "tasks.actions.subscriptions.end_subscription",
}
# These leave an event behind, as they should: what was exported, and by whom.
EXPORTS: Final = {
    "admin:audit:export", "admin:tasks_run_csv", "admin:tasks_run_timeline",
    "admin:tasks_run_items_csv", "admin:tasks_run_rows_csv", "admin:tasks_run_log_export",
}  # fmt: skip
READ_BY_LOOKING: Final = {"admin:approvals_notification_open"}


def named(resolver=None, space=""):
    """Every address that has a name, with the arguments that it takes."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from named(
                pattern, f"{space}{pattern.namespace}:" if pattern.namespace else space
            )
        elif pattern.name:
            groups = pattern.pattern.regex.groupindex
            yield f"{space}{pattern.name}", pattern.pattern.converters or dict.fromkeys(groups)


NAMED: Final = dict(named())


def address(name, request_):
    """The address, about things that are there as far as possible."""
    given = {"slug": "test-credit", "request_id": request_.pk, "object_id": str(request_.pk)}
    values = {
        each: given.get(each) or {"int": 1, "uuid": uuid4()}.get(kind(converter), "x")
        for each, converter in NAMED[name].items()
    }
    if name == "admin:tasks_holder_permissions":  # by a pattern, which says no types
        values = {"kind": "group", "pk": 1}
    if name == "admin:app_list":
        values = {"app_label": "tasks"}
    try:
        return reverse(name, kwargs=values)
    except NoReverseMatch:
        return reverse(name, args=list(values.values()))


def kind(converter):
    return type(converter).__name__.removesuffix("Converter").lower()


@pytest.fixture
def request_(db, alice, bob, approvers):
    open_one(alice, approvers)
    return ApprovalRequest.objects.get()


def test_each_door_is_an_address_that_exists():
    assert DOORS.keys() | EXPORTS | READ_BY_LOOKING <= NAMED.keys()
    assert len(NAMED) > 80


@pytest.mark.parametrize("name", sorted(NAMED.keys() - DOORS.keys() - EXPORTS))
def test_whatever_is_sent_to_any_other_address_changes_nothing(name, request_, client, root):
    client.force_login(root)
    before = everything()
    answer = client.post(address(name, request_), FORGED)
    assert answer.status_code in (302, 400, 403, 404, 405)
    assert everything() == before


@pytest.mark.parametrize("page", ["change", "history"])
def test_what_one_may_not_see_answers_like_what_is_not_there(page, request_, client, mallory):
    client.force_login(mallory)
    tried = 0
    for model in filter(site.is_registered, apps.get_models()):
        row = model.objects.exclude(pk=mallory.pk if model is User else None).first()
        if row is not None:
            missing = uuid4() if isinstance(row.pk, UUID) else 10**9
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
            there, not_there = (
                client.get(reverse(name, args=[key])).status_code for key in (row.pk, missing)
            )
            assert (name, there) == (name, not_there)
            tried += 1
    assert tried >= 4  # an event, a group, a person and a request


@pytest.mark.parametrize("who", ["root", "bob", "alice"])
def test_looking_at_any_address_changes_nothing(who, request_, client, request):
    """A scanner of mail, a browser that fetches ahead, a crawler that is signed in."""
    client.force_login(request.getfixturevalue(who))
    before = everything()
    for name in sorted(NAMED.keys() - READ_BY_LOOKING - {"admin:logout"}):
        for look in (client.get, client.head):
            assert look(address(name, request_)).status_code < 500, name
    assert everything() == before


# --- Whatever stands in an address ---------------------------------------------------------------

HOSTILE: Final = ("\0", "[", "9999-12-31", "0001-01-01", "9" * 30, "-1", "\u0663", "x" * 3000)
# The lists of Django's admin take every name for a filter.
OF_LISTS: Final = (
    "actor_label__regex", "data__x", "verb__exact", "at__gte", "at__lt", "subject_id__in", "o", "p",
    "all", "e", "_facets", "_to_field", "_popup",
)  # fmt: skip


@pytest.fixture
def names_read(monkeypatch):
    """The names that a page looks for in its address, as it is answered."""
    read: set[str] = set()
    for method in ("get", "getlist", "__getitem__", "__contains__"):
        original = getattr(QueryDict, method)

        def noted(self, name, *more, original=original):
            read.add(name)
            return original(self, name, *more)

        monkeypatch.setattr(QueryDict, method, noted)
    return read


def test_nothing_in_an_address_is_an_error_of_ours(request_, client, root, names_read):
    """Each name that each page reads, with each value that trips some code."""
    client.force_login(root)
    client.raise_request_exception = False
    tried = 0
    for name in sorted(NAMED.keys() - {"admin:logout"}):
        names_read.clear()
        where = address(name, request_)
        client.get(where)
        lists = OF_LISTS if name.endswith("event_changelist") else ()
        for each in sorted({*names_read, *lists}):
            for value in HOSTILE:
                answer = client.get(where, {each: value})
                assert answer.status_code < 500, f"{where}?{each}={value[:30]!r}"
                tried += 1
    assert tried > 300


def test_no_form_is_sent_with_a_character_that_no_database_holds(request_, client, root):
    """Reasons are read as they come, at many doors."""
    client.force_login(root)
    before = everything()
    for name in sorted(DOORS.keys() - {"slack", "admin:logout"}):
        answer = client.post(address(name, request_), {"reason": "a\0b", "verdict": "rejected"})
        assert answer.status_code == 400, name
    assert everything() == before
