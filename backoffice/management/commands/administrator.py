"""Make somebody an administrator from the server: the way in for a second one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.context import Door
from audit.transitions import Refusal
from backoffice.actions import end_administrator, make_administrator
from backoffice.models import User


class Command(BaseCommand):
    help = (
        "Let a person administer everything. Changes of rules and rights take two such people; "
        "where there is only one, this makes the second."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user name")
        parser.add_argument("--reason", required=True, help="why; the history keeps it")
        parser.add_argument("--end", action="store_true", help="not any more")

    def handle(self, **options: Any) -> None:  # noqa: ANN401
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"There is no person “{options['name']}”.")
        change = end_administrator if options["end"] else make_administrator
        try:
            change(person.pk, door=Door.COMMAND, reason=options["reason"])
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        now = "no administrator any more" if options["end"] else "an administrator"
        self.stdout.write(f"{person} is {now}.")
