from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "Tasks"

    def ready(self) -> None:
        from tasks import checks, sync  # noqa: F401 - checks register themselves
        from tasks.contrib.sql import grants
        from tasks.declaration.registry import registry
        from tasks.queue import checks as queue_checks  # noqa: F401 - checks register themselves
        from tasks.queue import processes
        from tasks.secrets.masking import mask_what_is_printed
        from tasks.worker.database_watch import DatabaseWatch

        mask_what_is_printed()
        _tell_approvals()
        _hear_of_decisions()
        processes.BEFORE_EACH.append(DatabaseWatch().look)
        registry.load(settings.TASK_MODULES)
        post_migrate.connect(sync.after_migrate, sender=self, dispatch_uid="tasks.sync")
        post_migrate.connect(grants.after_migrate, sender=self, dispatch_uid="tasks.grants")


def _tell_approvals() -> None:
    """What approvals need to know of tasks, which they may not import."""
    from approvals.notifications import events, personal_pages
    from approvals.requests import related, rights
    from approvals.signals import outdated_wanted
    from tasks.access.reviewing import RightsOnTasks
    from tasks.runs import alike, notifications, outdated, subscriptions

    rights.use(RightsOnTasks())
    events.add(*notifications.EVENTS, subscriptions.EVENT)
    related.add("runs", alike.related_runs)
    personal_pages.add("Subscriptions", "admin:tasks_subscription_changelist")
    outdated_wanted.connect(outdated.outdated_requests, dispatch_uid="tasks.outdated_requests")


def _hear_of_decisions() -> None:
    from approvals.signals import deliveries_written, request_decided
    from tasks.actions import on_pause_decided, on_request_decided, on_resolution_decided
    from tasks.actions.changes.proposed_changes import on_proposed_change_decided
    from tasks.actions.runs.emergencies import on_review_decided
    from tasks.actions.stops import on_start_decided
    from tasks.queue import messages

    for receiver in (
        on_request_decided,
        on_resolution_decided,
        on_pause_decided,
        on_start_decided,
        on_review_decided,
        on_proposed_change_decided,
    ):
        request_decided.connect(receiver, dispatch_uid=f"tasks.{receiver.__name__}")
    deliveries_written.connect(messages.enqueue_pump, dispatch_uid="tasks.enqueue_pump")
