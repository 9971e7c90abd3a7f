"""One trial, in a process with the environment of `Ground.copy`, after `django.setup()`."""

import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connection
from django.test import override_settings

from tasks.models import Pause, Run
from tests.acceptance.supervised import Service
from tests.chaos import company, wrong
from tests.chaos.staff import Staff, unless_away
from tests.chaos.storm import WORKER, Every, Storm, faults_of_stripe, sweeping
from tests.chaos.verdict import Verdict, failed_by_themselves, judge, movements
from tests.checker.evidence import gather, ledger_at
from tests.checker.report import check, told
from tests.doubles.stripe import Fault, StripeDouble

Status = Run.Status
CLUSTERS: Final = 2
STRIKES_EVERY: Final = 0.35  # seconds
CALM_AFTER: Final = 180.0  # seconds in which everything has to come to its end once the faults end
FIRST_AFTER: Final = 120.0  # seconds in which a cluster has to start
PAYMENTS: Final = 3  # for each run: a batch refunds several
ROUNDS: Final = 4  # of looking and settling


class Trial:
    """`engine` is empty for ours, or the name of a wrong one, which has a script of its own faults."""

    def __init__(self, runs: int, seed: int, engine: str) -> None:
        self.runs, self.engine = runs, engine
        self.choices = random.Random(seed)  # noqa: S311 - so that it can be repeated
        self.double = StripeDouble(seed=seed)
        self.counts: Counter[str] = Counter(runs=runs)
        self.faults: list[Fault] = []
        self.verdict = Verdict()

    def go(self) -> dict[str, Any]:
        begun = time.monotonic()
        with self.double, override_settings(**self._stripe):
            there = company.found(PAYMENTS * self.runs)
            company.notify_stripe(self.double, there)
            staff = Staff(there, self.choices, batches=not self.engine)
            if wrong.script(self.engine):
                # All of it before anybody works, so that the faults hit one run each.
                for _ in range(self.runs):
                    staff.ask()
            with self._services() as services, sweeping() as sweeper:
                self._storm(staff, services)
                self._calm(staff)
            sweeper.must_not_have_failed()
            judged = judge(self.double)
            judged.left_needlessly = self.verdict.left_needlessly
            judged.checker = _checked(self.double)
        self.counts["seconds"] = round(time.monotonic() - begun)
        hits: Counter[str] = Counter()
        for fault in self.faults:
            hits[str(fault.kind)] += fault.hits
        return {
            "counts": self.counts,
            "faults": hits,
            "found": vars(judged),
            "refused": _refused(),
            "out_of_date": _out_of_date(),
        }

    @property
    def _stripe(self) -> dict[str, str]:
        # In this process, too: its people look up what became of a step.
        return {"STRIPE_API_KEY": "sk_test_double", "STRIPE_API_BASE": self.double.url}

    @contextmanager
    def _services(self) -> Iterator[list[Service]]:
        environment = os.environ | {
            **self._stripe,
            "DATABASE_URL": f"{os.environ['DATABASE_URL']}&application_name={WORKER}",
            **self._patience(),
            "RUN_RING_AGAIN_SECONDS": "2",
            "WORKERS": "2",
            "LOG_LEVEL": "WARNING",
            "TASK_MODULES": ",".join(
                [*settings.TASK_MODULES, company.MODULE, *wrong.modules(self.engine)]
            ),
        }
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            services = []
            for number in range(CLUSTERS):
                logs = Path(folder, str(number))
                logs.mkdir()
                services.append(Service("worker", environment, logs))
                stack.callback(services[-1].clear)
            yield services
            self.counts["clusters started anew"] = sum(len(s.results) for s in services)

    def _patience(self) -> dict[str, str]:
        """Where no worker is frozen none is missed; where a day has to pass, there is time for it."""
        freezes = not self.engine or self.engine in wrong.FREEZING
        return {
            "RUN_LEASE_SECONDS": "3" if freezes else "60",
            "RUN_FIRST_PAUSE_SECONDS": "2" if self.engine in wrong.AGEING else "0.3",
        }

    def _storm(self, staff: Staff, services: list[Service]) -> None:
        storm = Storm(services, self.double, self.choices)
        scripted = wrong.script(self.engine)
        self.faults = [self.double._faults.add(f) for f in scripted or faults_of_stripe()]
        if not scripted:
            staff.ask()
            _wait_for_the_clusters()
        with ExitStack() as stack:
            acts = list(self._acts(storm))
            for act in acts:
                again = Every(STRIKES_EVERY, act)
                stack.callback(again.must_not_have_failed)
                stack.enter_context(again)
            if scripted:
                _come_to_an_end(staff, CALM_AFTER)
            else:
                self._ask_in_the_storm(staff, storm)
        self.counts.update(storm.done)

    def _ask_in_the_storm(self, staff: Staff, storm: Storm) -> None:
        for number in range(1, self.runs):
            _ask(staff)
            if number == self.runs // 2:
                storm.restart_database(Path(os.environ["CHAOS_SERVER"]))
        _come_to_an_end(staff, self.runs / 10)
        self._go_on_until_it_has_raged(staff, storm)

    def _go_on_until_it_has_raged(self, staff: Staff, storm: Storm) -> None:
        """How soon each kind of fault comes is luck: some more are asked for, half as many at most."""
        for _ in range(self.runs // 2):
            if storm.has_raged(self.runs):
                return
            _ask(staff)
            time.sleep(STRIKES_EVERY)

    def _acts(self, storm: Storm) -> Iterator[Callable[[], object]]:
        """What happens beside the faults of Stripe, each again and again."""
        if not self.engine:
            yield storm.strike
        if not self.engine or self.engine in wrong.FREEZING:
            yield storm.freeze
        if not self.engine or self.engine in wrong.AGEING:
            yield storm.let_a_day_pass

    def _calm(self, staff: Staff) -> None:
        """No fault any more: what is left comes to an end, by itself or by a person."""
        staff.agree_to_the_rest()
        if wrong.script(self.engine):
            _come_to_an_end(staff, CALM_AFTER)
        self.double.clear_faults()
        for number in range(ROUNDS):
            _come_to_an_end(staff, CALM_AFTER)
            uncertain = list(Run.objects.filter(status=Status.UNCERTAIN).select_related("task"))
            if number == 0:
                self._count(uncertain)
            for run in uncertain:
                moved = {effect["idempotency_key"] for effect in self.double.effects()}
                staff.resolve(run, moved, again=number == 0 and staff.choices.random() < 0.5)
        _come_to_an_end(staff, CALM_AFTER)
        self.counts["asked"] = Run.objects.count()
        for status in Status.values:
            if found := Run.objects.filter(status=status).count():
                self.counts[status] = found
        self.counts["failed by themselves"] = len(_refused())
        self.counts["pauses"] = Pause.objects.count()
        self.counts["attempts"] = sum(Run.objects.values_list("attempt", flat=True))

    def _count(self, uncertain: list[Run]) -> None:
        self.counts["left to a person"] = len(uncertain)
        if wrong.script(self.engine):
            # Stripe could be asked all the time: one look would have told.
            moved = movements(self.double)
            self.verdict.left_needlessly = [str(r.pk) for r in uncertain if moved.get(str(r.pk))]


def _ask(staff: Staff) -> None:
    staff.ask()
    unless_away(staff.pause)
    unless_away(staff.look)


def _wait_for_the_clusters() -> None:
    """Until the first run has begun: what strikes before hits nobody."""
    until = time.monotonic() + FIRST_AFTER
    while not Run.objects.exclude(attempt=0).exists() and time.monotonic() < until:
        time.sleep(0.1)


def _come_to_an_end(staff: Staff, seconds: float) -> None:
    """Returns when nothing goes on any more, or the time is over. What pauses is looked at."""
    until = time.monotonic() + seconds
    going_on = (Status.AWAITING_APPROVAL, Status.QUEUED, Status.RUNNING, Status.PAUSED)
    while time.monotonic() < until:
        unless_away(staff.look)
        left = unless_away(lambda: Run.objects.filter(status__in=going_on).count())
        if left == 0:
            return
        time.sleep(0.1)


def _refused() -> list[str]:
    """Why runs failed without a person who said so."""
    return [f"{run.headline}: {run.error}" for run in failed_by_themselves()]


def _out_of_date() -> list[str]:
    """Why runs were given up, which is fine where the world has changed under what was approved."""
    stale = Run.objects.filter(status=Status.STALE).select_related("task")
    return [f"{run.task}: {run.error}" for run in stale]


def _checked(double: StripeDouble) -> list[str]:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as reader:
        return list(told(check(gather(reader, lambda: ledger_at(double.url)))))


def main(runs: str, seed: str, engine: str, result: str) -> None:
    """Write the outcome as JSON to the file `result`."""
    outcome = Trial(int(runs), int(seed), engine).go()
    connection.close()
    Path(result).write_text(json.dumps(outcome))
