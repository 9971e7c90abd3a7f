"""`manage.py webhook URL EVENT…`: have other programs told. `--end` stops it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.actions import add_endpoint, end_endpoint
from audit.context import Door
from audit.transitions import Refusal


class Command(BaseCommand):
    help = "Add a webhook endpoint, or (--end) turn it off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="beginning with https://")
        parser.add_argument("events", nargs="*", help="such as request_decided")
        parser.add_argument("--end", action="store_true", help="turn it off")

    def handle(self, *_: Any, **options: Any) -> None:  # noqa: ANN401
        url = options["url"]
        try:
            if options["end"]:
                end_endpoint(url, by=None, door=Door.COMMAND)
                self.stdout.write("Webhook endpoint turned off.")
                return
            secret = add_endpoint(url, options["events"], by=None, door=Door.COMMAND)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Secret, shown only now: {secret}")
