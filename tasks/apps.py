from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "Tasks"

    def ready(self) -> None:
        from approvals.notifications import events, personal_pages
        from approvals.requests import related
        from approvals.signals import deliveries_written, request_decided
        from tasks import checks, sync  # noqa: F401 - checks register themselves
        from tasks.actions import on_pause_decided, on_request_decided, on_resolution_decided
        from tasks.actions.changes.proposed_changes import on_proposed_change_decided
        from tasks.actions.runs.emergencies import on_review_decided
        from tasks.actions.stops import on_start_decided
        from tasks.declaration.registry import registry
        from tasks.queue import checks as queue_checks  # noqa: F401 - checks register themselves
        from tasks.queue import messages
        from tasks.runs import alike, notifications, subscriptions

        events.add(*notifications.EVENTS, subscriptions.EVENT)
        related.add("runs", alike.related_runs)
        personal_pages.add("Subscriptions", "admin:tasks_subscription_changelist")
        registry.load(settings.TASK_MODULES)
        request_decided.connect(on_request_decided, dispatch_uid="tasks.on_request_decided")
        request_decided.connect(on_resolution_decided, dispatch_uid="tasks.on_resolution_decided")
        deliveries_written.connect(messages.enqueue_pump, dispatch_uid="tasks.enqueue_pump")
        request_decided.connect(on_pause_decided, dispatch_uid="tasks.on_pause_decided")
        request_decided.connect(on_start_decided, dispatch_uid="tasks.on_start_decided")
        request_decided.connect(on_review_decided, dispatch_uid="tasks.on_review_decided")
        request_decided.connect(
            on_proposed_change_decided, dispatch_uid="tasks.on_proposed_change_decided"
        )
        post_migrate.connect(sync.after_migrate, sender=self, dispatch_uid="tasks.sync")
