from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tasks.queue.cluster import Cluster
from tasks.queue.lanes import LANES


class Command(BaseCommand):
    help = (
        "Take runs from the queue and do them, and send notifications. SIGTERM or Ctrl-C lets it "
        "finish what it has begun, for WORKER_STOP_SECONDS. Restart it after any exit status but 0."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--lane",
            choices=list(LANES),
            action="append",
            help="only runs, or only messages; another worker has to do the rest",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        lanes = options["lane"] or LANES
        raise SystemExit(Cluster(stop_seconds=settings.WORKER_STOP_SECONDS, lanes=lanes).run())
