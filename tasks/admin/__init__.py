"""The pages of the Tasks section: catalogue, form, runs, settings.

Pages only show and call: what they change, `tasks.actions` changes. May import everything in
`tasks`.
"""

from approvals.requests import subject
from tasks.admin.absences import AbsenceAdmin
from tasks.admin.catalogue import TaskAdmin
from tasks.admin.restores import ReconciliationAdmin
from tasks.admin.runs.run_admin import RunAdmin
from tasks.admin.runs.subject import subject_of_run
from tasks.admin.stops import StopAdmin
from tasks.admin.subscriptions import SubscriptionAdmin

__all__ = [
    "AbsenceAdmin",
    "ReconciliationAdmin",
    "RunAdmin",
    "StopAdmin",
    "SubscriptionAdmin",
    "TaskAdmin",
]

subject.add("run", subject_of_run)
