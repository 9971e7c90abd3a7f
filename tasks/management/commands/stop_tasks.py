"""Stop everything from the server, when nobody gets to the pages."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from audit.context import Door
from audit.transitions import Refusal
from tasks.access.stops import in_words
from tasks.actions.stops import stop_tasks
from tasks.models import Stop, Task


class Command(BaseCommand):
    help = (
        "Stop a task, a category, everything that moves money, or everything. Restarting needs a "
        "second person."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", required=True, help="username of the person who stops it")
        parser.add_argument("--reason", required=True, help="reason, shown to everyone affected")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--task", help="the slug of one task")
        which.add_argument("--category", help="all tasks of a category")
        which.add_argument("--money", action="store_true", help="everything that moves money")

    def handle(self, **options: Any) -> None:  # noqa: ANN401
        try:
            person = get_user_model().objects.get(username=options["by"], is_active=True)
            stop = stop_tasks(
                **_what(options), by=person, door=Door.COMMAND, reason=options["reason"]
            )
        except get_user_model().DoesNotExist as error:
            raise CommandError(f"There is no active person “{options['by']}”.") from error
        except Task.DoesNotExist as error:
            raise CommandError(f"There is no task “{options['task']}”.") from error
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Stopped: {in_words(stop)}.")


def _what(options: dict[str, Any]) -> dict[str, Any]:
    if options["task"]:
        return {"scope": Stop.Scope.TASK, "task": Task.objects.get(slug=options["task"])}
    if options["category"]:
        return {"scope": Stop.Scope.CATEGORY, "category": options["category"]}
    return {"scope": Stop.Scope.MONEY if options["money"] else Stop.Scope.EVERYTHING}
