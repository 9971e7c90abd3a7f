"""Reconcile a database that was restored from a backup, where a page for each run would be too slow."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from audit.context import Door
from audit.transitions import Refusal
from tasks.access.restores import is_held, open_restore, to_reconcile
from tasks.actions.restores import check_database, look_up_unfinished, reconcile_run
from tasks.actions.runs.look_ups import look_up_of
from tasks.models import Reconciliation, Run

if TYPE_CHECKING:
    from backoffice.models import User


class Command(BaseCommand):
    help = (
        "List the unfinished runs of a database that was restored from a backup, or record what "
        "happens to them. The restart is requested and approved on the page “Stopped tasks”."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--decide", choices=Reconciliation.Decision.values)
        parser.add_argument("--by", help="username of the administrator who decides")
        parser.add_argument("--reason", default="", help="what was checked, kept in the audit log")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--run", help="the id of one run")
        which.add_argument("--all", action="store_true", help="each run that is left")

    def handle(self, **options: Any) -> None:  # noqa: ANN401
        check_database(door=Door.COMMAND)
        restore = open_restore()
        if restore is None:
            state = "held" if is_held() else "not held"
            self.stdout.write(f"There is nothing to reconcile: work is {state}.")
            return
        left = to_reconcile(restore).select_related("task", "requested_by")
        if options["decide"]:
            self._decide(_chosen(list(left), options), options)
        else:
            self._list(left)

    def _list(self, runs: Iterable[Run]) -> None:
        for run in runs:
            self.stdout.write(f"{run.pk}  {run.get_status_display()}  {run.task}: {run.headline}")
        self.stdout.write("These runs were unfinished in the backup. Decide about each.")

    def _decide(self, runs: list[Run], options: dict[str, Any]) -> None:
        person = _administrator(options["by"])
        failed = 0
        for run in runs:
            try:
                if look_up_of(run):
                    for line in look_up_unfinished(run.pk, by=person, door=Door.COMMAND).texts:
                        self.stdout.write(f"{run.pk}  {line}")
                reconcile_run(
                    run.pk,
                    decision=options["decide"],
                    by=person,
                    door=Door.COMMAND,
                    reason=options["reason"],
                )
                self.stdout.write(f"{run.pk}  recorded: {options['decide']}")
            except Refusal as refusal:
                failed += 1
                self.stderr.write(f"{run.pk}  {refusal}")
        if failed:
            raise CommandError(f"{failed} of {len(runs)} runs are left.")


def _chosen(left: list[Run], options: dict[str, Any]) -> list[Run]:
    if options["all"]:
        return left
    found = [run for run in left if str(run.pk) == options["run"]]
    if not found:
        raise CommandError("Name one of the runs that are listed, with --run, or give --all.")
    return found


def _administrator(name: str | None) -> "User":
    found = get_user_model().objects.filter(username=name, is_active=True, is_superuser=True)
    if person := found.first():
        return person
    raise CommandError(f"There is no administrator “{name}”. Give one with --by.")
