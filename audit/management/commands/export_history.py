"""The history of one kind of object, as CSV on standard output."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.actions import record
from audit.context import Door
from audit.history.export import history_to_csv
from audit.history.versions import audited_models, history_model_of
from audit.models import Event


class Command(BaseCommand):
    help = (
        "Write the change history of one type of object as CSV. The access log records the export."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", metavar="app.model", help="for example: tasks.run")
        parser.add_argument("--since", type=_moment, help="from this date or time on")
        parser.add_argument("--until", type=_moment, help="before this date or time")
        parser.add_argument(
            "--for",
            dest="reader",
            choices=["spreadsheet", "machine"],
            default="spreadsheet",
            help="spreadsheet: text that could be a formula is prefixed with an apostrophe",
        )

    def handle(self, *args: object, **options: Any) -> None:  # noqa: ANN401
        models = {model._meta.label_lower: model for model in audited_models()}
        model = models.get(options["kind"].lower())
        if model is None:
            raise CommandError(
                f"“{options['kind']}” has no change history. "
                f"These have one: {', '.join(sorted(models))}."
            )
        chosen = {name: options[name] for name in ("since", "until")}
        record(
            Event.Verb.EXPORTED,
            by=None,
            door=Door.COMMAND,
            data={
                "export": f"change history of {model._meta.verbose_name_plural}",
                "format": options["reader"],
                **{name: str(moment) for name, moment in chosen.items() if moment},
            },
        )
        self.stdout.ending = ""
        spreadsheet = options["reader"] == "spreadsheet"
        for piece in history_to_csv(history_model_of(model), spreadsheet=spreadsheet, **chosen):
            self.stdout.write(piece)


def _moment(text: str) -> datetime:
    """A moment, in the zone of the settings unless it says another. A day is its first moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"“{text}” is not a date (2026-11-23) or a time (2026-11-23T15:30:00+01:00)."
        ) from error
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
