"""`manage.py webhook URL EVENT…`: have other programs told. `--end` stops it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.actions import add_endpoint, end_endpoint
from audit.context import Door
from audit.transitions import Refusal


class Command(BaseCommand):
    help = "Have a webhook sent to an address, or (--end) no longer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="beginning with https://")
        parser.add_argument("events", nargs="*", help="such as request_decided")
        parser.add_argument("--end", action="store_true", help="send nothing there any more")

    def handle(self, *_: Any, **options: Any) -> None:  # noqa: ANN401
        url = options["url"]
        try:
            if options["end"]:
                end_endpoint(url, by=None, door=Door.COMMAND)
                self.stdout.write("Nothing is sent there any more.")
                return
            secret = add_endpoint(url, options["events"], by=None, door=Door.COMMAND)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Its secret, which is shown this once: {secret}")
