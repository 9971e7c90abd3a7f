"""Each address of the site is a door that is known, or changes nothing. Attack 10, and promise 8.

Whoever adds a view that changes something has to say here through which function: then it belongs
into the table of doors and attacks, too.
"""

from typing import Final
from uuid import uuid4

import pytest
from django.urls import NoReverseMatch, get_resolver, reverse

from approvals.models import ApprovalRequest
from tests.backoffice.test_site import FORGED, everything, open_one

# The address, and the function that it calls.
DOORS: Final = {
    "admin:approvals_approvalrequest_decide": "approvals.actions.decide",
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
    "admin:password_change": "changes one's own password",
    "admin:tasks_task_request": "tasks.actions.request_run",
    "admin:tasks_task_settings": "tries a rule, and changes nothing",
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
            yield f"{space}{pattern.name}", pattern.pattern.converters


NAMED: Final = dict(named())


def address(name, request_):
    """The address, about things that are there as far as possible."""
    given = {"slug": "test-credit", "request_id": request_.pk, "object_id": str(request_.pk)}
    values = {
        each: given.get(each) or {"int": 1, "uuid": uuid4()}.get(kind(converter), "x")
        for each, converter in NAMED[name].items()
    }
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


@pytest.mark.parametrize("who", ["root", "bob", "alice"])
def test_looking_at_any_address_changes_nothing(who, request_, client, request):
    """A scanner of mail, a browser that fetches ahead, a crawler that is signed in."""
    client.force_login(request.getfixturevalue(who))
    before = everything()
    for name in sorted(NAMED.keys() - READ_BY_LOOKING - {"admin:logout"}):
        for look in (client.get, client.head):
            assert look(address(name, request_)).status_code < 500, name
    assert everything() == before
