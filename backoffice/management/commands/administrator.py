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
        "Make a person an administrator. Changes of rules and permissions need two administrators; "
        "where there is only one, this adds the second."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="username")
        parser.add_argument("--reason", required=True, help="reason, kept in the audit log")
        parser.add_argument(
            "--end", action="store_true", help="end it: the person is no longer an administrator"
        )

    def handle(self, **options: Any) -> None:  # noqa: ANN401
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"There is no person “{options['name']}”.")
        change = end_administrator if options["end"] else make_administrator
        try:
            change(person.pk, door=Door.COMMAND, reason=options["reason"])
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        now = "no longer an administrator" if options["end"] else "an administrator"
        self.stdout.write(f"{person} is {now}.")
