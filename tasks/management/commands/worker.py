from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tasks.queue.cluster import Cluster


class Command(BaseCommand):
    help = (
        "Take runs from the queue and do them. SIGTERM or Ctrl-C lets it finish what it has begun, "
        "for WORKER_STOP_SECONDS. Restart it after any exit status but 0."
    )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        raise SystemExit(Cluster(stop_seconds=settings.WORKER_STOP_SECONDS).run())
